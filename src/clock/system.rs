//! The system's clocks.

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

pub(super) fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Returns the time like [`monotonic_ns`], but counts suspensions of the system too, if it has such
/// a clock.
pub(super) fn since_boot_ns() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return read(libc::CLOCK_BOOTTIME);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return monotonic_ns();
}

pub(super) fn thread_cpu_ns() -> u64 {
    read(Id::ThreadCpu.raw())
}

/// CPU time of another thread of this process; `None` if there is no such thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn cpu_ns_of(os_thread: u32) -> Option<u64> {
    // The kernel's name for the clock of a thread: its number, and the kind of time.
    const SCHEDULED_TIME_OF_THREAD: libc::clockid_t = 0b110;
    let clock = (!(os_thread as libc::clockid_t)) << 3 | SCHEDULED_TIME_OF_THREAD;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    (unsafe { libc::clock_gettime(clock, &mut time) } == 0).then(|| ns(time))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn cpu_ns_of(_: u32) -> Option<u64> {
    None
}

/// Processor time of the calling process, of all its threads.
pub(crate) fn process_cpu_ns() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
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
