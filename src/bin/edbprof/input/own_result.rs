//! Finds the inputs of commands that show a profile: without a path, the user's own result in the
//! current directory.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use edbprof::report::summary::path_text;

use super::discover::{directories, find};
use super::trust::Owners;
use super::{Input, ReadReport};
use crate::cli::args::InputOptions;
use crate::cli::exit::Error;
use crate::cli::names::{PREFIX, RESULT, SUFFIX};
use crate::cli::ui::warn;

/// Finds the inputs of a command that shows a profile. They are those that are named, else the
/// user's own result in the current directory, else the files that [`find`] finds. Prints which
/// ones to stderr, unless they are named.
///
/// # Errors
///
/// Those of [`find`].
pub(crate) fn find_to_show(
    options: &InputOptions,
    report: &mut ReadReport,
) -> Result<Vec<Input>, Error> {
    if let Some(result) = own_result(options, RESULT) {
        return Ok(vec![result]);
    }
    let inputs = find(options, report)?;
    warn_of_search(options, &inputs, "");
    Ok(inputs)
}

/// Returns the result `name` in the current directory if it is the user's own and the options name
/// no other input. Prints its name to stderr.
pub(super) fn own_result(options: &InputOptions, name: &str) -> Option<Input> {
    let is_default = options.paths.is_empty()
        && *options.prefix == *PREFIX
        && *options.suffix == *SUFFIX
        && options.since.is_none();
    if !is_default || !is_own_file(Path::new(name)) {
        return None;
    }
    warn(format_args!("reading {name}"));
    Some(Input {
        path: PathBuf::from(name),
        named: true,
        owners: Owners::Any,
        bytes: 0,
    })
}

/// Prints to stderr which files were found, unless they are named. `after` follows their suffix.
pub(super) fn warn_of_search(options: &InputOptions, found: &[Input], after: &str) {
    if options.paths.is_empty() && !found.is_empty() {
        let directory = directories(&[]).first().map(|path| path_text(path));
        let [prefix, suffix] =
            [&options.prefix, &options.suffix].map(|text| path_text(text.as_ref()));
        warn(format_args!(
            "reading {prefix}*{suffix}{after} in {}",
            directory.unwrap_or_default()
        ));
    }
}

/// Returns true if `path` is a file of the user, and not only a link to one.
fn is_own_file(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let is_own = |found: std::io::Result<fs::Metadata>| found.is_ok_and(|file| file.uid() == user);
    path.is_file() && is_own(fs::symlink_metadata(path)) && is_own(fs::metadata(path))
}
