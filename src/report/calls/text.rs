//! Single calls as text for a terminal.

use std::io;

use super::histogram::histogram;
use super::tree::tree;
use super::{CallsReport, ended, missing_text};
use crate::analysis::process_text::command;
use crate::analysis::timeline::replay::Beginning;
use crate::analysis::timeline::single::SingleCall;
use crate::model::Waiting;
use crate::report::cells::without_middle;
use crate::report::display::{function_name, printable};
use crate::report::numbers::{count, counted, duration};
use crate::report::terminal::Terminal;

/// Largest number of cells for a command line.
const COMMAND: usize = 50;
/// Number of functions that are named if a pattern matches several.
const NAMED: usize = 5;

/// Returns the whole text, ending in a newline.
///
/// # Errors
/// The system's, where a block of the history can't be read.
pub fn text(report: &CallsReport<'_>, terminal: &Terminal) -> io::Result<String> {
    let mut text = terminal.wrap(&head(report));
    let bar = if terminal.ascii { '#' } else { '█' };
    let bars = histogram(&report.calls.durations, bar);
    if !bars.is_empty() {
        text.push_str(&format!("\n{}\n", terminal.fit(&bars.join("\n"))));
    }
    for (number, call) in report.calls.slowest.iter().enumerate() {
        text.push('\n');
        text.push_str(&terminal.wrap(&heading(report, number + 1, call)));
        let is_median = report.calls.median.as_ref() == Some(call);
        let paths = report.beside_median(call)?;
        text.push_str(&tree(&paths, is_median, &report.paths(), terminal));
    }
    Ok(text)
}

fn seconds(ns: u64) -> String {
    duration(ns as f64 / 1e9)
}

fn calls(number: u64) -> String {
    counted(
        usize::try_from(number).unwrap_or(usize::MAX),
        "call",
        "calls",
    )
}

fn head(report: &CallsReport<'_>) -> String {
    let found = report.calls;
    let durations = &found.durations;
    let paths = report.paths();
    let mut lines = Vec::new();
    match &found.functions[..] {
        [only] => {
            let place = match only.label.line {
                0 => String::new(),
                line => format!("  {}:{line}", paths.short(&only.label.file)),
            };
            lines.push(format!("{}{place}", function_name(only)));
        }
        several => {
            let names = several.iter().take(NAMED).map(function_name);
            let mut names: Vec<_> = names.collect();
            names.extend((several.len() > NAMED).then(|| "…".to_owned()));
            let pattern = printable(report.pattern.as_bytes());
            let number = counted(several.len(), "function", "functions");
            lines.push(format!("{pattern}: {number}, {}", names.join(", ")));
        }
    }
    let processes = counted(report.processes.len(), "process", "processes");
    let (recorded, shown) = (report.recorded(), durations.calls());
    lines.push(match (report.window, recorded == shown) {
        ("", true) => format!("{} in {processes}", calls(shown)),
        ("", false) => format!(
            "{} of {} in {processes}; the others are not in the history",
            count(shown.into()),
            calls(recorded)
        ),
        (window, _) => format!(
            "{} in {processes} that begin in the window {}",
            calls(shown),
            printable(window.as_bytes())
        ),
    });
    lines.extend(missing_text(&report.missing));
    lines.extend(notes(report));
    let approximate = match durations.is_exact() {
        true => "",
        false => " (quantiles to 0.05 %)",
    };
    let awaiting = awaiting(found.coroutines, found.awaiting_ns);
    lines.push(format!(
        "total {}, mean {}{awaiting}{}",
        seconds(durations.total()),
        seconds(durations.mean()),
        waiting(&found.waiting, durations.total()),
    ));
    let quantiles = [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)];
    let quantiles =
        quantiles.map(|(name, at)| format!("{name} {}", seconds(durations.quantile(at))));
    lines.push(format!(
        "min {}, {}, max {}{approximate}",
        seconds(durations.least()),
        quantiles.join(", "),
        seconds(durations.longest()),
    ));
    lines.join("\n") + "\n"
}

/// Facts of the calls.
fn notes(report: &CallsReport<'_>) -> Vec<String> {
    let found = report.calls;
    let mut notes = Vec::new();
    if found.steps > 0 {
        notes.push(format!(
            "{} of these are steps: a generator or greenlet ran from its start or resumption until \
             it was suspended or ended. Steps of generators are not joined to calls.",
            count(found.steps.into())
        ));
    }
    if found.nested > 0 {
        let nested = match found.nested {
            1 => "1 call was".to_owned(),
            more => format!("{} calls were", count(more.into())),
        };
        notes.push(format!(
            "Recursive: {nested} made within these. The outermost count, with the time of those \
             within."
        ));
    }
    if found.cut > 0 {
        notes.push(format!(
            "{} began before the history, which has only the rest of the time.",
            calls(found.cut)
        ));
    }
    if found.open > 0 {
        notes.push(format!(
            "{} had not ended when the history did.",
            calls(found.open)
        ));
    }
    notes
}

/// The time in which coroutines were suspended, as the end of a list.
fn awaiting(coroutines: u64, ns: u64) -> String {
    match coroutines {
        0 => String::new(),
        _ => format!(", of which awaiting {}", seconds(ns)),
    }
}

/// The waiting in some time, as the end of a list.
fn waiting(waiting: &Waiting, of: u64) -> String {
    let total = waiting.total();
    if total == 0 {
        return String::new();
    }
    let parts = [
        (waiting.blocked, "blocked"),
        (waiting.gil, "for the GIL"),
        (waiting.preempted, "preempted"),
    ];
    let parts = parts.into_iter().filter(|(ns, _)| *ns > 0);
    let parts: Vec<_> = parts
        .map(|(ns, what)| format!("{} {what}", seconds(ns)))
        .collect();
    let share = 100.0 * total as f64 / (of.max(1)) as f64;
    format!(", of which waiting {share:.0} %: {}", parts.join(", "))
}

fn heading(report: &CallsReport<'_>, number: usize, call: &SingleCall) -> String {
    let (pid, thread) = report.place(call);
    let process = report.processes.get(call.process);
    let command = process.map_or(String::new(), |of| {
        without_middle(&printable(&command(&of.process)), COMMAND)
    });
    let cut = match call.beginning {
        Beginning::Before => ", begun before the history",
        Beginning::Cut => ", begun in a part that is missing",
        _ => "",
    };
    let awaiting = match call.steps() {
        0 => String::new(),
        1 => awaiting(1, call.awaiting_ns()),
        steps => format!(
            "{} in {steps} steps",
            awaiting(steps as u64, call.awaiting_ns())
        ),
    };
    format!(
        "Slowest {number}: {} from {} on{cut}, {}{awaiting}{}\n  process {pid} ({}), thread {thread}\n",
        seconds(call.duration_ns),
        seconds_since_start(call.start_ns),
        ended(call.ending),
        waiting(&call.waiting, call.duration_ns),
        command,
    )
}

/// A time as `--from` takes it, to the microsecond.
fn seconds_since_start(ns: u64) -> String {
    format!("{}.{:06} s", ns / 1_000_000_000, ns % 1_000_000_000 / 1000)
}
