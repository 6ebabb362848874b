//! The call trees of many recordings as one, in an order that follows from the content.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::costed_tree::CostedTree;
use crate::analysis::function_table::FunctionTable;
use crate::analysis::occurrences::OccurrenceCounts;
use crate::analysis::select::SelectionId;
use crate::model::walk::Children;
use crate::model::{
    FoldedFunction, Function, MAX_NODES, NO_PARENT, NodeRow, Nodes, PROPERTY, Process, RecordingId,
    ThreadTree, Trees,
};

/// Adds up trees.
#[derive(Default)]
pub(super) struct TreeSum {
    functions: FunctionTable,
    tree: CostedTree,
    /// By function.
    folded: BTreeMap<u32, FoldedFunction>,
    occurrences: OccurrenceCounts,
    recordings: BTreeSet<RecordingId>,
    processes: Vec<Process>,
}

impl TreeSum {
    /// Returns the recordings that are in it.
    pub(super) fn recordings(&self) -> &BTreeSet<RecordingId> {
        &self.recordings
    }

    /// Returns true if a file can hold the sum with `trees`.
    pub(super) fn has_room_for(&self, trees: &Trees) -> bool {
        let nodes: usize = trees.threads.iter().map(|thread| thread.nodes.len()).sum();
        self.tree.len() + nodes <= MAX_NODES
    }

    pub(super) fn add(&mut self, trees: Trees) {
        let functions = trees.functions.iter();
        let functions: Vec<u32> = functions.map(|f| self.function(f)).collect();
        for thread in &trees.threads {
            self.add_tree(&thread.nodes, &trees.overhead_ps(thread), &functions);
            for folded in &thread.folded {
                let function = functions[folded.function as usize];
                let sum = self.folded.entry(function).or_default();
                sum.function = function;
                sum.add(folded);
            }
        }
        self.occurrences.add(&trees, &functions);
        self.recordings.extend(trees.recordings);
        self.processes.extend(trees.processes);
    }

    fn function(&mut self, function: &Function) -> u32 {
        if function.flags & PROPERTY == 0 {
            return self.functions.id(function);
        }
        // Its process alone knows how it was called first, and the overhead is computed.
        self.functions.id(&Function {
            flags: function.flags & !PROPERTY,
            ..function.clone()
        })
    }

    fn add_tree(&mut self, nodes: &Nodes, overhead_ps: &[u64], functions: &[u32]) {
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        for (node, row) in nodes.rows().enumerate() {
            let parent = places.get(row.parent as usize);
            let parent = parent.copied().unwrap_or(NO_PARENT);
            let place = self.tree.child(parent, functions[row.kind as usize]);
            let overhead_ps = overhead_ps.get(node).copied().unwrap_or(0);
            self.tree.add(place, &row, overhead_ps);
            places.push(place);
        }
    }

    /// Returns the sum of inputs that `selection` has chosen: at most one tree.
    pub(super) fn finish(self, selection: SelectionId) -> Trees {
        let mut processes = self.processes;
        processes.sort_by(compare_processes);
        let (nodes, mut overhead_ps) = self.tree.finish();
        if overhead_ps.iter().all(|&overhead| overhead == 0) {
            overhead_ps.clear();
        }
        let (functions, rank) = sorted(self.functions.into_functions());
        let (thread_names, ran_in) = self.occurrences.finish(&rank);
        let (nodes, overhead_ps) = in_order(&nodes, &overhead_ps, &rank);
        let folded = self.folded.into_values().map(|folded| FoldedFunction {
            function: rank[folded.function as usize],
            ..folded
        });
        let mut folded: Vec<_> = folded.collect();
        folded.sort_unstable();
        let mut threads = vec![ThreadTree {
            nodes,
            overhead_ps,
            folded,
            ..ThreadTree::default()
        }];
        threads.retain(|thread| !thread.is_empty());
        Trees {
            recordings: self.recordings.into_iter().collect(),
            processes,
            functions,
            threads,
            selection: selection.into_text(),
            thread_names,
            ran_in,
        }
    }
}

/// Returns the functions sorted by their content, and the new index of each.
fn sorted(functions: Vec<Function>) -> (Vec<Function>, Vec<u32>) {
    let mut order: Vec<(u32, Function)> = (0..).zip(functions).collect();
    order.sort_by(|(_, a), (_, b)| {
        (&a.label, &a.qualified_name, &a.module)
            .cmp(&(&b.label, &b.qualified_name, &b.module))
            .then_with(|| (a.kind, a.flags, &a.generic).cmp(&(b.kind, b.flags, &b.generic)))
    });
    let mut rank = vec![0; order.len()];
    for (new, &(old, _)) in (0..).zip(&order) {
        rank[old as usize] = new;
    }
    let functions = order.into_iter().map(|(_, function)| function);
    (functions.collect(), rank)
}

/// Returns the nodes depth first, siblings by the ranks of their functions, and their
/// overhead, which may be empty.
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

fn compare_processes(a: &Process, b: &Process) -> std::cmp::Ordering {
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
