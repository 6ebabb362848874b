//! Finds the input files: those that match in directories, and those that are named.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use edbprof::format::{live, timeline};
use edbprof::report::summary::path_text;

use super::read_error::ReadError;
use super::since::keep_since;
use super::trust::{Owners, others_may_write, sidecar_beside, stranger};
use super::{ReadReport, SkippedInput};
use crate::cli::args::InputOptions;
use crate::cli::exit::Error;
use crate::cli::names::SIDECAR_SUFFIX;
use crate::cli::names::{RECORDINGS_PREFIX, SECRET_DIGITS};

/// Device and inode, which are the same for all names of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> FileId {
        FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// File to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// Path that was named, or found in a directory.
    pub(crate) path: PathBuf,
    /// True if the user named the file itself.
    pub(crate) named: bool,
    /// Owners whose files are read, for this file and the files beside it.
    pub(crate) owners: Owners,
    /// Size that [`dedup_by_inode`] has found; 0 before.
    pub(crate) bytes: u64,
}

/// Names of recordings in a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    pub(crate) prefix: &'a OsStr,
    pub(crate) suffix: &'a OsStr,
}

/// Finds the inputs, in the order of the arguments and of their names. Files of strangers are
/// left out and listed in `report`.
///
/// # Errors
///
/// When a path does not exist or a directory can't be listed.
pub(crate) fn find(options: &InputOptions, report: &mut ReadReport) -> Result<Vec<Input>, Error> {
    let inputs = find_files(options, matches, report)?;
    Ok(match options.since {
        Some(since) => keep_since(inputs, since),
        None => inputs,
    })
}

/// Returns true if a file in a directory is looked for.
pub(super) type IsWanted = fn(&OsStr, Filter<'_>) -> bool;

/// Finds the files that are named, and the wanted ones in directories, of any age.
///
/// # Errors
///
/// Those of [`find`].
pub(super) fn find_files(
    options: &InputOptions,
    is_wanted: IsWanted,
    report: &mut ReadReport,
) -> Result<Vec<Input>, Error> {
    let filter = Filter {
        prefix: &options.prefix,
        suffix: &options.suffix,
    };
    let owners = match options {
        InputOptions {
            is_of_run: true, ..
        } => Owners::AnyWithoutLinks,
        InputOptions {
            any_owner: true, ..
        } => Owners::Any,
        _ => Owners::Trusted,
    };
    let mut inputs = Vec::new();
    for path in directories(&options.paths) {
        let metadata = fs::metadata(&path);
        match metadata.as_ref().map(Metadata::is_dir) {
            Ok(true) => {
                for path in [path.clone()].into_iter().chain(shared_places(&path)) {
                    let is_wanted = |name: &OsStr| is_wanted(name, filter);
                    let found = search(&path, is_wanted, owners, report).map_err(|error| {
                        let path = path_text(&path);
                        Error::Usage(format!("can't list the directory {path}: {error}"))
                    })?;
                    inputs.extend(found);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = path_text(&path);
                return Err(Error::Usage(format!(
                    "there is no file or directory {path}"
                )));
            }
            _ => inputs.push(Input {
                path,
                named: true,
                owners: Owners::Any,
                bytes: 0,
            }),
        }
    }
    Ok(inputs)
}

/// Returns the paths to search: `named`, or the default if there are none.
pub(crate) fn directories(named: &[PathBuf]) -> Vec<PathBuf> {
    match named {
        [] => vec![temporary_directory()],
        named => named.to_vec(),
    }
}

/// Returns the directories in `directory` that an `edbprof run` by root has made for processes
/// that change their user. Files are left there if it was killed.
fn shared_places(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_place = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let secret = name
            .to_str()
            .and_then(|name| name.strip_prefix(RECORDINGS_PREFIX));
        let is_secret = |secret: &str| {
            secret.len() == SECRET_DIGITS && secret.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        secret.is_some_and(is_secret) && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    entries.filter(is_place).map(|entry| entry.path()).collect()
}

fn search(
    directory: &Path,
    is_wanted: impl Fn(&OsStr) -> bool,
    owners: Owners,
    report: &mut ReadReport,
) -> io::Result<Vec<Input>> {
    let owners = match owners {
        Owners::Trusted if !others_may_write(&fs::metadata(directory)?) => Owners::Any,
        owners => owners,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if is_wanted(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut is_foreign = |path: &Path| match (stranger(path), owners) {
        (Some(owner), Owners::Trusted) => {
            let reason = ReadError::Stranger(owner);
            let skipped = SkippedInput::new(path.to_owned(), reason);
            report.skips.push(skipped);
            true
        }
        (Some(owner), Owners::AnyWithoutLinks) => {
            *report.of_others.entry(owner).or_default() += 1;
            false
        }
        _ => false,
    };
    let mut inputs = Vec::new();
    for name in names {
        let path = directory.join(name);
        if !is_foreign(&path) {
            is_foreign(&sidecar_beside(&path));
            inputs.push(Input {
                path,
                named: false,
                owners,
                bytes: 0,
            });
        }
    }
    Ok(inputs)
}

/// Removes inputs that are other names of an earlier one, and notes the sizes of the rest.
pub(super) fn dedup_by_inode(mut inputs: Vec<Input>) -> Vec<Input> {
    let mut seen = HashSet::new();
    inputs.retain_mut(|input| match fs::metadata(&input.path) {
        Ok(metadata) => {
            input.bytes = metadata.len();
            seen.insert(FileId::from(&metadata))
        }
        Err(_) => true,
    });
    inputs
}

/// Returns true if `path` has the name of a live file.
pub(crate) fn is_live(path: &Path) -> bool {
    finished_beside(path).is_some()
}

/// Returns the path of the `.prof` file that belongs to the live file `path`.
pub(crate) fn finished_beside(path: &Path) -> Option<PathBuf> {
    let name = path.as_os_str().as_bytes();
    let name = name.strip_suffix(live::SUFFIX.as_bytes())?;
    Some(PathBuf::from(OsStr::from_bytes(name)))
}

/// Paths at which a process may have left its file `finished`: beside its live file, or where that
/// was before it was moved out of a shared place, while the process ran.
pub(super) fn places_of(finished: PathBuf, owners: Owners) -> Vec<PathBuf> {
    let moved = match (finished.parent(), finished.file_name()) {
        (Some(directory), Some(name)) if owners == Owners::AnyWithoutLinks => {
            let places = shared_places(directory).into_iter();
            places.map(|place| place.join(name)).collect()
        }
        _ => Vec::new(),
    };
    [finished].into_iter().chain(moved).collect()
}

/// Returns true if `name` is `prefix*suffix`, or that of the live file beside it. Prefix and suffix
/// must not overlap. A leading dot hides a file, like in a shell. Timelines and sidecars don't
/// match: they are found beside their profiles.
pub(crate) fn matches(name: &OsStr, Filter { prefix, suffix }: Filter<'_>) -> bool {
    let [name, prefix, suffix] = [name, prefix, suffix].map(OsStr::as_encoded_bytes);
    let Some(rest) = name.strip_prefix(prefix) else {
        return false;
    };
    let hidden = name.starts_with(b".") && !prefix.starts_with(b".");
    let is_beside = [SIDECAR_SUFFIX, timeline::SUFFIX, timeline::HISTORY_SUFFIX]
        .map(str::as_bytes)
        .iter()
        .any(|beside| name.ends_with(beside) && !suffix.ends_with(beside));
    let ours = rest.strip_suffix(live::SUFFIX.as_bytes()).unwrap_or(rest);
    (rest.ends_with(suffix) || ours.ends_with(suffix)) && !hidden && !is_beside
}

/// Returns the temporary directory of Python's tempfile: the first candidate that is writable.
fn temporary_directory() -> PathBuf {
    temporary_directories()
        .find(|path| is_writable(path))
        .unwrap_or_else(|| PathBuf::from("."))
}

/// Returns the candidates of Python's tempfile for a temporary directory.
pub(crate) fn temporary_directories() -> impl Iterator<Item = PathBuf> {
    let named = ["TMPDIR", "TEMP", "TMP"]
        .into_iter()
        .filter_map(std::env::var_os);
    let usual = ["/tmp", "/var/tmp", "/usr/tmp", "."].map(Into::into);
    let named = named.filter(|name| !name.is_empty());
    named.chain(usual).map(PathBuf::from)
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
            };
            super::matches(name.as_ref(), filter)
        };
        assert!(matches("edbprof_1.prof", "edbprof_", ".prof"));
        assert!(matches("edbprof_.prof", "edbprof_", ".prof"));
        assert!(matches("edbprof_1.prof.live", "edbprof_", ".prof"));
        assert!(!matches("edbprof_1.live", "edbprof_", ".prof"));
        assert!(!matches(".edbprof-1.live.tmp", "", ""));
        assert!(!matches("edbprof_1.prof.timeline", "edbprof_", ""));
        assert!(!matches("edbprof_1.prof.timeline.live", "edbprof_", ""));
        assert!(!matches("aXa", "aX", "Xa"));
        assert!(!matches(".edbprof-0.tmp", "", ""));
        assert!(matches(".hidden.prof", ".", ".prof"));
        assert!(!matches("x.prof.singledispatch", "", ""));
        assert!(!matches("x.prof.timeline", "", ""));
        assert!(!matches("x.prof.timeline.live", "", ""));
        assert!(!matches("x.prof.timeline.live", "", ".prof"));
        assert!(matches("[a]*.prof", "[a]*", ".prof"));
        assert!(!matches("ab.prof", "[a]*", ".prof"));
    }
}
