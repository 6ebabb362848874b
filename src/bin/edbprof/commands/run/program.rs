//! The command that `edbprof run` starts: a Python with the user's arguments, or a program that
//! is no Python itself but starts some.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use edbprof::report::summary::path_text;
use which::which;

use crate::cli::args::RunOptions;
use crate::cli::exit::Error;

/// Beginnings of Python's long options: `python --help-all`.
const LONG_OPTIONS_OF_PYTHON: [&str; 3] = ["--help", "--version", "--check-hash-based-pycs"];

/// Checks that the first word is no mistyped option of edbprof. Such a word would be passed on
/// to Python, which would explain its own usage.
///
/// # Errors
///
/// When the first word is a long option that Python doesn't have either.
pub(super) fn check(options: &RunOptions) -> Result<(), Error> {
    let first = options.command.first().and_then(|word| word.to_str());
    let is_known = |option: &str| {
        let mut known = LONG_OPTIONS_OF_PYTHON.iter();
        known.any(|known| option.starts_with(known))
    };
    match first {
        Some(option) if option.len() > 2 && option.starts_with("--") && !is_known(option) => {
            let name = option.split('=').next().unwrap_or(option);
            Err(Error::Usage(format!(
                "neither edbprof run nor Python has an option {name}; edbprof run --help lists \
                 ours, and those of the program come after its name"
            )))
        }
        _ => Ok(()),
    }
}

/// Command to run, with its arguments.
///
/// Options of Python like `-m module` and `-c code`, and files that exist, are passed to Python.
/// Any other word is a program on PATH: `pytest`, `gunicorn`, `python3.12`, `make`.
///
/// # Errors
///
/// When there is no Python or no such program.
pub(super) fn command(options: &RunOptions) -> Result<Command, Error> {
    let Some((first, rest)) = options.command.split_first() else {
        return Err(Error::NotStarted("there is no program to run".to_owned()));
    };
    let is_option = first.as_encoded_bytes().starts_with(b"-");
    if !is_option && !Path::new(first).exists() {
        let program = which(first).map_err(|_| {
            let name = path_text(first.as_ref());
            Error::NotStarted(format!(
                "there is no file {name} here, and no program of that name on PATH"
            ))
        })?;
        let mut command = Command::new(program);
        command.args(rest);
        return Ok(command);
    }
    let mut command = Command::new(python(options)?);
    command.args(&options.command);
    Ok(command)
}

/// Python to run: the one that was named, else the one beside this program, else one on PATH.
fn python(options: &RunOptions) -> Result<PathBuf, Error> {
    const NAMES: [&str; 2] = ["python3", "python"];
    if let Some(python) = &options.python {
        return Ok(python.clone());
    }
    let here = env::current_exe().ok();
    let beside = here
        .iter()
        .flat_map(|here| NAMES.map(|name| here.with_file_name(name)));
    let mut candidates = beside.chain(NAMES.map(PathBuf::from));
    candidates
        .find_map(|program| which(program).ok())
        .ok_or_else(|| {
            Error::NotStarted("there is no python3 on PATH; --python says where one is".to_owned())
        })
}
