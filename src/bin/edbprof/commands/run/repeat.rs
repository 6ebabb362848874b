//! Runs the program several times, each time with other results.
//!
//! Each run is a child process, another `edbprof run`. It inherits the terminal, the process group
//! and everything else.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use edbprof::report::summary::path_text;
use rustix::fs::{FileType, SeekFrom, fstat, seek};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::end::end_by;
use super::os::ignore_interrupts;
use crate::cli::args::RunOptions;
use crate::cli::exit::Error;
use crate::cli::ui::warn;
use crate::output::targets::Outputs;

/// Runs the program as often as the options say. Returns the exit code of the first run that
/// failed; if a signal ended that run, the same signal ends this process.
///
/// # Errors
///
/// When a run can't be started.
pub(super) fn repeat(options: &RunOptions) -> Result<ExitCode, Error> {
    // Before the first run, so that a mistake is reported once.
    let first = numbered(options, 1)?;
    Outputs::new(first.results.out.as_deref())?.check_writable()?;
    let input = Input::new();
    // The terminal sends these to the program, too, and its end decides.
    ignore_interrupts();
    let mut failed = None;
    for number in 1..=options.repeat {
        if !options.results.quiet {
            let out = numbered(options, number)?.results.out.unwrap_or_default();
            warn(format_args!(
                "run {number} of {}: {}.*",
                options.repeat,
                path_text(&out)
            ));
        }
        let status = command(number, &input)
            .status()
            .map_err(|error| Error::NotStarted(format!("can't start run {number}: {error}")))?;
        if !status.success() {
            failed = failed.or(Some(status));
        }
        if status.signal() == Some(libc::SIGINT) {
            break;
        }
    }
    Ok(failed.map_or(ExitCode::SUCCESS, end_like))
}

/// Returns the options of one run, with its own results. Only the last run prints a summary.
///
/// # Errors
///
/// When there is no place for the results.
pub(super) fn numbered(options: &RunOptions, number: u32) -> Result<RunOptions, Error> {
    let mut numbered = options.clone();
    let mut out = Outputs::new(options.results.out.as_deref())?
        .path("")
        .into_os_string();
    out.push(format!(".{number}"));
    numbered.results.out = Some(PathBuf::from(out));
    numbered.results.quiet |= number < options.repeat;
    Ok(numbered)
}

/// Makes this run, which is one of several, end with the process that repeats it.
pub(super) fn end_with_parent() {
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
}

/// Source of the program's standard input.
enum Input {
    /// A file, from this offset.
    File(u64),
    /// Nothing.
    Empty,
}

impl Input {
    fn new() -> Input {
        let stdin = io::stdin();
        let kind = fstat(&stdin).map(|file| FileType::from_raw_mode(file.st_mode));
        let offset = seek(&stdin, SeekFrom::Current(0));
        if let (Ok(FileType::RegularFile), Ok(offset)) = (kind, offset) {
            return Input::File(offset);
        }
        if kind.is_ok_and(|kind| kind == FileType::Fifo || kind == FileType::Socket)
            && !stdin.is_terminal()
        {
            warn("standard input is empty in repeated runs: only a file can be read several times");
        }
        Input::Empty
    }
}

/// Returns this command line, changed for one of its runs.
fn command(number: u32, input: &Input) -> Command {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_else(|| OsString::from("edbprof"));
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from(&name));
    let mut command = Command::new(program);
    // `run` comes first.
    command.args(words.next());
    command.arg(format!("--repetition={number}")).args(words);
    match input {
        Input::File(offset) => {
            let _ = seek(io::stdin(), SeekFrom::Start(*offset));
        }
        Input::Empty => {
            command.stdin(Stdio::null());
        }
    }
    command
}

/// Returns the exit code of a child. If a signal ended it, the same signal ends this process.
pub(in crate::commands) fn end_like(status: ExitStatus) -> ExitCode {
    match (status.signal(), status.code()) {
        (Some(signal), _) => end_by(signal),
        (None, code) => ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
    }
}
