//! Coroutines: how long they were suspended, by function, and the longest runs of their tasks.

use std::collections::HashMap;

use super::display::function_name;
use crate::analysis::display_tree::shown;
use crate::model::{Label, LongRun, MOST_RUNS, NO_PARENT, ThreadTree, Trees};

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
        NamedRun { run: *run, path }
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
