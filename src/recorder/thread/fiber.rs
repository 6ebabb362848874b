//! Fibers (greenlets, say): several stacks of calls that one OS thread goes on with by turns.
//!
//! A node is open at most once in its thread, and fibers share paths. So when the thread
//! turns away from one, its open calls end as those of a coroutine do, and when the thread
//! comes back to it they are open again, uncounted. Which calls these are follows from
//! the innermost node, so a suspended fiber is one number. Folded calls have no node: they
//! end for good.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Home, Thread};
use crate::recorder::node::NodeIndex;

/// Where a suspended fiber stands. By default nowhere: nothing is open in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fiber {
    /// [`Thread::tree`] when it was suspended; 0 where nothing was open.
    pub(crate) tree: u64,
    /// Its innermost open call.
    pub(crate) innermost: NodeIndex,
}

/// What tells a thread's tree from all others that the handle has or will have. Never 0.
pub(super) fn new_tree() -> u64 {
    static TREES: AtomicU64 = AtomicU64::new(0);
    TREES.fetch_add(1, Ordering::Relaxed) + 1
}

impl<H: Home> Thread<H> {
    /// Ends the calls that are open in the running fiber at `now`, to be resumed.
    pub(crate) fn suspend(&self, now: u64) -> Fiber {
        self.awake(|| {
            self.leave_all_folded(now);
            let innermost = self.cursor.get();
            if innermost == self.root.get() {
                return Fiber::default();
            }
            self.close_up_to(self.root.get(), now);
            Fiber {
                tree: self.tree.get(),
                // SAFETY: the cursor is a node of the arena.
                innermost: self.index_of(unsafe { innermost.as_ref() }),
            }
        })
    }

    /// Opens a suspended fiber's calls again at `now`, in the place of what is open. `false`,
    /// and nothing is open, if this is a forked child and the parent suspended it.
    ///
    /// # Safety
    /// * `fiber` came from [`Thread::suspend`] or is the default.
    pub(crate) unsafe fn resume(&self, fiber: Fiber, now: u64) -> bool {
        self.leave_all(now);
        if fiber.tree != self.tree.get() {
            return fiber == Fiber::default();
        }
        debug_assert!(fiber.innermost < self.next());
        self.awake(|| {
            self.happened(now);
            self.cursor.set(NonNull::from(self.node(fiber.innermost)));
            for node in self.open_nodes() {
                node.open_uncounted(now);
            }
        });
        true
    }
}
