//! The socket by which a process is asked to record: see `cpython_ext/door.c`.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edbprof::report::display::printable;
use edbprof::report::summary::path_text;
use rustix::fs::{Mode, OFlags, open};
use rustix::net::sockopt::socket_peercred;
use rustix::process::Pid;

use super::process::Process;
use crate::cli::exit::Error;

/// Time that the process has to answer: its own threads may keep the interpreter's lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Time in which a process opens its door again that the program has closed.
const REOPENING: Duration = Duration::from_secs(3);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection to the door of a process.
pub(super) struct Door {
    stream: UnixStream,
    pid: u32,
    /// Time that the process has for each answer.
    patience: Duration,
}

impl Door {
    /// # Errors
    ///
    /// The process does not let this one in, or none of `paths` is its door.
    pub(super) fn connect(
        process: &Process,
        paths: &[PathBuf],
        patience: Duration,
    ) -> Result<Door, Error> {
        let end = Instant::now() + REOPENING;
        loop {
            let mut failed = None;
            for path in paths {
                match Door::greet(process, path, patience) {
                    Ok(door) => return Ok(door),
                    Err(error) => failed = Some(error),
                }
            }
            let error = failed.unwrap_or_else(|| io::ErrorKind::NotFound.into());
            if !may_pass(&error) || !process.runs() || Instant::now() > end {
                return Err(process.ended_or(refused(process, &error, patience)));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn greet(process: &Process, path: &Path, patience: Duration) -> io::Result<Door> {
        let stream = connect(path)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        // Somebody else could have made a socket of that name, also in another container.
        let peer = socket_peercred(&stream)?;
        let is_users = peer.uid.as_raw() == process.user || peer.uid.is_root();
        if !is_users || Pid::as_raw(Some(peer.pid)) as u32 != process.pid {
            let uid = peer.uid.as_raw();
            return Err(io::Error::other(format!(
                "{} is the socket of another process, of user {uid}",
                path_text(path)
            )));
        }
        let mut door = Door {
            stream,
            pid: process.pid,
            patience,
        };
        door.exchange(b"hello")?;
        Ok(door)
    }

    /// Asks, and returns the answer.
    ///
    /// # Errors
    ///
    /// The process refuses, or has ended.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<String, Error> {
        let pid = self.pid;
        let answer = self.exchange(request).map_err(|error| {
            Error::SomeFailed(match error.kind() {
                io::ErrorKind::WouldBlock => silent(pid, self.patience),
                _ => format!("process {pid} has ended or closed its door: {error}"),
            })
        })?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        match answer.split_once('\n') {
            Some(("ok", rest)) => Ok(rest.to_owned()),
            Some((_, reason)) => Err(Error::SomeFailed(format!(
                "process {pid} refuses: {}",
                printable(reason.as_bytes())
            ))),
            None => Err(Error::SomeFailed(format!(
                "process {pid} gives no answer that edbprof understands"
            ))),
        }
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.write_all(request)?;
        self.stream.write_all(b"\0")?;
        let mut answer = Vec::new();
        let mut bytes = [0; 4096];
        loop {
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(bytes.get(..read).unwrap_or_default());
            if answer.last() == Some(&0) {
                answer.pop();
                return Ok(answer);
            }
        }
    }

    /// Descriptor that can be read from once the process has ended.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Connects by way of a descriptor of the directory, because the path through `/proc/PID/root` may
/// be longer than the address of a socket.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = open(directory, flags, Mode::empty())?;
    let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
    UnixStream::connect(Path::new(&link).join(name))
}

/// Waits until the process has closed its side, and so has nothing left of the connection.
impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.set_read_timeout(Some(self.patience));
        let mut bytes = [0; 64];
        while self.stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
    }
}

/// Returns true for errors that are usual while the door is opened again.
fn may_pass(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotFound
            | io::ErrorKind::UnexpectedEof
    )
}

fn silent(pid: u32, patience: Duration) -> String {
    format!(
        "process {pid} has not answered for {} s: another edbprof is attached to it, or one of its \
         threads keeps the interpreter's lock",
        patience.as_secs()
    )
}

fn refused(process: &Process, error: &io::Error, patience: Duration) -> Error {
    let pid = process.pid;
    Error::Usage(match error.kind() {
        io::ErrorKind::WouldBlock => silent(pid, patience),
        io::ErrorKind::PermissionDenied => format!(
            "process {pid} belongs to user {}, and its door is open to that user and root only: \
             sudo edbprof {} {pid}",
            process.user, process.command
        ),
        io::ErrorKind::ConnectionRefused => {
            format!("the door of process {pid} is closed, although its socket is there")
        }
        io::ErrorKind::UnexpectedEof => {
            format!("process {pid} has closed its door: it lets in its own user and root only")
        }
        _ => format!("can't connect to process {pid}: {error}"),
    })
}
