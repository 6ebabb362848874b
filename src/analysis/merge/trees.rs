//! Adds up the call trees of many recordings, in an order that depends on their content only.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::analysis::costed_tree::{Costed, CostedTree};
use crate::analysis::kind_table::KindTable;
use crate::analysis::occurrences::OccurrenceCounts;
use crate::model::walk::Children;
use crate::model::{
    Function, NO_PARENT, NodeKind, NodeRow, OverflowCalls, PROPERTY, Process, SLOWNESS, ThreadTree,
    Trees, UnfinishedCalls,
};

/// Adds up trees.
#[derive(Default)]
pub(super) struct TreeSum {
    table: KindTable,
    tree: CostedTree,
    /// By kind.
    overflow: BTreeMap<u32, OverflowCalls>,
    /// By kind.
    unfinished: BTreeMap<u32, UnfinishedCalls>,
    occurrences: OccurrenceCounts,
    processes: Vec<Process>,
}

impl TreeSum {
    /// Returns the number of nodes.
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    pub(super) fn add(&mut self, mut trees: Trees) {
        let threads = trees.threads.iter();
        let overhead = threads.map(|thread| trees.overhead_ps(thread).into_owned());
        let overhead: Vec<Vec<u64>> = overhead.collect();
        for function in &mut trees.functions {
            // The flags for its first call and its slowness hold for one process only. The overhead
            // includes their effect.
            function.flags &= !(PROPERTY | SLOWNESS);
        }
        let kinds = trees.kinds.iter();
        let kinds: Vec<u32> = kinds.map(|kind| self.kind(&trees, kind)).collect();
        for (thread, overhead_ps) in trees.threads.iter().zip(&overhead) {
            self.add_tree(thread, overhead_ps, &kinds);
            for calls in &thread.overflow {
                let kind = kinds[calls.kind as usize];
                let sum = self.overflow.entry(kind).or_default();
                sum.kind = kind;
                sum.add(calls);
            }
            for calls in &thread.unfinished {
                let kind = kinds[calls.kind as usize];
                let sum = self.unfinished.entry(kind).or_default();
                sum.kind = kind;
                sum.add(calls);
            }
        }
        self.occurrences.add(&trees, &kinds);
        self.processes.extend(trees.processes);
    }

    /// Returns the index here of `kind`, one of those of `trees`, whose processes are yet to
    /// be added.
    fn kind(&mut self, trees: &Trees, kind: &NodeKind) -> u32 {
        match *kind {
            NodeKind::Function(function) => {
                self.table.function(&trees.functions[function as usize])
            }
            NodeKind::Process(process) => {
                let first = self.processes.len() as u32;
                self.table.kind(NodeKind::Process(first + process))
            }
            _ => self.table.kind(kind.clone()),
        }
    }

    fn add_tree(&mut self, thread: &ThreadTree, overhead_ps: &[u64], kinds: &[u32]) {
        let nodes = &thread.nodes;
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        self.tree.reserve(nodes.len());
        // Most profiles are of one thread. Its nodes need not be looked up, except those that
        // become one node with another, and the nodes below these.
        let is_first = self.tree.len() == 0;
        let kind = |node: u32| kinds[nodes.kinds()[node as usize] as usize];
        let mut has_twin = match is_first {
            true => Children::of(nodes).have_twins(kind),
            false => Vec::new(),
        };
        for (node, row) in nodes.rows().enumerate() {
            let parent = places.get(row.parent as usize);
            let parent = parent.copied().unwrap_or(NO_PARENT);
            let kind = kinds[row.kind as usize];
            let is_below_twin = has_twin.get(row.parent as usize).copied();
            let place = match has_twin.get_mut(node) {
                Some(has_twin) => {
                    *has_twin |= is_below_twin.unwrap_or(false);
                    match *has_twin {
                        true => self.tree.child_with_twins(parent, kind),
                        false => self.tree.push(parent, kind),
                    }
                }
                None => self.tree.child(parent, kind),
            };
            let overhead_ps = overhead_ps.get(node).copied().unwrap_or(0);
            self.tree.add(place, &row, overhead_ps);
            places.push(place);
        }
        for (node, waiting) in thread.waits.iter() {
            self.tree.add_waiting(places[node as usize], &waiting);
        }
        let place = |node: u32| places.get(node as usize).copied();
        self.tree.add_awaits(&thread.awaits, place);
    }

    /// Returns the sum, at most one tree, without the recordings that are in it.
    pub(super) fn finish(self) -> Trees {
        let (functions, kinds) = self.table.into_parts();
        let (processes, process_rank) = ranked(self.processes, compare_processes);
        let (functions, function_rank) = ranked(functions, compare_functions);
        let kinds = kinds.into_iter().map(|kind| match kind {
            NodeKind::Function(old) => NodeKind::Function(function_rank[old as usize]),
            NodeKind::Process(old) => NodeKind::Process(process_rank[old as usize]),
            other => other,
        });
        let (kinds, rank) = ranked(kinds.collect(), NodeKind::cmp);
        let mut built = self.tree.finish();
        if built.overhead_ps.iter().all(|&overhead| overhead == 0) {
            built.overhead_ps.clear();
        }
        let (thread_names, occurrences) = self.occurrences.finish(&rank);
        let built = in_order(&built, &rank);
        let overflow = self.overflow.into_values().map(|calls| OverflowCalls {
            kind: rank[calls.kind as usize],
            ..calls
        });
        let mut overflow: Vec<_> = overflow.collect();
        overflow.sort_unstable();
        let unfinished = self.unfinished.into_values().map(|calls| UnfinishedCalls {
            kind: rank[calls.kind as usize],
            ..calls
        });
        let mut unfinished: Vec<_> = unfinished.collect();
        unfinished.sort_unstable();
        let mut threads = vec![ThreadTree {
            nodes: built.nodes,
            overhead_ps: built.overhead_ps,
            overflow,
            unfinished,
            waits: built.waits,
            awaits: built.awaits,
            ..ThreadTree::default()
        }];
        threads.retain(|thread| !thread.is_empty());
        Trees {
            processes,
            functions,
            kinds,
            threads,
            thread_names,
            occurrences,
            ..Trees::default()
        }
    }
}

/// Returns the items sorted, and the new index of each.
fn ranked<T>(items: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> (Vec<T>, Vec<u32>) {
    let mut order: Vec<(u32, T)> = (0..).zip(items).collect();
    order.sort_by(|(_, a), (_, b)| compare(a, b));
    let mut rank = vec![0; order.len()];
    for (new, &(old, _)) in (0..).zip(&order) {
        rank[old as usize] = new;
    }
    let items = order.into_iter().map(|(_, item)| item);
    (items.collect(), rank)
}

/// Returns the nodes depth first, siblings by the ranks of their kinds, and what belongs to
/// them. The overhead may be empty.
fn in_order(built: &Costed, rank: &[u32]) -> Costed {
    let nodes = &built.nodes;
    let children = Children::of(nodes);
    let rank = |node: u32| rank[nodes.kinds()[node as usize] as usize];
    // The next node to be placed is the last: those of lowest rank come last.
    let mut waiting: Vec<(u32, u32)> = Vec::new();
    let push = |waiting: &mut Vec<(u32, u32)>, siblings: &[u32], parent: u32| {
        let first = waiting.len();
        waiting.extend(siblings.iter().map(|&node| (node, parent)));
        waiting[first..].sort_unstable_by_key(|&(node, _)| std::cmp::Reverse(rank(node)));
    };
    push(&mut waiting, children.roots(), NO_PARENT);
    let mut sorted = Costed::default();
    let mut places = vec![NO_PARENT; nodes.len()];
    sorted.nodes.reserve(nodes.len());
    sorted.overhead_ps.reserve(built.overhead_ps.len());
    while let Some((node, parent)) = waiting.pop() {
        let old = node as usize;
        let place = sorted.nodes.push(NodeRow {
            parent,
            kind: rank(node),
            ..nodes.row(old)
        });
        places[old] = place;
        sorted.overhead_ps.extend(built.overhead_ps.get(old));
        sorted.waits.add(place, &built.waits.get(node));
        push(&mut waiting, children.under(node), place);
    }
    let place = |node: u32| places.get(node as usize).copied();
    sorted.awaits.extend(&built.awaits, place);
    sorted
}

fn compare_functions(a: &Function, b: &Function) -> Ordering {
    (&a.label, &a.qualified_name, &a.module)
        .cmp(&(&b.label, &b.qualified_name, &b.module))
        .then_with(|| (a.kind, a.flags, &a.generic).cmp(&(b.kind, b.flags, &b.generic)))
}

fn compare_processes(a: &Process, b: &Process) -> Ordering {
    let numbers = |p: &Process| (p.start_unix_ns, p.identity, p.parent_pid, p.duration_ns);
    let ending = |p: &Process| (p.ending as u8, p.dropped_calls);
    let rest = |p: &Process| (ending(p), p.recording_ns, p.processor_ns, p.has_waiting);
    numbers(a)
        .cmp(&numbers(b))
        .then_with(|| rest(a).cmp(&rest(b)))
        .then_with(|| (&a.argv, &a.host).cmp(&(&b.argv, &b.host)))
        .then_with(|| (&a.hook, &a.clock, &a.chosen).cmp(&(&b.hook, &b.clock, &b.chosen)))
        .then_with(|| a.clock_resolution_ns.total_cmp(&b.clock_resolution_ns))
        .then_with(|| a.calibration.cmp(&b.calibration))
}
