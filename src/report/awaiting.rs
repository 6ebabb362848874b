//! Coroutines: how long they were suspended, by function, and the longest runs of their tasks.

use std::collections::HashMap;

use super::display::function_name;
use super::numbers::duration;
use crate::analysis::display_tree::shown;
use crate::analysis::process_text::utc;
use crate::model::{Label, LongRun, MOST_RUNS, NO_PARENT, ThreadTree, Trees};

/// Duration in nanoseconds from which on a run is reported, because all other tasks of its thread
/// had to wait.
const BLOCKED: u64 = 100_000_000;

/// Figures of the coroutines of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coroutines {
    /// Number of coroutines that started.
    pub starts: u64,
    /// Number of times that they continued after a suspension.
    pub resumes: u64,
    /// Nanoseconds in which they were suspended, of outermost calls.
    pub awaiting: u64,
    /// Nanoseconds of the longest time in which one ran without being suspended.
    pub longest_run: u64,
}

/// Coroutines of a profile, by function.
#[derive(Debug, Default)]
pub struct FunctionAwaits<'a> {
    by_label: HashMap<&'a Label, Coroutines>,
}

impl<'a> FunctionAwaits<'a> {
    /// Adds up the nodes of `trees`.
    pub(super) fn of(trees: &'a Trees) -> Self {
        let mut awaits = FunctionAwaits::default();
        for thread in &trees.threads {
            awaits.add(trees, thread);
        }
        awaits
    }

    fn add(&mut self, trees: &'a Trees, thread: &ThreadTree) {
        let kinds = thread.nodes.kinds();
        let label = |node: u32| Some(&trees.function(*kinds.get(node as usize)?)?.label);
        for (node, awaiting) in thread.awaits.iter() {
            let Some(own) = label(node) else {
                continue;
            };
            let row = thread.nodes.row(node as usize);
            let sum = self.by_label.entry(own).or_default();
            sum.starts = sum.starts.saturating_add(row.calls);
            sum.resumes = sum.resumes.saturating_add(row.resumes);
            sum.longest_run = sum.longest_run.max(awaiting.longest_run);
            let mut callers = path_up(thread, row.parent);
            if !callers.any(|caller| label(caller) == Some(own)) {
                sum.awaiting = sum.awaiting.saturating_add(awaiting.awaiting);
            }
        }
    }

    /// Returns the figures of a function, if it is a coroutine's.
    pub fn of_function(&self, label: &Label) -> Option<Coroutines> {
        self.by_label.get(label).copied()
    }
}

/// Nodes from `node` up to the root.
fn path_up(thread: &ThreadTree, node: u32) -> impl Iterator<Item = u32> + '_ {
    let parents = thread.nodes.parents();
    let up = |&node: &u32| parents.get(node as usize).copied();
    std::iter::successors(Some(node), up).take_while(|&node| node != NO_PARENT)
}

/// One of the longest runs of tasks, with the names on its path, the outermost first.
#[derive(Debug)]
pub(super) struct NamedRun {
    pub(super) run: LongRun,
    pub(super) path: Vec<String>,
    /// Number of calls on the path before the first coroutine.
    before: usize,
}

/// Returns the longest runs, the longest first.
pub(super) fn long_runs(trees: &Trees) -> Vec<NamedRun> {
    let named = |thread: &ThreadTree, run: &LongRun| {
        let kind = |node: u32| {
            trees
                .kinds
                .get(thread.nodes.kinds()[node as usize] as usize)
        };
        let path = path_up(thread, run.node).filter_map(kind);
        let path = path.map(|kind| function_name(&shown(trees, kind)));
        let mut path: Vec<_> = path.collect();
        path.reverse();
        let is_coroutine = |node: &u32| thread.awaits.get(*node).is_some();
        let up: Vec<u32> = path_up(thread, run.node).collect();
        let outermost = up.iter().rposition(is_coroutine).unwrap_or(0);
        NamedRun {
            run: *run,
            path,
            before: up.len() - 1 - outermost,
        }
    };
    let mut runs: Vec<_> = trees
        .threads
        .iter()
        .flat_map(|thread| {
            thread
                .awaits
                .runs()
                .iter()
                .map(move |run| named(thread, run))
        })
        .collect();
    runs.sort_by_key(|named| (u64::MAX - named.run.duration, named.run.start_unix_ns));
    runs.truncate(MOST_RUNS);
    runs
}

impl NamedRun {
    /// The path from the task's coroutine on.
    pub(super) fn coroutines(&self) -> &[String] {
        self.path.get(self.before..).unwrap_or_default()
    }

    /// The function that took most of it, and when it began.
    fn place(&self) -> String {
        let name = self.path.last().map_or("", String::as_str);
        format!("{name}, {}", utc(self.run.start_unix_ns))
    }
}

/// Returns a warning if a task has run so long that its event loop was blocked.
pub(super) fn blocked_loops(trees: &Trees) -> Option<String> {
    let runs = long_runs(trees);
    let blocked = runs.iter().filter(|named| named.run.duration >= BLOCKED);
    let number = blocked.count();
    let longest = runs.first().filter(|_| number > 0)?;
    let seconds = duration(longest.run.duration as f64 / 1e9);
    let least = duration(BLOCKED as f64 / 1e9);
    let how_often = match number {
        1 => format!("The event loop was blocked for {seconds}"),
        MOST_RUNS => format!(
            "The event loop was blocked {MOST_RUNS} times or more for {least} or longer, \
             once for {seconds}"
        ),
        _ => format!(
            "The event loop was blocked {number} times for {least} or longer, \
             once for {seconds}"
        ),
    };
    Some(format!("{how_often}: {}", longest.place()))
}
