//! The logical tree of coroutines as text: tasks, and below each coroutine those that it awaits.

use super::TreeOptions;
use super::text::{Line, Text};
use crate::analysis::merge_siblings::merge_siblings;
use crate::analysis::process_text::utc;
use crate::analysis::tasks::{TaskTree, tasks};
use crate::model::walk::Children;
use crate::model::{Function, LongRun};
use crate::report::View;
use crate::report::awaiting::{NamedRun, long_runs};
use crate::report::display::function_name;
use crate::report::machinery::is_event_loop;
use crate::report::numbers::{count, duration, percent};
use crate::report::paths::PathShortener;
use crate::report::roles::module;

const HEADS: [&str; 4] = ["awaiting", "running", "longest run", "starts"];

/// The tasks of `view`, those with most time first, and below each what it awaits; then the
/// longest runs between two suspensions. Says so if no coroutine ran.
pub fn task_tree(view: &View<'_>, options: &TreeOptions) -> String {
    let tree = merge_siblings(view.tree());
    if tree.awaits.is_empty() {
        return "No coroutines were recorded.\n".to_owned();
    }
    let paths = view.paths();
    let is_machinery =
        |function: &Function| !options.all && is_event_loop(&module(function, &paths));
    let shown = Shown {
        tasks: tasks(&tree, is_machinery),
        functions: &tree.functions,
        paths,
    };
    let (lines, left_out) = shown.lines(options.threshold);
    let mut text = Text::new(&options.terminal);
    text.push_lines(HEADS, &lines);
    if left_out > 0 {
        let left_out = count(left_out as i128);
        let share = percent(options.threshold);
        text.push_remark(&format!("… {left_out} coroutines below {share} % left out"));
    }
    let runs = long_runs(view.profile.shown_trees());
    let runs = runs.iter().filter(|named| named.run.duration > 0);
    let runs: Vec<_> = runs.map(run_text).collect();
    let runs = match runs.is_empty() {
        true => String::new(),
        false => format!("\nLongest runs without a suspension\n{}", runs.concat()),
    };
    options.terminal.fit(&(text.finish() + &runs))
}

fn run_text(named: &NamedRun) -> String {
    let LongRun {
        start_unix_ns,
        duration: took,
        ..
    } = named.run;
    let took = duration(took as f64 / 1e9);
    format!(
        "  {took:>7}  {}  {}\n",
        utc(start_unix_ns),
        named.coroutines().join(" > ")
    )
}

struct Shown<'t> {
    tasks: TaskTree,
    functions: &'t [Function],
    paths: PathShortener,
}

impl Shown<'_> {
    /// Nanoseconds in which coroutines ran here or were suspended.
    fn weight(&self, node: u32) -> u64 {
        let awaiting = self.tasks.awaits.get(node).unwrap_or_default().awaiting;
        awaiting.saturating_add(self.tasks.nodes.totals()[node as usize])
    }

    /// Returns the lines, and the number of coroutines with less than `threshold` of the time.
    fn lines(&self, threshold: f64) -> (Vec<Line>, usize) {
        let children = Children::of(&self.tasks.nodes);
        let roots = children.roots().iter();
        let whole = roots.fold(0_u64, |sum, &node| sum.saturating_add(self.weight(node)));
        let least = (threshold * whole as f64).ceil() as u64;
        let mut lines = Vec::new();
        // The next one is the last.
        let mut next: Vec<(u32, String, String)> = Vec::new();
        let push = |next: &mut Vec<_>, siblings: &[u32], indent: &str, is_root: bool| {
            let mut shown: Vec<u32> = siblings.to_vec();
            shown.retain(|&node| self.weight(node) >= least);
            shown.sort_by_key(|&node| std::cmp::Reverse(self.weight(node)));
            for (place, &node) in shown.iter().enumerate().rev() {
                let (branch, below) = match (is_root, place + 1 == shown.len()) {
                    (true, _) => ("", ""),
                    (false, true) => ("└─ ", "   "),
                    (false, false) => ("├─ ", "│  "),
                };
                next.push((
                    node,
                    format!("{indent}{branch}"),
                    format!("{indent}{below}"),
                ));
            }
        };
        push(&mut next, children.roots(), "", true);
        while let Some((node, branch, indent)) = next.pop() {
            lines.push(self.line(node, branch, whole));
            push(&mut next, children.under(node), &indent, false);
        }
        let left_out = self.tasks.nodes.len() - lines.len();
        (lines, left_out)
    }

    fn line(&self, node: u32, branch: String, whole: u64) -> Line {
        let row = self.tasks.nodes.row(node as usize);
        let awaits = self.tasks.awaits.get(node).unwrap_or_default();
        let seconds = |ns: u64| duration(ns as f64 / 1e9);
        let function = &self.functions[row.kind as usize];
        Line {
            figures: [
                seconds(awaits.awaiting),
                seconds(row.total),
                seconds(awaits.longest_run),
                count(row.calls.into()),
            ],
            share: self.weight(node) as f64 / whole.max(1) as f64,
            branch,
            name: function_name(function),
            places: vec![self.paths.location(&function.label)],
        }
    }
}
