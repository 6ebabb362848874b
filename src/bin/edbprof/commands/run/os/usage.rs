//! Processor time of other processes.

use std::mem::MaybeUninit;

/// Returns the processor time of a process with all its threads, nanoseconds, unless its end was
/// waited for.
pub(in super::super) fn processor_ns(pid: u32) -> Option<u64> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    let mut clock = MaybeUninit::uninit();
    let mut time = MaybeUninit::uninit();
    // SAFETY: the pointers are writable, and `clock` is read after a success alone.
    let has_failed = unsafe {
        libc::clock_getcpuclockid(pid, clock.as_mut_ptr()) != 0
            || libc::clock_gettime(clock.assume_init(), time.as_mut_ptr()) != 0
    };
    if has_failed {
        return None;
    }
    // SAFETY: the call has succeeded, so it has written the time.
    let time: libc::timespec = unsafe { time.assume_init() };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(time.tv_nsec.try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_until_somebody_has_waited_for_it() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        // SAFETY: the status is not asked for; WNOWAIT leaves the child as it is.
        unsafe {
            let mut info = MaybeUninit::uninit();
            let flags = libc::WEXITED | libc::WNOWAIT;
            assert_eq!(libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), flags), 0);
        }
        assert!(processor_ns(pid).is_some_and(|time| time > 0));
        child.wait().unwrap();
        assert_eq!(processor_ns(pid), None);
    }
}
