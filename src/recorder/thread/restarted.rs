//! Clocks that have begun anew: one that is each thread's own, where another thread goes
//! on with a tree, and a time stamp counter that was reset while the system was suspended.
//!
//! Ticks go on from the latest event's. If they began anew too, a node that is entered
//! with a total larger than the tick would not look open.

use super::{Home, Thread};
use crate::clock::{Clock, tsc};

/// Counters of processors may differ, but the system would not use them if they differed
/// that much: a thousandth of a second, about.
const RESET: i64 = 1 << 22;

impl<H: Home> Thread<H> {
    /// The calling thread has taken the handle over.
    pub(super) fn begin_clock_of_this_thread(&self) {
        match self.clock {
            Clock::Tsc | Clock::Monotonic => {}
            Clock::Cpu => self.go_on_at(self.clock.now()),
            Clock::Host => self.is_told_anew.set(true),
        }
    }

    /// As [`Thread::at`], for a reading that the host gives.
    #[inline]
    pub(crate) fn at_told(&self, reading: u64) -> u64 {
        if self.is_told_anew.take() && self.ticks(reading) < self.last() as i64 {
            self.go_on_at(reading);
        }
        self.at(reading)
    }

    /// As [`Thread::now`], where it may take a little longer: looks whether the counter
    /// was reset. The time between its reset and this is not counted.
    pub(crate) fn now_or_after_reset(&self) -> u64 {
        let reading = self.clock.now();
        self.look_for_reset(reading);
        self.at(reading)
    }

    /// Recording is switched off in this thread: every open call ends.
    pub(crate) fn switch_off(&self) {
        let latest = self.root().latest();
        // What a counter that was reset looks like, too.
        let stands_still = self.switched_off.replace(latest) == latest;
        // Mostly all calls have ended, and reading a clock takes longer than all else here.
        if stands_still || self.cursor.get() != self.root.get() {
            self.leave_all(self.now_or_after_reset());
        }
    }

    /// As [`Thread::now_or_after_reset`], off the hot path.
    pub(super) fn notice_reset(&self) {
        if self.clock == Clock::Tsc {
            self.look_for_reset(tsc());
        }
    }

    fn look_for_reset(&self, reading: u64) {
        if self.clock == Clock::Tsc && self.ticks(reading) < self.last() as i64 - RESET {
            self.go_on_at(reading);
        }
    }

    /// From now on the clock's `reading` is the tick of the latest event.
    fn go_on_at(&self, reading: u64) {
        self.epoch.set(reading.wrapping_sub(self.last()));
    }
}
