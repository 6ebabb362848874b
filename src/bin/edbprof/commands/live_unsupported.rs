//! The live view on systems that have no live files.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::args::{RunOptions, TopOptions};
use crate::cli::exit::{Error, Exit};

/// Returns no files.
pub(super) fn mapped_live_files(_: u32) -> BTreeSet<PathBuf> {
    BTreeSet::new()
}

fn unsupported() -> Error {
    Error::Usage("there are live files, and so a live view, on Linux only".to_owned())
}

/// # Errors
///
/// In any case.
pub(crate) fn top(_: &TopOptions) -> Result<Exit, Error> {
    Err(unsupported())
}

/// # Errors
///
/// In any case.
pub(crate) fn run(_: &RunOptions) -> Result<ExitCode, Error> {
    Err(unsupported())
}
