//! `edbprof check`: compares a program with its budget, or writes the budget.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use edbprof::analysis::diff::{Change, Diff};
use edbprof::analysis::limits::budget::Budget;
use edbprof::analysis::merge::Profile;
use edbprof::model::Pattern;
use edbprof::report::diff as report;
use edbprof::report::display::printable;
use edbprof::report::paths::{CodeOrigin, origin};
use edbprof::report::summary::path_text;

use crate::cli::args::CheckOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{print, warn};
use crate::cli::words::within_words;
use crate::input::read_runs;
use crate::output::targets::write_named;

/// Runs `edbprof check`.
///
/// # Errors
///
/// When a profile or the budget can't be read, or the budget can't be written.
pub(crate) fn check(options: &CheckOptions) -> Result<Exit, Error> {
    let name = path_text(&options.budget);
    let budget = match fs::read_to_string(&options.budget) {
        Ok(text) => Budget::parse(&text)
            .map_err(|error| Error::Usage(format!("can't use the budget {name}: {error}")))?,
        Err(error) if options.update && error.kind() == io::ErrorKind::NotFound => {
            Budget::default()
        }
        Err(error) => {
            return Err(Error::Usage(format!(
                "can't read the budget {name}: {error}; --update writes one"
            )));
        }
    };
    let mut runs = Vec::new();
    let exit = read_runs(&options.profiles, &options.inputs, |run| runs.push(run)).warn()?;
    let python = python_version(&runs);
    let diff = Diff::new(&[], &runs);
    if options.update {
        return update(options, budget, &diff, python.as_deref()).map(|()| exit);
    }
    let names = report::Names::of(diff.functions());
    let checked = budget.check(&diff, python.as_deref());
    let mut lines = Vec::new();
    for limit in &checked {
        let what = format!(
            "{}(\"{}\")",
            limit.metric.name(),
            printable(limit.pattern.as_bytes())
        );
        if let Some(left_out) = report::left_out(limit.checked.unsteady) {
            warn(format_args!("{what}: {left_out}"));
        }
        if let Some(unknown) = report::unknown(limit.metric, &diff) {
            warn(format_args!("{what}: {unknown}"));
        }
        if limit.checked.matches == 0 {
            warn(format_args!("{what}: no function matches"));
        }
        if let Some(broken) = &limit.checked.broken {
            let line = report::over_budget(&what, limit.limit, broken, &names);
            lines.push(line + "\n");
        }
    }
    let is_kept = lines.is_empty();
    if is_kept {
        let limits = match checked.len() {
            0 => "no limits are set".to_owned(),
            1 => "the limit is kept".to_owned(),
            several => format!("all {several} limits are kept"),
        };
        lines.push(format!("{name}: {limits}\n"));
    }
    let words = options.words.max_words;
    print(&within_words(
        words,
        lines.len().max(checked.len()),
        |most| {
            if options.json.json {
                return Ok(format!("{:#}\n", report::limits(&name, &checked, most)));
            }
            let mut text = lines[..most.min(lines.len())].concat();
            let more = lines.len().saturating_sub(most);
            if more > 0 {
                text.push_str(&format!("… {more} more\n"));
            }
            Ok(text)
        },
    )?)?;
    Ok(if is_kept { exit } else { Exit::LimitBroken })
}

/// Writes the numbers of calls to the budget.
fn update(
    options: &CheckOptions,
    mut budget: Budget,
    diff: &Diff,
    python: Option<&str>,
) -> Result<(), Error> {
    let name = path_text(&options.budget);
    if options.profiles.len() == 1 {
        warn(
            "one profile can't tell which numbers of calls differ between runs; give several to \
             leave those out",
        );
    }
    let table = python.filter(|version| options.this_python || budget.has_python(version));
    let mut calls = BTreeMap::new();
    let mut unsteady = 0;
    let patterns = budget
        .patterns(table)
        .into_iter()
        .map(|text| Pattern::new(&text));
    let patterns: Vec<_> = patterns.collect();
    for change in diff.functions() {
        let is_listed = match &options.include[..] {
            [] => is_own(change),
            include => include
                .iter()
                .any(|pattern| pattern.is_function(&change.function)),
        };
        let matching = patterns
            .iter()
            .filter(|pattern| pattern.is_function(&change.function));
        let keys = matching.map(Pattern::to_string);
        let keys: Vec<_> = keys.chain(is_listed.then(|| budget_name(change))).collect();
        if keys.is_empty() {
            continue;
        }
        if change.is_unsteady {
            unsteady += 1;
            continue;
        }
        for key in keys {
            *calls.entry(key).or_insert(0) += change.is().calls as u64;
        }
    }
    if let Some(left_out) = report::left_out(unsteady) {
        warn(format_args!("{name}: {left_out}"));
    }
    let functions = calls.len();
    budget.set_calls(table, calls);
    write_named(&options.budget, budget.to_string().as_bytes())
        .map_err(|error| Error::NotWritten(format!("can't write {name}: {error}")))?;
    let limits = if functions == 1 { "limit" } else { "limits" };
    print(&format!("{name}: {functions} {limits} of calls\n"))
}

/// Returns true for a function of the program that is in a file.
fn is_own(change: &Change) -> bool {
    let label = &change.function.label;
    origin(label) == CodeOrigin::Program && !label.file.starts_with(b"<")
}

/// Returns the name of a function in a budget: a pattern that matches it.
fn budget_name(change: &Change) -> String {
    let function = &change.function;
    let name = edbprof::report::display::function_name(function);
    match &*function.module {
        b"" => name,
        module => format!("{}.{name}", printable(module)),
    }
}

/// Returns the version of Python, like `3.11`, if all runs have the same.
fn python_version(runs: &[Profile]) -> Option<String> {
    let processes = runs.iter().flat_map(|run| &run.trees().processes);
    let mut versions = processes.map(|process| {
        let host = String::from_utf8_lossy(&process.host).into_owned();
        let version = host.strip_prefix("CPython ")?;
        let (major, rest) = version.split_once('.')?;
        let minor = rest.split('.').next()?;
        Some(format!("{major}.{minor}"))
    });
    let first = versions.next()??;
    let is_only = versions.all(|version| version.as_deref() == Some(&*first));
    is_only.then_some(first)
}
