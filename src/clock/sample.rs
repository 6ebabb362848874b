//! Measures the time stamp counter against the system's clock.
//!
//! The counter's rate is constant but unknown, except on aarch64, where the processor states it. It
//! is measured between the beginning and the end of the recording, so nothing waits for a
//! calibration. If the system was suspended in between, the two samples can't be compared. The
//! monotonic clock has stopped meanwhile, and the counter has continued, stopped or been reset,
//! depending on the machine. The rate has not changed, so it is measured again.

use std::time::Duration;

use once_cell::sync::OnceCell;

use super::tsc::{self, read as tsc};
use super::{TickRate, system};

/// One moment on the time stamp counter and on the system's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockSample {
    pub(crate) tsc: u64,
    /// Does not count while the system is suspended.
    pub(crate) monotonic_ns: u64,
    /// Time for which the system was suspended since the boot, nanoseconds; 0 if unknown.
    pub(crate) suspended_ns: u64,
}

impl ClockSample {
    /// All clocks now, read as close together as a few tries allow.
    pub(crate) fn now() -> ClockSample {
        const TRIES: usize = 5;
        let read = || {
            let before = tsc();
            let monotonic_ns = system::monotonic_ns();
            let after = tsc();
            let since_boot_ns = system::since_boot_ns();
            let gap = after.wrapping_sub(before);
            let moment = ClockSample {
                tsc: before.wrapping_add(gap / 2),
                monotonic_ns,
                suspended_ns: since_boot_ns.saturating_sub(monotonic_ns),
            };
            (gap, moment)
        };
        let mut best = read();
        for _ in 1..TRIES {
            let other = read();
            if other.0 < best.0 {
                best = other;
            }
        }
        best.1
    }

    /// Returns the first sample on which this process has called this function, or `self` if the
    /// two can't be compared. So only the first of many short recordings has to wait for its rate.
    pub(crate) fn or_first_of_process(self) -> ClockSample {
        static FIRST: OnceCell<ClockSample> = OnceCell::new();
        let first = *FIRST.get_or_init(|| self);
        if first.is_comparable_with(self) {
            first
        } else {
            self
        }
    }

    /// The rate of the time stamp counter since this sample. Waits until two milliseconds have
    /// passed, if the sample is newer or the system was suspended since. After less time, the 30 ns
    /// of a reading would distort the rate.
    pub(crate) fn tsc_rate(self) -> TickRate {
        self.rate_over(Duration::from_millis(2), ClockSample::now)
    }

    /// Like [`ClockSample::tsc_rate`], but waits for 20 µs at most. The result is exact to 1 % or
    /// better.
    pub(crate) fn tsc_rate_so_far(self) -> TickRate {
        self.rate_over(Duration::from_micros(20), ClockSample::now)
    }

    /// The rate since this sample, or since a later one if the two can't be compared, over `least`
    /// at least. `now` returns a sample of the present moment.
    fn rate_over(self, least: Duration, now: impl FnMut() -> ClockSample) -> TickRate {
        if let Some(rate) = tsc::known_rate() {
            return rate;
        }
        self.measured_over(least, now)
    }

    /// Like [`ClockSample::rate_over`], for a counter whose rate is not known.
    fn measured_over(self, least: Duration, mut now: impl FnMut() -> ClockSample) -> TickRate {
        let mut since = self;
        loop {
            let now = now();
            if !since.is_comparable_with(now) {
                since = now;
            } else if u128::from(now.monotonic_ns - since.monotonic_ns) >= least.as_nanos() {
                return since.rate_until(now).unwrap_or(TickRate::NANOSECOND);
            }
            std::hint::spin_loop();
        }
    }

    /// Returns true unless something is known to have happened to the clocks before `later`.
    fn is_comparable_with(self, later: ClockSample) -> bool {
        // Far less than a suspension lasts, and far more than passes between two readings. If the
        // thread had to wait in between, one more measurement is made.
        const MOST_JITTER_NS: u64 = Duration::from_millis(1).as_nanos() as u64;
        later.tsc >= self.tsc
            && later.monotonic_ns >= self.monotonic_ns
            && later.suspended_ns.abs_diff(self.suspended_ns) <= MOST_JITTER_NS
    }

    /// The rate from this sample to `later`. `None` if it is impossible.
    fn rate_until(self, later: ClockSample) -> Option<TickRate> {
        let ns = later.monotonic_ns.saturating_sub(self.monotonic_ns);
        let ticks = later.tsc.saturating_sub(self.tsc).max(1);
        TickRate::from_ns_per_tick(ns as f64 / ticks as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const SECOND: u64 = 1000 * MS;

    /// A machine with a counter of 2.5 ticks a nanosecond, an hour after the boot.
    fn begin() -> ClockSample {
        ClockSample {
            tsc: 3600 * SECOND * 5 / 2,
            monotonic_ns: 3600 * SECOND,
            suspended_ns: 0,
        }
    }

    impl ClockSample {
        fn after(self, ns: u64) -> ClockSample {
            ClockSample {
                tsc: self.tsc + ns * 5 / 2,
                monotonic_ns: self.monotonic_ns + ns,
                ..self
            }
        }

        /// After a suspension of that length in which the counter counts `ticks`.
        fn suspended(self, ns: u64, ticks: u64) -> ClockSample {
            ClockSample {
                tsc: self.tsc + ticks,
                suspended_ns: self.suspended_ns + ns,
                ..self
            }
        }
    }

    /// The rate that is found from `start` when the moments are these, one after the
    /// other; and how many of them were needed.
    fn found(start: ClockSample, moments: &[ClockSample]) -> (f64, usize) {
        let mut given = 0;
        let rate = start.measured_over(Duration::from_millis(2), || {
            given += 1;
            moments[given - 1]
        });
        (rate.ns_per_tick(), given)
    }

    fn is_right(rate: f64) -> bool {
        (rate - 0.4).abs() < 1e-9
    }

    #[test]
    fn two_moments_far_apart_are_enough() {
        let (rate, given) = found(begin(), &[begin().after(SECOND)]);
        assert!(is_right(rate) && given == 1, "{rate} {given}");
        let soon: Vec<_> = (1..=4).map(|n| begin().after(n * MS / 2)).collect();
        let (rate, given) = found(begin(), &soon);
        assert!(is_right(rate) && given == 4, "{rate} {given}");
    }

    #[test]
    fn a_suspension_does_not_spoil_the_rate() {
        let before = begin().after(10 * SECOND);
        let counted_on = before.suspended(600 * SECOND, 600 * SECOND * 5 / 2);
        let stood_still = before.suspended(600 * SECOND, 0);
        let anew = ClockSample {
            tsc: 1000,
            ..before.suspended(600 * SECOND, 0)
        };
        for after in [counted_on, stood_still, anew] {
            let now = after.after(10 * SECOND);
            let (rate, given) = found(begin(), &[now, now.after(MS), now.after(2 * MS)]);
            assert!(is_right(rate) && given == 3, "{rate} {given}");
        }
    }

    #[test]
    fn a_suspension_while_the_rate_is_measured_does_not_spoil_it_either() {
        let before = begin().after(MS);
        let after = before.suspended(SECOND, 77);
        let (rate, given) = found(begin(), &[before, after, after.after(3 * MS)]);
        assert!(is_right(rate) && given == 3, "{rate} {given}");
    }

    #[test]
    fn a_counter_that_has_begun_anew_unnoticed_is_noticed() {
        let anew = ClockSample {
            tsc: 5,
            ..begin().after(SECOND)
        };
        let (rate, given) = found(begin(), &[anew, anew.after(2 * MS)]);
        assert!(is_right(rate) && given == 2, "{rate} {given}");
    }

    /// A file may claim such a moment to keep its reader waiting.
    #[test]
    fn a_moment_in_the_future_is_not_waited_for() {
        for future in [u64::MAX, begin().monotonic_ns + 3600 * SECOND] {
            let start = ClockSample {
                tsc: future,
                monotonic_ns: future,
                suspended_ns: future,
            };
            let (rate, given) = found(start, &[begin(), begin().after(2 * MS)]);
            assert!(is_right(rate) && given == 2, "{rate} {given}");
        }
    }

    /// The cost of a reading and a slewed clock are not taken for a suspension.
    #[test]
    fn jitter_is_no_suspension() {
        let later = begin().after(SECOND).suspended(MS / 2, 0);
        assert_eq!(found(begin(), &[later]).1, 1);
    }

    #[test]
    fn the_counter_measured_over_two_spans_has_one_rate() {
        let first = ClockSample::now();
        let rate = first.tsc_rate();
        let again = ClockSample::now().tsc_rate();
        let ratio = rate.ns_per_tick() / again.ns_per_tick();
        assert!((0.99..1.01).contains(&ratio), "{ratio}");
    }

    #[test]
    fn later_recordings_of_a_process_measure_since_its_first() {
        let first = ClockSample::now().or_first_of_process();
        let later = ClockSample::now();
        assert_eq!(later.or_first_of_process(), first);
        let suspended = later.suspended(SECOND, 77);
        assert_eq!(suspended.or_first_of_process(), suspended);
    }
}
