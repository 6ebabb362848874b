//! The call trees of many recordings as one, in an order that follows from what is in it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::kind_table::KindTable;
use crate::analysis::occurrences::OccurrenceCounts;
use crate::model::builder::TreeBuilder;
use crate::model::walk::Children;
use crate::model::{
    Function, MAX_NODES, NO_PARENT, NodeKind, NodeRow, Nodes, OverflowCalls, PROPERTY, Process,
    RecordingId, ThreadTree, Trees,
};

/// Adds up trees; keeps only what is distinct in them.
pub(super) struct TreeSum {
    table: KindTable,
    tree: TreeBuilder,
    /// Of each node of the tree, as [`ThreadTree::overhead_ps`].
    overhead_ps: Vec<u64>,
    /// By kind.
    overflow: BTreeMap<u32, OverflowCalls>,
    occurrences: OccurrenceCounts,
    recordings: BTreeSet<RecordingId>,
    processes: Vec<Process>,
}

impl TreeSum {
    pub(super) fn new() -> Self {
        Self {
            table: KindTable::default(),
            tree: TreeBuilder::new(),
            overhead_ps: Vec::new(),
            overflow: BTreeMap::new(),
            occurrences: OccurrenceCounts::default(),
            recordings: BTreeSet::new(),
            processes: Vec::new(),
        }
    }

    /// The recordings that are in it.
    pub(super) fn recordings(&self) -> &BTreeSet<RecordingId> {
        &self.recordings
    }

    /// Whether a file can hold the sum with `trees`.
    pub(super) fn has_room_for(&self, trees: &Trees) -> bool {
        let nodes: usize = trees.threads.iter().map(|thread| thread.nodes.len()).sum();
        self.tree.len() + nodes <= MAX_NODES
    }

    pub(super) fn add(&mut self, trees: Trees) {
        let first_process = self.processes.len() as u32;
        let kinds: Vec<u32> = trees
            .kinds
            .iter()
            .map(|kind| match kind {
                NodeKind::Function(function) => {
                    let mut function = trees.functions[*function as usize].clone();
                    // How it was called first is its process's own, and the overhead is known.
                    function.flags &= !PROPERTY;
                    self.table.function(function)
                }
                NodeKind::Process(process) => {
                    self.table.kind(NodeKind::Process(first_process + process))
                }
                other => self.table.kind(other.clone()),
            })
            .collect();
        for thread in &trees.threads {
            self.add_tree(&thread.nodes, &trees.overhead_ps(thread), &kinds);
            for overflow in &thread.overflow {
                let kind = kinds[overflow.kind as usize];
                let sum = self.overflow.entry(kind).or_default();
                sum.kind = kind;
                sum.add(overflow);
            }
        }
        self.occurrences.add(&trees, &kinds);
        self.recordings.extend(trees.recordings);
        self.processes.extend(trees.processes);
    }

    fn add_tree(&mut self, nodes: &Nodes, overhead_ps: &[u64], kinds: &[u32]) {
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        for node in 0..nodes.len() {
            let parent = match nodes.parents()[node] {
                NO_PARENT => NO_PARENT,
                parent => places[parent as usize],
            };
            let kind = kinds[nodes.kinds()[node] as usize];
            let place = self.tree.child(parent, kind);
            self.tree.add(
                place,
                nodes.calls()[node],
                nodes.resumes()[node],
                nodes.totals()[node],
            );
            if let Some(&overhead) = overhead_ps.get(node) {
                let place = place as usize;
                if self.overhead_ps.len() <= place {
                    self.overhead_ps.resize(place + 1, 0);
                }
                self.overhead_ps[place] = self.overhead_ps[place].saturating_add(overhead);
            }
            places.push(place);
        }
    }

    /// The sum, of which `selection` has chosen the parts: at most one tree.
    pub(super) fn finish(self, selection: Box<str>) -> Trees {
        let (processes, process_rank) = ranked(self.processes, compare_processes);
        let (functions, function_rank) = ranked(self.table.functions, compare_functions);
        let kinds = self.table.kinds.into_iter().map(|kind| match kind {
            NodeKind::Function(old) => NodeKind::Function(function_rank[old as usize]),
            NodeKind::Process(old) => NodeKind::Process(process_rank[old as usize]),
            other => other,
        });
        let (kinds, rank) = ranked(kinds.collect(), NodeKind::cmp);
        let nodes = self.tree.finish();
        let mut overhead_ps = self.overhead_ps;
        if overhead_ps.iter().any(|&overhead| overhead > 0) {
            overhead_ps.resize(nodes.len(), 0);
        } else {
            overhead_ps.clear();
        }
        let (thread_names, occurrences) = self.occurrences.finish(&rank);
        let (nodes, overhead_ps) = in_order(&nodes, &overhead_ps, &rank);
        let overflow = self.overflow.into_values().map(|overflow| OverflowCalls {
            kind: rank[overflow.kind as usize],
            ..overflow
        });
        let mut overflow: Vec<_> = overflow.collect();
        overflow.sort_unstable();
        let mut threads = vec![ThreadTree {
            nodes,
            overhead_ps,
            overflow,
            ..ThreadTree::default()
        }];
        threads.retain(|thread| !thread.is_empty());
        Trees {
            recordings: self.recordings.into_iter().collect(),
            processes,
            functions,
            kinds,
            threads,
            selection,
            thread_names,
            occurrences,
        }
    }
}

/// Sorts `items`; returns them, and for each of them where it is now.
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

/// Nodes depth first by their kinds' ranks; `overhead_ps` goes with them or is empty.
fn in_order(nodes: &Nodes, overhead_ps: &[u64], rank: &[u32]) -> (Nodes, Vec<u64>) {
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
    let mut sorted = Nodes::default();
    let mut sorted_overhead_ps = Vec::with_capacity(overhead_ps.len());
    while let Some((node, parent)) = waiting.pop() {
        let old = node as usize;
        let place = sorted.push(NodeRow {
            parent,
            kind: rank(node),
            ..nodes.row(old)
        });
        sorted_overhead_ps.extend(overhead_ps.get(old));
        push(&mut waiting, children.under(node), place);
    }
    (sorted, sorted_overhead_ps)
}

fn compare_functions(a: &Function, b: &Function) -> Ordering {
    (&a.label, &a.qualified_name, &a.module)
        .cmp(&(&b.label, &b.qualified_name, &b.module))
        .then_with(|| (a.kind, a.flags, &a.generic).cmp(&(b.kind, b.flags, &b.generic)))
}

fn compare_processes(a: &Process, b: &Process) -> Ordering {
    let numbers = |p: &Process| (p.start_unix_ns, p.identity, p.parent_pid, p.duration_ns);
    let rest = |p: &Process| (p.ending as u8, p.dropped_calls);
    numbers(a)
        .cmp(&numbers(b))
        .then_with(|| rest(a).cmp(&rest(b)))
        .then_with(|| (&a.argv, &a.host).cmp(&(&b.argv, &b.host)))
        .then_with(|| (&a.hook, &a.clock).cmp(&(&b.hook, &b.clock)))
        .then_with(|| a.clock_resolution_ns.total_cmp(&b.clock_resolution_ns))
        .then_with(|| a.calibration.cmp(&b.calibration))
}
