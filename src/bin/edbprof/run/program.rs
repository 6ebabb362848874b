//! What `edbprof run` starts: a Python with the user's arguments, or a program that is
//! no Python itself but starts some.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use edbprof::report::summary::path_text;

use super::RunOptions;
use crate::exit::Error;

/// The command to run, its arguments included.
///
/// `-m module`, `-c code` and other options of Python, and files that exist, go to
/// Python. Another word is a program on PATH: `pytest`, `gunicorn`, `python3.12`, `make`.
///
/// # Errors
///
/// When there is no Python or no such script.
pub(super) fn command(options: &RunOptions) -> Result<Command, Error> {
    let Some((first, rest)) = options.command.split_first() else {
        return Err(Error::NotStarted("there is no program to run".to_owned()));
    };
    let is_option = first.as_encoded_bytes().starts_with(b"-");
    if !is_option && !Path::new(first).exists() {
        let program = on_path(first).ok_or_else(|| {
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

/// The Python that was named, else the one beside this program, else one on PATH.
fn python(options: &RunOptions) -> Result<PathBuf, Error> {
    const NAMES: [&str; 2] = ["python3", "python"];
    if let Some(python) = &options.python {
        return Ok(python.clone());
    }
    let here = env::current_exe().ok();
    let directory = here.as_deref().and_then(Path::parent);
    let beside = directory.map(|directory| NAMES.map(|name| directory.join(name)));
    beside
        .into_iter()
        .flatten()
        .find(|path| is_program(path))
        .or_else(|| NAMES.iter().find_map(|name| on_path(name.as_ref())))
        .ok_or_else(|| {
            Error::NotStarted("there is no python3 on PATH; --python says where one is".to_owned())
        })
}

fn on_path(name: &OsStr) -> Option<PathBuf> {
    if Path::new(name).components().count() != 1 {
        return None;
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
