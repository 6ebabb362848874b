//! A directory that is searched and cleaned. Everything in it is reached through one
//! descriptor and by name, no link is followed, and what is removed is what was looked at.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// A regular file of the user's.
#[derive(Debug)]
pub(super) struct OwnFile {
    file: File,
    /// As it was when it was opened.
    pub(super) state: State,
}

/// What changes when a file does, or when another takes its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    inode: (u64, u64),
    modified: (i64, i64),
    pub(super) bytes: u64,
}

/// Why a file is none of the user's own to remove.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is there no more.
    Gone,
    /// A phrase for people.
    Because(String),
}

/// Whether an `edbprof run` uses a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Held,
    Free,
    /// The file system has no locks.
    Unknown,
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);

impl Directory {
    /// The directory that the user has named.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn open(path: &Path) -> io::Result<Directory> {
        let flags = FLAGS | OFlags::DIRECTORY;
        let descriptor = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        let path = path.to_owned();
        Ok(Directory { descriptor, path })
    }

    /// One below it, if it is the user's.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub(super) fn below(&self, name: &OsStr) -> Result<Directory, Refusal> {
        let flags = FLAGS | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let descriptor = rustix::fs::openat(&self.descriptor, name, flags, Mode::empty())?;
        let metadata = File::from(descriptor.try_clone()?).metadata()?;
        check_owner(&metadata)?;
        let path = self.path_of(name);
        Ok(Directory { descriptor, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn path_of(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// The names of all that is in it, sorted.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Opens a file in it.
    ///
    /// # Errors
    ///
    /// Why it is none of the user's, or can't be opened.
    pub(super) fn file(&self, name: &OsStr) -> Result<OwnFile, Refusal> {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let flags = FLAGS | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let descriptor = match rustix::fs::openat(&self.descriptor, name, flags, Mode::empty()) {
            Err(Errno::LOOP) => return Err(Refusal::Because("it is a link".to_owned())),
            descriptor => descriptor?,
        };
        let file = File::from(descriptor);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Refusal::Because("it is no regular file".to_owned()));
        }
        check_owner(&metadata)?;
        let state = State {
            inode: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.len(),
        };
        Ok(OwnFile { file, state })
    }

    /// Removes the file of that name if it still is in that state.
    ///
    /// # Errors
    ///
    /// Why it could not be removed.
    pub(super) fn remove(&self, name: &OsStr, state: State) -> Result<(), Refusal> {
        if self.file(name)?.state != state {
            return Err(Refusal::Because("it has changed meanwhile".to_owned()));
        }
        Ok(rustix::fs::unlinkat(
            &self.descriptor,
            name,
            AtFlags::empty(),
        )?)
    }

    /// Removes the directory of that name if it is empty and nobody uses it.
    ///
    /// # Errors
    ///
    /// Why it could not be removed.
    pub(super) fn remove_directory(&self, name: &OsStr) -> Result<(), Refusal> {
        if self.below(name)?.lock()? != Lock::Free {
            return Err(Refusal::Because("edbprof run is using it".to_owned()));
        }
        Ok(rustix::fs::unlinkat(
            &self.descriptor,
            name,
            AtFlags::REMOVEDIR,
        )?)
    }

    /// Whether the `edbprof run` that has made it lives: it holds a lock.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn lock(&self) -> io::Result<Lock> {
        use rustix::fs::flock;
        match flock(&self.descriptor, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                flock(&self.descriptor, FlockOperation::Unlock)?;
                Ok(Lock::Free)
            }
            Err(Errno::WOULDBLOCK) => Ok(Lock::Held),
            Err(_) => Ok(Lock::Unknown),
        }
    }

    /// How long nothing was put into it or taken out.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn age(&self) -> io::Result<Duration> {
        let metadata = File::from(self.descriptor.try_clone()?).metadata()?;
        Ok(since((metadata.mtime(), metadata.mtime_nsec())))
    }
}

impl OwnFile {
    /// Its first `limit` bytes.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        use std::io::Seek;
        let mut file = &self.file;
        file.rewind()?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl State {
    /// How long it was not changed.
    pub(super) fn age(&self) -> Duration {
        since(self.modified)
    }
}

/// Nothing for moments to come.
fn since((seconds, nanoseconds): (i64, i64)) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let then = Duration::new(
        u64::try_from(seconds).unwrap_or(0),
        u32::try_from(nanoseconds).unwrap_or(0),
    );
    now.unwrap_or_default().saturating_sub(then)
}

fn check_owner(metadata: &Metadata) -> Result<(), Refusal> {
    match metadata.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(Refusal::Because(format!(
            "it belongs to user {}",
            metadata.uid()
        ))),
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        match error.kind() {
            io::ErrorKind::NotFound => Refusal::Gone,
            _ => Refusal::Because(error.to_string()),
        }
    }
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Refusal {
        io::Error::from(error).into()
    }
}
