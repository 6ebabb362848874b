//! The directory that the program's processes record into.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use edbprof::report::summary::path_text;
use rustix::fs::{FlockOperation, statvfs};

use crate::cli::exit::Error;
use crate::cli::names::{PREFIX, RECORDINGS_PREFIX};
use crate::input::temporary_directories;

/// Bytes that a temporary directory needs room for.
pub(super) const ROOM: usize = 1 << 20;

/// Directory of recordings.
pub(super) enum Recordings {
    /// The user's own, which stays.
    Kept(PathBuf),
    /// Removed at the end, unless the results lack some recordings. Locked while this process
    /// lives, so that `edbprof clean` keeps it.
    Temporary {
        directory: tempfile::TempDir,
        lock: Option<OwnedFd>,
    },
    /// There is none, for this reason: the program runs without being recorded.
    Nowhere(String),
}

impl Recordings {
    /// Creates the directory: `keep`, or a temporary one.
    ///
    /// # Errors
    ///
    /// When `keep` can't be created or contains recordings already.
    pub(super) fn new(keep: Option<&Path>) -> Result<Recordings, Error> {
        match keep {
            Some(kept) => Recordings::kept(kept),
            None => Ok(Recordings::temporary()),
        }
    }

    fn temporary() -> Recordings {
        let mut reason = None;
        let mut full = None;
        for place in temporary_directories() {
            match create_in(&place) {
                Ok(directory) if has_room(&place) => return Recordings::of(directory),
                Ok(directory) => full = full.or(Some(directory)),
                Err(error) => {
                    let place = path_text(&place);
                    reason.get_or_insert(format!(
                        "can't make a directory for recordings in {place}: {error}; --keep names \
                         another"
                    ));
                }
            }
        }
        match full {
            Some(directory) => Recordings::of(directory),
            None => Recordings::Nowhere(reason.unwrap_or_default()),
        }
    }

    fn of(directory: tempfile::TempDir) -> Recordings {
        // Not all file systems have locks; without one, `edbprof clean` never removes it.
        let lock = lock(directory.path()).ok();
        Recordings::Temporary { directory, lock }
    }

    fn kept(directory: &Path) -> Result<Recordings, Error> {
        let text = path_text(directory);
        let made = fs::create_dir_all(directory).and_then(|()| fs::canonicalize(directory));
        let path = made
            .map_err(|error| Error::Usage(format!("can't make the directory {text}: {error}")))?;
        match has_recordings(&path) {
            Ok(false) => Ok(Recordings::Kept(path)),
            Ok(true) => Err(Error::Usage(format!(
                "{text} has the recordings of another run, which would be merged with those of \
                 this one; --keep wants another directory"
            ))),
            Err(error) => Err(Error::Usage(format!(
                "can't read the directory {text}: {error}"
            ))),
        }
    }

    /// Path of the directory.
    ///
    /// # Errors
    ///
    /// The reason why there is none.
    pub(super) fn path(&self) -> Result<&Path, &str> {
        match self {
            Recordings::Kept(path) => Ok(path),
            Recordings::Temporary { directory, .. } => Ok(directory.path()),
            Recordings::Nowhere(reason) => Err(reason),
        }
    }

    /// Descriptor of the lock.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        match self {
            Recordings::Temporary { lock, .. } => lock.as_ref().map(AsRawFd::as_raw_fd),
            _ => None,
        }
    }

    /// Removes the directory unless it is the user's or `is_needed`. Returns true if it stays.
    pub(super) fn keep_if(self, is_needed: bool) -> bool {
        match self {
            Recordings::Kept(_) => true,
            Recordings::Temporary { directory, .. } => {
                let path = directory.keep();
                // Processes that go on may just be creating files there.
                is_needed || !(0..3).any(|_| fs::remove_dir_all(&path).is_ok())
            }
            Recordings::Nowhere(_) => false,
        }
    }
}

/// Creates a directory of recordings. Its path is absolute, since the program may change its
/// working directory.
fn create_in(place: &Path) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(RECORDINGS_PREFIX)
        .tempdir_in(std::path::absolute(place)?)
}

fn has_room(directory: &Path) -> bool {
    // A file system that can't be asked may have room.
    statvfs(directory).map_or(true, |volume| {
        volume.f_bavail.saturating_mul(volume.f_frsize) >= ROOM as u64
    })
}

/// Returns true unless `directory` certainly contains no files that merging would use.
///
/// # Errors
///
/// When it can't be read.
pub(super) fn has_recordings(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lock(directory: &Path) -> io::Result<OwnedFd> {
    let directory = File::open(directory)?.into();
    rustix::fs::flock(&directory, FlockOperation::NonBlockingLockShared)?;
    Ok(directory)
}
