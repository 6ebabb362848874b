//! The signals of this process. All are blocked while the program runs, and taken one by one.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::raw::c_int;
use std::ptr;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::signal_set::SignalSet;

/// A signal that has arrived.
#[derive(Clone, Copy)]
pub(in crate::commands) struct Arrived {
    pub(in crate::commands) number: c_int,
    #[cfg(target_os = "linux")]
    info: libc::siginfo_t,
}

/// Largest number of a signal.
const LARGEST: c_int = 64;

/// Signals stay blocked while this value lives. Then pending ones are dropped, because they were
/// for the program, and the mask is restored.
pub(in crate::commands) struct Blocked {
    inherited: libc::sigset_t,
    child_ignored: bool,
}

impl Blocked {
    pub(in crate::commands) fn all() -> Blocked {
        // While SIGCHLD is ignored, the system keeps no exit status.
        let child_ignored = is_ignored(libc::SIGCHLD);
        // SAFETY: the set is filled in by the call, and no handler is installed.
        let inherited = unsafe {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            let mut inherited: libc::sigset_t = mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, &SignalSet::all().0, &raw mut inherited);
            inherited
        };
        Blocked {
            inherited,
            child_ignored,
        }
    }

    /// Restores the inherited mask and disposition, in a child that is about to become the program.
    pub(in crate::commands) fn restore_in_child(&self) {
        // SAFETY: no handler is installed, and the mask is one that the system gave.
        unsafe {
            if self.child_ignored {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &self.inherited, ptr::null_mut());
        }
    }
}

impl Blocked {
    /// Drops pending signals, because they were for the program. Then unblocks all signals except
    /// those that were blocked from the start and those in `held`. Returns those in `held` that
    /// were not blocked from the start.
    pub(in crate::commands) fn hold(self, mut held: SignalSet) -> SignalSet {
        while take(&SignalSet::all()).is_some() {}
        let mut mask = SignalSet(self.inherited);
        for number in 1..=LARGEST {
            if held.has(number) && mask.has(number) {
                held.remove(number);
            } else if held.has(number) {
                mask.add(number);
            }
        }
        // SAFETY: the mask is valid.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &mask.0, ptr::null_mut()) };
        mem::forget(self);
        held
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        while take(&SignalSet::all()).is_some() {}
        // SAFETY: the mask is one that the system gave.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.inherited, ptr::null_mut()) };
    }
}

impl Arrived {
    /// Returns true if the system reports a child by this signal.
    pub(in crate::commands) fn is_of_child(&self) -> bool {
        self.number == libc::SIGCHLD && !self.is_sent()
    }

    /// Sends the same signal to a process, which may just have ended.
    pub(in crate::commands) fn send_on(&self, to: libc::pid_t) {
        #[cfg(target_os = "linux")]
        if self.info.si_code == libc::SI_QUEUE {
            // The signal keeps its value and its sender. The system allows that only here. SAFETY:
            // the call reads the information, which the system has given.
            unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, to, self.number, &self.info) };
            return;
        }
        // SAFETY: `to` is a child of this process that was not waited for.
        unsafe { libc::kill(to, self.number) };
    }
}

#[cfg(target_os = "linux")]
impl Arrived {
    /// Returns true if a process has sent the signal, and not the system.
    pub(in crate::commands) fn is_sent(&self) -> bool {
        matches!(
            self.info.si_code,
            libc::SI_USER | libc::SI_TKILL | libc::SI_QUEUE
        )
    }

    /// Returns the process that has sent the signal.
    pub(in crate::commands) fn sender(&self) -> Option<u32> {
        // SAFETY: sent signals name their sender.
        let sender = self.is_sent().then(|| unsafe { self.info.si_pid() });
        sender.map(i32::unsigned_abs)
    }
}

/// Waits for signals and, at the same time, for another descriptor.
#[cfg(target_os = "linux")]
pub(in crate::commands) struct Arrivals(Option<OwnedFd>);

#[cfg(target_os = "linux")]
impl Arrivals {
    pub(in crate::commands) fn new() -> Arrivals {
        // SAFETY: the call reads a valid set, and makes a descriptor that nothing else owns.
        let descriptor = unsafe {
            let descriptor = libc::signalfd(
                -1,
                &SignalSet::all().0,
                libc::SFD_NONBLOCK | libc::SFD_CLOEXEC,
            );
            (descriptor >= 0).then(|| OwnedFd::from_raw_fd(descriptor))
        };
        Arrivals(descriptor)
    }

    /// Returns the descriptor that can be read from when a signal has arrived; `None` if the system
    /// has given none.
    pub(in crate::commands) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }

    /// Waits for the next signal, or until `other` can be read from; returns `None` then.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(in crate::commands) fn next(
        &self,
        other: Option<BorrowedFd<'_>>,
    ) -> io::Result<Option<Arrived>> {
        let (Some(signals), Some(other)) = (&self.0, other) else {
            return next().map(Some);
        };
        let mut polled = [
            PollFd::new(signals, PollFlags::IN),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            // The descriptor only says that signals are pending. If they were read from it, they
            // would have less information.
            Ok(_) | Err(Errno::INTR) => Ok(take(&SignalSet::all())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Waits for the next signal.
#[cfg(target_os = "linux")]
fn next() -> io::Result<Arrived> {
    next_of(&SignalSet::all())
}

/// Waits for the next signal of the set.
///
/// # Errors
///
/// The system's.
#[cfg(target_os = "linux")]
pub(in crate::commands) fn next_of(set: &SignalSet) -> io::Result<Arrived> {
    loop {
        // SAFETY: the call fills in the information.
        let (number, info) = unsafe {
            let mut info = mem::zeroed();
            (libc::sigwaitinfo(&set.0, &raw mut info), info)
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
pub(in crate::commands) fn take(set: &SignalSet) -> Option<Arrived> {
    take_within(set, 0)
}

/// Takes one of the signals in `set`, and waits some milliseconds for it.
#[cfg(target_os = "linux")]
pub(in crate::commands) fn take_within(set: &SignalSet, milliseconds: u8) -> Option<Arrived> {
    let limit = libc::timespec {
        tv_sec: 0,
        tv_nsec: libc::c_long::from(milliseconds) * 1_000_000,
    };
    loop {
        // SAFETY: the call fills in the information.
        let (number, info) = unsafe {
            let mut info = mem::zeroed();
            (libc::sigtimedwait(&set.0, &raw mut info, &limit), info)
        };
        if number > 0 {
            return Some(Arrived { number, info });
        }
        // A stop and its end interrupt the call.
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

// Other systems don't name the sender of a signal.
#[cfg(not(target_os = "linux"))]
impl Arrived {
    pub(in crate::commands) fn is_sent(&self) -> bool {
        self.number != libc::SIGCHLD
    }

    pub(in crate::commands) fn sender(&self) -> Option<u32> {
        None
    }
}

#[cfg(not(target_os = "linux"))]
pub(in crate::commands) struct Arrivals;

#[cfg(not(target_os = "linux"))]
impl Arrivals {
    pub(in crate::commands) fn new() -> Arrivals {
        Arrivals
    }

    pub(in crate::commands) fn next(
        &self,
        _: Option<BorrowedFd<'_>>,
    ) -> io::Result<Option<Arrived>> {
        next().map(Some)
    }
}

#[cfg(not(target_os = "linux"))]
fn next() -> io::Result<Arrived> {
    next_of(&SignalSet::all())
}

#[cfg(not(target_os = "linux"))]
pub(in crate::commands) fn next_of(set: &SignalSet) -> io::Result<Arrived> {
    let mut number = 0;
    // SAFETY: the call fills in the number.
    match unsafe { libc::sigwait(&set.0, &raw mut number) } {
        0 => Ok(Arrived { number }),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(not(target_os = "linux"))]
pub(in crate::commands) fn take_within(set: &SignalSet, _: u8) -> Option<Arrived> {
    take(set)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::commands) fn take(set: &SignalSet) -> Option<Arrived> {
    let pending = SignalSet::pending();
    let number = (1..32).find(|&number| set.has(number) && pending.has(number))?;
    let mut taken = 0;
    // SAFETY: the call fills in the number.
    let failed = unsafe { libc::sigwait(&SignalSet::of(&[number]).0, &raw mut taken) };
    (failed == 0).then_some(Arrived { number })
}

/// Returns true if this process ignores the signal.
pub(in crate::commands) fn is_ignored(signal: c_int) -> bool {
    // SAFETY: all zeros are a valid sigaction, and a null pointer changes nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

/// Makes a write beyond the limit of file sizes return an error, instead of ending this process.
pub(in crate::commands) fn ignore_file_size_limit() {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Makes Ctrl-C and Ctrl-\ have no effect on this process. They still have their effect on its
/// children.
pub(in crate::commands) fn ignore_interrupts() {
    extern "C" fn nothing(_: c_int) {}
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        if !is_ignored(signal) {
            let handler = nothing as extern "C" fn(c_int);
            // SAFETY: the handler does nothing. Unlike an ignored signal, it ends at exec.
            unsafe { libc::signal(signal, handler as libc::sighandler_t) };
        }
    }
}

/// Sends a signal to a process, which may just have ended.
pub(in crate::commands) fn send(to: libc::pid_t, signal: c_int) {
    // SAFETY: the call uses no memory.
    unsafe { libc::kill(to, signal) };
}

/// Stops this process by a signal that is blocked; returns when it was continued.
pub(in crate::commands) fn stop_self(signal: c_int) {
    let only_it = SignalSet::of(&[signal]).0;
    // SAFETY: the calls read a valid set. No handler is installed.
    unsafe {
        libc::raise(signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &only_it, ptr::null_mut());
        libc::sigprocmask(libc::SIG_BLOCK, &only_it, ptr::null_mut());
    }
}

/// Ends this process by a signal, which may be blocked. Returns in the first process of a
/// container, which survives.
pub(in crate::commands) fn die_of(signal: c_int) {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the calls read valid structs, and no handler is installed.
    unsafe {
        // Only the program's core is wanted. The limit has no effect if the system pipes cores to a
        // program.
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
        let only_it = SignalSet::of(&[signal]).0;
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &only_it, ptr::null_mut());
    }
}
