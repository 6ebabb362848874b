//! The live view where there are no live files.

use std::process::ExitCode;

use crate::cli::args::{RunOptions, TopOptions};
use crate::cli::exit::{Error, Exit};

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
