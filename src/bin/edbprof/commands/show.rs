//! `edbprof top` and `edbprof tree`: show a profile on the terminal.

use std::path::Path;

use edbprof::report::View;
use edbprof::report::header::Ended;
use edbprof::report::named::similar_name;
use edbprof::report::numbers::counted;
use edbprof::report::summary::path_text;
use edbprof::report::top::{Relation, functions, related};
use edbprof::report::tree::{self, task_tree, tree as call_tree};

use crate::cli::args::{InputOptions, TopOptions, TreeOptions, ViewOptions, WindowOptions};
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{Stream, print};
use crate::input::{self, ReadReport};
use crate::output::with_view;

/// Runs `edbprof top`.
///
/// # Errors
///
/// When nothing was shown.
pub(crate) fn top(options: &TopOptions) -> Result<Exit, Error> {
    let terminal = Stream::Stdout.terminal();
    show(&options.inputs, &options.window, &options.view, |view| {
        let limit = match options.limit {
            0 => usize::MAX,
            limit => limit,
        };
        let relations = [
            (Relation::Callers, &options.callers),
            (Relation::Callees, &options.callees),
        ];
        let mut tables = Vec::new();
        for (relation, function) in relations {
            let Some(function) = function else { continue };
            let table = related(view, function, relation, &options.sort, limit, &terminal);
            tables.push(table.ok_or_else(|| {
                let meant = similar_name(view, function);
                let meant = meant.map_or(String::new(), |name| format!("; did you mean {name}?"));
                let function = path_text(Path::new(function));
                Error::Usage(format!("no function matches '{function}'{meant}"))
            })?);
        }
        if tables.is_empty() {
            let mut table = functions(view, &options.sort, limit, &terminal);
            let more = view.rows.len().saturating_sub(limit);
            if more > 0 {
                let more = counted(more, "more function", "more functions");
                table.push_str(&terminal.fit(&format!("  … {more}; --limit=0 lists all\n")));
            }
            tables.push(table);
        }
        Ok(tables.join("\n"))
    })
}

/// Runs `edbprof tree`.
///
/// # Errors
///
/// When nothing was shown.
pub(crate) fn tree(options: &TreeOptions) -> Result<Exit, Error> {
    let options_of_text = tree::TreeOptions {
        threshold: options.threshold,
        all: options.all,
        lines: None,
        terminal: Stream::Stdout.terminal_or(tree::WIDE),
    };
    show(&options.inputs, &options.window, &options.view, |view| {
        Ok(match options.tasks {
            true => task_tree(view, &options_of_text),
            false => call_tree(view, &options_of_text),
        })
    })
}

/// Prints the title of the inputs' profile, and the text that `text` makes of it.
fn show(
    inputs: &InputOptions,
    window: &WindowOptions,
    options: &ViewOptions,
    text: impl FnOnce(&View<'_>) -> Result<String, Error>,
) -> Result<Exit, Error> {
    let mut reading = ReadReport::default();
    let profile = match window.is_given() {
        true => input::merge_window(inputs, window, &mut reading)?,
        false => {
            let files = input::find_to_show(inputs, &mut reading)?;
            input::merge(files, &inputs.selection, false, &mut reading)
        }
    };
    reading.check(&profile, inputs, false)?;
    let text = with_view(profile, options, |view| {
        let head = [view.title()].into_iter();
        let head = head
            .chain(view.header(&Ended::default()))
            .chain(view.remarks());
        let head: String = head.map(|line| line + "\n").collect();
        let head = Stream::Stdout.terminal_or(tree::WIDE).wrap(&head);
        Ok(format!("{head}\n{}", text(view)?))
    })?;
    print(&text)?;
    Ok(reading.exit())
}
