//! Makes the place where processes record that change their user, such as daemons started by root.
//!
//! The place is a directory inside the directory of recordings. Everyone who knows its name may
//! create files there; only its owner may list, replace or remove them. Only processes of the
//! program know the name.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::cli::names::RECORDINGS_PREFIX;

/// Makes the place in `directory`. Returns `None` if the program can't change its user.
pub(super) fn make_in(directory: &Path) -> Option<PathBuf> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let place = directory.join(secret_name());
    DirBuilder::new().mode(0o700).create(&place).ok()?;
    // Sticky, and no longer subject to the umask.
    let opened = fs::set_permissions(&place, Permissions::from_mode(0o1733));
    opened.ok().map(|()| place)
}

/// Returns a name with 128 random bits, made from random keys of the system.
fn secret_name() -> String {
    let random = RandomState::new();
    let pid = std::process::id();
    let (first, second) = (random.hash_one((pid, 0_u8)), random.hash_one((pid, 1_u8)));
    format!("{RECORDINGS_PREFIX}{first:016x}{second:016x}")
}

/// Moves the files in `place` to `directory`. Links are removed: a process that is not trusted
/// may have made them.
///
/// # Errors
///
/// The place can't be listed.
pub(super) fn empty(place: &Path, directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let name = entry?.file_name();
        let target = directory.join(&name);
        if !may_be_moved(&name) || fs::rename(place.join(&name), &target).is_err() {
            continue;
        }
        // The kind of file is checked after the move, because the file could be replaced in
        // `place`.
        let is_plain = |found: &Metadata| found.is_file() && found.nlink() == 1;
        if !fs::symlink_metadata(&target).is_ok_and(|found| is_plain(&found)) {
            let _ = fs::remove_file(&target);
        }
    }
    Ok(())
}

/// Returns false for files that are being written. They get their final names later.
fn may_be_moved(name: &OsStr) -> bool {
    !name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn files_are_moved_and_links_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("place");
        fs::create_dir(&place).unwrap();
        for name in ["a.prof", "hard", ".unfinished"] {
            fs::write(place.join(name), name).unwrap();
        }
        symlink("/etc/passwd", place.join("b.prof")).unwrap();
        fs::hard_link(place.join("hard"), place.join(".second")).unwrap();
        fs::create_dir(place.join("sub")).unwrap();
        empty(&place, directory.path()).unwrap();
        let names = |path: &Path| {
            let entries = fs::read_dir(path).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(directory.path()), ["a.prof", "place", "sub"]);
        assert_eq!(names(&place), [".second", ".unfinished"]);
    }

    #[test]
    fn names_can_not_be_guessed() {
        let (a, b) = (secret_name(), secret_name());
        assert_ne!(a, b);
        assert_eq!(a.len(), RECORDINGS_PREFIX.len() + 32);
    }
}
