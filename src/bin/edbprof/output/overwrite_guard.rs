//! Protection of files that stand where a result will be written: results of an earlier run are
//! not read as inputs, and no input is overwritten.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use edbprof::analysis::merge::Profile;
use edbprof::format::prof::{self, ProfFile};
use edbprof::report::summary::path_text;

use super::targets::Target;
use crate::cli::args::Format;
use crate::cli::exit::Error;
use crate::input::{FileId, Input, read_trusted, sidecar};

/// Files that the results will replace.
pub(crate) struct OverwriteGuard {
    /// Each with the suffix of the result.
    replaced: Vec<(Input, &'static str)>,
}

impl OverwriteGuard {
    /// Removes those of `inputs` that one of `targets` will replace.
    ///
    /// # Errors
    ///
    /// When such a file was named as an input or is the sidecar of one.
    pub(crate) fn set_apart(inputs: &mut Vec<Input>, targets: &[Target]) -> Result<Self, Error> {
        let existing = targets.iter().filter_map(|Target { path, suffix }| {
            let metadata = fs::symlink_metadata(path).ok()?;
            Some((FileId::from(&metadata), *suffix))
        });
        let suffixes: HashMap<FileId, &'static str> = existing.collect();
        let suffix_of = |path: &Path| {
            let files = [fs::metadata(path), fs::symlink_metadata(path)];
            let mut ids = files.iter().flatten().map(FileId::from);
            ids.find_map(|id| suffixes.get(&id).copied())
        };
        let mut replaced = Vec::new();
        let mut kept = Vec::new();
        for input in inputs.drain(..) {
            if let Some(sidecar) = sidecar(&input).filter(|path| suffix_of(path).is_some()) {
                return Err(overwriting(&sidecar));
            }
            match suffix_of(&input.path) {
                None => kept.push(input),
                Some(_) if input.named => return Err(overwriting(&input.path)),
                Some(suffix) => replaced.push((input, suffix)),
            }
        }
        *inputs = kept;
        Ok(OverwriteGuard { replaced })
    }

    /// Checks that each file may be replaced: it is no profile, or all of its inputs have been
    /// merged into `profile`.
    ///
    /// # Errors
    ///
    /// When a file contains a recording that no other input has.
    pub(crate) fn check(&self, profile: &Profile) -> Result<(), Error> {
        for (input, suffix) in &self.replaced {
            let bytes = read_trusted(&input.path, input.any_owner);
            let may_be_replaced = match bytes.map(|bytes| prof::read(&bytes)) {
                Ok(Ok(ProfFile::Exact(trees, plain))) => {
                    let counted = &profile.trees().recordings;
                    let mut recordings = trees.recordings.iter();
                    recordings.all(|id| counted.binary_search(id).is_ok())
                        && profile.counts_all(&plain)
                }
                Ok(Ok(ProfFile::Plain(_))) => false,
                // With an empty --suffix, tables and pictures of an earlier run match, too.
                Ok(Err(_)) | Err(_) => *suffix != Format::Prof.suffix(),
            };
            if !may_be_replaced {
                return Err(overwriting(&input.path));
            }
        }
        Ok(())
    }
}

/// Removes the result of an earlier run if this run has no such result: next to the new ones
/// it would be taken for one of them.
///
/// # Errors
///
/// The operating system's. A directory was no result and stays.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_dir() => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn overwriting(path: &Path) -> Error {
    Error::Usage(format!(
        "the results would overwrite the input {}; choose another name for them",
        path_text(path)
    ))
}
