//! Distinguishes signals to the process group from signals to this process alone.
//!
//! Signals to the group reach the program by themselves; the others must be forwarded. A signal
//! itself does not say which of the two it is. So there is a probe: a process in the group that
//! blocks all signals. Signals that are pending there were sent to the group. The probe ends with
//! this process.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::raw::c_int;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, getpgrp, setpgid, waitpid};

use super::os::{
    Arrived, SignalSet, Started, close_all_but, die_with, hide_arguments, send, take_within,
};
use super::process_state::state_of;

/// This process's view of the probe.
pub(super) struct GroupProbe {
    pub(super) pid: libc::pid_t,
    /// Connection to the probe. It gets a signal's number and the milliseconds to wait for it, and
    /// answers 1 or 0.
    stream: UnixStream,
    /// Signals to the group that only the program got, because it is a little older than the probe.
    missed: SignalSet,
}

/// The probe's own part.
pub(super) struct ProbeProcess<'w> {
    stream: UnixStream,
    /// The program's command line.
    words: &'w [OsString],
}

/// Time that a sender may take from one process to the next. systemd and pkill send a signal to all
/// processes one by one.
const ONE_BY_ONE_MS: u8 = 2;
/// Largest number of such waits while the sender is ready to run. It may still be about to send to
/// the next process, if others use the processors.
const MOST_WAITS: usize = 50;
/// Time after which a probe that does not answer may have been stopped.
const ANSWER: Duration = Duration::from_millis(50);

/// Makes both ends of the connection between this process and the probe.
///
/// # Errors
///
/// When the system can't.
pub(super) fn connect(words: &[OsString]) -> io::Result<(UnixStream, ProbeProcess<'_>)> {
    let (stream, of_probe) = UnixStream::pair()?;
    stream.set_read_timeout(Some(ANSWER))?;
    let process = ProbeProcess {
        stream: of_probe,
        words,
    };
    Ok((stream, process))
}

impl ProbeProcess<'_> {
    /// Runs the probe, in its own process, until the process `parent` ends.
    pub(super) fn run(&self, parent: u32) {
        die_with(parent);
        close_all_but(&[self.stream.as_raw_fd()]);
        hide_arguments(self.words);
        answer(&self.stream, parent);
    }
}

impl GroupProbe {
    pub(super) fn new(started: &Started, stream: UnixStream) -> Option<GroupProbe> {
        Some(GroupProbe {
            pid: started.probe?,
            stream,
            missed: started.pending,
        })
    }

    /// Returns the descriptor of the connection to the probe.
    pub(super) fn descriptor(&self) -> c_int {
        self.stream.as_raw_fd()
    }

    /// Returns true if the signal was sent to the whole group. Then forgets it, so that each signal
    /// to the group accounts for one that arrives here.
    pub(super) fn has_got(&mut self, signal: &Arrived) -> bool {
        let wait = match signal.is_sent() && signal.number <= libc::SIGSYS {
            true => ONE_BY_ONE_MS,
            false => 0,
        };
        let mut got = self.ask(signal.number, wait);
        let mut waits = 1;
        while wait > 0 && waits < MOST_WAITS && matches!(got, Ok(false)) && is_running(signal) {
            got = self.ask(signal.number, wait);
            waits += 1;
        }
        let missed = self.missed.has(signal.number);
        self.missed.remove(signal.number);
        // If the probe does not answer, signals of the terminal count as sent to the group.
        missed || got.unwrap_or(!signal.is_sent())
    }

    /// Forgets a signal that was sent to the group.
    pub(super) fn forget(&mut self, signal: c_int) {
        let _ = self.ask(signal, 0);
    }

    fn ask(&mut self, signal: c_int, wait: u8) -> io::Result<bool> {
        self.settle();
        self.stream.write_all(&[signal as u8, wait])?;
        let mut answer = [0];
        loop {
            match self.stream.read_exact(&mut answer) {
                Ok(()) => return Ok(answer == [1]),
                // A stop of the group stops the probe too.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.has_stopped() {
                        self.send_continue();
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Continues the probe after a stop.
    pub(super) fn continue_it(&mut self) {
        self.send_continue();
        self.forget(libc::SIGCONT);
    }

    fn send_continue(&self) {
        send(self.pid, libc::SIGCONT);
    }

    fn has_stopped(&self) -> bool {
        let pid = Pid::from_raw(self.pid);
        let status = waitpid(pid, WaitOptions::NOHANG | WaitOptions::UNTRACED);
        matches!(status, Ok(Some((_, status))) if status.stopped())
    }

    /// Waits until a signal that is just being sent to the group has reached all its processes.
    pub(super) fn settle(&self) {
        // While the system sends a signal to groups, it changes no process's group, not even to the
        // same one.
        let _ = setpgid(Pid::from_raw(self.pid), Some(getpgrp()));
    }
}

impl Drop for GroupProbe {
    /// Ends the probe, and waits for it. Otherwise it would stay as a zombie where the first
    /// process never waits for children, such as in many containers.
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.pid);
        // If it was waited for already, its number may now be another process's.
        if matches!(waitpid(pid, WaitOptions::NOHANG), Ok(None)) {
            send(self.pid, libc::SIGKILL);
            let _ = waitpid(pid, WaitOptions::empty());
        }
    }
}

/// Returns true if the sender of the signal runs, or is ready to run.
fn is_running(signal: &Arrived) -> bool {
    let sender = signal.sender().filter(|&sender| sender != 0);
    sender.and_then(state_of) == Some(b'R')
}

/// Answers questions until the asking process has ended.
fn answer(mut stream: &UnixStream, parent: u32) {
    let mut question = [0; 2];
    while stream.read_exact(&mut question).is_ok() {
        let [signal, wait] = question;
        let got = take_within(&SignalSet::of(&[c_int::from(signal)]), wait);
        // SIGCONT from the parent is for this process alone.
        let got = got.is_some_and(|got| got.sender() != Some(parent));
        if stream.write_all(&[u8::from(got)]).is_err() {
            return;
        }
    }
}
