//! The pstats rows that follow from call trees.
//!
//! For a function, all calls and self time are sums over its nodes. Primitive calls and inclusive
//! time come from its outermost nodes, those with no node of it above. For a caller and callee the
//! same holds over the callee's nodes whose parent is the caller's, outermost being those with no
//! such pair above. Functions with one label are one function.
//!
//! Overflow calls have no place in the tree. They count as primitive calls, because nothing else is
//! known, and with their self time. Their callees' time is unknown, so the inclusive time of such a
//! function is a lower bound, and is at least its self time.

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
    // Leaves out nodes of overflow calls, because rows of their functions, or of `<overflow>`, have
    // their time.
    let of_nodes = labels.iter().zip(&trees.kinds);
    let of_nodes: Vec<Option<LabelId>> = of_nodes
        .map(|(label, kind)| label.filter(|_| *kind != NodeKind::Overflow))
        .collect();
    let mut sums = Sums {
        functions: vec![Sum::default(); rows.labels().len()],
        edges: Edges::of(trees, &of_nodes, rows.labels().len()),
        open: OpenCalls::new(rows.labels().len()),
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
    for (callee, edges) in sums.edges.by_callee() {
        edges.sort_unstable_by_key(|edge| edge.caller);
        let callers = edges.chunk_by(|a, b| a.caller == b.caller);
        let callers = callers.map(|same_edge| {
            let mut sum = Sum::default();
            for edge in same_edge {
                sum.add(&edge.figures, edge.is_outermost);
            }
            (same_edge[0].caller, sum.counts())
        });
        rows.row_mut(callee).callers = callers.collect();
    }
    rows
}

/// Figures of one node.
#[derive(Clone, Copy, Default)]
struct Figures {
    calls: u64,
    self_ns: u64,
    total_ns: u64,
}

/// Sums of one function, or of one function under one caller.
#[derive(Clone, Copy, Default)]
struct Sum {
    cc: i128,
    nc: i128,
    self_ns: u128,
    total_ns: u128,
}

impl Sum {
    fn add(&mut self, figures: &Figures, is_outermost: bool) {
        self.nc += i128::from(figures.calls);
        self.self_ns += u128::from(figures.self_ns);
        if is_outermost {
            self.cc += i128::from(figures.calls);
            self.total_ns += u128::from(figures.total_ns);
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            cc: self.cc,
            nc: self.nc,
            tt: seconds(self.self_ns),
            // It is less than the self time only if calls overflowed.
            ct: seconds(self.total_ns.max(self.self_ns)),
        }
    }
}

/// A node that was called by a function.
#[derive(Clone, Copy, Default)]
struct Edge {
    figures: Figures,
    caller: LabelId,
    /// True if no node above has the same callee and caller.
    is_outermost: bool,
}

/// All such nodes by their callees.
struct Edges {
    edges: Vec<Edge>,
    /// For each callee the place of its next node.
    next: Vec<usize>,
}

impl Edges {
    /// Makes room for the nodes of `trees`, whose kinds have `labels`.
    fn of(trees: &Trees, labels: &[Option<LabelId>], callees: usize) -> Edges {
        let mut next = vec![0; callees];
        let mut all = 0;
        for thread in &trees.threads {
            let nodes = &thread.nodes;
            for (&parent, &kind) in nodes.parents().iter().zip(nodes.kinds()) {
                let caller = nodes.kinds().get(parent as usize);
                let caller = caller.and_then(|&kind| labels[kind as usize]);
                if let (Some(callee), Some(_)) = (labels[kind as usize], caller) {
                    next[callee as usize] += 1;
                    all += 1;
                }
            }
        }
        let mut start = 0;
        for next in &mut next {
            start += std::mem::replace(next, start);
        }
        Edges {
            edges: vec![Edge::default(); all],
            next,
        }
    }

    fn push(&mut self, callee: LabelId, edge: Edge) {
        let next = &mut self.next[callee as usize];
        self.edges[*next] = edge;
        *next += 1;
    }

    /// Returns the nodes of each callee, once all are there.
    fn by_callee(&mut self) -> impl Iterator<Item = (LabelId, &mut [Edge])> {
        let mut rest = &mut self.edges[..];
        let mut start = 0;
        let callees = (0..).zip(&self.next).map(move |(callee, &end)| {
            let count = end - std::mem::replace(&mut start, end);
            let (edges, later) = std::mem::take(&mut rest).split_at_mut(count);
            rest = later;
            (callee, edges)
        });
        callees.filter(|(_, edges)| !edges.is_empty())
    }
}

struct Sums {
    functions: Vec<Sum>,
    edges: Edges,
    open: OpenCalls,
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
        let caller_of = |node: u32| match nodes.parents()[node as usize] {
            NO_PARENT => None,
            parent => label(parent),
        };
        let Sums {
            functions,
            edges,
            open,
        } = self;
        walk(nodes, |step| match step {
            Step::Enter(node) => {
                let Some(callee) = label(node) else {
                    return;
                };
                let caller = caller_of(node);
                let (is_outermost, is_outermost_of_edge) = open.enter(callee, caller);
                let figures = Figures {
                    calls: nodes.calls()[node as usize],
                    self_ns: self_times[node as usize],
                    total_ns: nodes.totals()[node as usize],
                };
                functions[callee as usize].add(&figures, is_outermost);
                if let Some(caller) = caller {
                    let edge = Edge {
                        figures,
                        caller,
                        is_outermost: is_outermost_of_edge,
                    };
                    edges.push(callee, edge);
                }
            }
            Step::Leave(node) => {
                if let Some(callee) = label(node) {
                    open.leave(callee, caller_of(node));
                }
            }
        });
    }
}

/// Functions and edges that are open on the way from the root to a node.
struct OpenCalls {
    /// For each function the number of its open nodes, and the caller of the outermost.
    functions: Vec<(u32, Option<LabelId>)>,
    /// Number of open nodes of each edge, without those that are a function's outermost.
    inner_edges: HashMap<(LabelId, LabelId), u32, RandomState>,
}

impl OpenCalls {
    fn new(functions: usize) -> OpenCalls {
        OpenCalls {
            functions: vec![(0, None); functions],
            inner_edges: HashMap::default(),
        }
    }

    /// Enters a node. Returns true if it is the outermost of its function, and true if it is that
    /// of its edge.
    fn enter(&mut self, callee: LabelId, caller: Option<LabelId>) -> (bool, bool) {
        let (open, outermost_caller) = &mut self.functions[callee as usize];
        *open += 1;
        if *open == 1 {
            *outermost_caller = caller;
            return (true, true);
        }
        let Some(edge) = caller.map(|caller| (caller, callee)) else {
            return (false, false);
        };
        let open_edges = self.inner_edges.entry(edge).or_default();
        *open_edges += 1;
        (false, *open_edges == 1 && *outermost_caller != caller)
    }

    fn leave(&mut self, callee: LabelId, caller: Option<LabelId>) {
        let (open, _) = &mut self.functions[callee as usize];
        *open -= 1;
        let edge = caller.filter(|_| *open > 0).map(|caller| (caller, callee));
        if let Some(open_edges) = edge.and_then(|edge| self.inner_edges.get_mut(&edge)) {
            *open_edges -= 1;
        }
    }
}

fn seconds(ns: u128) -> f64 {
    ns as f64 / 1e9
}
