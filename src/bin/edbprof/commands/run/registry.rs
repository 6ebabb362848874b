//! The entry through which processes find the run that one of their ancestors belongs to.
//!
//! The program may start Pythons with another environment, which lacks the variable. Such a process
//! looks for its ancestors in a directory of the user. The directory has a fixed path, because the
//! environment names none. It is in memory, because a temporary directory may be full or read-only.
//! It is removed with its last entry, so that a Python outside of any run finds no directory.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use edbprof::format::process::Liveness;
use edbprof::model::ProcessIdentity;

/// Entry of one run. It is a link, because links are created and read in single steps. Its name is
/// made from the process, and its target is the value of the variable.
pub(in crate::commands) struct RegisteredRun {
    entry: PathBuf,
}

/// Number of attempts to create the directory, which the end of another run may remove at any time.
const ATTEMPTS: usize = 10;

impl RegisteredRun {
    /// Registers this process. Returns `None` if the system can't have such entries.
    pub(super) fn new(settings: &OsStr) -> Option<RegisteredRun> {
        RegisteredRun::of(&ProcessIdentity::of(std::process::id())?, settings)
    }

    /// Registers a process, so that its descendants find the run. Returns `None` if the system
    /// can't have such entries.
    pub(in crate::commands) fn of(
        process: &ProcessIdentity,
        settings: &OsStr,
    ) -> Option<RegisteredRun> {
        let name = entry_name(process);
        let user = rustix::process::geteuid().as_raw();
        let directory = PathBuf::from(format!("/dev/shm/edbprof-runs-{user}"));
        let entry = directory.join(name);
        for _ in 0..ATTEMPTS {
            create(&directory, user).ok()?;
            match symlink(settings, &entry) {
                Ok(()) => {
                    let run = RegisteredRun { entry };
                    remove_dead(&directory);
                    return Some(run);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // It is left from a killed `edbprof attach`, because a process has one recording at
                // a time.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let _ = fs::remove_file(&entry);
                }
                Err(_) => return None,
            }
        }
        None
    }
}

impl Drop for RegisteredRun {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.entry);
        if let Some(directory) = self.entry.parent() {
            // It stays while there are other runs.
            let _ = fs::remove_dir(directory);
        }
    }
}

fn entry_name(process: &ProcessIdentity) -> String {
    let ProcessIdentity {
        pid,
        start,
        pid_namespace,
        ..
    } = process;
    format!("{pid}-{start}-{pid_namespace}")
}

/// Returns the process that an entry is named after.
fn process(name: &OsStr) -> Option<ProcessIdentity> {
    let mut numbers = name.to_str()?.split('-');
    Some(ProcessIdentity {
        pid: numbers.next()?.parse().ok()?,
        start: numbers.next()?.parse().ok()?,
        pid_namespace: numbers.next()?.parse().ok()?,
        ..ProcessIdentity::of(std::process::id())?
    })
}

/// Creates the directory unless it exists.
///
/// # Errors
///
/// When it can't be created, or other users could write to it.
fn create(directory: &Path, user: u32) -> io::Result<()> {
    const PRIVATE: u32 = 0o700;
    match DirBuilder::new().mode(PRIVATE).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        done => return done,
    }
    let status = fs::symlink_metadata(directory)?;
    match status.uid() == user && status.mode() == libc::S_IFDIR | PRIVATE {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Removes the entries of killed processes, but not those of other containers.
fn remove_dead(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if process(&name).is_some_and(|process| process.liveness() == Liveness::Gone) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_killed_processes_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let here = ProcessIdentity::of(std::process::id()).unwrap();
        let later = ProcessIdentity {
            start: here.start + 1,
            ..here
        };
        let ended = ProcessIdentity {
            pid: u32::MAX,
            ..here
        };
        let elsewhere = ProcessIdentity {
            pid_namespace: 1,
            ..ended
        };
        let names = [
            (entry_name(&here), true),
            (entry_name(&later), false),
            (entry_name(&ended), false),
            (entry_name(&elsewhere), true),
            ("other".to_owned(), true),
        ];
        for (name, _) in &names {
            symlink("settings", directory.path().join(name)).unwrap();
        }
        remove_dead(directory.path());
        for (name, stays) in names {
            let path = directory.path().join(&name);
            assert_eq!(fs::symlink_metadata(path).is_ok(), stays, "{name}");
        }
    }

    #[test]
    fn a_directory_of_others_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("runs");
        let user = rustix::process::geteuid().as_raw();
        create(&directory, user).unwrap();
        create(&directory, user).unwrap();
        assert!(create(&directory, user + 1).is_err());
        fs::set_permissions(
            &directory,
            std::os::unix::fs::PermissionsExt::from_mode(0o770),
        )
        .unwrap();
        assert!(create(&directory, user).is_err());
        fs::remove_dir(&directory).unwrap();
        symlink(place.path(), &directory).unwrap();
        assert!(create(&directory, user).is_err());
    }
}
