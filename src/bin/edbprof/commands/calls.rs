//! `edbprof calls`: shows the single calls of a function.

use edbprof::analysis::timeline::axis::Axis;
use edbprof::analysis::timeline::calls::{Request, calls as single_calls, recorded};
use edbprof::analysis::timeline::missing::Missing;
use edbprof::format::timeline::TimelineProcess;
use edbprof::report::calls::{CallsReport, json, text};
use edbprof::report::display::{function_name, printable};
use edbprof::report::similar::similar;

use crate::cli::args::CallsOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{Stream, print, warn};
use crate::cli::words::within_words;
use crate::input::{self, ReadReport, timelines, window};

/// Runs `edbprof calls`.
///
/// # Errors
///
/// When nothing was shown.
pub(crate) fn calls(options: &CallsOptions) -> Result<Exit, Error> {
    let selection = &options.inputs.selection;
    if selection.by.is_some() || !selection.include.is_empty() || !selection.exclude.is_empty() {
        return Err(Error::Usage(
            "edbprof calls knows --only-process and --only-thread, but not --by, --include and \
             --exclude: the function is what it includes"
                .to_owned(),
        ));
    }
    let mut reading = ReadReport::default();
    let processes = timelines::open(&options.inputs, &mut reading)?;
    reading.skipped(false).iter().for_each(warn);
    let axis = Axis::new(&processes);
    let request = Request {
        function: &options.function,
        window: window::range(&options.window, &processes, &axis)?,
        slowest: options.slowest,
        earliest: 0,
    };
    let found = single_calls(&processes, &axis, &request);
    let mut found = found.map_err(|error| window::unreadable(&error))?;
    if found.durations.calls() == 0 {
        reading.damaged_timelines().iter().for_each(warn);
        return Err(without_calls(options, &processes));
    }
    let missing = Missing::of(&processes, &axis);
    let is_whole = missing.is_nothing() || options.window.is_given();
    let recorded = (!is_whole)
        .then(|| recorded_calls(options, found.coroutines == 0))
        .flatten();
    let window = options.window.texts().join(" ");
    let pattern = options.function.to_string();
    let slowest = std::mem::take(&mut found.slowest);
    let text = within_words(options.words.max_words, options.slowest, |number| {
        found.slowest = slowest.iter().take(number).cloned().collect();
        let report = CallsReport {
            pattern: &pattern,
            processes: &processes,
            axis: &axis,
            calls: &found,
            recorded,
            window: &window,
            left_out: slowest.len() - found.slowest.len(),
            missing: Missing::of(&processes, &axis),
        };
        match options.json.json {
            true => Ok(format!("{:#}\n", json(&report))),
            false => {
                let shown = text(&report, &Stream::Stdout.terminal());
                shown.map_err(|error| window::unreadable(&error))
            }
        }
    })?;
    reading.damaged_timelines().iter().for_each(warn);
    print(&text)?;
    Ok(reading.exit())
}

/// Returns the number of calls in the profiles beside the timelines, if there are any.
fn recorded_calls(options: &CallsOptions, steps: bool) -> Option<u64> {
    let mut reading = ReadReport::default();
    let files = timelines::profiles_of(&options.inputs, &mut reading).ok()?;
    let profile = input::merge(files, &options.inputs.selection, true, &mut reading);
    let number = recorded(profile.trees(), &options.function, steps);
    (number > 0).then_some(number)
}

fn without_calls(options: &CallsOptions, processes: &[TimelineProcess]) -> Error {
    let pattern = options.function.to_string();
    let functions = || processes.iter().flat_map(|of| &of.functions);
    let shown = printable(pattern.as_bytes());
    if functions().any(|function| options.function.is_function(function)) {
        let place = match options.window.is_given() {
            true => "begins in the window",
            false => "is in the history, though it was called",
        };
        return Error::NothingToRead(format!("no call of '{shown}' {place}"));
    }
    let names: std::collections::BTreeSet<String> = functions().map(function_name).collect();
    let meant = similar(&pattern, names.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |name| format!("; did you mean {name}?"));
    Error::Usage(format!("no function matches '{shown}'{meant}"))
}
