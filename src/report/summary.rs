//! Writes the summary at the end of a run: how much was recorded, where the time went, and which
//! files were written. [`hints`](super::hints) follow it.

use std::path::{Path, PathBuf};

use super::View;
use super::awaiting::blocked_loops;
use super::cells::cells;
use super::display::printable;
use super::header::Ended;
use super::numbers::{counted, duration};
use super::terminal::Terminal;
use super::top::work;
use super::tree::{TreeOptions, tree};

/// Functions that are listed: most and least.
const FUNCTIONS: (usize, usize) = (10, 5);
/// Fewest lines of the call tree, however low the terminal.
const LINES: usize = 8;
/// Lines that headings and the commands at the end take.
const AROUND: usize = 12;
/// Least share of the time that a frame has which the program's authors have not written.
const SHARE: f64 = 0.02;

/// The summary, ending in a newline. `lost` files could not be read; `outputs` are the
/// files that were written.
pub fn summary(
    view: &View<'_>,
    lost: usize,
    outputs: &[PathBuf],
    ended: &Ended,
    terminal: &Terminal,
) -> String {
    let mut text = format!("{}\n", view.title());
    for line in view.header(ended) {
        text.push_str(&format!("{line}\n"));
    }
    if lost > 0 {
        text.push_str(&format!(
            "{} could not be read\n",
            counted(lost, "file", "files")
        ));
    }
    if view.figures.killed > 0 {
        text.push_str(&format!(
            "{} of {} ended without exit handlers (os._exit, terminate or a signal); what was \
             recorded until then is here\n",
            view.figures.killed,
            counted(view.figures.processes, "process", "processes"),
        ));
    }
    if view.figures.overhead > 0.0 {
        text.push_str(&format!(
            "Recording took about {} of processor time; --compensate takes out what calls cost.\n",
            duration(view.figures.overhead),
        ));
    }
    let blocked = blocked_loops(view.profile.shown_trees());
    for remark in view.remarks().into_iter().chain(blocked) {
        text.push_str(&format!("{remark}\n"));
    }
    // All of it in one and a half screens.
    let mut text = terminal.wrap(&text);
    let written = written(outputs, terminal);
    let around = AROUND + text.lines().count() + written.lines().count();
    let room = (terminal.height * 3 / 2).saturating_sub(around);
    let (most, fewest) = FUNCTIONS;
    let listed = (room / 3).clamp(fewest, most);
    text.push_str(&short_tree(
        view,
        room.saturating_sub(listed).max(LINES),
        terminal,
    ));
    text.push_str(&format!("\n{}", work(view, listed, terminal)));
    text.push_str(&written);
    text
}

/// The top of the call tree, if there is one, and an empty line before it.
fn short_tree(view: &View<'_>, lines: usize, terminal: &Terminal) -> String {
    let options = TreeOptions {
        threshold: SHARE,
        lines: Some(lines),
        terminal: *terminal,
        ..TreeOptions::default()
    };
    match tree(view, &options) {
        tree if tree.is_empty() => tree,
        tree => format!("\n{tree}"),
    }
}

/// Names the files that were written, on one line if that fits.
fn written(outputs: &[PathBuf], terminal: &Terminal) -> String {
    let names: Vec<_> = outputs.iter().map(|path| path_text(path)).collect();
    if names.is_empty() {
        return String::new();
    }
    let line = format!("\nWrote {}\n", names.join(", "));
    match cells(line.trim()) <= terminal.width {
        true => line,
        false => format!("\nWrote\n  {}\n", names.join("\n  ")),
    }
}

/// A path as text that is safe to print.
pub fn path_text(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}
