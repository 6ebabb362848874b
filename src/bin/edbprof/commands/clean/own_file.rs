//! Files and directories of the user, which are not removed if they have changed since the search.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::input::FileId;

/// Reason to keep a file.
#[derive(Debug)]
pub(super) enum Kept {
    Gone,
    InUse,
    Young,
    Because(String),
}

/// State of a file. It is different for another file, and after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    id: FileId,
    modified: SystemTime,
    pub(super) bytes: u64,
}

impl State {
    pub(super) fn of(metadata: &Metadata) -> io::Result<State> {
        Ok(State {
            id: FileId::from(metadata),
            modified: metadata.modified()?,
            // Live files are longer than the room that they take.
            bytes: match metadata.blocks() {
                0 => metadata.len(),
                blocks => metadata.len().min(512 * blocks),
            },
        })
    }

    pub(super) fn check_age(&self, least: Duration) -> Result<(), Kept> {
        let age = self.modified.elapsed().unwrap_or_default();
        (age >= least).then_some(()).ok_or(Kept::Young)
    }
}

/// Opens a file or directory of the user, but no link.
pub(super) fn open(path: &Path) -> Result<(File, Metadata), Kept> {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => Kept::from("it is a link"),
            _ => Kept::from(error),
        })?;
    let metadata = file.metadata()?;
    match metadata.uid() {
        uid if uid == rustix::process::geteuid().as_raw() => Ok((file, metadata)),
        uid => Err(Kept::Because(format!("it belongs to user {uid}"))),
    }
}

/// Checks that no `edbprof run` uses `directory`: such a process holds a lock until it ends. Takes
/// the file, because a lock of this process must not outlast the check.
pub(super) fn check_unused(directory: File) -> Result<(), Kept> {
    match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(Kept::InUse),
        Err(_) => Err("it can't be told whether edbprof run is using it".into()),
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kept::Gone => "it is gone",
            Kept::InUse => "edbprof run is using it",
            Kept::Young => "it was changed lately",
            Kept::Because(reason) => reason,
        })
    }
}

impl From<&str> for Kept {
    fn from(reason: &str) -> Kept {
        Kept::Because(reason.to_owned())
    }
}

impl From<io::Error> for Kept {
    fn from(error: io::Error) -> Kept {
        match error.kind() {
            io::ErrorKind::NotFound => Kept::Gone,
            _ => Kept::Because(error.to_string()),
        }
    }
}
