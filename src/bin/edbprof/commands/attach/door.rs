//! The socket by which a process is asked to record: see `cpython_ext/door.c`.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use edbprof::report::display::printable;
use rustix::net::sockopt::socket_peercred;

use super::process::Process;
use crate::cli::exit::Error;

/// Time that the process has to answer: its own threads may keep the interpreter's lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time in which a process opens its door again that the program has closed.
const REOPENING: Duration = Duration::from_secs(3);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection to the door of a process.
pub(super) struct Door {
    stream: UnixStream,
    pid: u32,
}

impl Door {
    /// # Errors
    ///
    /// When the process does not let this one in, or it is not the process that answers.
    pub(super) fn connect(process: &Process, path: &Path) -> Result<Door, Error> {
        let end = Instant::now() + REOPENING;
        loop {
            let greeted = Door::open(process, path)
                .and_then(|mut door| door.exchange(b"hello").map(|_| door));
            match greeted {
                Ok(door) => return door.checked(process),
                Err(error) if may_pass(&error) && Instant::now() < end => {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(refused(process, &error)),
            }
        }
    }

    fn open(process: &Process, path: &Path) -> io::Result<Door> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Door {
            stream,
            pid: process.pid,
        })
    }

    /// Returns this connection if it is to the process.
    fn checked(self, process: &Process) -> Result<Door, Error> {
        let pid = process.pid;
        let peer =
            socket_peercred(&self.stream).map_err(|error| refused(process, &error.into()))?;
        // Somebody else could have made a socket of that name.
        if peer.uid.as_raw() != process.user && !peer.uid.is_root() {
            return Err(Error::Usage(format!(
                "the door of process {pid} is held by user {}, and not by its own",
                peer.uid.as_raw()
            )));
        }
        Ok(self)
    }

    /// Asks, and returns the answer.
    ///
    /// # Errors
    ///
    /// When the process refuses, or has ended.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<String, Error> {
        let pid = self.pid;
        let answer = self.exchange(request).map_err(|error| {
            Error::SomeFailed(match error.kind() {
                io::ErrorKind::WouldBlock => format!(
                    "process {pid} has not answered for {} s: another edbprof is attached to it, \
                     or one of its threads keeps the interpreter's lock",
                    PATIENCE.as_secs()
                ),
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

/// Waits until the process has closed its side, and so has nothing left of the connection.
impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.set_read_timeout(Some(PATIENCE));
        let mut bytes = [0; 64];
        while self.stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
    }
}

/// Returns true for what happens while the door is opened again.
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

fn refused(process: &Process, error: &io::Error) -> Error {
    let pid = process.pid;
    Error::Usage(match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "process {pid} belongs to user {}, and its door is open to that user and root only: \
             sudo edbprof attach {pid}",
            process.user
        ),
        io::ErrorKind::ConnectionRefused => {
            format!("the door of process {pid} is closed, although its socket is there")
        }
        io::ErrorKind::UnexpectedEof => {
            format!("process {pid} lets in its own user and root only, or has ended")
        }
        _ => format!("can't connect to process {pid}: {error}"),
    })
}
