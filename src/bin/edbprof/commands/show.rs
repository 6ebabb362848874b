//! `edbprof top` and `edbprof tree`: show a profile on the terminal.

use std::path::Path;

use edbprof::report::View;
use edbprof::report::header::Ended;
use edbprof::report::json;
use edbprof::report::named::similar_name;
use edbprof::report::numbers::counted;
use edbprof::report::summary::path_text;
use edbprof::report::top::{Relation, functions, related};
use edbprof::report::tree::{self, task_tree, tree as call_tree};

use serde_json::{Value, json};

use crate::cli::args::{
    InputOptions, TopOptions, TreeOptions, ViewOptions, WindowOptions, WordsOption,
};
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{Stream, print};
use crate::cli::words::within_words;
use crate::input::{self, ReadReport};
use crate::output::with_view;

/// Functions that `edbprof top` lists, on a terminal of few lines too.
const LISTED: usize = 20;
const LEAST_LISTED: usize = 5;
/// Lines of the table that are no functions: its header, and the number of those left out.
const AROUND: usize = 2;

/// Runs `edbprof top`.
///
/// # Errors
///
/// When nothing was shown.
pub(crate) fn top(options: &TopOptions) -> Result<Exit, Error> {
    let terminal = Stream::Stdout.terminal();
    let is_json = options.json.json;
    let most = |head: usize| match options.limit {
        Some(0) => usize::MAX,
        Some(limit) => limit,
        None if is_json => LISTED,
        None => {
            let room = (terminal.height * 3 / 2).saturating_sub(head + AROUND);
            room.clamp(LEAST_LISTED, LISTED)
        }
    };
    show(options, is_json, &options.words, most, |view, limit| {
        let relations = [
            (Relation::Callers, &options.callers),
            (Relation::Callees, &options.callees),
        ];
        let mut tables = Vec::new();
        for (relation, function) in relations {
            let Some(function) = function else { continue };
            let table = match is_json {
                true => json::related(view, function, &options.sort, limit).map(|mut table| {
                    json::extend(&mut table, json!({"pattern": function}));
                    pretty(&table)
                }),
                false => related(view, function, relation, &options.sort, limit, &terminal),
            };
            tables.push(table.ok_or_else(|| {
                let meant = similar_name(view, function);
                let meant = meant.map_or(String::new(), |name| format!("; did you mean {name}?"));
                let function = path_text(Path::new(function));
                Error::Usage(format!("no function matches '{function}'{meant}"))
            })?);
            // In JSON, each function has its callers and callees.
            if is_json {
                return Ok(tables.remove(0));
            }
        }
        if is_json {
            return Ok(pretty(&json::top(view, &options.sort, limit)));
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

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Runs `edbprof tree`.
///
/// # Errors
///
/// When nothing was shown.
pub(crate) fn tree(options: &TreeOptions) -> Result<Exit, Error> {
    let of_text = tree::TreeOptions {
        threshold: options.threshold,
        all: options.all,
        lines: None,
        terminal: Stream::Stdout.terminal_or(tree::WIDE),
    };
    let is_json = options.json.json;
    show(
        options,
        is_json,
        &options.words,
        |_| usize::MAX,
        |view, lines| {
            Ok(match (is_json, options.tasks) {
                (true, _) => pretty(&json::tree(view, options.threshold, lines)),
                (_, true) => task_tree(view, &of_text),
                _ => {
                    let lines = (lines != usize::MAX).then_some(lines);
                    call_tree(view, &tree::TreeOptions { lines, ..of_text })
                }
            })
        },
    )
}

/// Options of the commands that show a profile.
trait Shown {
    /// Returns the files, the window and the changes to times.
    fn parts(&self) -> (&InputOptions, &WindowOptions, &ViewOptions);
}

impl Shown for TopOptions {
    fn parts(&self) -> (&InputOptions, &WindowOptions, &ViewOptions) {
        (&self.inputs, &self.window, &self.view)
    }
}

impl Shown for TreeOptions {
    fn parts(&self) -> (&InputOptions, &WindowOptions, &ViewOptions) {
        (&self.inputs, &self.window, &self.view)
    }
}

/// Prints the text that `text` makes from the inputs' profile, with at most `most` lines. The
/// profile's title is printed above it unless `is_json` is true.
fn show(
    options: &impl Shown,
    is_json: bool,
    words: &WordsOption,
    most: impl Fn(usize) -> usize,
    text: impl Fn(&View<'_>, usize) -> Result<String, Error>,
) -> Result<Exit, Error> {
    let (inputs, window, options) = options.parts();
    let mut reading = ReadReport::default();
    let mut profile = match window.is_given() {
        true => input::merge_window(inputs, window, &mut reading)?,
        false => {
            let files = input::find_to_show(inputs, &mut reading)?;
            input::merge(files, &inputs.selection, false, &mut reading)
        }
    };
    reading.check(&profile, inputs, false)?;
    let text = with_view(&mut profile, options, |view| {
        let head = [view.title()].into_iter();
        let head = head
            .chain(view.header(&Ended::default()))
            .chain(view.remarks());
        let head: String = head.map(|line| line + "\n").collect();
        let head = match is_json {
            true => String::new(),
            false => Stream::Stdout.terminal_or(tree::WIDE).wrap(&head) + "\n",
        };
        within_words(words.max_words, most(head.lines().count()), |lines| {
            Ok(format!("{head}{}", text(view, lines)?))
        })
    })?;
    print(&text)?;
    Ok(reading.exit())
}
