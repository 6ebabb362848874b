//! The signals of this process: while it is at work, all are blocked and taken one by one.

use std::io;
use std::mem;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::os::raw::c_int;
use std::ptr;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::inherited;

/// A signal that has arrived.
#[derive(Clone, Copy)]
pub(super) struct Arrived {
    pub(super) number: c_int,
    #[cfg(target_os = "linux")]
    info: libc::siginfo_t,
}

/// Signals stay blocked while this value lives. Then those that have come meanwhile are
/// dropped, as they were the program's, and the mask is what it was.
pub(super) struct Blocked {
    inherited: libc::sigset_t,
    child_ignored: bool,
}

impl Blocked {
    pub(super) fn all() -> Blocked {
        // While SIGCHLD is ignored, the system keeps no exit status.
        let child_ignored = inherited::is_ignored(libc::SIGCHLD);
        // SAFETY: the set is filled in by the call, and no handler is installed.
        let inherited = unsafe {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            let mut inherited: libc::sigset_t = mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, &all(), &raw mut inherited);
            inherited
        };
        Blocked {
            inherited,
            child_ignored,
        }
    }

    /// Gives a child, which is about to become the program, what this process inherited.
    pub(super) fn restore_in_child(&self) {
        // SAFETY: no handler is installed, and the mask is one that the system gave.
        unsafe {
            if self.child_ignored {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &self.inherited, ptr::null_mut());
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        while take(&all()).is_some() {}
        // SAFETY: the mask is one that the system gave.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.inherited, ptr::null_mut()) };
    }
}

/// All signals.
pub(super) fn all() -> libc::sigset_t {
    // SAFETY: the call fills in the whole set.
    unsafe {
        let mut set = mem::zeroed();
        libc::sigfillset(&raw mut set);
        set
    }
}

/// The signals `numbers`.
pub(super) fn only(numbers: &[c_int]) -> libc::sigset_t {
    // SAFETY: the first call fills in the whole set, the second adds valid numbers.
    unsafe {
        let mut set = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &number in numbers {
            libc::sigaddset(&raw mut set, number);
        }
        set
    }
}

/// The signals that have arrived and were not taken yet.
pub(super) fn pending() -> libc::sigset_t {
    // SAFETY: the calls fill in the set.
    unsafe {
        let mut pending = mem::zeroed();
        libc::sigemptyset(&raw mut pending);
        libc::sigpending(&raw mut pending);
        pending
    }
}

/// Returns true if `set` has the signal.
pub(super) fn contains(set: &libc::sigset_t, number: c_int) -> bool {
    // SAFETY: the set is valid.
    unsafe { libc::sigismember(set, number) == 1 }
}

impl Arrived {
    /// Returns true if the system tells of a child by it.
    pub(super) fn is_of_child(&self) -> bool {
        self.number == libc::SIGCHLD && !self.is_sent()
    }

    /// Sends the same signal to a process. It may just have ended.
    pub(super) fn send_on(&self, to: libc::pid_t) {
        #[cfg(target_os = "linux")]
        if self.info.si_code == libc::SI_QUEUE {
            // With the value and the name of the sender, which the system allows here alone.
            // SAFETY: the call reads the information, which the system has given.
            unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, to, self.number, &self.info) };
            return;
        }
        // SAFETY: `to` is a child of this process that was not waited for.
        unsafe { libc::kill(to, self.number) };
    }
}

#[cfg(target_os = "linux")]
impl Arrived {
    /// Returns true if a process has sent it, and not the system.
    pub(super) fn is_sent(&self) -> bool {
        matches!(
            self.info.si_code,
            libc::SI_USER | libc::SI_TKILL | libc::SI_QUEUE
        )
    }

    /// Process that has sent it.
    pub(super) fn sender(&self) -> Option<u32> {
        // SAFETY: sent signals name their sender.
        let sender = self.is_sent().then(|| unsafe { self.info.si_pid() });
        sender.map(i32::unsigned_abs)
    }
}

/// Waits for signals, and for something else at the same time.
#[cfg(target_os = "linux")]
pub(super) struct Arrivals(Option<OwnedFd>);

#[cfg(target_os = "linux")]
impl Arrivals {
    pub(super) fn new() -> Arrivals {
        // SAFETY: the call reads a valid set, and makes a descriptor that nobody else has.
        let descriptor = unsafe {
            let descriptor = libc::signalfd(-1, &all(), libc::SFD_NONBLOCK | libc::SFD_CLOEXEC);
            (descriptor >= 0).then(|| OwnedFd::from_raw_fd(descriptor))
        };
        Arrivals(descriptor)
    }

    /// Waits for the next signal, or until `other` can be read from: then there is none.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn next(&self, other: Option<BorrowedFd<'_>>) -> io::Result<Option<Arrived>> {
        let (Some(signals), Some(other)) = (&self.0, other) else {
            return next().map(Some);
        };
        let mut polled = [
            PollFd::new(signals, PollFlags::IN),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            // The descriptor says that there are some. Taken from there, they would have less
            // information.
            Ok(_) | Err(Errno::INTR) => Ok(take(&all())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Waits for the next signal.
#[cfg(target_os = "linux")]
fn next() -> io::Result<Arrived> {
    loop {
        // SAFETY: the call fills in the information.
        let (number, info) = unsafe {
            let mut info = mem::zeroed();
            (libc::sigwaitinfo(&all(), &raw mut info), info)
        };
        if number > 0 {
            return Ok(Arrived { number, info });
        }
        // A stop and its end interrupt the call.
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes one of the signals in `set` that have arrived.
#[cfg(target_os = "linux")]
pub(super) fn take(set: &libc::sigset_t) -> Option<Arrived> {
    take_within(set, 0)
}

/// Takes one of the signals in `set`, and waits some milliseconds for it.
#[cfg(target_os = "linux")]
pub(super) fn take_within(set: &libc::sigset_t, milliseconds: u8) -> Option<Arrived> {
    let limit = libc::timespec {
        tv_sec: 0,
        tv_nsec: libc::c_long::from(milliseconds) * 1_000_000,
    };
    // SAFETY: the call fills in the information.
    let (number, info) = unsafe {
        let mut info = mem::zeroed();
        (libc::sigtimedwait(set, &raw mut info, &limit), info)
    };
    (number > 0).then_some(Arrived { number, info })
}

// Other systems don't tell who has sent a signal.
#[cfg(not(target_os = "linux"))]
impl Arrived {
    pub(super) fn is_sent(&self) -> bool {
        self.number != libc::SIGCHLD
    }

    pub(super) fn sender(&self) -> Option<u32> {
        None
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) struct Arrivals;

#[cfg(not(target_os = "linux"))]
impl Arrivals {
    pub(super) fn new() -> Arrivals {
        Arrivals
    }

    pub(super) fn next(&self, _: Option<BorrowedFd<'_>>) -> io::Result<Option<Arrived>> {
        next().map(Some)
    }
}

#[cfg(not(target_os = "linux"))]
fn next() -> io::Result<Arrived> {
    let mut number = 0;
    // SAFETY: the call fills in the number.
    match unsafe { libc::sigwait(&all(), &raw mut number) } {
        0 => Ok(Arrived { number }),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn take_within(set: &libc::sigset_t, _: u8) -> Option<Arrived> {
    take(set)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn take(set: &libc::sigset_t) -> Option<Arrived> {
    let pending = pending();
    let number = (1..32).find(|&number| contains(set, number) && contains(&pending, number))?;
    let mut taken = 0;
    // SAFETY: the call fills in the number.
    let failed = unsafe { libc::sigwait(&only(&[number]), &raw mut taken) };
    (failed == 0).then_some(Arrived { number })
}
