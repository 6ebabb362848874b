//! Fibers, such as greenlets: several stacks of calls that take turns in one OS thread.
//!
//! A node is open at most once in its thread, and fibers share paths. So when the thread
//! leaves a fiber, its open calls end like those of a coroutine, and when the thread comes
//! back to it they are open again, uncounted. All of them follow from the innermost node, so
//! a suspended fiber is one number. Overflow calls have no node: they end for good.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Home, Note, Thread};
use crate::recorder::node::NodeIndex;

/// Innermost call of a suspended fiber. By default there is none: nothing is open in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fiber {
    /// Generation of the thread's tree when the fiber was suspended; 0 if nothing was open.
    pub(crate) tree: u64,
    /// Its innermost open call.
    pub(crate) innermost: NodeIndex,
}

/// Returns a number that distinguishes a tree from all others that any handle has or will have.
/// Never 0.
pub(super) fn new_generation() -> u64 {
    static GENERATIONS: AtomicU64 = AtomicU64::new(0);
    GENERATIONS.fetch_add(1, Ordering::Relaxed) + 1
}

impl<H: Home> Thread<H> {
    /// Ends the calls that are open in the running fiber at `now`, to be resumed.
    pub(crate) fn suspend(&self, now: u64) -> Fiber {
        self.with_open_calls(|| {
            self.leave_all_overflow(now);
            if self.cursor.get() == self.root.get() {
                return Fiber::default();
            }
            let innermost = self.index_of(self.cursor());
            self.note(Note::SwitchTo(self.index_of(self.root())), now);
            self.close_nodes_up_to(self.root.get(), now);
            self.suspend_fiber_spans(innermost);
            Fiber {
                tree: self.tree_generation.get(),
                innermost,
            }
        })
    }

    /// Opens a suspended fiber's calls again at `now`, in the place of those that are open.
    /// Returns false, and nothing is open, in a forked child whose parent suspended it.
    ///
    /// # Safety
    /// * `fiber` came from [`Thread::suspend`] or is the default.
    pub(crate) unsafe fn resume(&self, fiber: Fiber, now: u64) -> bool {
        self.leave_all(now);
        if fiber.tree != self.tree_generation.get() {
            return fiber == Fiber::default();
        }
        debug_assert!(fiber.innermost < self.shared.next());
        self.with_open_calls(|| {
            self.note(Note::SwitchTo(fiber.innermost), now);
            self.happened(now);
            self.cursor.set(self.node(fiber.innermost).into());
            for node in self.open_nodes() {
                node.open_uncounted(now);
            }
            self.resume_fiber_spans(fiber.innermost);
        });
        true
    }
}
