//! Writes files so that readers see the old file or the complete new one, and never a part.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Mode of a file that only its owner can read.
const PRIVATE: u32 = 0o600;

/// Writes `bytes` to `path`, readable by the user alone (mode 0600).
///
/// Writes the bytes to a new file beside it, then renames that. Readers see the old file or the new
/// one. A symbolic link at `path` is replaced, never followed.
///
/// # Errors
/// Those of the operating system; the file at `path` is then as it was, and
/// nothing is left beside it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_by(path, |mut file| file.write_all(bytes))
}

/// Like [`write()`], with the permissions that the umask leaves, for reports that a person asked
/// for by name.
///
/// # Errors
/// Like those of [`write()`].
pub fn write_shared(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_shared_by(path, |mut file| file.write_all(bytes))
}

/// Like [`write_shared()`], for a file that `body` writes to.
///
/// # Errors
/// Like those of [`write()`], and those of `body`.
pub fn write_shared_by(path: &Path, body: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    write_with_mode(path, body, 0o666)
}

/// Like [`write()`], for a file that `body` writes to.
///
/// # Errors
/// Like those of [`write()`], and those of `body`.
pub fn write_by(path: &Path, body: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    write_with_mode(path, body, PRIVATE)
}

fn write_with_mode(
    path: &Path,
    body: impl FnOnce(&File) -> io::Result<()>,
    mode: u32,
) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not the name of a file",
        ));
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (temporary, file) = create_beside(directory, mode)?;
    let written = body(&file).and_then(|()| fs::rename(&temporary, directory.join(name)));
    if written.is_err() {
        // Report the first error.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn create_beside(directory: &Path, mode: u32) -> io::Result<(PathBuf, File)> {
    // A forked child inherits its parent's random state, so a name can be taken. An attacker who
    // creates files in advance would have to guess 64 bits.
    let mut attempts = 16;
    loop {
        // The leading dot keeps it from matching any `prefix*suffix` of inputs.
        let temporary = directory.join(format!(".edbprof-{:016x}.tmp", random()));
        match create(&temporary, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts > 0 => {
                attempts -= 1;
            }
            result => return result.map(|file| (temporary, file)),
        }
    }
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode).custom_flags(libc::O_NOFOLLOW);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    if mode == PRIVATE {
        use std::os::unix::fs::PermissionsExt;
        // The umask may forbid even the owner to open it again.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    Ok(file)
}

fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    if let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        hasher.write_u128(now.as_nanos());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writes_and_overwrites_leaving_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("edbprof_1.prof");
        write(&path, b"old and long").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["edbprof_1.prof"]);
    }

    #[test]
    fn failure_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), b"").unwrap();
        assert!(write(&path, b"new").is_err());
        assert_eq!(names(directory.path()), ["taken"]);
        assert!(write(Path::new("/"), b"").is_err());
        assert!(write(&directory.path().join("no/such"), b"").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn replaces_a_link_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        let path = directory.path().join("link");
        fs::write(&victim, b"precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}
