//! `edbprof run` while it writes the results: signals and closed terminals cost nothing.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use libc::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use crate::sandbox::{Sandbox, recording};

/// Leaves a recording where a Python would.
const RECORD: &str = "cp \"$TMPDIR/recorded\" \"${EDBPROF_RUN##*directory=}/edbprof_1.prof\"";

/// `edbprof run` that waits for a reader of its summary.
struct Writing {
    sandbox: Sandbox,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Writing {
    fn start() -> Writing {
        let sandbox = Sandbox::new().with("recorded", &recording(1, 10));
        let pipe = sandbox.work("pipe");
        let path = CString::new(pipe.as_os_str().as_bytes()).unwrap();
        // SAFETY: the path is a string.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        let mut child = sandbox
            .command()
            .args(["run", "--summary-json=pipe", "sh", "-c", RECORD])
            .process_group(0)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut writing = Writing {
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
            sandbox,
        };
        // It comes before the summary for programs.
        writing.line_with("profile_analysis.prof");
        writing
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        assert_ne!(line, "", "edbprof has ended");
        line
    }

    /// The next line that contains `text`.
    fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    fn send(&self, to: i32, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: the process is a child that was not waited for.
        assert_eq!(unsafe { libc::kill(to * pid, signal) }, 0);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn signals_that_end_processes_are_held() {
    let mut writing = Writing::start();
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, libc::SIGQUIT, 40] {
        writing.send(1, signal);
        if signal != SIGINT {
            writing.send(-1, signal);
        }
    }
    let mut summary = String::new();
    let mut pipe = File::open(writing.sandbox.work("pipe")).unwrap();
    pipe.read_to_string(&mut summary).unwrap();
    assert!(summary.contains("\"succeeded\": 1"), "{summary}");
    assert_eq!(writing.child.wait().unwrap().code(), Some(0));
    assert_eq!(writing.sandbox.calls("profile_analysis.prof"), 11);
}

#[test]
fn a_second_ctrl_c_leaves_the_recordings_and_says_where() {
    let mut writing = Writing::start();
    writing.send(-1, SIGINT);
    writing.line_with("still writing the results");
    writing.send(-1, SIGINT);
    let text = writing.line_with("the recordings are in ");
    let directory = text.split_once("the recordings are in ").unwrap().1;
    let directory = directory.split_once(';').unwrap().0;
    assert!(Path::new(directory).join("edbprof_1.prof").exists());
    assert_eq!(writing.child.wait().unwrap().signal(), Some(SIGINT));
    let merged = writing.sandbox.run(&[directory]).expect(0);
    assert!(merged.stdout.contains("1 process"), "{}", merged.stdout);
}

/// A terminal that was closed: whatever is written to it fails. No other test's program gets it.
fn closed_terminal() -> OwnedFd {
    let mut name = [0; 64];
    // SAFETY: the calls use a descriptor that nobody else has, and write a string into `name`.
    let (terminal, name) = unsafe {
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        let terminal = OwnedFd::from_raw_fd(libc::posix_openpt(flags));
        assert_eq!(libc::unlockpt(terminal.as_raw_fd()), 0);
        let named = libc::ptsname_r(terminal.as_raw_fd(), name.as_mut_ptr(), name.len());
        assert_eq!(named, 0);
        (terminal, CStr::from_ptr(name.as_ptr()))
    };
    let program = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(name.to_str().unwrap());
    drop(terminal);
    program.unwrap().into()
}

#[test]
fn results_are_written_when_the_terminal_is_closed() {
    let closed_pipe = || {
        let (_, writer) = std::io::pipe().unwrap();
        writer.into()
    };
    for stderr in [closed_terminal(), closed_pipe()] {
        let sandbox = Sandbox::new().with("recorded", &recording(1, 10));
        let mut command = sandbox.command();
        command.args(["run", "sh", "-c", RECORD]).stderr(stderr);
        assert_eq!(command.status().unwrap().code(), Some(0));
        assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
        let left = fs::read_dir(sandbox.input("")).unwrap();
        assert_eq!(left.count(), 1);
    }
}
