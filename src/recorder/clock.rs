//! Clocks that stamp events, and what their ticks are in nanoseconds.
//!
//! The wall clock is the processor's time stamp counter where it is known to be
//! good: about 3 ns a reading where `clock_gettime` takes 20. What its ticks are, is found
//! out in [`moment`](super::moment).

use std::fmt;

use once_cell::sync::OnceCell;

/// What stamps the events of a recording.
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

/// Set to anything, this variable of the environment says that the time stamp counter is
/// not to be used: for machines where it is bad and nobody has noticed.
const NO_TSC: &str = "EDBPROF_NO_TSC";

/// The best wall clock of this machine; found out once.
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

/// Nanoseconds in a tick, as a fixed-point number.
///
/// Integer arithmetic rounds down everywhere, so the parts of a time never add up
/// to more than the whole: `ns(a) + ns(b) <= ns(a + b)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TickRate(u64);

impl TickRate {
    const FRACTION_BITS: u32 = 40;
    /// One tick is one nanosecond.
    pub(crate) const NANOSECOND: TickRate = TickRate(1 << TickRate::FRACTION_BITS);

    /// The rate for ticks of that many nanoseconds. `None` unless it is a positive
    /// number below 16 ms.
    pub(crate) fn from_ns_per_tick(ns: f64) -> Option<TickRate> {
        let scaled = ns * (1_u64 << TickRate::FRACTION_BITS) as f64;
        (scaled >= 1.0 && scaled < u64::MAX as f64).then_some(TickRate(scaled.round() as u64))
    }

    /// `ticks` in whole nanoseconds, rounded down.
    #[inline]
    pub(crate) fn ns(self, ticks: u64) -> u64 {
        let ns = (u128::from(ticks) * u128::from(self.0)) >> TickRate::FRACTION_BITS;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// The rate as it stands in live files: nanoseconds in a tick, times 2^40.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// The rate from [`TickRate::to_bits`]; `None` for 0, which is none.
    pub(crate) fn from_bits(bits: u64) -> Option<TickRate> {
        (bits != 0).then_some(TickRate(bits))
    }

    pub(crate) fn ns_per_tick(self) -> f64 {
        self.0 as f64 / (1_u64 << TickRate::FRACTION_BITS) as f64
    }
}

#[cfg(target_arch = "x86_64")]
mod tsc {
    use std::arch::x86_64::{__cpuid, _rdtsc};

    #[inline]
    pub(super) fn read() -> u64 {
        // SAFETY: every x86_64 processor has the instruction; a system that forbids
        // it to programs is not among those that Rust supports.
        unsafe { _rdtsc() }
    }

    /// Whether the counter runs at a constant rate through all power states
    /// (Intel SDM vol. 3, 'Invariant TSC': CPUID.80000007H:EDX bit 8) and the kernel
    /// has not found it to be off between processors.
    pub(super) fn is_reliable() -> bool {
        const POWER_MANAGEMENT: u32 = 0x8000_0007;
        // SAFETY: every x86_64 processor has CPUID; leaf 0x80000000 says which
        // extended leaves there are.
        #[allow(unused_unsafe, reason = "safe to call only in newer versions of Rust")]
        let invariant = unsafe {
            __cpuid(0x8000_0000).eax >= POWER_MANAGEMENT
                && __cpuid(POWER_MANAGEMENT).edx & (1 << 8) != 0
        };
        invariant && kernel_trusts_it()
    }

    /// Linux strikes a TSC that it has seen drifting from this list.
    #[cfg(target_os = "linux")]
    fn kernel_trusts_it() -> bool {
        const SOURCES: &str = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
        match std::fs::read_to_string(SOURCES) {
            Ok(sources) => sources.split_whitespace().any(|source| source == "tsc"),
            Err(_) => true,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn kernel_trusts_it() -> bool {
        true
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod tsc {
    pub(super) fn read() -> u64 {
        super::system::monotonic_ns()
    }

    pub(super) fn is_reliable() -> bool {
        false
    }
}

#[cfg(unix)]
pub(super) mod system {
    pub(super) enum Id {
        Monotonic,
        ThreadCpu,
    }

    impl Id {
        fn raw(self) -> libc::clockid_t {
            match self {
                Id::Monotonic => libc::CLOCK_MONOTONIC,
                Id::ThreadCpu => libc::CLOCK_THREAD_CPUTIME_ID,
            }
        }
    }

    fn ns(time: libc::timespec) -> u64 {
        (time.tv_sec as u64)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(time.tv_nsec as u64)
    }

    fn read(clock: libc::clockid_t) -> u64 {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is a valid place for the answer. An unknown clock leaves
        // it at zero.
        unsafe { libc::clock_gettime(clock, &mut time) };
        ns(time)
    }

    pub(in super::super) fn monotonic_ns() -> u64 {
        read(libc::CLOCK_MONOTONIC)
    }

    /// As [`monotonic_ns`], but goes on while the system is suspended, if it has such a
    /// clock.
    pub(in super::super) fn since_boot_ns() -> u64 {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return read(libc::CLOCK_BOOTTIME);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return monotonic_ns();
    }

    pub(super) fn thread_cpu_ns() -> u64 {
        read(Id::ThreadCpu.raw())
    }

    pub(super) fn resolution_ns(id: Id) -> f64 {
        let mut step = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: as in `read`.
        unsafe { libc::clock_getres(id.raw(), &mut step) };
        ns(step) as f64
    }
}

#[cfg(not(unix))]
pub(super) mod system {
    use std::time::Instant;

    use once_cell::sync::Lazy;

    pub(super) enum Id {
        Monotonic,
        ThreadCpu,
    }

    pub(in super::super) fn since_boot_ns() -> u64 {
        monotonic_ns()
    }

    pub(in super::super) fn monotonic_ns() -> u64 {
        static START: Lazy<Instant> = Lazy::new(Instant::now);
        u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Not to be had in std: the wall clock, which the recording's facts then name.
    pub(super) fn thread_cpu_ns() -> u64 {
        monotonic_ns()
    }

    pub(super) fn resolution_ns(_id: Id) -> f64 {
        0.0
    }
}

/// Whether the thread CPU clock exists on this system.
pub(crate) const HAS_CPU_CLOCK: bool = cfg!(unix);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_add_up_to_more_than_the_whole() {
        let rate = TickRate::from_ns_per_tick(0.333_456_789).unwrap();
        for (a, b) in [(1, 2), (999, 1), (1 << 40, 12_345), (7, 1 << 50)] {
            assert!(rate.ns(a) + rate.ns(b) <= rate.ns(a + b));
            assert!(rate.ns(a + b) - rate.ns(a) - rate.ns(b) <= 1);
        }
    }

    #[test]
    fn rates_that_make_no_sense_are_refused() {
        for ns in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(TickRate::from_ns_per_tick(ns), None, "{ns}");
        }
        assert_eq!(TickRate::from_ns_per_tick(1.0), Some(TickRate::NANOSECOND));
        assert_eq!(TickRate::from_ns_per_tick(1e6).unwrap().ns(3), 3_000_000);
    }

    #[test]
    fn clocks_do_not_run_backwards() {
        for clock in [wall(), Clock::Monotonic, Clock::Cpu] {
            let first = clock.now();
            assert!(clock.now() >= first, "{clock}");
        }
    }
}
