//! `edbprof` without a subcommand: merges the inputs and writes the results.

mod apart;
mod next_steps;
mod run_report;
mod timeline;

use std::io;
use std::path::Path;

use edbprof::analysis::merge::Profile;
use edbprof::format::atomic_file;
use edbprof::format::timeline::SUFFIX;
use edbprof::report::calls::missing_text;
use edbprof::report::summary::{path_text, summary};
use edbprof::report::{Streamed, View};
use rayon::prelude::*;

use crate::cli::args::{AggregateOptions, Format, ResultOptions};
use crate::cli::exit::{Error, Exit};
use crate::cli::names::STDOUT;
use crate::cli::ui::{Stream, warn};
use crate::input;
use crate::output::formats;
use crate::output::overwrite_guard::{OverwriteGuard, remove_stale};
use crate::output::targets::Outputs;
use crate::output::with_view;
use next_steps::next_steps;
pub(crate) use run_report::RunReport;
use timeline::RunTimeline;

/// Merges the inputs and writes the results. The summary is printed to `stream`.
///
/// # Errors
///
/// Nothing was written.
pub(crate) fn aggregate(
    options: &AggregateOptions,
    stream: Stream,
    report: &mut RunReport,
) -> Result<Exit, Error> {
    let ended = read_and_write(options, stream, report);
    if matches!(ended, Err(Error::Usage(_))) {
        return ended;
    }
    let written = report.write_json(&options.results);
    if let (Err(_), Err(first)) = (&written, &ended) {
        warn(first);
    }
    written?;
    ended
}

fn read_and_write(
    options: &AggregateOptions,
    stream: Stream,
    report: &mut RunReport,
) -> Result<Exit, Error> {
    let AggregateOptions {
        inputs, results, ..
    } = options;
    let outputs = Outputs::new(results.out.as_deref())?;
    let formats = formats::formats(results);
    let mut files = input::find(inputs, &mut report.reading)?;
    let found = files.clone();
    let guard = OverwriteGuard::set_apart(&mut files, &outputs.targets(&formats, results))?;
    let path = outputs.path(SUFFIX);
    let timeline = RunTimeline::open(&found, &inputs.selection, path, &mut report.reading)?;
    let quiet = results.quiet;
    let is_apart = options.keeps_apart && apart::is_small_enough(&files);
    let selection = match is_apart {
        true => &apart::by_thread(&inputs.selection),
        false => &inputs.selection,
    };
    let mut profile = input::merge(files, selection, quiet, &mut report.reading);
    guard.check(&profile)?;
    let usable = report.reading.check(&profile, inputs, quiet);
    usable.map_err(Error::without_output)?;
    if results.strict && report.reading.failures() > 0 {
        return Err(Error::SomeFailed(
            "a file could not be read, so nothing was written; without --strict it is left out"
                .to_owned(),
        ));
    }
    let mut apart = None;
    if is_apart {
        let shown = profile.regrouped(inputs.selection.by());
        apart = Some(std::mem::replace(&mut profile, shown));
    }
    if let Some(apart) = apart.as_mut().filter(|_| results.view.compensate) {
        apart.compensate();
    }
    let apart = apart.as_ref();
    let all_written = with_view(&mut profile, &results.view, |view| {
        report.figures = view.figures;
        let trees = view.profile.trees();
        report.selection = trees.selection.clone();
        let starts = trees.processes.iter().map(|process| process.start_unix_ns);
        report.latest_start_unix_ns = starts.max().unwrap_or(0);
        let results_written = write_results(view, apart, &outputs, &formats, results, report);
        let results_written = write_timeline(&timeline, report) && results_written;
        let summary_printed = print_summary(view, apart.is_some(), results, stream, report);
        results_written && summary_printed
    });
    // The program ends now, and freeing a large profile takes a tenth of the time.
    std::mem::forget(profile);
    Ok(match all_written {
        true => report.reading.exit(),
        false => Exit::NotWritten,
    })
}

/// Writes all results in parallel; the merged profile is `apart`, if there is one. Returns false,
/// after warnings, if some could not be written.
fn write_results(
    view: &View<'_>,
    apart: Option<&Profile>,
    outputs: &Outputs,
    formats: &[Format],
    options: &ResultOptions,
    report: &mut RunReport,
) -> bool {
    let written = formats.par_iter().map(|&format| {
        let path = outputs.path(format.suffix());
        let report = formats::report(format, &options.reports);
        let streamed: Option<Streamed<'_>> = match (format, apart) {
            (Format::Prof, Some(apart)) => Some(Box::new(|out| apart.write_to(out, &view.rows))),
            _ => report.streamed(view),
        };
        // In the page, processes and threads are chosen.
        let render = || match (format, apart) {
            (Format::Html, Some(apart)) => report.render(&View::new(apart)),
            _ => report.render(view),
        };
        let written = match streamed {
            Some(write) => atomic_file::write_shared_by(&path, |mut file| write(&mut file)),
            None => match render() {
                Ok(None) => return (path.clone(), remove_stale(&path).map(|()| false)),
                Ok(Some(bytes)) => atomic_file::write_shared(&path, &bytes),
                Err(error) => Err(io::Error::other(error)),
            },
        };
        (path, written.map(|()| true))
    });
    let written: Vec<_> = written.collect();
    let mut all_written = true;
    for (path, written) in written {
        match written {
            Ok(true) => report.outputs.push(path),
            Ok(false) => {}
            Err(reason) => {
                let path = path_text(&path);
                warn(format_args!(
                    "can't write {path}: {reason}; --out says where else to"
                ));
                all_written = false;
            }
        }
    }
    all_written
}

/// Writes the history of the run, if there is one. Returns false, after a warning, if it could not
/// be written.
fn write_timeline(timeline: &RunTimeline, report: &mut RunReport) -> bool {
    match timeline.write() {
        Ok(None) => true,
        Ok(Some(path)) => {
            report.outputs.push(path.to_owned());
            report.timeline = Some((timeline.len(), timeline.missing));
            report.reading.damaged_timelines().iter().for_each(warn);
            if timeline.has_more_functions {
                warn("the timeline has all functions: --include and --exclude choose none of its");
            }
            true
        }
        Err((path, reason)) => {
            warn(format_args!(
                "can't write {path}: {reason}; --out says where else to"
            ));
            false
        }
    }
}

/// Prints the summary, unless the user wants none. Returns false, after a warning, if it could
/// not be printed.
fn print_summary(
    view: &View<'_>,
    is_apart: bool,
    options: &ResultOptions,
    stream: Stream,
    report: &RunReport,
) -> bool {
    let json_on_stdout = options.summary_json.as_deref() == Some(Path::new(STDOUT));
    if options.quiet || json_on_stdout {
        return true;
    }
    let failures = report.reading.failures();
    let terminal = stream.terminal();
    let missing = report
        .timeline
        .as_ref()
        .and_then(|(_, missing)| missing_text(missing));
    let missing = missing.map(|missing| terminal.wrap(&format!("Of the timeline: {missing}\n")));
    let next_steps = next_steps(view, is_apart, &report.outputs, &terminal);
    let behind: Vec<_> = missing.into_iter().chain(next_steps).collect();
    let outputs = &report.outputs;
    let text = summary(view, failures, outputs, &report.ended, &terminal, &behind);
    let printed = stream.print(&text);
    if let Err(error) = &printed {
        warn(format_args!("can't write the summary: {error}"));
    }
    printed.is_ok()
}
