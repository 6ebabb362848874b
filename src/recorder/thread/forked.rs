//! A thread's handle in a forked child: moved to the child's own memory with its open calls.
//!
//! Until a call is entered, the fork is *pending*: the cursor is at the sentinel, and calls end
//! under the recording's lock. So another thread may meanwhile copy the nodes to the child's live
//! file and map it in their place. The first call *materializes* the child's recording.

use std::ops::Range;
use std::ptr::NonNull;

use super::nodes::{Room, contain};
use super::{CPU_EPOCH, Home, Mode, Outcome, Thread, fiber};
use crate::clock::Clock;
use crate::recorder::node::{NO_FUNCTION, Node, NodeIndex};

impl<H: Home> Thread<H> {
    /// Moves to another arena with nothing but the open calls, uncounted and open since now,
    /// until a call is entered. Calls that overflowed have nodes there. For a forked child;
    /// allocates nothing, and stores nothing in the old arena, which may be in the parent's
    /// live file. `find` gives the function of a key.
    ///
    /// # Safety
    /// * Called by the thread that owns the handle, in a child that has no other thread.
    /// * `chunk` belongs to this thread, and has room for `depth() + 1` nodes. It is in the arena
    ///   at `base`, which outlives the handle.
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
        let put = |index: NodeIndex, node: Node| {
            // SAFETY: the caller gives a chunk with room for depth + 1 nodes.
            unsafe {
                let place = base.add(index as usize);
                node.publish(place);
                place
            }
        };
        let root = Node::new(chunk.start, 0, chunk.start, 0);
        root.set_latest(now);
        root.exclude(self.root().excluded());
        let root = put(chunk.start, root);
        // The innermost come first, at the end of the chunk's first `depth + 1` nodes.
        let next = chunk.start + depth + 1;
        let mut index = next;
        let mut open = |key, function| {
            index -= 1;
            let node = Node::new(index, key, index - 1, function);
            node.open_uncounted(now);
            put(index, node);
        };
        let open_nodes = self.open_nodes();
        self.overflow
            .drain(|key| open(key, find(key).unwrap_or(NO_FUNCTION)));
        open_nodes.for_each(|node| open(node.key, node.function()));
        debug_assert_eq!(index, chunk.start + 1);
        // SAFETY: by this function's contract.
        unsafe { self.move_to(base, root, next..chunk.end) };
        self.nodes.set(depth + 1);
        self.room.set(Room::ForNodes);
        self.begin_to_watch();
        self.forget_block();
        // SAFETY: the last node that was put there; the root if there are no others.
        let at = unsafe { base.add(next as usize - 1) };
        self.mode.set(Mode::ForkPending { at });
    }

    /// Takes the handle out of use: later events and ends change nothing. A detached handle stays
    /// detached.
    pub(crate) fn retire(&self) {
        let sentinel = self.sentinel();
        self.overflow.forget();
        self.end_history();
        self.spans.forget();
        // SAFETY: the handle has its sentinel, at which guessed children are looked for.
        unsafe { self.move_to(sentinel, sentinel, 0..0) };
        self.nodes.set(0);
        self.mode.set(match self.is_detached() {
            true => Mode::Detached {
                fork_pending: false,
            },
            false => Mode::Retired,
        });
    }

    /// Replaces the tree. The cursor is at the sentinel then.
    ///
    /// # Safety
    /// * `root` is the sentinel or a root in the arena at `base`, which outlives the handle. Nodes
    ///   before `free` are made, and those in `free` are the thread's.
    unsafe fn move_to(&self, base: NonNull<Node>, root: NonNull<Node>, free: Range<NodeIndex>) {
        self.children.abandon();
        self.visits.forget();
        self.tree_generation.set(fiber::new_generation());
        self.base.set(base);
        self.root.set(root);
        self.cursor.set(self.sentinel());
        self.chunk_end.set(free.end);
        let root = (root != self.sentinel()).then_some(root);
        // SAFETY: the contract is the same, but that others see no sentinel.
        unsafe { self.shared.move_to(root, free.start) };
    }

    /// Runs `body` with the cursor where it would be if no fork were pending.
    pub(super) fn with_open_calls<T>(&self, body: impl FnOnce() -> T) -> T {
        match self.mode.get() {
            Mode::ForkPending { .. } => {
                let home = self.home();
                home.locked(|| self.with_open_calls_under_lock(body))
            }
            _ => body(),
        }
    }

    /// Like [`Thread::with_open_calls`], for a caller that holds the recording's lock.
    pub(super) fn with_open_calls_under_lock<T>(&self, body: impl FnOnce() -> T) -> T {
        let Mode::ForkPending { at } = self.mode.get() else {
            return body();
        };
        self.cursor.set(at);
        self.mode.set(Mode::Tree);
        let result = body();
        let at = self.cursor.replace(self.sentinel());
        self.mode.set(Mode::ForkPending { at });
        result
    }

    /// Ends the state *fork pending* before the first call that a forked child enters. The
    /// recording gets an identity and a file, and the cursor returns to the innermost open node,
    /// `at`.
    #[cold]
    pub(super) fn materialize(&self, at: NonNull<Node>, key: u64) -> Result<(), Outcome> {
        let begin = || {
            self.home().begin_with(self, key, || {
                self.cursor.set(at);
                self.mode.set(Mode::Tree);
            })
        };
        contain(|| self.retire(), begin)
    }
}
