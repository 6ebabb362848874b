//! Clocks that stamp events, and the lengths of their ticks in nanoseconds.
//!
//! The wall clock is the processor's time stamp counter where it is known to be good. Reading it
//! takes about 3 ns, and `clock_gettime` takes 20. [`sample`] measures its rate. On aarch64, *time
//! stamp counter* means the generic timer's virtual counter, whose rate is known.

mod rate;
mod sample;
mod system;
#[cfg_attr(target_arch = "aarch64", path = "cntvct.rs")]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    path = "no_tsc.rs"
)]
mod tsc;
mod usage;

use std::fmt;

use once_cell::sync::OnceCell;

pub(crate) use rate::TickRate;
pub(crate) use sample::ClockSample;
pub(crate) use system::process_cpu_ns;
#[cfg(test)]
pub(crate) use usage::SLOW_READING;
pub(crate) use usage::{
    Switches, ThreadUsage, monotonic_ns, os_thread, run_delay_ns, run_delay_of, usage_of,
};

/// True if reading the counter takes one instruction, without a system call.
pub(crate) const HAS_COUNTER: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Clock that stamps the events of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The processor's time stamp counter. Only where [`wall`] says so.
    Tsc,
    /// The system's monotonic clock, in nanoseconds.
    Monotonic,
    /// The calling thread's CPU time, in nanoseconds.
    Cpu,
    /// The host gives the time with each event.
    Host,
}

/// Environment variable that turns the time stamp counter off, for machines with a bad counter that
/// the kernel has not noticed. Any value but an empty one works.
const NO_TSC: &str = "EDBPROF_NO_TSC";

/// Returns the best wall clock of this machine, which is determined once.
pub(crate) fn wall() -> Clock {
    static WALL: OnceCell<Clock> = OnceCell::new();
    *WALL.get_or_init(|| {
        let forbidden = std::env::var_os(NO_TSC).is_some_and(|value| !value.is_empty());
        if !forbidden && tsc::is_reliable() {
            Clock::Tsc
        } else {
            Clock::Monotonic
        }
    })
}

/// [`Clock::now`] of [`Clock::Tsc`].
#[inline]
pub(crate) fn tsc() -> u64 {
    tsc::read()
}

/// Returns about the ticks of the time stamp counter in `us` microseconds. On x86-64, counters have
/// 2 to 4 GHz, and 3.3 GHz are assumed.
pub(crate) fn counter_ticks_in_us(us: u64) -> u64 {
    tsc::ticks_in_us(us)
}

impl Clock {
    /// The time now, in ticks of this clock. A host's clock can't be asked: 0.
    pub(crate) fn now(self) -> u64 {
        match self {
            Clock::Tsc => tsc::read(),
            Clock::Monotonic => system::monotonic_ns(),
            Clock::Cpu => system::thread_cpu_ns(),
            Clock::Host => 0,
        }
    }

    /// Returns true for clocks that run while a thread waits, at their own pace.
    pub(crate) fn tells_waits(self) -> bool {
        matches!(self, Clock::Tsc | Clock::Monotonic)
    }

    /// Smallest step that shows in the ticks, nanoseconds; 0 where unknown.
    pub(crate) fn resolution_ns(self, rate: TickRate) -> f64 {
        match self {
            Clock::Tsc | Clock::Host => rate.ns_per_tick(),
            Clock::Monotonic => system::resolution_ns(system::Id::Monotonic),
            Clock::Cpu => system::resolution_ns(system::Id::ThreadCpu),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Clock::Tsc => "tsc",
            Clock::Monotonic => "monotonic",
            Clock::Cpu => "cpu",
            Clock::Host => "host",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_do_not_run_backwards() {
        for clock in [wall(), Clock::Monotonic, Clock::Cpu] {
            let first = clock.now();
            assert!(clock.now() >= first, "{clock}");
        }
    }
}
