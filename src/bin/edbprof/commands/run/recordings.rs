//! The directory that the program's processes record into.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use edbprof::report::summary::path_text;
use rustix::fs::FlockOperation;

use crate::cli::exit::Error;
use crate::cli::names::{PREFIX, RECORDINGS_PREFIX};

/// Directory of recordings.
pub(super) enum Recordings {
    /// The user's own, which stays.
    Kept(PathBuf),
    /// Removed at the end, unless running processes still write there or the results lack some
    /// recordings. Locked while this process lives, so that `edbprof clean` keeps it.
    Temporary {
        directory: tempfile::TempDir,
        _lock: Option<OwnedFd>,
    },
}

impl Recordings {
    /// Creates the directory: `keep`, or a temporary one.
    ///
    /// # Errors
    ///
    /// When it can't be created or contains recordings already.
    pub(super) fn new(keep: Option<&Path>) -> Result<Recordings, Error> {
        match keep {
            Some(kept) => Recordings::kept(kept),
            None => Recordings::temporary(),
        }
    }

    fn temporary() -> Result<Recordings, Error> {
        let mut builder = tempfile::Builder::new();
        let directory = builder.prefix(RECORDINGS_PREFIX).tempdir();
        let directory = directory.map_err(|error| {
            let place = path_text(&std::env::temp_dir());
            Error::Usage(format!(
                "can't make a directory for recordings in {place}: {error}; --keep names another"
            ))
        })?;
        // Not all file systems have locks; without one, `edbprof clean` never removes it.
        let _lock = lock(directory.path()).ok();
        Ok(Recordings::Temporary { directory, _lock })
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

    pub(super) fn path(&self) -> &Path {
        match self {
            Recordings::Kept(path) => path,
            Recordings::Temporary { directory, .. } => directory.path(),
        }
    }

    /// Returns true if it certainly contains no recordings.
    pub(super) fn are_empty(&self) -> bool {
        matches!(has_recordings(self.path()), Ok(false))
    }
}

/// Returns true if `directory` contains files that merging would use.
fn has_recordings(directory: &Path) -> io::Result<bool> {
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
