//! Finds the window of time that options choose, and makes its profile.

use std::io;
use std::ops::Range;

use edbprof::analysis::merge::{Merger, Profile};
use edbprof::analysis::merge_request::MergeRequest;
use edbprof::analysis::timeline::axis::Axis;
use edbprof::analysis::timeline::calls::{Request, calls};
use edbprof::analysis::timeline::missing::Missing;
use edbprof::analysis::timeline::window::trees;
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::format::timeline::TimelineProcess;
use edbprof::report::calls::missing_text;
use edbprof::report::display::printable;
use rayon::prelude::*;

use super::ReadReport;
use super::read::meant;
use super::timelines;
use crate::cli::args::{During, InputOptions, WindowOptions};
use crate::cli::exit::Error;
use crate::cli::ui::warn;

/// Reads the timelines of the inputs and returns the profile of the window, as if nothing else had
/// been recorded.
///
/// # Errors
///
/// When there is no timeline, or nothing is in the window.
pub(crate) fn merge_window(
    options: &InputOptions,
    window: &WindowOptions,
    report: &mut ReadReport,
) -> Result<Profile, Error> {
    let processes = timelines::open(options, report)?;
    let axis = Axis::new(&processes);
    let range = range(window, &processes, &axis)?;
    if let Some(missing) = missing_text(&Missing::of(&processes, &axis)) {
        warn(missing);
    }
    let mut selection = options.selection.selection();
    selection.window = window.texts();
    let wanted = MergeRequest {
        by: options.selection.by(),
        selection,
    };
    let trees = processes.par_iter().enumerate().map(|(number, process)| {
        trees(process, axis.ticks(number, &range)).map_err(|error| unreadable(&error))
    });
    let mut merger = Merger::of_parts(wanted.selection.id());
    report.without_match = wanted.selection.without_match(&[]);
    for trees in trees.collect::<Vec<_>>() {
        let trees = trees?;
        if trees.threads.is_empty() {
            continue;
        }
        let without = wanted.selection.without_match(&trees.functions);
        report.without_match = &report.without_match & &without;
        report.meant.extend(meant(&without, &trees.functions));
        // Any part can be selected, because this is a single recording.
        if let Ok(Some(file)) = wanted.of(ProfFile::Exact(trees, PlainInputs::default())) {
            merger.add("", file);
        }
    }
    report.damaged_timelines().iter().for_each(warn);
    Ok(merger.finish().profile)
}

/// Returns the part of the run that `options` choose, in nanoseconds since the start of the run.
///
/// # Errors
///
/// When it is empty, or there is no such call.
pub(crate) fn range(
    options: &WindowOptions,
    processes: &[TimelineProcess],
    axis: &Axis,
) -> Result<Range<u64>, Error> {
    if let Some(during) = &options.during {
        return range_of_call(during, processes, axis);
    }
    let end = axis.end();
    let from = options
        .from
        .as_ref()
        .map_or(0, |from| from.since_start(end));
    let to = options
        .to
        .as_ref()
        .map_or(u64::MAX, |to| to.since_start(end));
    let is_empty = from >= to || from > end;
    match is_empty {
        false => Ok(from..to),
        true => Err(Error::Usage(format!(
            "the window is empty: the run lasts {:.6} s",
            end as f64 / 1e9
        ))),
    }
}

fn range_of_call(
    during: &During,
    processes: &[TimelineProcess],
    axis: &Axis,
) -> Result<Range<u64>, Error> {
    let request = Request {
        function: &during.function,
        window: 0..u64::MAX,
        slowest: 0,
        earliest: during.number.unwrap_or(1),
    };
    let found = calls(processes, axis, &request).map_err(|error| unreadable(&error))?;
    let number = found.durations.calls();
    let function = printable(during.function.to_string().as_bytes());
    let call = match during.number {
        Some(number) => found.earliest.get(number - 1),
        None if number > 1 => {
            return Err(Error::Usage(format!(
                "{function} has {number} calls in the history: --during='{function}#1' is the \
                 first, '{function}#{number}' the last one"
            )));
        }
        None => found.earliest.first(),
    };
    let Some(call) = call else {
        return Err(Error::Usage(match number {
            0 => format!("the history has no call of '{function}'"),
            number => format!("the history has {number} calls of '{function}', not more"),
        }));
    };
    // The window is not empty, even if the call starts and ends at one tick.
    let end = axis.ns(call.process, call.ended).max(call.start_ns + 1);
    Ok(call.start_ns..end)
}

/// Returns the error of reading a block.
pub(crate) fn unreadable(error: &io::Error) -> Error {
    Error::SomeFailed(format!("can't read the timeline to its end: {error}"))
}
