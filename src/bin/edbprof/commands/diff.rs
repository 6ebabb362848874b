//! `edbprof diff`: compares two profiles, and fails if a rule is broken.

use std::path::{Path, PathBuf};

use edbprof::analysis::diff::{Change, Diff, Neighbours, PathChanges, RunFigures, Side};
use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::limits::check;
use edbprof::model::Pattern;
use edbprof::report::diff as report;
use edbprof::report::summary::path_text;

use crate::cli::args::DiffOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{print, warn};
use crate::cli::words::within_words;
use crate::input::read_runs;
use crate::output::targets::write_named;

/// Runs `edbprof diff`.
///
/// # Errors
///
/// When a side can't be read, or nothing is called as a pattern says.
pub(crate) fn diff(options: &DiffOptions) -> Result<Exit, Error> {
    let [before, after] = match &options.sides[..] {
        [before, after] => [vec![before.clone()], vec![after.clone()]],
        _ => [options.before.clone(), options.after.clone()],
    };
    // Only call paths need more of a profile than the figures of its functions.
    let keeps = options.tree || options.output.is_some();
    let read = |paths: &[PathBuf]| {
        let (mut side, mut trees) = (Side::default(), Vec::new());
        let read = read_runs(paths, &options.inputs, |run| {
            trees.extend(keeps.then(|| display_tree(&run)));
            let figures = RunFigures::of(&run);
            drop(run);
            side.add(figures);
        });
        (side, trees, read)
    };
    let ((old_side, old_trees, old_read), (new_side, new_trees, new_read)) =
        rayon::join(|| read(&before), || read(&after));
    let old_exit = old_read.warn()?;
    let new_exit = new_read.warn()?;
    let diff = Diff::of([old_side, new_side]);
    let names = report::Names::of(diff.functions());
    let changes = keeps.then(|| PathChanges::new(&diff, [old_trees, new_trees]));
    let tree = changes.as_ref().filter(|_| options.tree);
    let most = match options.limit {
        // JSON has all of them.
        _ if options.json => usize::MAX,
        0 => usize::MAX,
        limit => limit,
    };
    print(&within_words(options.words.max_words, most, |lines| {
        shown(options, [&before, &after], tree, &diff, &names, lines)
    })?)?;
    if let (Some(output), Some(changes)) = (&options.output, &changes) {
        let [before, after] = [&before, &after].map(|paths| names_of(paths));
        let picture = report::picture(changes, &names, &before, &after);
        write_named(output, picture.as_bytes()).map_err(|error| {
            Error::NotWritten(format!("can't write {}: {error}", path_text(output)))
        })?;
    }
    let mut is_broken = false;
    for rule in &options.fail_if {
        if let Some(unknown) = report::unknown(rule.metric, &diff) {
            warn(format_args!("{}: {unknown}", rule.text));
            if diff.has_waiting() != [false; 2] {
                continue;
            }
        }
        let checked = check(rule, &diff);
        if checked.matches == 0 {
            warn(format_args!(
                "no function matches the pattern of {}",
                rule.text
            ));
        }
        if let Some(left_out) = report::left_out(checked.unsteady) {
            warn(format_args!("{}: {left_out}", rule.text));
        }
        if let Some(broken) = &checked.broken {
            is_broken = true;
            warn(report::broken(&rule.text, broken, &names));
        }
    }
    Ok(match (is_broken, old_exit, new_exit) {
        (true, _, _) => Exit::LimitBroken,
        (_, Exit::Success, exit) | (_, exit, _) => exit,
    })
}

/// Returns the names of a side's files, as one text.
fn names_of(paths: &[PathBuf]) -> String {
    let names = paths.iter().map(|path| path_text(path));
    names.collect::<Vec<_>>().join(" ")
}

fn shown(
    options: &DiffOptions,
    paths: [&[PathBuf]; 2],
    tree: Option<&PathChanges>,
    diff: &Diff,
    names: &report::Names,
    lines: usize,
) -> Result<String, Error> {
    let order = options.sort.into();
    let limits = report::Limits { order, lines };
    let is_wanted = |change: &Change| {
        let matches = |pattern: &Pattern| pattern.is_function(&change.function);
        (options.include.is_empty() || options.include.iter().any(matches))
            && !options.exclude.iter().any(matches)
    };
    let files = paths.map(|paths| Vec::from_iter(paths.iter().map(|path| path_text(path))));
    if options.json {
        let json = report::json(diff, [&files[0], &files[1]], names, limits, is_wanted);
        return Ok(format!("{json:#}\n"));
    }
    let [before, after] = paths.map(names_of);
    let mut text = report::head(diff, &before, &after);
    text.push('\n');
    if let Some(changes) = tree {
        text.push_str(&report::tree(changes, names, limits));
        return Ok(text);
    }
    let relations = [
        (Neighbours::Callers, &options.callers),
        (Neighbours::Callees, &options.callees),
    ];
    let mut blocks = Vec::new();
    for (relation, pattern) in relations {
        let Some(pattern) = pattern else { continue };
        let is_meant = |change: &Change| pattern.is_function(&change.function);
        let block = report::neighbours(diff, names, relation, limits, is_meant);
        blocks.push(block.ok_or_else(|| {
            let pattern = path_text(Path::new(&pattern.to_string()));
            Error::Usage(format!("no function of either profile matches '{pattern}'"))
        })?);
    }
    if blocks.is_empty() {
        blocks.push(report::functions(diff, names, limits, is_wanted));
        let renamed = report::renamed(diff, names);
        blocks.extend((!renamed.is_empty()).then_some(renamed));
    }
    text.push_str(&blocks.join("\n"));
    Ok(text)
}
