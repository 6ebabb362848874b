//! A thread's nodes: found under their callers, and made in chunks of its own.

use std::ops::Range;
use std::ptr::NonNull;

use super::super::node::{COUNTER, NO_FUNCTION, Node, NodeIndex};
use super::{Outcome, Thread};

impl Thread {
    /// The node of `key` under `caller`, which is where the cursor is.
    pub(super) fn find_or_make(&self, caller: &Node, key: u64) -> Result<NodeIndex, Outcome> {
        if self.in_limbo() {
            if self.is_asleep.get() {
                return self.wake(key);
            }
            return Err(Outcome::Dropped);
        }
        self.find_or_make_below(self.index_of(caller), key)
    }

    /// The node under `parent`, or the counter if it says so.
    pub(super) fn find_or_make_below(
        &self,
        parent: NodeIndex,
        key: u64,
    ) -> Result<NodeIndex, Outcome> {
        // SAFETY: `base` is the arena of all this thread's nodes, and this is the
        // owning thread.
        let found = unsafe { self.children.find(self.base.get(), parent, key) };
        match found {
            Some(child) => Ok(child),
            None if self.is_full.get() && parent & COUNTER == 0 => Err(Outcome::Dropped),
            None => self.make(parent, key),
        }
    }

    pub(super) fn index_of(&self, node: &Node) -> NodeIndex {
        let offset = std::ptr::from_ref(node).addr() - self.base.get().addr().get();
        (offset / size_of::<Node>()) as NodeIndex
    }

    #[cold]
    fn make(&self, parent: NodeIndex, key: u64) -> Result<NodeIndex, Outcome> {
        self.notice_reset();
        let is_counter = parent & COUNTER != 0;
        let mut shared = self.recording().lock();
        let Some(mut function) = shared.functions.find(key) else {
            return Err(Outcome::UnknownFunction);
        };
        if is_counter && shared.functions.is_hidden(function) {
            function = NO_FUNCTION;
        }
        // Before anything is found: after a fork there are nodes but no identity.
        self.recording().begin(&mut shared);
        let nodes = self.nodes.get() as usize;
        if self.children.is_small_for(nodes + 1) {
            let chunks = shared.chunks(self.shared.slot());
            // SAFETY: made nodes of this thread's own chunks.
            let made = unsafe { made_nodes(self.base.get(), chunks, self.next()) };
            let links = made.filter(|(index, node)| node.parent != *index);
            if !self.children.rebuild(nodes + 1, links) {
                return Err(Outcome::Dropped);
            }
            // After a fork the open calls are nodes but were in no table.
            // SAFETY: as in `find_or_make`.
            if let Some(child) = unsafe { self.children.find(self.base.get(), parent, key) } {
                return Ok(child);
            }
        }
        let mut index = self.next();
        let budget = shared.arena.budget();
        if index == self.chunk_end.get() || (index >= budget && !is_counter) {
            let owned = (!is_counter).then(|| self.nodes.get());
            let Some(chunk) = shared.add_chunk(self.shared.slot(), owned) else {
                self.is_full.set(shared.arena.used() >= budget);
                return Err(Outcome::Dropped);
            };
            shared
                .durability
                .set_rate(|| self.recording().rate_so_far());
            index = chunk.start;
            self.chunk_end.set(chunk.end);
        }
        // SAFETY: `index` is in a chunk of this thread's own, committed, unused yet.
        let node = unsafe { self.base.get().add(index as usize) };
        // SAFETY: as above.
        unsafe { Node::new(index, key, parent, function).publish(node) };
        self.shared.set_next(index + 1);
        drop(shared);
        self.nodes.set(self.nodes.get() + 1);
        // SAFETY: just written; the table has room.
        unsafe { self.children.insert(index, node.as_ref()) };
        Ok(index)
    }
}

/// The made nodes in a thread's chunks, in the order in which they were made: all
/// of every chunk but the last, which is made up to `next`.
///
/// # Safety
/// * `chunks` are chunks of the arena at `base` that one thread filled in order,
///   and `next` is what its [`super::ThreadShared::next`] gave.
pub(crate) unsafe fn made_nodes<'n>(
    base: NonNull<Node>,
    chunks: &[Range<NodeIndex>],
    next: NodeIndex,
) -> impl Iterator<Item = (NodeIndex, &'n Node)> {
    let last = chunks.len().saturating_sub(1);
    chunks
        .iter()
        .enumerate()
        .flat_map(move |(i, chunk)| chunk.start..if i == last { next } else { chunk.end })
        .map(move |index| {
            // SAFETY: made nodes of the arena (contract).
            (index, unsafe { base.add(index as usize).as_ref() })
        })
}
