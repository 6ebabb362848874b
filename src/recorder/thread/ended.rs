//! A thread's handle when its thread ends, and when another thread goes on with its tree.

use super::{Thread, current_thread_token};

/// The token of no thread.
const NOBODY: u64 = 0;

impl Thread {
    /// The thread is over: its open calls end, now or, if another thread says so, with
    /// its latest event.
    ///
    /// # Safety
    /// * Called by the thread that owns the handle, or nobody uses the handle any more.
    pub(crate) unsafe fn end(&self) {
        let now = if self.is_current() {
            self.now_or_after_reset()
        } else {
            self.last()
        };
        self.leave_all(now);
        self.owner.set(NOBODY);
    }

    /// Makes this the handle of the calling thread, which goes on with the tree that
    /// another has left. Under the recording's lock.
    ///
    /// # Safety
    /// * [`Thread::end`] was the last that was done with it.
    pub(crate) unsafe fn take_over(&self) {
        debug_assert_eq!(self.owner.get(), NOBODY);
        self.owner.set(current_thread_token());
        self.root().count_thread();
        self.begin_clock_of_this_thread();
    }
}
