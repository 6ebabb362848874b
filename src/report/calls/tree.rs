//! The tree of a slow call beside that of the median one.

use crate::analysis::timeline::call_tree::Path;
use crate::report::cells::{cells, without_middle};
use crate::report::display::function_name;
use crate::report::numbers::{count, counted, duration};
use crate::report::paths::PathShortener;
use crate::report::terminal::Terminal;
use crate::report::tree::{NARROWEST, cost};

/// Largest number of lines of a tree.
const LINES: usize = 20;
/// A path is shown from this part of a call's time on: a fiftieth.
const LEAST: u64 = 50;

/// A line before it is laid out.
struct Line {
    figures: Vec<String>,
    /// Share of the slow call's time.
    share: f64,
    branch: String,
    name: String,
}

/// Returns the paths of the call and of the median one beside each other, the costliest first. If
/// the call `is_median` itself, it is shown alone.
pub(super) fn tree(
    paths: &[Path],
    is_median: bool,
    shortener: &PathShortener,
    terminal: &Terminal,
) -> String {
    let Some(whole) = paths.first() else {
        return String::new();
    };
    let shown = shown(paths);
    let heads: &[&str] = match is_median {
        true => &["this call", "calls"],
        false => &["this call", "median", "calls", "median"],
    };
    let mut lines = Vec::new();
    push_lines(paths, &shown, 0, "", "", &mut |path, branch| {
        let [slow, median] = path.sides;
        let time = |ns: u64, calls: u64| match calls {
            0 => String::new(),
            _ => duration(ns as f64 / 1e9),
        };
        let number = |calls: u64| match calls {
            0 => String::new(),
            calls => count(calls.into()),
        };
        let waits = slow.waiting.total().saturating_mul(2) > slow.total_ns && slow.total_ns > 0;
        let mark = if waits { "◦ " } else { "" };
        let label = &path.function.label;
        let place = match label.line {
            0 => String::new(),
            line => format!("  {}:{line}", shortener.short(&label.file)),
        };
        lines.push(Line {
            figures: match is_median {
                true => vec![time(slow.total_ns, slow.calls), number(slow.calls)],
                false => vec![
                    time(slow.total_ns, slow.calls),
                    time(median.total_ns, median.calls),
                    number(slow.calls),
                    number(median.calls),
                ],
            },
            share: slow.total_ns as f64 / whole.sides[0].total_ns.max(1) as f64,
            branch: branch.to_owned(),
            name: format!("{mark}{}{place}", function_name(&path.function)),
        });
    });
    let left_out = paths.len() - shown.iter().filter(|shown| **shown).count();
    let has_waits = lines.iter().any(|line| line.name.starts_with('◦'));
    let mut text = set(heads, &lines, terminal);
    if left_out > 0 {
        let left_out = counted(left_out, "path", "paths");
        text.push_str(&format!("  … {left_out} of less time left out\n"));
    }
    if has_waits {
        text.push_str("  ◦ waiting, for half of this call's time there or more\n");
    }
    terminal.fit(&text)
}

/// Returns true for each path that is shown: one that takes enough of either call.
fn shown(paths: &[Path]) -> Vec<bool> {
    let least = paths[0].sides.map(|side| (side.total_ns / LEAST).max(1));
    let weight = |path: &Path| {
        let [slow, median] = path.sides;
        // Users ask about the slow call; of the median one only large parts matter.
        let is_worth = slow.total_ns >= least[0] || median.total_ns >= least[1].saturating_mul(10);
        is_worth.then_some(slow.total_ns.max(median.total_ns))
    };
    let mut order: Vec<(u64, usize)> = (0..paths.len())
        .filter_map(|index| Some((weight(&paths[index])?, index)))
        .collect();
    // Of paths with the same time, callers come first.
    order.sort_by_key(|&(weight, index)| (std::cmp::Reverse(weight), index));
    let mut shown = vec![false; paths.len()];
    shown[0] = true;
    for (_, index) in order.into_iter().take(LINES) {
        let mut at = Some(index);
        while let Some(path) = at.filter(|&path| !shown[path]) {
            shown[path] = true;
            at = paths[path].parent;
        }
    }
    shown
}

/// Calls `push` for the shown paths from `path` on, with what connects each to its caller.
fn push_lines(
    paths: &[Path],
    shown: &[bool],
    path: usize,
    branch: &str,
    below: &str,
    push: &mut impl FnMut(&Path, &str),
) {
    // A stack of its own, because recursive functions make deep trees.
    let mut stack = vec![(path, branch.to_owned(), below.to_owned())];
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); paths.len()];
    for (index, of) in paths.iter().enumerate().filter(|(index, _)| shown[*index]) {
        if let Some(parent) = of.parent {
            children[parent].push(index);
        }
    }
    while let Some((path, branch, below)) = stack.pop() {
        push(&paths[path], &branch);
        let mut callees = std::mem::take(&mut children[path]);
        callees.sort_by_key(|&callee| paths[callee].sides[0].total_ns);
        let last = callees.first().copied();
        for callee in callees {
            let (mark, rest) = match Some(callee) == last {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            stack.push((callee, format!("{below}{mark}"), format!("{below}{rest}")));
        }
    }
}

fn set(heads: &[&str], lines: &[Line], terminal: &Terminal) -> String {
    let width = |column: usize| {
        let figures = lines.iter().map(|line| cells(&line.figures[column]));
        figures.fold(heads[column].len(), usize::max)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for (head, width) in heads.iter().zip(&widths) {
        text.push_str(&format!("  {head:>width$}"));
    }
    text.push('\n');
    let used = widths.iter().map(|width| width + 2).sum::<usize>() + 2;
    let room = match terminal.width {
        0 => usize::MAX / 2,
        width => width.saturating_sub(used).max(NARROWEST),
    };
    for line in lines {
        let mut figures = String::new();
        for (figure, width) in line.figures.iter().zip(&widths) {
            figures.push_str(&format!("  {figure:>width$}"));
        }
        match terminal.colours {
            true => {
                let style = cost(line.share);
                text.push_str(&format!("{style}{figures}{style:#}"));
            }
            false => text.push_str(&figures),
        }
        let branch = branch_in(&line.branch, room / 2);
        let name = without_middle(&line.name, room.saturating_sub(cells(&branch)));
        text.push_str(&format!("  {branch}{name}\n"));
    }
    text
}

/// A branch without its left end if it is too long.
fn branch_in(branch: &str, room: usize) -> String {
    let depth = branch.chars().count();
    let deepest = room / 3 * 3;
    match depth.checked_sub(deepest) {
        None | Some(0) => branch.to_owned(),
        Some(hidden) => "…  "
            .chars()
            .chain(branch.chars().skip(hidden + 3))
            .collect(),
    }
}
