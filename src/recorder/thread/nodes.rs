//! A thread's nodes: found under their callers, and made in chunks of its own.

use std::ops::Range;
use std::ptr::NonNull;

use super::{Home, Mode, Outcome, Thread};
use crate::recorder::node::{COUNTER, Node, NodeIndex};

/// Room that a recording has for another node of a thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There may be room for nodes of the tree and for counters.
    ForNodes,
    /// There is no room for nodes of the tree, and never will be.
    ForCounters,
    /// A defect struck when a node was made. The thread asks for no more.
    Nowhere,
}

/// Runs `body`, and calls `on_panic` if it panics, so that the same defect does not strike again
/// and again. The panic continues to the C ABI, which stops it.
pub(super) fn contain<T>(on_panic: impl Fn(), body: impl FnOnce() -> T) -> T {
    struct OnDrop<F: Fn()>(F);
    impl<F: Fn()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    let on_panic = OnDrop(on_panic);
    let result = body();
    std::mem::forget(on_panic);
    result
}

impl<H: Home> Thread<H> {
    /// The node of `key` under the node at the cursor.
    pub(super) fn find_or_make(&self, key: u64) -> Result<NodeIndex, Outcome> {
        match self.mode.get() {
            Mode::Tree => {}
            Mode::ForkPending { at } => self.materialize(at, key)?,
            Mode::Overflow { .. } | Mode::Retired => return Err(Outcome::Dropped),
            Mode::Detached { .. } => return Err(Outcome::Detached),
        }
        self.find_or_make_below(self.index_of(self.cursor()), key)
    }

    /// The node under `parent`, or the counter if `parent` has its flag.
    pub(super) fn find_or_make_below(
        &self,
        parent: NodeIndex,
        key: u64,
    ) -> Result<NodeIndex, Outcome> {
        if let Some(child) = self.find(parent, key) {
            return Ok(child);
        }
        match self.room.get() {
            Room::ForNodes => self.make(parent, key),
            Room::ForCounters if parent & COUNTER != 0 => self.make(parent, key),
            Room::ForCounters | Room::Nowhere => Err(Outcome::Dropped),
        }
    }

    /// Like [`Thread::find_or_make`], for an event at a time that [`Thread::now_at_once`] gave:
    /// the clock was not reset before it. Makes most nodes without the recording's lock.
    pub(super) fn find_or_make_at_once(&self, key: u64) -> Result<NodeIndex, Outcome> {
        if !matches!(self.mode.get(), Mode::Tree) {
            return self.find_or_make(key);
        }
        let parent = self.index_of(self.cursor());
        if let Some(child) = self.find(parent, key) {
            return Ok(child);
        }
        match self.room.get() {
            Room::ForNodes => match self.make_at_once(parent, key) {
                Some(child) => Ok(child),
                None => self.make(parent, key),
            },
            Room::ForCounters | Room::Nowhere => Err(Outcome::Dropped),
        }
    }

    /// Makes the node of `key` under `parent`, if the thread has room for it and has made a node of
    /// that function before. The recording has begun then.
    fn make_at_once(&self, parent: NodeIndex, key: u64) -> Option<NodeIndex> {
        let function = self.known.find(key)?;
        let has_room = self.has_room(self.budget.get()) && !self.has_small_table();
        // SAFETY: the owning thread's chunk, which is committed, has room, and so has its table.
        has_room.then(|| unsafe { self.add_node(parent, key, function) })
    }

    /// Lets [`Thread::find_or_make_at_once`] make nodes of that function, as far as their indices
    /// are below `budget`.
    pub(crate) fn note_known(&self, key: u64, function: u32, budget: NodeIndex) {
        self.known.note(key, function);
        self.budget.set(budget);
    }

    pub(super) fn index_of(&self, node: &Node) -> NodeIndex {
        let offset = std::ptr::from_ref(node).addr() - self.base.get().addr().get();
        (offset / size_of::<Node>()) as NodeIndex
    }

    #[cold]
    fn make(&self, parent: NodeIndex, key: u64) -> Result<NodeIndex, Outcome> {
        self.notice_reset();
        contain(
            || self.room.set(Room::Nowhere),
            || self.home().grow(self, parent, key),
        )
    }

    /// Returns true if the child table is too small for another node.
    pub(crate) fn has_small_table(&self) -> bool {
        self.children.is_small_for(self.nodes.get() as usize + 1)
    }

    /// Makes a larger child table, for all `nodes` of the thread and another one.
    ///
    /// # Errors
    /// `Dropped` when there is no memory.
    pub(crate) fn enlarge_table<'n>(
        &self,
        nodes: impl Iterator<Item = (NodeIndex, &'n Node)>,
    ) -> Result<(), Outcome> {
        let links = nodes.filter(|(index, node)| node.parent != *index);
        let rebuilt = self.children.rebuild(self.nodes.get() as usize + 1, links);
        rebuilt.map_err(|_| Outcome::Dropped)
    }

    /// The node of `key` under `parent`, or the counter if `parent` has its flag.
    pub(crate) fn find(&self, parent: NodeIndex, key: u64) -> Option<NodeIndex> {
        // SAFETY: `base` is the arena of all this thread's nodes.
        unsafe { self.children.find(self.base.get(), parent, key) }
    }

    /// Number of nodes that the thread has.
    pub(crate) fn nodes(&self) -> u32 {
        self.nodes.get()
    }

    /// Returns true if its chunk has room for another node with an index below `limit`.
    pub(crate) fn has_room(&self, limit: NodeIndex) -> bool {
        let index = self.shared.next();
        index != self.chunk_end.get() && index < limit
    }

    /// Notes that the recording will never again have room for a node of a tree.
    pub(crate) fn set_full(&self) {
        self.room.set(Room::ForCounters);
    }

    /// Continues with another chunk.
    pub(crate) fn set_chunk(&self, chunk: Range<NodeIndex>) {
        self.shared.set_next(chunk.start);
        self.chunk_end.set(chunk.end);
    }

    /// Puts another node into the chunk and into the table.
    ///
    /// # Safety
    /// * The calling thread owns the handle; its chunk has room, and so has its table.
    pub(crate) unsafe fn add_node(&self, parent: NodeIndex, key: u64, function: u32) -> NodeIndex {
        let index = self.shared.next();
        // SAFETY: `index` is in a chunk of this thread's own, committed, unused yet.
        let node = unsafe { self.base.get().add(index as usize) };
        // SAFETY: as above.
        unsafe { Node::new(index, key, parent, function).publish(node) };
        self.shared.set_next(index + 1);
        self.nodes.set(self.nodes.get() + 1);
        // SAFETY: just written.
        self.children.insert(index, unsafe { node.as_ref() });
        index
    }
}

/// Returns the nodes that were made in a thread's chunks, in the order in which they were made. In
/// all chunks but the last these are all nodes; in the last, those before `next`.
///
/// # Safety
/// * `chunks` are chunks of the arena at `base` that one thread filled in order, and its
///   [`super::ThreadShared::next`] returned `next`.
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
