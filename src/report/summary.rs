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
/// Fewest lines of the call tree.
const LINES: usize = 8;
/// Numbers of functions on a terminal of less than [`LOW`] lines.
const FUNCTIONS_OF_LOW: (usize, usize) = (10, 3);
const LINES_OF_LOW: usize = 5;
/// Lines below which a terminal gets only what is most important.
pub const LOW: usize = 24;
/// Lines of a tree that are no frames, if there are few: an empty one, the heading, and how many
/// frames were left out.
const HEADS: usize = 3;
/// Least share of the time that a frame has which the program's authors have not written.
const SHARE: f64 = 0.02;

/// The summary, ending in a newline. `lost` files could not be read; `outputs` are the
/// files that were written. `behind` lines follow.
pub fn summary(
    view: &View<'_>,
    lost: usize,
    outputs: &[PathBuf],
    ended: &Ended,
    terminal: &Terminal,
    behind: usize,
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
    let is_low = terminal.height < LOW;
    if view.figures.overhead > 0.0 && !is_low {
        text.push_str(&format!(
            "Recording took about {} of processor time; --compensate takes out what calls cost.\n",
            duration(view.figures.overhead),
        ));
    }
    let blocked = blocked_loops(view.profile.shown_trees());
    for remark in view.remarks().into_iter().chain(blocked) {
        text.push_str(&format!("{remark}\n"));
    }
    let mut text = terminal.wrap(&text);
    let written = written(outputs, terminal);
    // All of it in one and a half screens.
    let lines = |text: &str| text.lines().count();
    let around = lines(&text) + lines(&written) + behind;
    let room = (terminal.height * 3 / 2).saturating_sub(around);
    let ((most, fewest), fewest_lines) = match is_low {
        true => (FUNCTIONS_OF_LOW, LINES_OF_LOW),
        false => (FUNCTIONS, LINES),
    };
    let listed = (room / 4).clamp(fewest, most);
    let functions = format!("\n{}", work(view, listed, terminal));
    let room = room.saturating_sub(lines(&functions));
    let frames = room.saturating_sub(HEADS).max(fewest_lines);
    let mut tree = short_tree(view, frames, terminal);
    // Remarks take the room of frames.
    let excess = lines(&tree).saturating_sub(room);
    if excess > 0 && frames > fewest_lines {
        let frames = frames.saturating_sub(excess).max(fewest_lines);
        tree = short_tree(view, frames, terminal);
    }
    text.push_str(&tree);
    text.push_str(&functions);
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
    let mut lines = [Some(names.join(", ")), in_braces(outputs)]
        .into_iter()
        .flatten()
        .map(|names| format!("\nWrote {names}\n"));
    let fitting = lines.find(|line| cells(line.trim()) <= terminal.width);
    fitting.unwrap_or_else(|| format!("\nWrote\n  {}\n", names.join("\n  ")))
}

/// Paths that differ in their extensions alone, as a shell takes them; nothing for others.
fn in_braces(paths: &[PathBuf]) -> Option<String> {
    let stem = paths.first()?.with_extension("");
    let extensions: Option<Vec<_>> = paths
        .iter()
        .map(|path| path.extension()?.to_str())
        .collect();
    let extensions = extensions.filter(|all| all.len() > 1)?;
    let is_so = paths.iter().all(|path| path.with_extension("") == stem);
    is_so.then(|| format!("{}.{{{}}}", path_text(&stem), extensions.join(",")))
}

/// A path as text that is safe to print.
pub fn path_text(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}
