//! The pstats rows that follow from call trees.
//!
//! For a function, all calls are the sum over its nodes and so is self time;
//! primitive calls and inclusive time come from its outermost nodes, those with
//! no node of it above. For a caller and callee the same holds over the callee's
//! nodes whose parent is the caller's, outermost being those with no such pair
//! above. Functions with one label are one function.
//!
//! Overflow calls have no place in the tree. They count as calls, primitive ones for all
//! that is known, and with their self time. What such a function's inclusive time lacks
//! is unknown; it is said to be no less than its self time.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::walk::{Step, walk};
use super::{Counts, LabelId, NO_PARENT, NodeKind, Nodes, OverflowCalls, Rows, Trees};

/// The rows of `trees`, in the order in which functions first appear in them.
pub fn rows_of(trees: &Trees) -> Rows {
    let mut rows = Rows::default();
    let overflow = trees.threads.iter().flat_map(|thread| &thread.overflow);
    let mut overflow_kinds = overflow.map(|calls| &trees.kinds[calls.kind as usize]);
    let has_unknown_overflow = overflow_kinds.any(|kind| *kind == NodeKind::Overflow);
    let labels: Vec<Option<LabelId>> = trees
        .kinds
        .iter()
        .map(|kind| match kind {
            &NodeKind::Function(function) => {
                Some(rows.intern(&trees.functions[function as usize].label))
            }
            NodeKind::Overflow if !has_unknown_overflow => None,
            kind => Some(rows.intern(&kind.label()?)),
        })
        .collect();
    // In the tree overflow calls are of functions that have rows, or an unknown one has.
    let of_nodes = labels.iter().zip(&trees.kinds);
    let of_nodes: Vec<Option<LabelId>> = of_nodes
        .map(|(label, kind)| label.filter(|_| *kind != NodeKind::Overflow))
        .collect();
    let mut sums = Sums {
        functions: vec![Sum::default(); rows.labels().len()],
        edges: Vec::new(),
        edge_ids: HashMap::default(),
    };
    for thread in &trees.threads {
        sums.add(&thread.nodes, &of_nodes);
        sums.add_overflow(&thread.overflow, &labels);
        let in_tree = thread.nodes.kinds().iter();
        let in_tree = in_tree.map(|&kind| of_nodes[kind as usize]);
        let overflow = thread.overflow.iter();
        let overflow = overflow.map(|calls| labels[calls.kind as usize]);
        for label in in_tree.chain(overflow).flatten() {
            // Makes the row, and with it the order.
            rows.row_mut(label);
        }
    }
    for (label, sum) in (0..).zip(&sums.functions) {
        if rows.row(label).is_some() {
            rows.row_mut(label).counts = sum.counts();
        }
    }
    for ((caller, callee), sum) in sums.edges {
        let counts = sum.counts();
        rows.row_mut(callee).callers.insert(caller, counts);
    }
    rows
}

/// Sums of one function, or of one function under one caller.
#[derive(Clone, Copy, Default)]
struct Sum {
    cc: i128,
    nc: i128,
    self_ns: u128,
    total_ns: u128,
    /// Number of its nodes that are open on the way from the root.
    open: u32,
}

impl Sum {
    fn enter(&mut self, calls: u64, self_ns: u64, total_ns: u64) {
        self.nc += i128::from(calls);
        self.self_ns += u128::from(self_ns);
        if self.open == 0 {
            self.cc += i128::from(calls);
            self.total_ns += u128::from(total_ns);
        }
        self.open += 1;
    }

    fn counts(&self) -> Counts {
        Counts {
            cc: self.cc,
            nc: self.nc,
            tt: seconds(self.self_ns),
            // Less than the self time it is only where calls overflowed.
            ct: seconds(self.total_ns.max(self.self_ns)),
        }
    }
}

struct Sums {
    functions: Vec<Sum>,
    /// By caller and callee, in order of first appearance.
    edges: Vec<((LabelId, LabelId), Sum)>,
    edge_ids: HashMap<(u32, u32), u32, RandomState>,
}

impl Sums {
    fn add_overflow(&mut self, overflow: &[OverflowCalls], labels: &[Option<LabelId>]) {
        for figures in overflow {
            if let Some(label) = labels[figures.kind as usize] {
                let sum = &mut self.functions[label as usize];
                sum.nc += i128::from(figures.calls);
                sum.cc += i128::from(figures.calls);
                sum.self_ns += u128::from(figures.self_time);
            }
        }
    }

    fn add(&mut self, nodes: &Nodes, labels: &[Option<LabelId>]) {
        let self_times = nodes.self_times();
        let label = |node: u32| labels[nodes.kinds()[node as usize] as usize];
        // The edge that leads to each open node, so that leaving need not look it up.
        let mut edges_open = Vec::new();
        walk(nodes, |step| match step {
            Step::Enter(node) => {
                let Some(callee) = label(node) else {
                    return;
                };
                let at = node as usize;
                let figures = (nodes.calls()[at], self_times[at], nodes.totals()[at]);
                self.functions[callee as usize].enter(figures.0, figures.1, figures.2);
                let caller = match nodes.parents()[at] {
                    NO_PARENT => None,
                    parent => label(parent),
                };
                let edge = caller.map(|caller| self.edge(caller, callee));
                if let Some(edge) = edge {
                    self.edges[edge as usize]
                        .1
                        .enter(figures.0, figures.1, figures.2);
                }
                edges_open.push(edge);
            }
            Step::Leave(node) => {
                let Some(callee) = label(node) else {
                    return;
                };
                self.functions[callee as usize].open -= 1;
                if let Some(Some(edge)) = edges_open.pop() {
                    self.edges[edge as usize].1.open -= 1;
                }
            }
        });
    }

    fn edge(&mut self, caller: LabelId, callee: LabelId) -> u32 {
        let new = self.edges.len() as u32;
        let id = *self.edge_ids.entry((caller, callee)).or_insert(new);
        if id == new {
            self.edges.push(((caller, callee), Sum::default()));
        }
        id
    }
}

fn seconds(ns: u128) -> f64 {
    ns as f64 / 1e9
}
