//! Which files are read: those that match in the directories, and those that were
//! named.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use edbprof::format::live;
use edbprof::report::summary::path_text;

use crate::exit::Error;
use crate::read_error::ReadError;

/// What singledispatch sidecars end in, beside the name of the file they belong to.
pub(crate) const SIDECAR_SUFFIX: &str = ".singledispatch";

/// Whether `path` is called as a live file is.
pub(crate) fn is_live(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .ends_with(live::SUFFIX.as_bytes())
}

/// The `.prof` file that a live file stands beside.
pub(crate) fn beside_live(path: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let name = path.as_os_str().as_bytes();
    let name = name.strip_suffix(live::SUFFIX.as_bytes())?;
    Some(PathBuf::from(OsStr::from_bytes(name)))
}

/// A file that stands for itself: device and inode.
pub(crate) type Identity = (u64, u64);

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// How it was found or named.
    pub(crate) path: PathBuf,
    /// Whether it was named and not found in a directory.
    pub(crate) named: bool,
    /// Whether files beside it are read whoever owns them.
    pub(crate) any_owner: bool,
    /// How large it is, as far as [`each_once`] could see.
    pub(crate) bytes: u64,
}

/// A file that is left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The file.
    pub(crate) path: PathBuf,
    /// A phrase for people.
    pub(crate) reason: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files to read, in the order of the arguments and of their names.
    pub(crate) inputs: Vec<Input>,
    /// Files of strangers, left out on purpose.
    pub(crate) skipped: Vec<Refused>,
}

/// What names in a directory must look like, and whose files are trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    pub(crate) prefix: &'a OsStr,
    pub(crate) suffix: &'a OsStr,
    pub(crate) any_owner: bool,
}

/// Finds the inputs.
///
/// # Errors
///
/// When a path does not exist or a directory can't be listed.
pub(crate) fn discover(paths: &[PathBuf], filter: Filter<'_>) -> Result<Found, Error> {
    let mut found = Found::default();
    for path in paths {
        let metadata = fs::metadata(path);
        match metadata.as_ref().map(Metadata::is_dir) {
            Ok(true) => search(path, filter, &mut found).map_err(|error| {
                Error::Usage(format!(
                    "can't list the directory {}: {error}",
                    path_text(path)
                ))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Usage(format!(
                    "there is no file or directory {}",
                    path_text(path)
                )));
            }
            _ => found.inputs.push(Input {
                path: path.clone(),
                named: true,
                any_owner: true,
                bytes: 0,
            }),
        }
    }
    Ok(found)
}

/// `inputs` without those that are a file of another name.
pub(crate) fn each_once(mut inputs: Vec<Input>) -> Vec<Input> {
    let mut seen = HashSet::new();
    inputs.retain_mut(|input| match fs::metadata(&input.path) {
        Ok(metadata) => {
            input.bytes = metadata.len();
            seen.insert(identity(&metadata))
        }
        Err(_) => true,
    });
    inputs
}

/// Device and inode of `metadata`'s file.
pub(crate) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

fn search(directory: &Path, filter: Filter<'_>, found: &mut Found) -> io::Result<()> {
    let any_owner = filter.any_owner || !others_may_write(&fs::metadata(directory)?);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if matches(&name, filter) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut is_foreign = |path: &Path| match foreign(path).filter(|_| !any_owner) {
        Some(owner) => {
            found.skipped.push(Refused {
                path: path.to_owned(),
                reason: ReadError::Stranger(owner).to_string(),
            });
            true
        }
        None => false,
    };
    for name in names {
        let path = directory.join(name);
        if !is_foreign(&path) {
            is_foreign(&sidecar_beside(&path));
            found.inputs.push(Input {
                path,
                named: false,
                any_owner,
                bytes: 0,
            });
        }
    }
    Ok(())
}

/// Whether `name` is `prefix*suffix` or the name of a live file beside such one, prefix
/// and suffix not overlapping. A dot in front hides a file as it does from a shell.
pub(crate) fn matches(name: &OsStr, Filter { prefix, suffix, .. }: Filter<'_>) -> bool {
    let [name, prefix, suffix] = [name, prefix, suffix].map(OsStr::as_encoded_bytes);
    let Some(rest) = name.strip_prefix(prefix) else {
        return false;
    };
    let hidden = name.starts_with(b".") && !prefix.starts_with(b".");
    let sidecar =
        name.ends_with(SIDECAR_SUFFIX.as_bytes()) && !suffix.ends_with(SIDECAR_SUFFIX.as_bytes());
    let ours = rest.strip_suffix(live::SUFFIX.as_bytes()).unwrap_or(rest);
    (rest.ends_with(suffix) || ours.ends_with(suffix)) && !hidden && !sidecar
}

/// Whether someone besides the user and root can put files there.
fn others_may_write(directory: &Metadata) -> bool {
    directory.mode() & 0o022 != 0 || !is_trusted(directory.uid())
}

fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// The stranger who owns `path`, the link or the file that it leads to.
fn foreign(path: &Path) -> Option<u32> {
    let owners = [fs::symlink_metadata(path), fs::metadata(path)];
    owners
        .into_iter()
        .flatten()
        .map(|metadata| metadata.uid())
        .find(|&uid| !is_trusted(uid))
}

/// The content of `path`, if it is a regular file, and one of the user's or root's
/// unless `any_owner`: what was looked at before may have been replaced since.
///
/// # Errors
///
/// When it can't be read.
pub(crate) fn read(path: &Path, any_owner: bool) -> Result<Vec<u8>, ReadError> {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(kind(&metadata)));
    }
    if !any_owner && !is_trusted(metadata.uid()) {
        return Err(ReadError::Stranger(metadata.uid()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn sidecar_beside(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(SIDECAR_SUFFIX);
    path.into()
}

/// The sidecar of `input`, if there is one that may be read.
pub(crate) fn sidecar(input: &Input) -> Option<PathBuf> {
    let path = sidecar_beside(&input.path);
    let readable = path.exists() && (input.any_owner || foreign(&path).is_none());
    readable.then_some(path)
}

fn kind(metadata: &Metadata) -> &'static str {
    let file_type = metadata.file_type();
    if file_type.is_dir() {
        "a directory"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else {
        "a device or socket"
    }
}

/// Python's temporary directory: the first of its candidates that can be written to.
pub(crate) fn temporary_directory() -> PathBuf {
    let named = ["TMPDIR", "TEMP", "TMP"]
        .into_iter()
        .filter_map(std::env::var_os);
    let usual = ["/tmp", "/var/tmp", "/usr/tmp", "."].map(Into::into);
    let candidates = named
        .filter(|name| !name.is_empty())
        .chain(usual)
        .map(PathBuf::from);
    candidates
        .into_iter()
        .find(|path| is_writable(path))
        .unwrap_or_else(|| PathBuf::from("."))
}

fn is_writable(directory: &Path) -> bool {
    use rustix::fs::{Access, access};
    directory.is_dir() && access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_whole() {
        let matches = |name: &str, prefix: &str, suffix: &str| {
            let filter = Filter {
                prefix: prefix.as_ref(),
                suffix: suffix.as_ref(),
                any_owner: false,
            };
            super::matches(name.as_ref(), filter)
        };
        assert!(matches("edbprof_1.prof", "edbprof_", ".prof"));
        assert!(matches("edbprof_.prof", "edbprof_", ".prof"));
        assert!(matches("edbprof_1.prof.live", "edbprof_", ".prof"));
        assert!(!matches("edbprof_1.live", "edbprof_", ".prof"));
        assert!(!matches(".edbprof-1.live.tmp", "", ""));
        assert!(!matches("aXa", "aX", "Xa"));
        assert!(!matches(".edbprof-0.tmp", "", ""));
        assert!(matches(".hidden.prof", ".", ".prof"));
        assert!(!matches("x.prof.singledispatch", "", ""));
        assert!(matches("[a]*.prof", "[a]*", ".prof"));
        assert!(!matches("ab.prof", "[a]*", ".prof"));
    }
}
