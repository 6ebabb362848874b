//! Ends this process like the program.

use std::os::raw::c_int;
use std::process::ExitCode;

use rustix::process::WaitStatus;

use super::signals::only;
use crate::cli::exit::Exit;

/// Exit code of this process after a program with this status. If a signal ended the program,
/// the same signal ends this process here.
pub(super) fn end_like(status: WaitStatus, all_written: bool) -> ExitCode {
    if let Some(signal) = status.terminating_signal() {
        die_of(signal);
        // The first process of a container survives; shells have this code for it.
        return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    match status
        .exit_status()
        .and_then(|code| u8::try_from(code).ok())
    {
        Some(0) if !all_written => Exit::NotWritten.into(),
        code => ExitCode::from(code.unwrap_or(u8::MAX)),
    }
}

fn die_of(signal: c_int) {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the calls read valid structs, and no handler is installed.
    unsafe {
        // The program's core is the one that is wanted.
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &only(&[signal]), std::ptr::null_mut());
    }
}
