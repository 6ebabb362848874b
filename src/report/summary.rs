//! What the program says when it is done: how much was recorded, where the time
//! went, what was written and what to do with it.

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
    if view.figures.killed > 0 || lost > 0 {
        text.push_str(&format!(
            "{}, {} killed, {lost} lost\n",
            counted(view.figures.processes, "process", "processes"),
            view.figures.killed,
        ));
    }
    if view.figures.overhead > 0.0 {
        text.push_str(&format!(
            "Recording took about {} of that; --compensate leaves it out.\n",
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
    let with_suffix = |suffix: &str| {
        outputs
            .iter()
            .find(|path| path_text(path).ends_with(suffix))
            .map(|path| path_text(path))
    };
    let next: Vec<_> = [
        with_suffix(".svg").map(|path| format!("open {path} in a browser")),
        with_suffix(".prof").map(|path| format!("edbprof tree {path}, or top, or export")),
        with_suffix(".prof").map(|path| format!("python -m pstats {path}")),
        with_suffix(".prof").map(|path| format!("snakeviz {path}  (pip install snakeviz)")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !next.is_empty() {
        text.push_str(&format!("\nNext: {}\n", next.join("\n  or: ")));
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
        text.push_str("… (edbprof tree shows all of it)\n");
    }
    text
}

/// A path as text that is safe to print.
pub fn path_text(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::display_tree::DisplayTree;
    use crate::analysis::merge::Profile;
    use crate::model::{Counts, Label, Rows};

    #[test]
    fn short_and_to_the_point() {
        let mut rows = Rows::default();
        for (name, file, nc, tt, ct) in [
            ("main", "/app/main.py", 1, 0.25, 2.0),
            ("parse\x1b[2J", "/app/sub/parse.py", 1200, 1.5, 1.75),
            ("<built-in method builtins.len>", "~", 5, 0.25, 0.25),
        ] {
            let label = Label {
                file: file.as_bytes().into(),
                line: 3,
                name: name.as_bytes().into(),
            };
            let id = rows.intern(&label);
            rows.row_mut(id).counts = Counts { cc: nc, nc, tt, ct };
        }
        let (profile, frames) = (Profile::default(), DisplayTree::default());
        let view = View::with(&profile, &rows, frames);
        let outputs = ["out.prof", "out.pstats", "out.svg"].map(PathBuf::from);
        assert_eq!(
            summary(&view, 0, &outputs),
            "\
edbprof: 0 processes, 2.00 s in 1,206 calls of 3 functions

    self          total  calls  function
  1.50 s 75.0 %  1.75 s  1,200  parse\\x1b[2J  sub/parse.py:3
  250 ms 12.5 %  2.00 s      1  main  main.py:3
  250 ms 12.5 %  250 ms      5  builtins.len

Wrote
  out.prof
  out.pstats
  out.svg

Next: open out.svg in a browser
  or: edbprof tree out.prof, or top, or export
  or: python -m pstats out.prof
  or: snakeviz out.prof  (pip install snakeviz)
"
        );
    }
}
