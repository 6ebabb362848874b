//! `edbprof dump`: the stacks of a running process.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use edbprof::format::live::{self, OpenCall, OpenStack};
use edbprof::report::display::{printable, short_name};
use edbprof::report::numbers::duration;

use super::connect;
use super::door::PATIENCE;
use super::process::Process;
use crate::cli::args::DumpOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{print, warn};
use crate::commands::live::mapped_live_files;

/// Time that a process has to answer if its recording has the stacks, too: the door is taken while
/// another edbprof is attached.
const PATIENCE_IF_RECORDED: Duration = Duration::from_secs(1);

/// A call of a stack as it is printed.
struct Line {
    name: String,
    place: String,
    /// Time that it is open for, where that is known.
    since: String,
}

/// Runs `edbprof dump`.
///
/// # Errors
///
/// The process can't be inspected.
pub(crate) fn dump(options: &DumpOptions) -> Result<Exit, Error> {
    let process = Process::new(options.pid, "dump")?;
    let recorded = recorded(&process);
    let patience = match recorded.is_empty() {
        true => PATIENCE,
        false => PATIENCE_IF_RECORDED,
    };
    let asked = match recorded.is_empty() || !process.doors().is_empty() {
        true => connect(&process, patience).and_then(|mut door| door.ask(b"dump")),
        false => Ok(String::new()),
    };
    let text = match asked {
        Ok(answer) if !answer.is_empty() => stacks(&answer, &recorded),
        // A recorded process needs no help of its own.
        Err(error) if recorded.is_empty() => return Err(error),
        asked => {
            if let Err(error) = asked {
                warn(error);
            }
            let stacks = recorded.iter().map(|stack| {
                let lines = stack.calls.iter().map(|call| Line {
                    name: name(call),
                    place: place(&call.function.label.file, call.function.label.line),
                    since: since(call),
                });
                text_of(&printable(&stack.thread), &lines.collect::<Vec<_>>())
            });
            stacks.collect::<Vec<_>>().join("\n")
        }
    };
    print(&match text.is_empty() {
        true => format!("process {} has no call open\n", options.pid),
        false => text,
    })?;
    Ok(Exit::Success)
}

/// Stacks that the live files of the process have.
fn recorded(process: &Process) -> Vec<OpenStack> {
    let files: Vec<PathBuf> = mapped_live_files(process.pid).into_iter().collect();
    let bytes = files.iter().filter_map(|path| fs::read(path).ok());
    let stacks = bytes.filter_map(|bytes| live::open_stacks(&bytes).ok());
    stacks.flatten().collect()
}

/// Text of the stacks in the answer of the process. The times of calls are known for threads that
/// are `recorded`.
fn stacks(answer: &str, recorded: &[OpenStack]) -> String {
    let mut threads: Vec<(String, Vec<Line>)> = Vec::new();
    let mut known: HashMap<&[u8], std::slice::Iter<'_, OpenCall>> = recorded
        .iter()
        .map(|stack| (&*stack.thread, stack.calls.iter()))
        .collect();
    for line in answer.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match words[..] {
            ["thread", ident, name] => {
                let name = if name.is_empty() { ident } else { name };
                threads.push((name.to_owned(), Vec::new()));
            }
            ["frame", name, file, number] => {
                let Some((thread, lines)) = threads.last_mut() else {
                    continue;
                };
                // Both have the outermost call first; hidden or builtin ones are in one alone.
                let is_it = |call: &&OpenCall| {
                    let label = &call.function.label;
                    *label.file == *file.as_bytes() && is_named(call, name)
                };
                let calls = known.get_mut(thread.as_bytes());
                let found = calls.and_then(|calls| {
                    let at = calls.as_slice().iter().position(|call| is_it(&call))?;
                    calls.nth(at)
                });
                lines.push(Line {
                    name: printable(name.as_bytes()).to_string(),
                    place: place(file.as_bytes(), number.parse().unwrap_or(0)),
                    since: found.map_or_else(String::new, since),
                });
            }
            _ => {}
        }
    }
    let texts = threads
        .iter()
        .map(|(name, lines)| text_of(&printable(name.as_bytes()), lines));
    texts.collect::<Vec<_>>().join("\n")
}

/// Returns true if `name` is Python's name for the function, which is the qualified name from 3.11
/// on.
fn is_named(call: &OpenCall, name: &str) -> bool {
    let function = &call.function;
    *function.label.name == *name.as_bytes() || *function.qualified_name == *name.as_bytes()
}

fn name(call: &OpenCall) -> String {
    let name = match call.function.qualified_name.is_empty() {
        true => &call.function.label.name,
        false => &call.function.qualified_name,
    };
    short_name(name)
}

fn place(file: &[u8], line: i64) -> String {
    match file {
        b"" | b"~" => String::new(),
        file => format!("{}:{line}", printable(file)),
    }
}

fn since(call: &OpenCall) -> String {
    let time = duration(call.open_ns as f64 / 1e9);
    match call.is_exact {
        true => format!("for {time}"),
        false => format!("for at most {time}"),
    }
}

fn text_of(thread: &str, lines: &[Line]) -> String {
    let mut text = format!("thread {thread}\n");
    let widest = lines.iter().map(|line| line.name.chars().count()).max();
    let width = widest.unwrap_or(0).min(40);
    for Line { name, place, since } in lines {
        let line = format!("  {name:width$}  {place}  {since}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
