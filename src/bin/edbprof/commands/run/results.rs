//! The results of the program: what was recorded, and why something is missing.

use std::path::{Path, PathBuf};

use edbprof::report::hints::quoted;
use edbprof::report::summary::path_text;
use serde_json::Value;

use super::endings::Endings;
use super::exception::{Exceptions, end_text};
use super::execute::Ended;
use super::program::Program;
use super::reasons::Reason;
use super::recordings::{Recordings, has_recordings};
use super::survivors::{note_exit_of, wait_for_survivors};
use super::unrecorded::UnrecordedProcesses;
use super::writing::Writing;
use crate::cli::args::{AggregateOptions, Format, InputOptions, ResultOptions, RunOptions, Start};
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{Stream, own_command, warn};
use crate::commands::aggregate::{RunReport, aggregate};
use crate::output::browser::open_in_browser;
use crate::output::formats::formats;

/// Merges the recordings, writes the results and prints their summary to stderr. Returns false
/// if there are recordings, or should be, and results could not be written.
pub(super) fn write_results(
    recordings: Recordings,
    mut endings: Endings,
    writing: &Writing,
    options: &RunOptions,
    program: &Program,
    ended: &Ended,
) -> bool {
    let directory = match recordings.collected() {
        Ok(directory) => directory,
        Err(reason) => return show_nothing(Reason::failure(reason), Vec::new(), options),
    };
    endings.watch_also(&directory);
    let survivors = wait_for_survivors(&directory, &mut endings);
    // These processes may have left more recordings.
    let directory = recordings.collected().unwrap_or(directory);
    endings.write(&directory);
    if let (true, Some(process)) = (ended.status.exited(), &ended.process) {
        note_exit_of(process, &directory);
    }
    let unrecorded = UnrecordedProcesses::of(&directory);
    unrecorded.remove();
    if options.start == Start::Off && matches!(has_recordings(&directory), Ok(false)) {
        // The results were given to the `edbprof attach` that recorded it.
        recordings.keep_if(false);
        return true;
    }
    if matches!(has_recordings(&directory), Ok(false)) {
        let reason = Reason::of(program, &directory, &unrecorded);
        recordings.keep_if(false);
        return show_nothing(reason, unrecorded.json(), options);
    }
    let exceptions = Exceptions::take(&directory);
    let mut report = RunReport {
        unrecorded: unrecorded.json(),
        ended: end_text(ended.status).into(),
        ..RunReport::default()
    };
    let merge = merge_options(options, &directory);
    let exit = aggregate(&merge, Stream::Stderr, &mut report).unwrap_or_else(|error| {
        warn(&error);
        match error {
            Error::NothingToRead(_) => Exit::NothingToRead,
            _ => Exit::NotWritten,
        }
    });
    if options.open {
        open_page(&report.outputs);
    }
    if unrecorded.have_failures() || !options.results.quiet {
        unrecorded.lines().for_each(warn);
    }
    writing.complete();
    let is_kept = recordings.keep_if(exit != Exit::Success);
    for pid in survivors {
        let rest = match is_kept {
            true => "",
            false => "; what it records from now on is lost (--keep=DIR keeps it)",
        };
        warn(format_args!("process {pid} is still running{rest}"));
    }
    let directory = path_text(&directory);
    if is_kept && exit != Exit::Success {
        warn(format_args!(
            "the recordings are in {directory}; this merges them: {} {}",
            quoted(&own_command()),
            quoted(&directory),
        ));
    } else if is_kept && !options.results.quiet {
        warn(format_args!("the recordings are in {directory}"));
    }
    if ended.status.exit_status() != Some(0) && !options.results.quiet {
        let pid = ended.process.as_ref().map(|process| process.pid);
        let latest_start = ended.status.exited().then_some(report.latest_start_unix_ns);
        // The reason is the last thing that a failed program prints.
        for line in exceptions.reason(pid, latest_start) {
            let _ = Stream::Stderr.print(format!("{line}\n"));
        }
    }
    exit != Exit::NotWritten
}

/// Prints why nothing was recorded. Returns false if something should have been recorded.
fn show_nothing(reason: Reason, unrecorded: Vec<Value>, options: &RunOptions) -> bool {
    warn(format_args!("nothing was recorded: {}", reason.text));
    let report = RunReport {
        unrecorded,
        ..RunReport::default()
    };
    if let Err(error) = report.write_json(&options.results) {
        warn(error);
        return false;
    }
    !reason.is_failure
}

fn merge_options(options: &RunOptions, directory: &Path) -> AggregateOptions {
    AggregateOptions {
        inputs: InputOptions::of_run(directory.to_owned(), &options.selection),
        results: results(options),
        keeps_apart: true,
    }
}

/// Returns the options of the results, with the page among them if it is to be opened.
fn results(options: &RunOptions) -> ResultOptions {
    let mut results = options.results.clone();
    if options.open {
        results.formats = formats(&results);
        if !results.formats.contains(&Format::Html) {
            results.formats.push(Format::Html);
        }
    }
    results
}

/// Opens the page among `outputs`.
fn open_page(outputs: &[PathBuf]) {
    let is_page = |path: &&PathBuf| path.extension().is_some_and(|suffix| suffix == "html");
    if let Some(page) = outputs.iter().find(is_page) {
        open_in_browser(page);
    }
}
