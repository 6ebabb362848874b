//! Differences as lines for a terminal.

use super::Names;
use super::sentence::{mean, sentence, signed_duration, waiting};
use crate::analysis::diff::{Change, Diff, Neighbours, Order};
use crate::analysis::limits::{Broken, Metric};
use crate::report::numbers::{counted, duration};

/// Limits of a list.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Order of the lines.
    pub order: Order,
    /// Number of lines.
    pub lines: usize,
}

/// Returns the first lines: the sides, and the change of the whole.
pub fn head(diff: &Diff, before: &str, after: &str) -> String {
    let whole = &diff.whole;
    let side = |runs: usize, seconds: f64, calls: f64| {
        let runs = match runs {
            1 => String::new(),
            runs => format!("mean of {runs} runs, "),
        };
        format!("{runs}{} in {} calls", duration(seconds / 1e9), mean(calls))
    };
    let [runs_before, runs_after] = diff.runs();
    let (was, is) = (whole.was(), whole.is());
    format!(
        "before: {before} ({})\nafter:  {after} ({})\nchange: {}{}, {} calls\n{}",
        side(runs_before, was.self_ns, was.calls),
        side(runs_after, is.self_ns, is.calls),
        signed_duration(whole.self_ns()),
        waiting(whole),
        signed_count(whole.calls()),
        match diff.has_waiting() {
            [true, false] => "waiting: recorded only before, so it is not compared\n",
            [false, true] => "waiting: recorded only after, so it is not compared\n",
            [_, _] => "",
        },
    )
}

/// Returns a warning if a rule for `metric` compares unknown figures.
pub fn unknown(metric: Metric, diff: &Diff) -> Option<&'static str> {
    match (metric, diff.has_waiting()) {
        (Metric::Waiting, [_, false]) if diff.runs()[0] == 0 => Some("no profile has any waiting"),
        (Metric::Waiting, [false, true]) => {
            Some("not checked, because before was recorded without waiting")
        }
        (Metric::Waiting, [true, false]) => {
            Some("not checked, because after was recorded without waiting")
        }
        (Metric::Waiting, [false, false]) => Some("no profile has any waiting"),
        _ => None,
    }
}

/// Returns a line for each function that `is_wanted`, and what to do to see the rest.
pub fn functions(
    diff: &Diff,
    names: &Names,
    limits: Limits,
    is_wanted: impl Fn(&Change) -> bool,
) -> String {
    let changes = diff.changes(limits.order).into_iter();
    let changes: Vec<_> = changes.filter(|change| is_wanted(change)).collect();
    match changes.is_empty() {
        true => "No function's calls or times differ.\n".to_owned(),
        false => lines(&changes, names, limits),
    }
}

/// Returns the changes of the calls between each function that `is_wanted` and its callers, or
/// its callees; `None` if no function is wanted.
pub fn neighbours(
    diff: &Diff,
    names: &Names,
    relation: Neighbours,
    limits: Limits,
    is_wanted: impl Fn(&Change) -> bool,
) -> Option<String> {
    let all = diff.functions().iter().enumerate();
    let mut wanted: Vec<_> = all.filter(|(_, change)| is_wanted(change)).collect();
    wanted.sort_by(|a, b| limits.order.compare(a.1, b.1));
    let word = match relation {
        Neighbours::Callers => "callers",
        Neighbours::Callees => "callees",
    };
    let blocks = wanted.into_iter().take(limits.lines).map(|(at, change)| {
        let edges = diff.neighbours(&[at], relation, limits.order);
        let edges: Vec<_> = edges.iter().collect();
        let name = names.name(&change.function);
        let block = match edges.is_empty() {
            true => "No calls or times differ.\n".to_owned(),
            false => lines(&edges, names, limits),
        };
        let block: String = block.lines().map(|line| format!("  {line}\n")).collect();
        format!("{name}: {}\n  by its {word}:\n{block}", sentence(change))
    });
    let blocks: Vec<_> = blocks.collect();
    (!blocks.is_empty()).then(|| blocks.join("\n"))
}

/// Returns a line for each suggestion; nothing if there is none.
pub fn renamed(diff: &Diff, names: &Names) -> String {
    let renamed = diff.renamed().into_iter();
    renamed
        .map(|pair| {
            format!(
                "perhaps renamed or moved: {} is now {} (like callers, callees and calls)\n",
                names.name(&pair.before.function),
                names.name(&pair.after.function),
            )
        })
        .collect()
}

fn lines(changes: &[&Change], names: &Names, limits: Limits) -> String {
    let shown = changes.iter().take(limits.lines);
    let mut text: String = shown
        .map(|change| {
            let place = names.place(&change.function);
            let place = place.map_or(String::new(), |place| format!("  {place}"));
            let name = names.name(&change.function);
            format!("{name}: {}{place}\n", sentence(change))
        })
        .collect();
    let rest = changes.len().saturating_sub(limits.lines);
    if rest > 0 {
        let rest = counted(rest, "function differs", "functions differ");
        text.push_str(&format!("{rest} less; --limit=0 shows all\n"));
    }
    text
}

/// Returns the line of a broken rule: which, was, is, by whom.
pub fn broken(rule: &str, broken: &Broken, names: &Names) -> String {
    let was = broken
        .was
        .map(|was| format!("was {}, ", figure(broken.metric, was)));
    let is = figure(broken.metric, broken.is);
    let callers = callers(broken, names);
    format!("{rule}: {}is {is}{callers}", was.unwrap_or_default())
}

/// Returns the line of a broken limit of a budget: which, the limit, is, by whom.
pub fn over_budget(what: &str, limit: f64, broken: &Broken, names: &Names) -> String {
    let metric = broken.metric;
    let (limit, is) = (figure(metric, limit), figure(metric, broken.is));
    format!("{what}: was {limit}, is {is}{}", callers(broken, names))
}

/// Returns how many functions a limit leaves out, if any.
pub fn left_out(unsteady: usize) -> Option<String> {
    let functions = counted(unsteady, "function is", "functions are");
    (unsteady > 0)
        .then(|| format!("{functions} left out, whose numbers of calls differ between runs"))
}

fn figure(metric: Metric, value: f64) -> String {
    match metric.is_count() {
        true if value == 1.0 => "1 call".to_owned(),
        true => format!("{} calls", mean(value)),
        false => duration(value / 1e9),
    }
}

/// Returns which callers of the functions of a broken limit account for it.
fn callers(broken: &Broken, names: &Names) -> String {
    let share = |value: f64| match (broken.was, broken.metric.is_count()) {
        (None, _) => figure(broken.metric, value),
        (_, true) => signed_count(value),
        (_, false) => signed_duration(value),
    };
    let callers = broken.by.iter().map(|grown| {
        let caller = names.name(&grown.caller.function);
        format!("{caller} ({})", share(grown.by))
    });
    let callers: Vec<_> = callers.collect();
    match callers.is_empty() {
        true => String::new(),
        false => format!("; by {}", callers.join(", ")),
    }
}

fn signed_count(number: f64) -> String {
    match number >= 0.0 {
        true => format!("+{}", mean(number)),
        false => format!("-{}", mean(-number)),
    }
}
