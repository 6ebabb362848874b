//! The directory that the program's processes record into.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use edbprof::report::summary::path_text;
use rustix::fs::{FlockOperation, fstat, stat, statvfs};

use super::shared_place;
use super::survivors::live_files;
use crate::cli::exit::Error;
use crate::cli::names::{PREFIX, RECORDINGS_PREFIX};
use crate::input::temporary_directories;

/// Bytes that must be free in a temporary directory.
pub(super) const ROOM: usize = 1 << 20;

/// Directory of recordings.
pub(in crate::commands) enum Recordings {
    /// A directory that the user has named. It stays.
    Kept(Place),
    /// A directory that is removed at the end, unless the results lack some recordings. It is
    /// locked while this process lives, so that `edbprof clean` keeps it.
    Temporary(Place),
    /// The program is not recorded, because there is no directory, for this reason.
    Nowhere(String),
}

/// A directory. If the program renames it, it is found through the descriptor.
pub(in crate::commands) struct Place {
    path: PathBuf,
    /// Removes the directory if the program can't be started.
    temporary: Option<tempfile::TempDir>,
    /// Directory for processes of other users.
    shared: Option<PathBuf>,
    descriptor: Option<OwnedFd>,
}

impl Place {
    fn new(path: PathBuf, descriptor: Option<OwnedFd>) -> Place {
        Place {
            shared: shared_place::make_in(&path),
            path,
            temporary: None,
            descriptor,
        }
    }

    /// Returns the present path of the directory, if it isn't `path` any more.
    fn other_path(&self) -> Option<PathBuf> {
        let descriptor = self.descriptor.as_ref()?;
        let file = fstat(descriptor).ok()?;
        let is_it = |path: &Path| {
            stat(path).is_ok_and(|found| (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino))
        };
        if is_it(&self.path) {
            return None;
        }
        let link = PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()));
        match fs::read_link(&link) {
            Ok(path) if is_it(&path) => Some(path),
            // The program has removed it, and one of its processes has made it again.
            _ if self.is_made_again() => None,
            // It has no path any more, but may still have files.
            _ => is_it(&link).then_some(link),
        }
    }

    fn is_made_again(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| {
            let is_own = found.uid() == rustix::process::geteuid().as_raw();
            found.is_dir() && is_own && found.mode() & 0o022 == 0
        })
    }

    /// Moves the files of all users into the directory, and returns its present path.
    fn collected(&self) -> PathBuf {
        let path = self.other_path().unwrap_or_else(|| self.path.clone());
        if let Some(name) = self.shared.as_ref().and_then(|shared| shared.file_name()) {
            let shared = path.join(name);
            // Files that can't be moved are not read.
            let _ = shared_place::empty(&shared, &path);
            // The processes of these files had no right to remove them.
            for (file, _) in live_files(&path).filter(|(_, facts)| facts.is_superseded) {
                let _ = fs::remove_file(file);
            }
        }
        path
    }
}

impl Recordings {
    /// Creates the directory `keep`, or a temporary one.
    ///
    /// # Errors
    ///
    /// When `keep` can't be created or contains recordings already.
    pub(in crate::commands) fn new(keep: Option<&Path>) -> Result<Recordings, Error> {
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
        let path = directory.path().to_owned();
        // Not all file systems have locks; without one, `edbprof clean` never removes it.
        let descriptor = File::open(&path).ok().map(OwnedFd::from);
        if let Some(descriptor) = &descriptor {
            let _ = rustix::fs::flock(descriptor, FlockOperation::NonBlockingLockShared);
        }
        let mut place = Place::new(path, descriptor);
        place.temporary = Some(directory);
        if place.shared.is_some() {
            // Other users can reach files in it by name, but not list it.
            let _ = fs::set_permissions(&place.path, Permissions::from_mode(0o711));
        }
        Recordings::Temporary(place)
    }

    fn kept(directory: &Path) -> Result<Recordings, Error> {
        let text = path_text(directory);
        let made = fs::create_dir_all(directory).and_then(|()| fs::canonicalize(directory));
        let path = made
            .map_err(|error| Error::Usage(format!("can't make the directory {text}: {error}")))?;
        match has_recordings(&path) {
            Ok(false) => {
                let descriptor = File::open(&path).ok().map(OwnedFd::from);
                Ok(Recordings::Kept(Place::new(path, descriptor)))
            }
            Ok(true) => Err(Error::Usage(format!(
                "{text} has the recordings of another run, which would be merged with those of \
                 this one; --keep wants another directory"
            ))),
            Err(error) => Err(Error::Usage(format!(
                "can't read the directory {text}: {error}"
            ))),
        }
    }

    fn place(&self) -> Result<&Place, &str> {
        match self {
            Recordings::Kept(place) | Recordings::Temporary(place) => Ok(place),
            Recordings::Nowhere(reason) => Err(reason),
        }
    }

    /// Returns the path of the directory that processes record into.
    ///
    /// # Errors
    ///
    /// The reason why there is none.
    pub(in crate::commands) fn path(&self) -> Result<&Path, &str> {
        let place = self.place()?;
        Ok(place.shared.as_ref().unwrap_or(&place.path))
    }

    /// Returns the path of the directory that has all recordings at the end.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.place().ok().map(|place| &*place.path)
    }

    /// Moves all recordings of now into one directory, and returns its path.
    ///
    /// # Errors
    ///
    /// The reason why there is none.
    pub(in crate::commands) fn collected(&self) -> Result<PathBuf, &str> {
        self.place().map(Place::collected)
    }

    /// Returns the descriptor that stays open while the program runs.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        let place = self.place().ok()?;
        place.descriptor.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Removes the directory, unless the user has named it or `is_needed` is true. Returns true if
    /// it stays.
    pub(in crate::commands) fn keep_if(self, is_needed: bool) -> bool {
        match self {
            Recordings::Kept(place) => {
                place.remove_shared();
                true
            }
            Recordings::Temporary(mut place) => {
                if let Some(directory) = place.temporary.take() {
                    let _ = directory.keep();
                }
                if is_needed {
                    place.remove_shared();
                    return true;
                }
                let path = place.other_path().unwrap_or(place.path);
                // Processes that continue may just be creating files there.
                !(0..3).any(|_| fs::remove_dir_all(&path).is_ok()) && path.exists()
            }
            Recordings::Nowhere(_) => false,
        }
    }
}

impl Place {
    /// Removes the directory for other users, unless a process that continues has a file there.
    fn remove_shared(&self) {
        let path = self.collected();
        if let Some(name) = self.shared.as_ref().and_then(|shared| shared.file_name()) {
            let _ = fs::remove_dir(path.join(name));
        }
    }
}

/// Creates a directory of recordings. Its path is absolute, because the program may change its
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

/// Returns false if `directory` certainly contains no files that merging would use.
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
