//! A thread's handle when its thread ends, and when another thread goes on with its tree.

use super::super::clock::Clock;
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
            self.now()
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
        // Ticks must go on, so that no node is open with a total that is positive.
        match self.clock {
            Clock::Tsc | Clock::Monotonic => {}
            Clock::Cpu => self.go_on_at(self.clock.now()),
            Clock::Host => self.is_told_anew.set(true),
        }
    }

    /// As [`Thread::at`], for a reading that the host gives: its clock may be one that
    /// begins anew in each thread.
    #[inline]
    pub(crate) fn at_told(&self, reading: u64) -> u64 {
        if self.is_told_anew.take() && self.ticks(reading) < self.last() as i64 {
            self.go_on_at(reading);
        }
        self.at(reading)
    }

    /// From now on the clock's `reading` is the tick of the latest event.
    fn go_on_at(&self, reading: u64) {
        self.epoch.set(reading.wrapping_sub(self.last()));
    }
}
