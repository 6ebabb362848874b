//! What the program says when it is done: how much was recorded, where the time
//! went, and what was written. [`hints`](super::hints) follow it.

use std::path::{Path, PathBuf};

use super::View;
use super::display::printable;
use super::numbers::{counted, duration};
use super::sort_order::SortOrder;
use super::top::functions;
use super::tree::{TreeOptions, tree};

/// Functions that are listed.
const TOP: usize = 10;
/// Of the call tree: the least share of the time, and how many lines.
const SHARE: f64 = 0.05;
const LINES: usize = 24;

/// The summary, ending in a newline. `lost` files could not be read; `outputs` are the
/// files that were written.
pub fn summary(view: &View<'_>, lost: usize, outputs: &[PathBuf]) -> String {
    let mut text = format!("{}\n", view.title());
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
    for remark in view.remarks() {
        text.push_str(&format!("{remark}\n"));
    }
    text.push_str(&short_tree(view));
    let order: SortOrder = "tottime".parse().unwrap_or_default();
    text.push_str(&format!("\n{}", functions(view, &order, TOP)));
    if !outputs.is_empty() {
        text.push_str("\nWrote\n");
        for path in outputs {
            text.push_str(&format!("  {}\n", path_text(path)));
        }
    }
    text
}

/// The top of the call tree, if there is one, and an empty line before it.
fn short_tree(view: &View<'_>) -> String {
    let options = TreeOptions {
        threshold: SHARE,
        ..TreeOptions::default()
    };
    let tree = tree(view, &options);
    let mut lines = tree.lines();
    let shown: Vec<_> = lines.by_ref().take(LINES).collect();
    let mut text = String::new();
    if shown.is_empty() {
        return text;
    }
    for line in [""].iter().chain(&shown) {
        text.push_str(line);
        text.push('\n');
    }
    if lines.next().is_some() {
        text.push_str("…\n");
    }
    text
}

/// A path as text that is safe to print.
pub fn path_text(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}
