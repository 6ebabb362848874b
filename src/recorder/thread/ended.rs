//! A thread's handle when its thread ends, and when another thread continues its tree.

use super::{Home, Mode, Thread};

impl<H: Home> Thread<H> {
    /// Ends the open calls of a thread that ends: now or, if another thread calls this, at the
    /// latest event. Under the recording's lock.
    ///
    /// # Safety
    /// * Called by the thread that owns the handle, or nobody uses the handle any more.
    pub(crate) unsafe fn end(&self) {
        let now = if self.is_current() {
            self.now_or_after_reset()
        } else {
            self.last()
        };
        self.spans.clear();
        self.with_lock_held(|| self.with_open_calls_under_lock(|| self.close_all(now)));
        // Events that come nevertheless find no node there, and change nothing.
        let fork_pending = matches!(self.mode.get(), Mode::ForkPending { .. });
        self.mode.set(Mode::Detached { fork_pending });
        self.cursor.set(self.sentinel());
        self.shared.disown();
    }

    /// Hands the handle over to another thread, which adopts it. If `os_thread`, the system's
    /// number of that thread, is not 0, its waits count from now on. Under the recording's lock.
    ///
    /// # Safety
    /// * Called by the thread that owns the handle, and that no longer uses it.
    pub(crate) unsafe fn hand_over(&self, os_thread: u32) {
        self.begin_to_watch_for(os_thread);
        self.shared.reserve();
    }

    /// Makes this the handle of the calling thread, with the calls that are open in it. Under the
    /// recording's lock.
    ///
    /// # Safety
    /// * The thread that owned it no longer uses it.
    pub(crate) unsafe fn adopt(&self) {
        if self.is_current() {
            return;
        }
        self.shared.disown();
        self.shared.own();
        self.begin_history_of_this_thread();
        self.begin_clock_of_this_thread();
        self.go_on_to_watch();
    }

    /// Makes this the handle of the calling thread, which continues the tree that
    /// another has left. Under the recording's lock.
    ///
    /// # Safety
    /// * [`Thread::end`] was the last that was done with it.
    pub(crate) unsafe fn take_over(&self) {
        let at = self.root.get();
        if let Mode::Detached { fork_pending } = self.mode.get() {
            self.mode.set(match fork_pending {
                true => Mode::ForkPending { at },
                false if at == self.sentinel() => Mode::Retired,
                false => Mode::Tree,
            });
            if let Mode::Tree = self.mode.get() {
                self.cursor.set(at);
            }
        }
        self.shared.own();
        self.root().count_thread();
        self.begin_history_of_this_thread();
        self.begin_clock_of_this_thread();
        self.begin_to_watch();
    }
}
