//! Computes the part of a merged profile that an earlier one of the same recordings lacks.
//!
//! A live view reads the recordings again and again. The difference of two readings was recorded
//! between them.

use std::collections::HashMap;

use crate::model::{
    Function, NO_PARENT, NodeKind, NodeRow, NodeWaits, OverflowCalls, Process, ThreadTree, Trees,
    Waiting,
};

/// Returns `later` without the calls and times that `earlier` has, both the result of a merge.
/// Nodes without any are left out. Awaiting, the cost of recording and unfinished calls are unknown
/// for an interval.
pub fn interval(later: &Trees, earlier: &Trees) -> Trees {
    let known = Known::of(earlier);
    let kinds = later.kinds.iter().map(|kind| known.kind(later, kind));
    let kinds: Vec<Option<u32>> = kinds.collect();
    let threads = later.threads.iter();
    let threads = threads.map(|thread| known.without_earlier(thread, &kinds));
    let mut threads: Vec<_> = threads.collect();
    threads.retain(|thread| !thread.is_empty());
    Trees {
        recordings: later.recordings.clone(),
        processes: later.processes.clone(),
        functions: later.functions.clone(),
        kinds: later.kinds.clone(),
        threads,
        selection: later.selection.clone(),
        thread_names: later.thread_names.clone(),
        occurrences: later.occurrences.clone(),
    }
}

/// The earlier trees, by the facts that later ones have too.
struct Known<'e> {
    thread: Option<&'e ThreadTree>,
    functions: HashMap<&'e Function, u32>,
    /// Kinds, in which functions and processes have numbers of the earlier trees.
    kinds: HashMap<&'e NodeKind, u32>,
    processes: &'e [Process],
    /// Nodes by their parents and kinds.
    nodes: HashMap<(u32, u32), u32>,
}

impl<'e> Known<'e> {
    fn of(earlier: &'e Trees) -> Known<'e> {
        // A merge leaves at most one tree.
        let thread = earlier.threads.first();
        let nodes = thread.iter().flat_map(|thread| thread.nodes.rows());
        let nodes = (0..)
            .zip(nodes)
            .map(|(node, row)| ((row.parent, row.kind), node));
        Known {
            thread,
            functions: earlier.functions.iter().zip(0..).collect(),
            kinds: earlier.kinds.iter().zip(0..).collect(),
            processes: &earlier.processes,
            nodes: nodes.collect(),
        }
    }

    /// Returns the earlier number of `kind`, one of those of `later`.
    fn kind(&self, later: &Trees, kind: &NodeKind) -> Option<u32> {
        let kind = match *kind {
            NodeKind::Function(function) => {
                let function = later.functions.get(function as usize)?;
                NodeKind::Function(*self.functions.get(function)?)
            }
            NodeKind::Process(process) => {
                let process = later.processes.get(process as usize)?;
                let same = self.processes.iter().position(|known| {
                    known.identity == process.identity
                        && known.start_unix_ns == process.start_unix_ns
                })?;
                NodeKind::Process(same as u32)
            }
            _ => kind.clone(),
        };
        self.kinds.get(&kind).copied()
    }

    fn without_earlier(&self, later: &ThreadTree, kinds: &[Option<u32>]) -> ThreadTree {
        let kind = |kind: u32| kinds.get(kind as usize).copied().flatten();
        // For each node the same one in the earlier tree. Parents come first.
        let mut same: Vec<Option<u32>> = Vec::with_capacity(later.nodes.len());
        for row in later.nodes.rows() {
            let parent = match row.parent {
                NO_PARENT => Some(NO_PARENT),
                parent => same.get(parent as usize).copied().flatten(),
            };
            let node = parent.zip(kind(row.kind));
            same.push(node.and_then(|place| self.nodes.get(&place).copied()));
        }
        let before = |node: u32| {
            let node = same.get(node as usize).copied().flatten()?;
            Some((node, self.thread?))
        };
        let mut rows: Vec<NodeRow> = later.nodes.rows().collect();
        for (node, row) in (0..).zip(&mut rows) {
            if let Some((node, thread)) = before(node) {
                let before = thread.nodes.row(node as usize);
                row.calls = row.calls.saturating_sub(before.calls);
                row.resumes = row.resumes.saturating_sub(before.resumes);
                row.total = row.total.saturating_sub(before.total);
            }
        }
        let mut tree = ThreadTree {
            process: later.process,
            name: later.name.clone(),
            threads: later.threads,
            overflow: self.overflow(later, kind),
            ..ThreadTree::default()
        };
        let places = push_used(&mut tree, &rows);
        tree.nodes.widen_parents();
        tree.waits = waits(later, &places, |node| {
            before(node).map(|(node, thread)| thread.waits.get(node))
        });
        tree.waits.limit_to(&tree.nodes.self_times());
        tree
    }

    fn overflow(
        &self,
        later: &ThreadTree,
        kind: impl Fn(u32) -> Option<u32>,
    ) -> Vec<OverflowCalls> {
        let earlier = self.thread.map_or(&[][..], |thread| &thread.overflow);
        let calls = later.overflow.iter().map(|calls| {
            let same = kind(calls.kind);
            let before = earlier.iter().find(|before| Some(before.kind) == same);
            let before = before.copied().unwrap_or_default();
            OverflowCalls {
                kind: calls.kind,
                calls: calls.calls.saturating_sub(before.calls),
                resumes: calls.resumes.saturating_sub(before.resumes),
                self_time: calls.self_time.saturating_sub(before.self_time),
            }
        });
        calls
            .filter(|calls| calls.has_calls() || calls.self_time > 0)
            .collect()
    }
}

/// Adds the nodes that have calls or time, and their callers. Returns their places.
fn push_used(tree: &mut ThreadTree, rows: &[NodeRow]) -> Vec<u32> {
    let mut is_used = vec![false; rows.len()];
    for (node, row) in rows.iter().enumerate().rev() {
        is_used[node] |= row.calls | row.resumes | row.total > 0;
        if let (true, Some(parent)) = (is_used[node], is_used.get_mut(row.parent as usize)) {
            *parent = true;
        }
    }
    let mut places = Vec::with_capacity(rows.len());
    for (row, is_used) in rows.iter().zip(is_used) {
        let parent = places.get(row.parent as usize).copied();
        places.push(match is_used {
            true => tree.nodes.push(NodeRow {
                parent: parent.unwrap_or(NO_PARENT),
                ..*row
            }),
            false => NO_PARENT,
        });
    }
    places
}

fn waits(later: &ThreadTree, places: &[u32], before: impl Fn(u32) -> Option<Waiting>) -> NodeWaits {
    let mut waits = NodeWaits::default();
    for (node, waiting) in later.waits.iter() {
        let before = before(node).unwrap_or_default();
        match places.get(node as usize) {
            None | Some(&NO_PARENT) => {}
            Some(&place) => waits.add(
                place,
                &Waiting {
                    blocked: waiting.blocked.saturating_sub(before.blocked),
                    gil: waiting.gil.saturating_sub(before.gil),
                    preempted: waiting.preempted.saturating_sub(before.preempted),
                },
            ),
        }
    }
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trees of `names`, whose nodes are (parent, kind, calls, total).
    fn trees(names: &[&str], nodes: &[(u32, u32, u64, u64)]) -> Trees {
        let functions = names.iter().map(|name| Function::stand_in(name));
        let mut trees = Trees::of_functions(functions.collect());
        let mut thread = ThreadTree::default();
        for &(parent, kind, calls, total) in nodes {
            thread.nodes.push(NodeRow {
                parent,
                kind,
                calls,
                resumes: 0,
                total,
            });
        }
        trees.threads.push(thread);
        trees
    }

    fn rows(trees: &Trees) -> Vec<(u32, &str, u64, u64)> {
        let thread = trees.threads.first();
        let rows = thread.into_iter().flat_map(|thread| thread.nodes.rows());
        rows.map(|row| {
            let name = &trees.function(row.kind).unwrap().label.name;
            let name = std::str::from_utf8(name).unwrap();
            (row.parent, name, row.calls, row.total)
        })
        .collect()
    }

    #[test]
    fn an_interval_has_what_was_recorded_in_it() {
        let none = NO_PARENT;
        let earlier = trees(
            &["main", "old", "work"],
            &[(none, 0, 1, 100), (0, 1, 1, 30), (0, 2, 2, 50)],
        );
        // Functions that came between others change the numbers of all.
        let later = trees(
            &["main", "new", "old", "work"],
            &[
                (none, 0, 1, 190),
                (0, 1, 1, 10),
                (0, 2, 1, 30),
                (0, 3, 5, 120),
            ],
        );
        let between = interval(&later, &earlier);
        let expected = [(none, "main", 0, 90), (0, "new", 1, 10), (0, "work", 3, 70)];
        assert_eq!(rows(&between), expected);
        assert!(rows(&interval(&later, &later)).is_empty());
        assert_eq!(rows(&interval(&later, &Trees::default())), rows(&later));
    }

    #[test]
    fn a_caller_that_was_read_too_early_has_the_time_of_its_callees() {
        let none = NO_PARENT;
        let earlier = trees(&["main", "work"], &[(none, 0, 1, 100), (0, 1, 1, 10)]);
        let later = trees(&["main", "work"], &[(none, 0, 1, 105), (0, 1, 2, 30)]);
        let expected = [(none, "main", 0, 20), (0, "work", 1, 20)];
        assert_eq!(rows(&interval(&later, &earlier)), expected);
    }

    #[test]
    fn waiting_and_overflow_calls_are_those_of_the_interval() {
        let of = |blocked: u64, calls: u64| {
            let mut trees = trees(&["main"], &[(NO_PARENT, 0, 1, 1000 * blocked)]);
            let wait = Waiting {
                blocked,
                ..Waiting::default()
            };
            trees.threads[0].waits.add(0, &wait);
            trees.threads[0].overflow.push(OverflowCalls {
                kind: 0,
                calls,
                ..OverflowCalls::default()
            });
            trees
        };
        let between = interval(&of(7, 9), &of(3, 4));
        assert_eq!(between.threads[0].waits.get(0).blocked, 4);
        assert_eq!(between.threads[0].overflow[0].calls, 5);
    }
}
