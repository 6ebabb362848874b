//! Removes from call trees all that a selection does not choose.
//!
//! It works with self times: a node's own time is kept, moved or removed, and totals follow.

use std::collections::{BTreeMap, HashSet};

use super::costed_tree::CostedTree;
use super::kind_table::KindTable;
use super::select::Selection;
use crate::model::{
    NO_PARENT, NodeKind, NodeRow, Nodes, OverflowCalls, ThreadTree, Trees, UnfinishedCalls, Waiting,
};

/// Returns the part of `trees` that `chosen` chooses, with the functions and kinds that
/// still occur.
///
/// A stack stays if an included function occurs in it; the callers' calls stay with it,
/// but not their time. Callees and time of an excluded function go to its caller or, if it
/// has none, to a node called `<excluded>`.
///
/// Nodes of processes, threads, forked children and overflow calls can't be included or excluded by
/// themselves. Overflow calls go by their function alone. If stacks are chosen, their rows and
/// their nodes may differ in time. A row or a node of overflow calls has the rest, so that both add
/// up to the same.
pub(super) fn apply_selection(trees: &Trees, chosen: &Selection) -> Trees {
    let kinds = 0..trees.kinds.len() as u32;
    let rules: Vec<Rule> = kinds.map(|kind| Rule::of(trees, kind, chosen)).collect();
    let mut table = KindTable::default();
    let threads = trees.threads.iter();
    // In an aggregate, nodes at the root separate threads.
    let threads = threads.filter(|thread| trees.is_merged() || chosen.has_thread(&thread.name));
    let threads = threads.map(|thread| {
        let filter = Filter {
            trees,
            rules: &rules,
            table: &mut table,
            tree: CostedTree::default(),
        };
        filter.apply(thread)
    });
    let threads = threads.collect();
    table.into_trees(trees, threads)
}

/// Treatment of the nodes of one kind.
#[derive(Clone, Copy)]
struct Rule {
    included: bool,
    excluded: bool,
    is_call: bool,
    /// True for a process or thread that was not chosen.
    dropped: bool,
}

impl Rule {
    fn of(trees: &Trees, kind: u32, chosen: &Selection) -> Self {
        let function = trees.function(kind);
        Rule {
            included: chosen.include.is_empty() || function.is_some_and(|f| chosen.includes(f)),
            excluded: function.is_some_and(|function| chosen.excludes(function)),
            is_call: trees.kinds[kind as usize].is_call(),
            dropped: match &trees.kinds[kind as usize] {
                &NodeKind::Process(process) => {
                    !chosen.has_process(&trees.processes[process as usize])
                }
                NodeKind::Thread { name, .. } => !chosen.has_thread(name),
                _ => false,
            },
        }
    }
}

/// Makes the chosen part of one thread's tree.
struct Filter<'a> {
    trees: &'a Trees,
    rules: &'a [Rule],
    table: &'a mut KindTable,
    tree: CostedTree,
}

/// The new caller of an old node's callees.
#[derive(Clone, Copy)]
struct Place {
    node: u32,
    /// False for a process, thread or forked child, and outside of all nodes.
    is_call: bool,
}

impl Filter<'_> {
    fn apply(mut self, thread: &ThreadTree) -> ThreadTree {
        let own = thread.nodes.self_times();
        let overhead_ps = self.trees.overhead_ps(thread);
        let (is_within, stays) = self.stacks(&thread.nodes);
        let mut places: Vec<Place> = Vec::with_capacity(own.len());
        for (node, mut row) in thread.nodes.rows().enumerate() {
            let above = places.get(row.parent as usize);
            let above = above.copied().unwrap_or(Place {
                node: NO_PARENT,
                is_call: false,
            });
            let overhead_ps = overhead_ps.get(node).copied().unwrap_or(0);
            let (own, overhead_ps) = match is_within[node] {
                true => (own[node], overhead_ps),
                false => (0, 0),
            };
            let waiting = match is_within[node] {
                true => thread.waits.get(node as u32),
                false => Waiting::default(),
            };
            let rule = self.rules[row.kind as usize];
            places.push(if !stays[node] {
                above
            } else if rule.excluded {
                self.give_to_caller(above, own, overhead_ps, &waiting);
                above
            } else {
                let kind = self.table.same(self.trees, row.kind);
                let node = self.tree.child(above.node, kind);
                row.total = own;
                self.tree.add(node, &row, overhead_ps);
                self.tree.add_waiting(node, &waiting);
                let is_call = rule.is_call;
                Place { node, is_call }
            });
        }
        // A coroutine that is removed has suspended its callers, too, which have that time as well.
        let place = |node: u32| {
            let rule = self.rules[thread.nodes.kinds()[node as usize] as usize];
            let stays = is_within[node as usize] && !rule.excluded;
            stays.then(|| places[node as usize].node)
        };
        self.tree.add_awaits(&thread.awaits, place);
        let overflow = self.overflow_calls(thread, &own, &is_within);
        let unfinished = self.unfinished_calls(thread, &stays);
        self.tree.finish_thread(thread, overflow, unfinished)
    }

    /// Returns two truth values for each node. The first is true within calls of included
    /// functions. The second is true if the node stays, for its own or its callees' sake.
    fn stacks(&self, nodes: &Nodes) -> (Vec<bool>, Vec<bool>) {
        let mut is_within: Vec<bool> = Vec::with_capacity(nodes.len());
        let mut is_dropped: Vec<bool> = Vec::with_capacity(nodes.len());
        for (&parent, &kind) in nodes.parents().iter().zip(nodes.kinds()) {
            let above = |column: &[bool]| column.get(parent as usize).copied().unwrap_or(false);
            let rule = self.rules[kind as usize];
            let dropped = above(&is_dropped) || rule.dropped;
            is_within.push(!dropped && (above(&is_within) || rule.included));
            is_dropped.push(dropped);
        }
        let mut stays = is_within.clone();
        for node in (0..nodes.len()).rev() {
            if let (true, Some(above)) =
                (stays[node], stays.get_mut(nodes.parents()[node] as usize))
            {
                *above = true;
            }
        }
        (is_within, stays)
    }

    /// Gives the time of an excluded node to the caller, or to a node of its own if `above`
    /// is not a call.
    fn give_to_caller(&mut self, above: Place, own: u64, overhead_ps: u64, waiting: &Waiting) {
        if own == 0 {
            return;
        }
        let node = match above.is_call {
            true => above.node,
            false => {
                let kind = self.table.kind(NodeKind::Excluded);
                self.tree.child(above.node, kind)
            }
        };
        self.add_time(node, own, overhead_ps);
        self.tree.add_waiting(node, waiting);
    }

    fn add_time(&mut self, node: u32, total: u64, overhead_ps: u64) {
        let row = NodeRow {
            total,
            ..NodeRow::default()
        };
        self.tree.add(node, &row, overhead_ps);
    }

    /// Returns the overflow calls that stay; `own` and `is_within` are of the nodes.
    fn overflow_calls(
        &mut self,
        thread: &ThreadTree,
        own: &[u64],
        is_within: &[bool],
    ) -> Vec<OverflowCalls> {
        let (mut is_whole, in_tree) = self.overflow_in_tree(thread, own, is_within);
        let mut kept: BTreeMap<u32, OverflowCalls> = BTreeMap::new();
        for figures in &thread.overflow {
            let rule = self.rules[figures.kind as usize];
            if !rule.included {
                is_whole = false;
                continue;
            }
            let mut figures = *figures;
            figures.kind = if rule.excluded {
                (figures.calls, figures.resumes) = (0, 0);
                self.table.kind(NodeKind::Excluded)
            } else {
                self.table.same(self.trees, figures.kind)
            };
            let sum = kept.entry(figures.kind).or_default();
            sum.kind = figures.kind;
            sum.add(&figures);
        }
        // The rows of all overflow calls have the same time as their nodes, except for rounding.
        if !is_whole {
            let times = kept.values().map(|figures| figures.self_time);
            let in_rows = times.fold(0, u64::saturating_add);
            if in_rows < in_tree {
                let kind = self.table.kind(NodeKind::Overflow);
                let sum = kept.entry(kind).or_default();
                sum.kind = kind;
                sum.self_time = sum.self_time.saturating_add(in_tree - in_rows);
            } else if in_rows > in_tree {
                let kind = self.table.kind(NodeKind::Overflow);
                let node = self.tree.child(NO_PARENT, kind);
                self.add_time(node, in_rows - in_tree, 0);
            }
        }
        kept.into_values().collect()
    }

    /// Returns the unfinished calls of functions of which a node stays.
    fn unfinished_calls(&mut self, thread: &ThreadTree, stays: &[bool]) -> Vec<UnfinishedCalls> {
        if thread.unfinished.is_empty() {
            return Vec::new();
        }
        let kinds = thread.nodes.kinds().iter().zip(stays);
        let kinds = kinds.filter(|&(&kind, &stays)| stays && !self.rules[kind as usize].excluded);
        let kinds: HashSet<u32> = kinds.map(|(&kind, _)| kind).collect();
        let unfinished = thread.unfinished.iter();
        let unfinished = unfinished.filter(|calls| kinds.contains(&calls.kind));
        let unfinished = unfinished.map(|calls| UnfinishedCalls {
            kind: self.table.same(self.trees, calls.kind),
            ..*calls
        });
        unfinished.collect()
    }

    /// Returns true if all nodes of overflow calls stay, and the time of those that do.
    fn overflow_in_tree(
        &self,
        thread: &ThreadTree,
        own: &[u64],
        is_within: &[bool],
    ) -> (bool, u64) {
        let kind = |node: usize| &self.trees.kinds[thread.nodes.kinds()[node] as usize];
        let nodes = (0..own.len()).filter(|&node| *kind(node) == NodeKind::Overflow);
        let stay = nodes.clone().filter(|&node| is_within[node]);
        let time = stay.fold(0_u64, |sum, node| sum.saturating_add(own[node]));
        (nodes.into_iter().all(|node| is_within[node]), time)
    }
}
