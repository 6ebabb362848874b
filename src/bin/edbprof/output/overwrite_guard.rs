//! Protects files that have the name of a result: results of an earlier run are not read as inputs,
//! and no input is overwritten.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use edbprof::analysis::merge::Profile;
use edbprof::format::extent::profile_goes_on;
use edbprof::format::process::Liveness;
use edbprof::format::prof::{self, ProfFile};
use edbprof::format::{foreign, live, sidecar};
use edbprof::report::summary::path_text;

use super::targets::{directory_of, is_open_file};
use crate::cli::args::Format;
use crate::cli::exit::Error;
use crate::cli::names::STDOUT_PATH;
use crate::input::{
    FileId, Input, Owners, ReadError, finished_beside, is_live, read_trusted, sidecar_beside,
};

/// Files that the results will replace.
pub(crate) struct OverwriteGuard {
    replaced: Vec<Input>,
}

/// Sign by which a file is recognized. A file has several; two paths with a common sign lead to one
/// file.
#[derive(PartialEq, Eq, Hash)]
enum Sign {
    File(FileId),
    /// Name in a directory; the file need not exist.
    Name(FileId, OsString),
}

impl OverwriteGuard {
    /// Removes those of `inputs` that one of `targets` will replace.
    ///
    /// # Errors
    ///
    /// When such a file is the sidecar of an input, or a live file, or a file that a running
    /// process may save.
    pub(crate) fn set_apart(inputs: &mut Vec<Input>, targets: &[PathBuf]) -> Result<Self, Error> {
        if let Some(live) = targets.iter().find(|target| is_live_file(target)) {
            return Err(overwriting(format_args!(
                "the live file {}",
                path_text(live)
            )));
        }
        let stdout = Path::new(STDOUT_PATH);
        let targets = targets.iter().map(PathBuf::as_path).chain([stdout]);
        let targets: HashSet<Sign> = targets.flat_map(signs_of_target).collect();
        let is_target = |path: &Path| {
            let mut signs = signs(path, [fs::metadata(path), fs::symlink_metadata(path)]);
            signs.any(|sign| targets.contains(&sign))
        };
        let mut replaced = Vec::new();
        let mut kept = Vec::new();
        for input in inputs.drain(..) {
            let sidecar = sidecar_beside(&input.path);
            if sidecar.exists() && is_target(&sidecar) {
                return Err(overwriting_input(&sidecar));
            }
            // This file is not among the inputs if only the live file was named.
            if let Some(path) = finished_beside(&input.path).filter(|path| is_target(path)) {
                if may_be_saved(&input) {
                    return Err(overwriting(format_args!(
                        "{}, which its process may still save",
                        path_text(&path)
                    )));
                }
                replaced.push(Input { path, ..input });
            }
            match is_target(&input.path) {
                true => replaced.push(input),
                false => kept.push(input),
            }
        }
        *inputs = kept;
        Ok(OverwriteGuard { replaced })
    }

    /// Checks that each file may be replaced. It must be no profile, or a result whose inputs have
    /// all been merged into `profile`.
    ///
    /// # Errors
    ///
    /// When a file is a recording, or contains one that no other input has.
    pub(crate) fn check(&self, profile: &Profile) -> Result<(), Error> {
        let mut replaced = self.replaced.iter();
        match replaced.find(|input| !may_be_replaced(input, profile)) {
            None => Ok(()),
            Some(input) => Err(overwriting_input(&input.path)),
        }
    }
}

/// Removes those of `inputs` that `target` will replace, and returns them.
pub(crate) fn set_apart_only(inputs: &mut Vec<Input>, target: &Path) -> Vec<Input> {
    let targets: HashSet<Sign> = signs_of_target(target).collect();
    let is_kept = |input: &Input| {
        let path = &input.path;
        let mut signs = signs(path, [fs::metadata(path), fs::symlink_metadata(path)]);
        !signs.any(|sign| targets.contains(&sign))
    };
    let (kept, replaced) = inputs.drain(..).partition(is_kept);
    *inputs = kept;
    replaced
}

/// Returns the signs of the file that writing to `target` replaces or appends to.
fn signs_of_target(target: &Path) -> impl Iterator<Item = Sign> {
    let open_file = is_open_file(target).then(|| fs::metadata(target));
    // A pipe or terminal has no content that could be lost.
    let open_file = open_file.and_then(Result::ok).filter(Metadata::is_file);
    let open_file = open_file.ok_or_else(|| io::ErrorKind::NotFound.into());
    signs(target, [open_file, fs::symlink_metadata(target)])
}

fn signs(path: &Path, files: [io::Result<Metadata>; 2]) -> impl Iterator<Item = Sign> {
    let files = files.into_iter().flatten();
    let directory = fs::metadata(directory_of(path)).ok();
    let name = path.file_name().zip(directory);
    let name = name.map(|(name, of)| Sign::Name(FileId::from(&of), name.to_owned()));
    files
        .map(|file| Sign::File(FileId::from(&file)))
        .chain(name)
}

fn is_live_file(path: &Path) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let header = read_trusted(path, Owners::Any, |_| false);
    !is_link && header.is_ok_and(|header| header.starts_with(&live::MAGIC))
}

/// Returns true if the process of `live` may still save its `.prof` file.
fn may_be_saved(live: &Input) -> bool {
    let header = read_trusted(&live.path, live.owners, |_| false);
    header.is_ok_and(|header| {
        live::facts(&header).is_ok_and(|facts| facts.process.liveness() != Liveness::Gone)
    })
}

fn may_be_replaced(input: &Input, profile: &Profile) -> bool {
    let bytes = match read_trusted(&input.path, input.owners, profile_goes_on) {
        Ok(bytes) => bytes,
        // A device or pipe is written into and stays.
        Err(ReadError::NotAFile(_)) => return true,
        Err(ReadError::System(error)) => return error.kind() == io::ErrorKind::NotFound,
        Err(_) => return false,
    };
    match prof::read(&bytes) {
        Ok(ProfFile::Exact(trees, plain)) => {
            let is_result = trees.is_merged() || trees.functions.is_empty();
            let counted = &profile.trees().recordings;
            let mut recordings = trees.recordings.iter();
            is_result
                && recordings.all(|id| counted.binary_search(id).is_ok())
                && profile.counts_all(&plain)
        }
        Ok(ProfFile::Plain(_)) => false,
        // With an empty --suffix, tables and pictures of an earlier run match as inputs.
        Err(_) => {
            let has_name_of_profile =
                Format::of_name(&input.path) == Some(Format::Prof) || is_live(&input.path);
            let is_other_result = bytes.is_empty()
                || foreign::is_text(&bytes) && !has_name_of_profile
                || sidecar::decode(&bytes).is_ok();
            is_other_result && !input.named
        }
    }
}

/// Removes the result of an earlier run of which this run makes none. Beside the new results, it
/// would be taken for one of them.
///
/// # Errors
///
/// Errors of the operating system. A directory is no result, so it stays without an error.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_dir() => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the error that the results would replace the input `path`.
pub(crate) fn overwriting_input(path: &Path) -> Error {
    overwriting(format_args!("the input {}", path_text(path)))
}

fn overwriting(file: fmt::Arguments<'_>) -> Error {
    Error::Usage(format!(
        "the results would overwrite {file}; choose another name for them"
    ))
}
