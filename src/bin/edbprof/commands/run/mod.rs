//! `edbprof run`: profiles a whole program without a change to it.
//!
//! The program starts as it would without edbprof, with the same standard streams. One variable
//! in its environment tells where and what to record. Every Python process that inherits it, the
//! program itself or a child started in any way, finds the variable when it starts (by the `.pth`
//! file that the Python package installs) and records itself. [`program`] chooses the command,
//! [`forward`] passes signals on, [`recordings`] is the directory that is recorded into. When the
//! program has ended, the recordings are merged, and this process ends like the program.

mod forward;
mod program;
mod recordings;

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus};

use edbprof::report::summary::path_text;

use self::recordings::Recordings;
use super::aggregate::{RunReport, aggregate};
use crate::cli::args::{AggregateOptions, InputOptions, RunOptions};
use crate::cli::exit::{Error, Exit};
use crate::cli::names::{PREFIX, SUFFIX};
use crate::cli::ui::{Stream, warn};
use crate::output::targets::Outputs;

/// Environment variable that makes Python processes record themselves: lines `name=value`, read
/// by `edbprof_native/_startup.py`.
const VARIABLE: &str = "EDBPROF_RUN";

/// Runs the program and shows where its time went. Returns the program's exit code; if a signal
/// ended the program, the same signal ends this process.
///
/// # Errors
///
/// When the program can't be started.
pub(crate) fn run(options: &RunOptions) -> Result<ExitCode, Error> {
    program::check(options)?;
    // Checked now, because the program may run for hours before the results are written.
    Outputs::new(options.results.out.as_deref())?.check_writable()?;
    let recordings = Recordings::new(options.keep.as_deref())?;
    let mut command = program::command(options)?;
    command.env(VARIABLE, settings(options, recordings.path()));
    let name = path_text(command.get_program().as_ref());
    let mut child = command
        .spawn()
        .map_err(|error| Error::NotStarted(format!("can't start {name}: {error}")))?;
    let status = wait(&mut child)
        .map_err(|error| Error::SomeFailed(format!("can't wait for {name}: {error}")))?;
    show(recordings, options, &name);
    Ok(end_like(status))
}

/// Waits until the program ends, and passes signals on to it meanwhile.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let forwarding = forward::to(child.id())?;
    let status = child.wait();
    forwarding.stop();
    status
}

/// Value of [`VARIABLE`]. The directory comes last, because it may contain any character.
fn settings(options: &RunOptions, directory: &Path) -> OsString {
    let mut lines = format!(
        "threads={}\nbuiltins={}\nchildren={}\nclock={}\nhook={}\ndirectory=",
        u8::from(!options.no_threads),
        u8::from(!options.no_builtins),
        u8::from(!options.no_children),
        options.clock,
        options.hook,
    )
    .into_bytes();
    lines.extend_from_slice(directory.as_os_str().as_encoded_bytes());
    OsString::from_vec(lines)
}

/// Merges the recordings, writes the results and prints their summary to stderr.
fn show(recordings: Recordings, options: &RunOptions, program: &str) {
    let mut report = RunReport::default();
    let merge = merge_options(options, recordings.path());
    let exit = aggregate(&merge, Stream::Stderr, &mut report).unwrap_or_else(|error| {
        warn(&error);
        error.exit()
    });
    let is_empty = recordings.are_empty();
    // If there are recordings, none was selected, which aggregate() has reported.
    if exit == Exit::NothingToRead && is_empty {
        warn(format_args!(
            "nothing was recorded: no process of the program was a Python in which edbprof is \
             installed (for {program}: {program} -m pip install edbprof)"
        ));
    }
    if options.open {
        open_picture(&report.outputs);
    }
    let running = report.figures.running;
    match recordings {
        Recordings::Temporary { directory, .. } if running > 0 => {
            let directory = path_text(&directory.keep());
            let processes = match running {
                1 => "1 process is".to_owned(),
                more => format!("{more} processes are"),
            };
            warn(format_args!(
                "{processes} still running; what is recorded until their end: edbprof {directory}"
            ));
        }
        Recordings::Temporary { directory, .. } if exit != Exit::Success && !is_empty => {
            let directory = path_text(&directory.keep());
            warn(format_args!(
                "the recordings are in {directory}; edbprof --out=DIR {directory} merges them"
            ));
        }
        Recordings::Kept(path) if !options.results.quiet => {
            warn(format_args!("the recordings are in {}", path_text(&path)));
        }
        _ => {}
    }
}

fn merge_options(options: &RunOptions, directory: &Path) -> AggregateOptions {
    AggregateOptions {
        inputs: InputOptions {
            paths: vec![directory.to_owned()],
            prefix: PREFIX.into(),
            suffix: SUFFIX.into(),
            any_owner: false,
            selection: options.selection.clone(),
        },
        results: options.results.clone(),
    }
}

/// Ends this process like the program.
fn end_like(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        // Returns only if the default action of the signal is to be ignored.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}

/// Opens the picture among `outputs` with the desktop's program for such files.
fn open_picture(outputs: &[PathBuf]) {
    let is_picture = |path: &&PathBuf| path.extension().is_some_and(|suffix| suffix == "svg");
    if let Some(picture) = outputs.iter().find(is_picture) {
        if let Err(error) = open::that_detached(picture) {
            warn(format_args!("can't open {}: {error}", path_text(picture)));
        }
    }
}
