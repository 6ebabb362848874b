//! `edbprof diff`: compares two profiles, and fails if a rule is broken.

use std::path::{Path, PathBuf};

use edbprof::analysis::diff::{Change, Diff, Neighbours, PathChanges};
use edbprof::analysis::limits::check;
use edbprof::model::Pattern;
use edbprof::report::diff as report;
use edbprof::report::page::Page;
use edbprof::report::summary::path_text;

use super::compared::{Compared, names_of};
use crate::cli::args::DiffOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{print, warn};
use crate::cli::words::within_words;
use crate::output::targets::write_named;

/// Runs `edbprof diff`.
///
/// # Errors
///
/// When a side can't be read, or a pattern matches no function.
pub(crate) fn diff(options: &DiffOptions) -> Result<Exit, Error> {
    let [before, after] = match &options.sides[..] {
        [before, after] => [vec![before.clone()], vec![after.clone()]],
        _ => [options.before.clone(), options.after.clone()],
    };
    // The figures of functions are enough for everything except call paths.
    let keeps = options.tree || options.output.is_some();
    let compared = Compared::read([&before, &after], &options.inputs, keeps)?;
    let Compared { diff, changes, .. } = &compared;
    let names = report::Names::of(diff.functions());
    let tree = changes.as_ref().filter(|_| options.tree);
    let most = match options.limit {
        // JSON has all of them.
        _ if options.json => usize::MAX,
        0 => usize::MAX,
        limit => limit,
    };
    print(&within_words(options.words.max_words, most, |lines| {
        shown(options, [&before, &after], tree, diff, &names, lines)
    })?)?;
    if let (Some(output), Some(changes)) = (&options.output, changes) {
        let sides = [&*before, &*after];
        let picture = match is_page(output) {
            true => compared.page(&Page::default(), sides)?,
            false => {
                let [before, after] = sides.map(names_of);
                report::picture(changes, &names, &before, &after).into_bytes()
            }
        };
        write_named(output, &picture).map_err(|error| {
            Error::NotWritten(format!("can't write {}: {error}", path_text(output)))
        })?;
    }
    let mut is_broken = false;
    for rule in &options.fail_if {
        if let Some(unknown) = report::unknown(rule.metric, diff) {
            warn(format_args!("{}: {unknown}", rule.text));
            if diff.has_waiting() != [false; 2] {
                continue;
            }
        }
        let checked = check(rule, diff);
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
    Ok(match is_broken {
        true => Exit::LimitBroken,
        false => compared.exit,
    })
}

/// Returns true if the name of `output` is that of a page.
fn is_page(output: &Path) -> bool {
    output
        .extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("html"))
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
