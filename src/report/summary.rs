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

/// Largest number of functions that are listed.
const FUNCTIONS: usize = 10;
/// Fewest frames and functions that are shown. The first pair is used with which the summary takes
/// at most one and a half screens.
const FEWEST: [(usize, usize); 4] = [(8, 5), (5, 3), (3, 2), (2, 1)];
/// Terminals with fewer lines get only the most important parts.
pub const LOW: usize = 24;
/// Lines of a tree that are no frames, if there are few: an empty one, the heading, and how many
/// frames were left out.
const HEADS: usize = 3;
/// Least share of the time for frames of code that the program's authors have not written.
const SHARE: f64 = 0.02;

/// The summary, ending in a newline. `lost` files could not be read; `outputs` are the files that
/// were written. The first texts of `behind` follow, as far as there is room.
pub fn summary(
    view: &View<'_>,
    lost: usize,
    outputs: &[PathBuf],
    ended: &Ended,
    terminal: &Terminal,
    behind: &[String],
) -> String {
    let head = head(view, lost, ended, terminal);
    let written = written(outputs, terminal);
    let most = terminal.height * 3 / 2;
    let with = |(frames, functions): (usize, usize), behind: &[String]| {
        let end = written.clone() + &behind.concat();
        let room = most.saturating_sub(lines(&head) + lines(&end));
        head.clone() + &tree_and_table(view, room, frames, functions, terminal) + &end
    };
    let fewest = match terminal.height < LOW {
        true => &FEWEST[1..],
        false => &FEWEST[..],
    };
    let one = behind.len().min(1);
    let fewer_texts = (one..=behind.len()).rev().map(|number| (fewest[0], number));
    let less = fewest[1..].iter().map(|&fewest| (fewest, one));
    let least = FEWEST[FEWEST.len() - 1];
    let mut shorter = fewer_texts.chain(less).chain([(least, 0)]);
    let fitting = shorter.find_map(|(fewest, number)| {
        Some(with(fewest, &behind[..number])).filter(|text| lines(text) <= most)
    });
    fitting.unwrap_or_else(|| {
        let (frames, functions) = least;
        let room = most.saturating_sub(lines(&head));
        head.clone() + &tree_and_table(view, room, frames, functions, terminal)
    })
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

/// Returns the head: the command, its times, and calls that are missing.
fn head(view: &View<'_>, lost: usize, ended: &Ended, terminal: &Terminal) -> String {
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
    if view.figures.overhead > 0.0 && terminal.height >= LOW {
        text.push_str(&format!(
            "Recording took about {} of processor time; --compensate takes out what calls cost.\n",
            duration(view.figures.overhead),
        ));
    }
    let blocked = blocked_loops(view.profile.shown_trees());
    for remark in view.remarks().into_iter().chain(blocked) {
        text.push_str(&format!("{remark}\n"));
    }
    terminal.wrap(&text)
}

/// Returns the top of the call tree and the costliest functions in `room` lines. The lines are more
/// if the fewest frames and functions need more.
fn tree_and_table(
    view: &View<'_>,
    room: usize,
    fewest_frames: usize,
    fewest_functions: usize,
    terminal: &Terminal,
) -> String {
    let listed = (room / 4).clamp(fewest_functions, FUNCTIONS);
    let functions = format!("\n{}", work(view, listed, terminal));
    let room = room.saturating_sub(lines(&functions));
    let frames = room.saturating_sub(HEADS).max(fewest_frames);
    let mut tree = short_tree(view, frames, terminal);
    // Remarks take the room of frames.
    let excess = lines(&tree).saturating_sub(room);
    if excess > 0 && frames > fewest_frames {
        let frames = frames.saturating_sub(excess).max(fewest_frames);
        tree = short_tree(view, frames, terminal);
    }
    tree + &functions
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
    let mut short = [Some(names.join(", ")), in_braces(outputs)]
        .into_iter()
        .flatten()
        .map(|names| format!("\nWrote {names}\n"));
    let is_fitting = |line: &String| terminal.width == 0 || cells(line.trim()) <= terminal.width;
    short.find(is_fitting).unwrap_or_else(|| {
        let broken = |name: &String| terminal.broken(name, "  ");
        let listed: String = names.iter().map(broken).collect();
        let short = in_braces(outputs).map(|name| broken(&name));
        let short = short.filter(|short| lines(short) < lines(&listed));
        format!("\nWrote\n{}", short.unwrap_or(listed))
    })
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
