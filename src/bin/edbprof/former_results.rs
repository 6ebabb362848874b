//! Keeps inputs and results apart: what an earlier run wrote is not read as an
//! input, and no input is written over.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use edbprof::analysis::merge::Profile;
use edbprof::format::content_hash::ContentHash;
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::report::summary::path_text;

use crate::discover::{self, Identity, Input, identity};
use crate::exit::Error;

/// The suffix of the one result that can be an input as well.
const PROF: &str = ".prof";

/// A file that stands where a result will be written, and that result's suffix.
pub(crate) type FormerResult = (Input, &'static str);

/// Takes those out of `inputs` that stand where one of `results` will be written,
/// each with that result's suffix.
///
/// # Errors
///
/// When such a file was named as an input or is the sidecar of one.
pub(crate) fn set_apart(
    inputs: Vec<Input>,
    results: &[(PathBuf, &'static str)],
) -> Result<(Vec<Input>, Vec<FormerResult>), Error> {
    let results: HashMap<Identity, &'static str> = results
        .iter()
        .filter_map(|(path, suffix)| Some((identity(&fs::symlink_metadata(path).ok()?), *suffix)))
        .collect();
    let result_at = |path: &Path| {
        let places = [fs::metadata(path), fs::symlink_metadata(path)];
        places
            .iter()
            .flatten()
            .find_map(|place| results.get(&identity(place)).copied())
    };
    let mut others = Vec::new();
    let mut former = Vec::new();
    for input in inputs {
        if let Some(sidecar) = discover::sidecar(&input).filter(|path| result_at(path).is_some()) {
            return Err(overwriting(&sidecar));
        }
        match result_at(&input.path) {
            None => others.push(input),
            Some(_) if input.named => return Err(overwriting(&input.path)),
            Some(suffix) => former.push((input, suffix)),
        }
    }
    Ok((others, former))
}

/// Makes sure that a file which was set apart can be written over: it is no profile,
/// or one whose inputs have all been merged into `profile`.
///
/// # Errors
///
/// When it holds what no other input does.
pub(crate) fn check(input: &Input, suffix: &str, profile: &Profile) -> Result<(), Error> {
    let file = discover::read(&input.path, input.any_owner).map(|bytes| prof::read(&bytes));
    let replaceable = match file {
        Ok(Ok(ProfFile::Exact(trees, plain))) => {
            let counted = &profile.trees().recordings;
            trees
                .recordings
                .iter()
                .all(|id| counted.binary_search(id).is_ok())
                && counts_all(profile, &plain)
        }
        Ok(Ok(ProfFile::Plain(_))) => false,
        // With an empty --suffix the table and the picture match, too.
        Ok(Err(_)) | Err(_) => suffix != PROF,
    };
    if replaceable {
        Ok(())
    } else {
        Err(overwriting(&input.path))
    }
}

/// Removes a former run's result of which this run has none: beside the others it
/// would pass for theirs.
///
/// # Errors
///
/// What the operating system says. What is no file was no result and stays.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_dir() => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn counts_all(profile: &Profile, plain: &PlainInputs) -> bool {
    let number = |sorted: &[ContentHash], hash: &ContentHash| {
        sorted.partition_point(|h| h <= hash) - sorted.partition_point(|h| h < hash)
    };
    let counted = &profile.plain().hashes;
    plain
        .hashes
        .iter()
        .all(|hash| number(&plain.hashes, hash) <= number(counted, hash))
}

fn overwriting(path: &Path) -> Error {
    Error::Usage(format!(
        "the results would overwrite the input {}; choose another name for them",
        path_text(path)
    ))
}
