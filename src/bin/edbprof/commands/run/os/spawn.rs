//! Starts the program with what this process has inherited, and the probe beside it.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::io;
use std::os::raw::{c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

#[cfg(target_os = "linux")]
use rustix::process::Signal;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::inherited;
use super::signal_set::SignalSet;
use super::signals::Blocked;

/// Program to run, in the form that the system takes.
pub(in super::super) struct Image {
    pub(in super::super) path: CString,
    pub(in super::super) arguments: Vec<CString>,
    pub(in super::super) environment: Vec<CString>,
}

/// Processes that have been started.
pub(in super::super) struct Started {
    pub(in super::super) program: libc::pid_t,
    pub(in super::super) probe: Option<libc::pid_t>,
    /// Signals that the child or its group got before the child became the program, which gets
    /// them.
    pub(in super::super) pending: SignalSet,
}

/// Input and output of the child that becomes the program.
struct Start<'s> {
    path: &'s CStr,
    arguments: &'s [*const c_char],
    /// Arguments of the shell that reads a script without a first line for it.
    by_shell: &'s [*const c_char],
    environment: &'s [*const c_char],
    blocked: &'s Blocked,
    /// Code of the probe, in its process.
    probe: Option<&'s dyn Fn(u32)>,
    parent: u32,
    probe_pid: libc::pid_t,
    pending: SignalSet,
    error: c_int,
}

const SHELL: &CStr = c"/bin/sh";

/// Starts the program and the probe. The probe is a process that calls `probe` with the id of this
/// process, and ends.
///
/// # Errors
///
/// When the program can't be started.
pub(in super::super) fn spawn(
    image: &Image,
    blocked: &Blocked,
    probe: Option<&dyn Fn(u32)>,
) -> io::Result<Started> {
    let arguments = pointers(&image.arguments);
    let mut by_shell = vec![SHELL.as_ptr(), image.path.as_ptr()];
    by_shell.extend(arguments.iter().skip(1));
    let mut start = Start {
        path: &image.path,
        arguments: &arguments,
        by_shell: &by_shell,
        environment: &pointers(&image.environment),
        blocked,
        probe,
        parent: std::process::id(),
        probe_pid: -1,
        pending: SignalSet::of(&[]),
        error: 0,
    };
    let program = start_child(&mut start)?;
    if start.error != 0 {
        let _ = waitpid(Pid::from_raw(program), WaitOptions::empty());
        return Err(io::Error::from_raw_os_error(start.error));
    }
    Ok(Started {
        program,
        probe: (start.probe_pid > 0).then_some(start.probe_pid),
        pending: start.pending,
    })
}

/// Makes a child that becomes the program. Until then, it shares this process's memory, and this
/// process waits. That is several times as fast as a fork, and the child can report errors.
#[cfg(target_os = "linux")]
fn start_child(start: &mut Start<'_>) -> io::Result<libc::pid_t> {
    const STACK: usize = 256 << 10;
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs on a stack of its own, whose end is aligned. This process waits
    // meanwhile, so everything that the child uses stays alive.
    let pid = unsafe {
        let stack_end = stack.as_mut_ptr_range().end.cast();
        libc::clone(run_child, stack_end, flags, ptr::from_mut(start).cast())
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(pid),
    }
}

/// Makes a child that becomes the program. It can't report errors, and ends like a shell that finds
/// no program.
#[cfg(not(target_os = "linux"))]
fn start_child(start: &mut Start<'_>) -> io::Result<libc::pid_t> {
    start_probe(start);
    // SAFETY: this process has one thread, so the child may do what any process may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            run_child(ptr::from_mut(start).cast());
            exit_now(127)
        }
        pid => Ok(pid),
    }
}

extern "C" fn run_child(start: *mut c_void) -> c_int {
    // SAFETY: the value is the parent's, which waits.
    let start: &mut Start<'_> = unsafe { &mut *start.cast() };
    die_with(start.parent);
    if cfg!(target_os = "linux") {
        // The program is in the group already. So the probe gets all signals to the group that the
        // program gets, except those that are pending now.
        start_probe(start);
        start.pending = SignalSet::pending();
    }
    inherited::restore();
    start.blocked.restore_in_child();
    let environment = start.environment.as_ptr();
    // SAFETY: the arrays end in null pointers, the strings in zeros.
    unsafe {
        libc::execve(start.path.as_ptr(), start.arguments.as_ptr(), environment);
        if errno() == libc::ENOEXEC {
            libc::execve(SHELL.as_ptr(), start.by_shell.as_ptr(), environment);
        }
    }
    start.error = errno();
    exit_now(127)
}

/// Starts the probe as a child of the process that runs the program, whichever process this is.
fn start_probe(start: &mut Start<'_>) {
    let Some(probe) = start.probe else {
        return;
    };
    // SAFETY: a fork, in a process whose only thread is this one or waits.
    #[cfg(target_os = "linux")]
    let pid = unsafe {
        let flags = libc::CLONE_PARENT | libc::SIGCHLD;
        libc::syscall(libc::SYS_clone, libc::c_long::from(flags), 0, 0, 0, 0) as libc::pid_t
    };
    // SAFETY: this process has one thread, so the child may do what any process may.
    #[cfg(not(target_os = "linux"))]
    let pid = unsafe { libc::fork() };
    match pid {
        0 => {
            probe(start.parent);
            exit_now(0)
        }
        pid => start.probe_pid = pid,
    }
}

/// Makes this process end when its parent ends, because a kill of the parent is meant for both.
pub(in super::super) fn die_with(parent: u32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // It may have ended before.
    if std::os::unix::process::parent_id() != parent {
        exit_now(127)
    }
}

/// Ends this process without changing anything that it shares with its parent.
fn exit_now(code: c_int) -> ! {
    // SAFETY: the call ends the process.
    unsafe { libc::_exit(code) }
}

/// Returns the environment of this process, byte for byte, with `variable` set to `value`.
pub(in super::super) fn environment(variable: &str, value: Option<&OsStr>) -> Vec<CString> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let mut copy = Vec::new();
    // SAFETY: an array of strings that a null pointer ends; nothing changes it here.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            copy.push(CStr::from_ptr(*entry).to_owned());
            entry = entry.add(1);
        }
    }
    if let Some(value) = value {
        let name = format!("{variable}=");
        copy.retain(|entry| !entry.to_bytes().starts_with(name.as_bytes()));
        copy.extend(CString::new([name.as_bytes(), value.as_bytes()].concat()));
    }
    copy
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
