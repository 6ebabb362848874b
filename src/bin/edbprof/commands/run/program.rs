//! The program that `edbprof run` starts: a Python with the user's words, or any other program.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edbprof::report::summary::path_text;
use which::{which, which_global};

use crate::cli::args::RunOptions;
use crate::cli::exit::Error;
use crate::input::script;

/// Beginnings of Python's long options: `python --help-all`.
const LONG_OPTIONS_OF_PYTHON: [&str; 3] = ["--help", "--version", "--check-hash-based-pycs"];

/// Program to start.
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Command line, with the program's name first.
    pub(super) arguments: Vec<OsString>,
    /// True if the user chose it as a Python, so that its name does not matter.
    is_python: bool,
}

impl Program {
    /// Returns the Python that runs the program: the program itself, or the one that its first line
    /// names.
    pub(super) fn python(&self) -> Option<PathBuf> {
        match self.is_python {
            true => Some(self.path.clone()),
            false => script::python_of(&self.path),
        }
    }
}

/// Checks that the first word is no mistyped option of edbprof. Otherwise the word would be passed
/// to Python, which would print its own usage.
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
                 those of edbprof, and options of the program come after its name"
            )))
        }
        _ => Ok(()),
    }
}

/// Returns the program that `options` name.
///
/// Options of Python like `-m module` and `-c code` are passed to Python. So are files and
/// directories that are Python's by their suffix, or that can't be executed. Any other word without
/// a slash is looked up on PATH, like in shells.
///
/// # Errors
///
/// When there is no Python or no such program.
pub(super) fn program(options: &RunOptions) -> Result<Program, Error> {
    let Some(first) = options.command.first() else {
        return Err(Error::NotStarted("there is no program to run".to_owned()));
    };
    let path = Path::new(first);
    if first.as_encoded_bytes().starts_with(b"-") {
        return by_python(options);
    }
    let names_path = first.as_encoded_bytes().contains(&b'/');
    let is_script = path.is_file() && script::is_for_python(path);
    if !names_path && !is_script {
        if let Ok(found) = which_global(first) {
            return Ok(by_itself(options, found));
        }
    }
    if !path.exists() {
        let name = path_text(path);
        return Err(Error::NotStarted(match names_path {
            true => format!("there is no file {name}"),
            false => {
                format!("there is no file {name} here, and no program of that name on PATH")
            }
        }));
    }
    match which(Path::new(".").join(path)) {
        Ok(_) if !script::is_for_python(path) => {
            let here = match names_path {
                true => path.to_owned(),
                false => Path::new(".").join(path),
            };
            Ok(by_itself(options, here))
        }
        _ => by_python(options),
    }
}

fn by_itself(options: &RunOptions, path: PathBuf) -> Program {
    Program {
        path,
        arguments: options.command.clone(),
        is_python: false,
    }
}

fn by_python(options: &RunOptions) -> Result<Program, Error> {
    let python = python(options)?;
    let mut arguments = options.command.clone();
    arguments.insert(0, typed(&python, options.python.as_deref()));
    Ok(Program {
        path: python,
        arguments,
        is_python: true,
    })
}

/// Returns the word by which a user would start this Python. The program sees this word as its
/// name.
fn typed(python: &Path, named: Option<&Path>) -> OsString {
    if let Some(named) = named {
        return named.into();
    }
    let mut names = NAMES.into_iter();
    let typed = names.find(|name| which_global(name).is_ok_and(|found| found == python));
    typed.map_or_else(|| python.into(), OsString::from)
}

/// Names of Python, in the order in which users try them.
const NAMES: [&str; 2] = ["python", "python3"];

/// Returns the Python to run: the one that was named, else the one beside this program, else one on
/// PATH.
fn python(options: &RunOptions) -> Result<PathBuf, Error> {
    if let Some(python) = &options.python {
        return which(python).map_err(|_| {
            let python = path_text(python);
            Error::NotStarted(format!(
                "there is no Python {python}; --python wants its path"
            ))
        });
    }
    let here = env::current_exe().ok();
    let beside = here
        .iter()
        .flat_map(|here| NAMES.map(|name| here.with_file_name(name)));
    let mut candidates = beside.chain(NAMES.map(PathBuf::from));
    candidates
        .find_map(|program| which(program).ok().filter(|found| !is_python_2(found)))
        .ok_or_else(|| {
            Error::NotStarted("there is no python3 on PATH; --python says where one is".to_owned())
        })
}

/// Returns true for the `python` of some older systems.
fn is_python_2(python: &Path) -> bool {
    let file = python.canonicalize().unwrap_or_default();
    let name = file.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b"python2")
}
