//! Ends this process in the way in which the program ended.

use std::os::raw::c_int;
use std::process::ExitCode;

use rustix::process::WaitStatus;

use super::os::die_of;
use crate::cli::exit::Exit;

/// Returns the exit code of this process after a program with this status. If a signal ended the
/// program, the same signal ends this process.
pub(super) fn end_like(status: WaitStatus, all_written: bool) -> ExitCode {
    if let Some(signal) = status.terminating_signal() {
        end_by(signal);
    }
    match status
        .exit_status()
        .and_then(|code| u8::try_from(code).ok())
    {
        Some(0) if !all_written => Exit::NotWritten.into(),
        code => ExitCode::from(code.unwrap_or(u8::MAX)),
    }
}

/// Ends this process by the signal.
pub(in crate::commands) fn end_by(signal: c_int) -> ! {
    die_of(signal);
    // The first process of a container survives the signal. Shells return this code for it.
    std::process::exit(128 + signal)
}
