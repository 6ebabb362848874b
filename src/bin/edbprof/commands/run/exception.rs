//! The exception that has ended the program, as its process tells.
//!
//! It is a file in the directory of recordings, `exception_PID`, which holds the traceback. The
//! program has printed its own before the summary; this one comes behind.

use std::fs;
use std::path::Path;

use edbprof::report::display::printable;
use rustix::process::WaitStatus;

use crate::cli::names::EXCEPTION_PREFIX;

/// Returns the lines of the traceback that has ended the process `pid`, if one has. Removes those
/// of all processes.
pub(super) fn take_exception(directory: &Path, pid: Option<u32>) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(found) = name
            .to_str()
            .and_then(|name| name.strip_prefix(EXCEPTION_PREFIX))
        else {
            continue;
        };
        if pid.is_some() && found.parse().ok() == pid {
            let text = fs::read(entry.path()).unwrap_or_default();
            let text = text.trim_ascii_end().split(|&byte| byte == b'\n');
            lines = text.map(printable).collect();
        }
        let _ = fs::remove_file(entry.path());
    }
    lines
}

/// Returns the way in which the program ended: `exit status 1`, `killed by SIGSEGV`.
pub(super) fn end_text(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => match signal_name(signal) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
        (None, None) => String::new(),
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    let names = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    let known = names.iter().find(|(number, _)| *number == signal);
    known.map(|(_, name)| *name)
}
