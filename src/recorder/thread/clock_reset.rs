//! Continues a thread's ticks when its clock was reset. A clock of each thread's own begins again
//! when another thread continues a tree. A time stamp counter may be reset while the system is
//! suspended.
//!
//! Ticks continue from that of the latest event. If they began again too, an open node whose total
//! was larger than the tick would not look open.

use super::{Home, Thread};
use crate::clock::{Clock, tsc};

/// A counter that is at least so many ticks behind counts as reset. They are about 1 ms, and up to
/// 4 s on aarch64, whose counters are slower. The system would not use counters of processors that
/// differ by as much. A reset counter is behind by all the time since the boot.
const RESET: i64 = 1 << 22;

impl<H: Home> Thread<H> {
    /// Adjusts the clock after the calling thread has taken the handle over.
    pub(super) fn begin_clock_of_this_thread(&self) {
        match self.clock {
            Clock::Tsc | Clock::Monotonic => {}
            Clock::Cpu => self.continue_at(self.clock.now()),
            Clock::Host => self.rebase_next_host_tick.set(true),
        }
    }

    /// Like [`Thread::at`], for a reading that the host gives.
    #[inline]
    pub(crate) fn at_host_tick(&self, reading: u64) -> u64 {
        if self.rebase_next_host_tick.take() && self.ticks(reading) < self.last() as i64 {
            self.continue_at(reading);
        }
        self.at(reading)
    }

    /// Like [`Thread::now`], where it may take a little longer: looks for a reset of the
    /// counter. The time between the reset and this is not counted.
    pub(crate) fn now_or_after_reset(&self) -> u64 {
        self.at_or_after_reset(self.clock.now())
    }

    /// Like [`Thread::now_or_after_reset`], for an event: counts the wait before it.
    pub(crate) fn now_of_event_or_after_reset(&self) -> u64 {
        self.at_or_after_reset(self.reading_of_event())
    }

    fn at_or_after_reset(&self, reading: u64) -> u64 {
        self.look_for_reset(reading);
        self.at(reading)
    }

    /// Ends every open call, because recording is disabled in this thread.
    pub(crate) fn disable(&self) {
        self.spans.clear();
        let latest = self.last();
        // A counter that was reset looks like this too.
        let stands_still = self.tick_at_last_disable.replace(latest) == latest;
        // Mostly all calls have ended, and reading a clock takes longer than all else here.
        if stands_still || self.cursor.get() != self.root.get() {
            self.leave_all(self.now_of_event_or_after_reset());
        }
    }

    /// Like [`Thread::now_or_after_reset`], for the slow path of an event.
    pub(super) fn notice_reset(&self) {
        if self.clock == Clock::Tsc {
            self.look_for_reset(tsc());
        }
    }

    fn look_for_reset(&self, reading: u64) {
        if self.clock == Clock::Tsc && self.ticks(reading) < self.last() as i64 - RESET {
            self.continue_at(reading);
        }
    }

    /// Moves the epoch so that the clock's `reading` is the tick of the latest event.
    fn continue_at(&self, reading: u64) {
        self.epoch.set(reading.wrapping_sub(self.last()));
    }
}
