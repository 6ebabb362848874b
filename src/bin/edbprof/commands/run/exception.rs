//! The exception that made the program fail, from the note that its process has left.
//!
//! A process that an exception ends leaves a file in the directory of recordings, `exception_PID`,
//! which contains the traceback. The program prints it before the summary; it is printed again
//! after the summary.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use edbprof::report::display::printable;
use rustix::process::WaitStatus;

use crate::cli::names::EXCEPTION_PREFIX;

/// Tracebacks of the processes that an exception has ended.
#[derive(Debug, Default)]
pub(super) struct Exceptions(BTreeMap<u32, Exception>);

#[derive(Debug)]
struct Exception {
    /// Time at which the process ended, nanoseconds since the Unix epoch.
    end_unix_ns: u128,
    lines: Vec<String>,
}

impl Exceptions {
    /// Reads the files in `directory`, and removes them.
    pub(super) fn take(directory: &Path) -> Exceptions {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name
                .to_str()
                .and_then(|name| name.strip_prefix(EXCEPTION_PREFIX));
            let Some(pid) = pid else {
                continue;
            };
            let text = fs::read(entry.path()).unwrap_or_default();
            let lines = text.trim_ascii_end().split(|&byte| byte == b'\n');
            let end = entry.metadata().and_then(|metadata| metadata.modified());
            let end = end.map(|end| end.duration_since(SystemTime::UNIX_EPOCH));
            if let (Ok(pid), Ok(Ok(end))) = (pid.parse(), end) {
                let exception = Exception {
                    end_unix_ns: end.as_nanos(),
                    lines: lines.map(printable).collect(),
                };
                all.insert(pid, exception);
            }
            let _ = fs::remove_file(entry.path());
        }
        Exceptions(all)
    }

    /// Returns the lines that say why a run failed. They are the traceback of the process that was
    /// started, `pid`, or else that of the last descendant that an exception has ended.
    ///
    /// A descendant's exception did not end the run if another process began later, at
    /// `latest_start_unix_ns`. A run without an exit status has no such time, and no reason.
    pub(super) fn reason(
        &self,
        pid: Option<u32>,
        latest_start_unix_ns: Option<u64>,
    ) -> Vec<String> {
        if let Some(own) = pid.and_then(|pid| self.0.get(&pid)) {
            return own.lines.clone();
        }
        let last = self.0.iter().max_by_key(|(_, one)| one.end_unix_ns);
        let last = last.filter(|(_, one)| {
            latest_start_unix_ns.is_some_and(|start| one.end_unix_ns > start.into())
        });
        last.map_or_else(Vec::new, |(pid, one)| {
            let heading = format!("In process {pid}, which the program has started:");
            [&[heading], &one.lines[..]].concat()
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn exceptions(ends: &[(u32, u128)]) -> Exceptions {
        let all = ends.iter().map(|&(pid, end_unix_ns)| {
            let lines = vec![format!("ValueError: {pid}")];
            (pid, Exception { end_unix_ns, lines })
        });
        Exceptions(all.collect())
    }

    #[test]
    fn the_last_failure_is_the_reason() {
        let of = |ends: &[_], latest| exceptions(ends).reason(Some(1), latest).join("|");
        assert_eq!(of(&[(1, 20), (2, 30)], Some(10)), "ValueError: 1");
        let child = "In process 3, which the program has started:|ValueError: 3";
        assert_eq!(of(&[(2, 20), (3, 30)], Some(10)), child);
        assert_eq!(of(&[(2, 20), (3, 30)], Some(40)), "");
        assert_eq!(of(&[(2, 20), (3, 30)], None), "");
        assert_eq!(of(&[(1, 20)], None), "ValueError: 1");
        assert_eq!(of(&[], Some(0)), "");
    }
}
