//! The generic timer's virtual counter of aarch64, which serves as the time stamp counter.

use std::arch::asm;

use super::TickRate;

/// Reads the counter without a barrier.
///
/// An `isb` before the reading would keep it from happening before earlier instructions. It would
/// also empty the pipeline at each event, which takes longer than the event. Without it a reading
/// may be some tens of nanoseconds early, as with `rdtsc`. Two readings may even be out of order.
/// The recorder clamps them, so that a thread's ticks never run backwards.
#[inline]
pub(super) fn read() -> u64 {
    let count: u64;
    // SAFETY: a register that systems let programs read, because their own clocks do so; it
    // changes nothing. Not `pure`: each reading is another one.
    unsafe { asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags)) };
    count
}

/// Ticks a second, as the firmware says.
fn frequency() -> u64 {
    let frequency: u64;
    // SAFETY: as in `read`.
    unsafe {
        asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(pure, nomem, nostack, preserves_flags))
    };
    frequency
}

/// The counter's rate, unless the firmware has left out its frequency.
pub(super) fn known_rate() -> Option<TickRate> {
    rate_of(frequency())
}

/// Returns the rate of a counter with that frequency. Counters have 1 MHz to 1 GHz, and a little
/// more if hardware is emulated.
fn rate_of(frequency: u64) -> Option<TickRate> {
    const LEAST: u64 = 1_000_000;
    const MOST: u64 = 4_000_000_000;
    let is_plausible = (LEAST..=MOST).contains(&frequency);
    let ns = 1e9 / frequency.max(1) as f64;
    TickRate::from_ns_per_tick(ns).filter(|_| is_plausible)
}

/// Returns true if the rate is known. All processors have the same count, at a constant rate, by
/// the architecture. If a processor has an erratum, Linux reads the counter for the program.
pub(super) fn is_reliable() -> bool {
    known_rate().is_some()
}

/// Returns the ticks in `us` microseconds.
pub(super) fn ticks_in_us(us: u64) -> u64 {
    known_rate().map_or(0, |rate| rate.ticks(us * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_runs_at_the_rate_that_it_states() {
        let rate = known_rate().unwrap();
        let started = std::time::Instant::now();
        let first = read();
        while started.elapsed().as_millis() < 20 {}
        let measured = rate.ns(read() - first);
        // A loaded machine may stop the thread between the readings, so no upper limit.
        assert!(measured >= 19_000_000, "{measured}");
    }

    #[test]
    fn frequencies_that_make_no_sense_are_refused() {
        for frequency in [0, 999_999, u64::MAX] {
            assert_eq!(rate_of(frequency), None, "{frequency}");
        }
        assert_eq!(rate_of(1_000_000_000), Some(TickRate::NANOSECOND));
        assert_eq!(rate_of(24_000_000).unwrap().ns(24), 1000);
    }
}
