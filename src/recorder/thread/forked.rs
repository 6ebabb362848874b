//! A thread's handle in a forked child: moved to the child's own memory with the open
//! calls, and asleep until something is entered.

use std::ops::Range;
use std::ptr::NonNull;

use super::{CPU_EPOCH, Home, Outcome, Thread, fiber};
use crate::clock::Clock;
use crate::recorder::node::{NO_FUNCTION, Node, NodeIndex};

impl<H: Home> Thread<H> {
    /// Moves to another arena with nothing but the open calls, uncounted and open
    /// since now, until a call is entered. What was folded is so no longer. For a forked
    /// child; allocates nothing, and stores nothing in the old arena, which may be in
    /// the parent's live file.
    ///
    /// # Safety
    /// * Called by the thread that owns the handle.
    /// * `chunk` belongs to this thread, lies in the arena at `base` and has room
    ///   for `depth() + 1` nodes.
    /// * The old arena is still there.
    pub(crate) unsafe fn move_open_calls(
        &self,
        base: NonNull<Node>,
        chunk: Range<NodeIndex>,
        find: impl Fn(u64) -> Option<u32>,
    ) {
        debug_assert!(self.is_current());
        let depth = self.depth();
        debug_assert!(chunk.len() > depth as usize);
        let now = match self.clock {
            // The CPU time of this process has just begun.
            Clock::Cpu => {
                self.epoch.set(CPU_EPOCH);
                self.ticks(self.clock.now()).max(1) as u64
            }
            _ => self.now(),
        };
        let new = |index: NodeIndex| {
            // SAFETY: the caller gives a chunk with room for depth + 1 nodes.
            unsafe { base.add(index as usize) }
        };
        let root = Node::new(chunk.start, 0, chunk.start, 0);
        root.set_latest(now);
        // SAFETY: see `new`.
        unsafe { root.publish(new(chunk.start)) };
        // The innermost come last, and there are `depth` of them.
        let mut end = chunk.start + depth + 1;
        let mut open = |key, function| {
            end -= 1;
            let node = Node::new(end, key, end - 1, function);
            node.open_uncounted(now);
            // SAFETY: see `new`.
            unsafe { node.publish(new(end)) };
        };
        let open_nodes = self.open_nodes();
        self.folded
            .drain(|key| open(key, find(key).unwrap_or(NO_FUNCTION)));
        open_nodes.for_each(|node| open(node.key, node.function()));
        self.children.abandon();
        self.tree.set(fiber::new_tree());
        self.base.set(base);
        self.root.set(new(chunk.start));
        // SAFETY: by this function's contract; a forked child has no other thread.
        unsafe {
            self.shared
                .move_to(Some(new(chunk.start)), chunk.start + depth + 1);
        }
        self.limbo_caller.set(new(chunk.start + depth));
        self.cursor.set(self.limbo());
        self.is_asleep.set(true);
        self.is_full.set(false);
        self.chunk_end.set(chunk.end);
        self.nodes.set(depth + 1);
    }

    /// Takes the handle out of use: its OS thread is not in this process. Events
    /// and ends are taken and change nothing.
    pub(crate) fn retire(&self) {
        let limbo = self.limbo();
        // Guessed children are looked at there.
        self.base.set(limbo);
        self.cursor.set(limbo);
        self.root.set(limbo);
        self.limbo_caller.set(limbo);
        self.folded.forget();
        self.tree.set(fiber::new_tree());
        self.is_asleep.set(false);
        self.children.abandon();
        // SAFETY: a forked child has no other thread.
        unsafe { self.shared.move_to(None, 0) };
        self.chunk_end.set(0);
        self.nodes.set(0);
    }

    /// Runs `body` with the cursor where it would be, were this not a child that sleeps.
    pub(super) fn awake<T>(&self, body: impl FnOnce() -> T) -> T {
        match self.is_asleep.get() {
            true => self.home().locked(|| self.awake_under_lock(body)),
            false => body(),
        }
    }

    /// As [`Thread::awake`], for a caller that holds the recording's lock.
    pub(super) fn awake_under_lock<T>(&self, body: impl FnOnce() -> T) -> T {
        if !self.is_asleep.get() {
            return body();
        }
        self.cursor.set(self.limbo_caller.get());
        let result = body();
        self.limbo_caller.set(self.cursor.get());
        self.cursor.set(self.limbo());
        result
    }

    /// The first call that a forked child enters: it gets an identity and a file.
    #[cold]
    pub(super) fn wake(&self, key: u64) -> Result<NodeIndex, Outcome> {
        self.home().begin_with(key, || {
            self.is_asleep.set(false);
            self.cursor.set(self.limbo_caller.get());
        })?;
        // SAFETY: a node of the arena.
        self.find_or_make(unsafe { self.cursor.get().as_ref() }, key)
    }
}
