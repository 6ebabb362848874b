//! Estimates a call tree for pstats rows that came without one.
//!
//! Callers and callees alone do not determine the paths. The time of every function is split over
//! its callers in proportion to the time that they spent in it. In the same way, each callee's time
//! is split over all places of the function.
//!
//! ```text
//! rows ── Graph::of ──> Graph ── cut ──> Cut ── distribute ──> Acyclic ── grow ──> Nodes
//!                  main─┬>a─>c      main─┬>a─>c         main 10─┬>a 6─>c 5     main─┬─a───c
//!                       └>b─>c           └>b─>c                 └>b 3─>c 2          └─b───c
//!                   a and c call         c no longer       each edge has its        c stands
//!                   each other           calls a           part of c's time         there twice
//! ```
//!
//! Cycles are cut where a depth first search from the roots, the most expensive callee
//! first, meets a function that is still open.
//!
//! Self times are distributed; edges only give the proportion. So self times add up to the measured
//! ones, and no child is wider than its parent, however contradictory the rows are.

mod lists;
mod shown_labels;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use lists::Lists;
use shown_labels::{ShownLabel, shown_labels};

use crate::model::{Function, Label, NO_PARENT, NodeRow, Nodes, Rows};

/// Nodes below this share of the whole become part of their parents. It is a tenth of the share
/// below which pictures collapse frames by default.
const SMALLEST_SHARE: f64 = 1e-5;

/// Largest number of nodes; the widest are kept.
const MOST_NODES: usize = 1_000_000;

/// The estimated tree and the functions that it indexes.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    /// Those that have nodes, in order of their labels.
    pub functions: Vec<Function>,
    /// The tree.
    pub nodes: Nodes,
}

/// Estimates the tree of `rows`. It depends on their content only, not on their order.
pub fn estimate(rows: &Rows) -> Estimate {
    let graph = Graph::of(rows);
    let mut nodes = graph.distribute(&graph.cut()).grow(&graph);
    let functions = graph.functions_of(&mut nodes);
    Estimate { functions, nodes }
}

fn function(label: &ShownLabel<'_>) -> Function {
    Function::of_label(Label {
        file: label.file.into(),
        line: label.line,
        name: (*label.name).into(),
    })
}

/// Calls of one function by another, or of a function without a caller, and their nanoseconds.
#[derive(Clone, Copy, Default)]
struct Edge {
    calls: f64,
    time: f64,
}

impl Lists<(u32, Edge)> {
    /// Sorts each list by caller and adds up the edges of one caller.
    fn merge(&mut self) {
        self.sort_each(|&(caller, _)| caller);
        self.dedup_each(|more, sum| {
            let is_same = more.0 == sum.0;
            if is_same {
                sum.1.calls += more.1.calls;
                sum.1.time += more.1.time;
            }
            is_same
        });
    }
}

#[derive(Clone, Default)]
struct Vertex {
    /// All calls of it, and the time in them.
    all: Edge,
    self_time: f64,
}

/// The rows by functions in the order of their labels.
struct Graph<'r> {
    labels: Vec<ShownLabel<'r>>,
    vertices: Vec<Vertex>,
    /// For each function its callers in their order.
    callers: Lists<(u32, Edge)>,
}

impl<'r> Graph<'r> {
    fn of(rows: &'r Rows) -> Self {
        let (labels, ids) = shown_labels(rows);
        let mut vertices = vec![Vertex::default(); labels.len()];
        // Most functions have one caller or two.
        let mut edges = Vec::with_capacity(2 * rows.len());
        for (id, row) in rows.iter() {
            let callee = ids[id as usize];
            let vertex = &mut vertices[callee as usize];
            vertex.self_time += nanoseconds(row.counts.tt);
            vertex.all.calls += sound(row.counts.nc as f64);
            vertex.all.time += nanoseconds(row.counts.ct);
            edges.extend(row.callers.iter().map(|(&caller, counts)| {
                let edge = Edge {
                    calls: sound(counts.nc as f64),
                    time: nanoseconds(counts.ct),
                };
                (callee, (ids[caller as usize], edge))
            }));
        }
        let mut callers = Lists::of(labels.len(), &edges);
        callers.merge();
        Self {
            labels,
            vertices,
            callers,
        }
    }

    /// Returns the functions that `nodes` are calls of, and makes the nodes index them. Few
    /// functions of a large program are wide enough to be in the tree.
    fn functions_of(&self, nodes: &mut Nodes) -> Vec<Function> {
        let mut places = vec![NO_PARENT; self.labels.len()];
        for &kind in nodes.kinds() {
            places[kind as usize] = 0;
        }
        let mut functions = Vec::new();
        for (place, label) in places.iter_mut().zip(&self.labels) {
            if *place != NO_PARENT {
                *place = functions.len() as u32;
                functions.push(function(label));
            }
        }
        nodes.renumber_kinds(&places);
        functions
    }

    /// Returns the part of a function's calls that has no caller.
    fn uncalled_part(&self, at: u32) -> Edge {
        let mut rest = self.vertices[at as usize].all;
        for &(caller, edge) in self.callers.of_item(at) {
            rest.calls -= edge.calls;
            // The time of a recursive call is part of the outer call's.
            rest.time -= if caller == at { 0.0 } else { edge.time };
        }
        if rest.calls <= 0.0 {
            return Edge::default();
        }
        Edge {
            calls: rest.calls,
            time: rest.time.max(0.0),
        }
    }

    /// Returns the callees of each function, the most expensive first. Recursive calls are
    /// left out.
    fn callees(&self) -> Lists<(u32, f64)> {
        let edges = self.callers.iter();
        let edges = edges.filter(|(callee, (caller, _))| callee != caller);
        let edges: Vec<_> = edges
            .map(|(callee, &(caller, edge))| (caller, (callee, edge.time)))
            .collect();
        let mut callees = Lists::of(self.vertices.len(), &edges);
        callees.sort_each(|&(callee, time)| (Reverse(ordered(time)), callee));
        callees
    }

    /// Returns the functions with which the search begins, in order: those without callers, then
    /// those that also have calls without a caller.
    fn starts(&self) -> Vec<u32> {
        let key = |at: u32| {
            let callers = self.callers.of_item(at);
            let is_called = callers.iter().any(|&(caller, _)| caller != at);
            let has_callers = self.uncalled_part(at).calls <= 0.0;
            let time = ordered(self.vertices[at as usize].all.time);
            (is_called, has_callers, Reverse(time), at)
        };
        let mut starts: Vec<_> = (0..self.vertices.len() as u32).map(key).collect();
        starts.sort_unstable();
        starts.into_iter().map(|(.., at)| at).collect()
    }

    /// Cuts the cycles.
    fn cut(&self) -> Cut {
        let count = self.vertices.len();
        let callees = self.callees();
        let mut edges = Vec::with_capacity(callees.items.len());
        let mut callees_first = Vec::with_capacity(count);
        let mut state = vec![State::Unseen; count];
        for start in self.starts() {
            if state[start as usize] != State::Unseen {
                continue;
            }
            state[start as usize] = State::Open;
            let mut open = vec![(start, callees.of_item(start).iter())];
            while let Some((at, rest)) = open.last_mut() {
                let at = *at;
                let Some(&(callee, _)) = rest.next() else {
                    state[at as usize] = State::Done;
                    callees_first.push(at);
                    open.pop();
                    continue;
                };
                let seen = state[callee as usize];
                if seen != State::Open {
                    edges.push((callee, at));
                }
                if seen == State::Unseen {
                    state[callee as usize] = State::Open;
                    open.push((callee, callees.of_item(callee).iter()));
                }
            }
        }
        let mut callers = Lists::of(count, &edges);
        callers.sort_each(|&caller| caller);
        Cut {
            callers,
            callees_first,
        }
    }

    /// Splits every function's time over its callers.
    fn distribute(&self, cut: &Cut) -> Acyclic {
        let self_times = self.vertices.iter().map(|vertex| vertex.self_time);
        let mut time: Vec<f64> = self_times.collect();
        let mut roots = Vec::new();
        let mut edges = Vec::with_capacity(cut.callers.items.len());
        let mut parts = Vec::new();
        for &at in &cut.callees_first {
            let whole = time[at as usize];
            for (caller, share) in self.shares(at, cut.callers.of_item(at), &mut parts) {
                let part = whole * share;
                if part <= 0.0 {
                    continue;
                }
                if caller == NO_PARENT {
                    roots.push((at, part));
                } else {
                    time[caller as usize] += part;
                    edges.push((caller, (at, part)));
                }
            }
        }
        Acyclic {
            callees: Lists::of(time.len(), &edges),
            time,
            roots,
        }
    }

    /// Returns the share of each of `callers`, and of calls without one, in the time of a function.
    /// Shares are by time or, if no time is known, by calls. `parts` is room to compute them in.
    fn shares<'p>(
        &self,
        at: u32,
        callers: &[u32],
        parts: &'p mut Vec<(u32, Edge)>,
    ) -> impl Iterator<Item = (u32, f64)> + use<'p> {
        let mut edges = self.callers.of_item(at).iter();
        // Both are in the order of callers.
        let edge = |&caller: &u32| edges.find(|(other, _)| *other == caller).copied();
        parts.clear();
        parts.extend(callers.iter().filter_map(edge));
        parts.push((NO_PARENT, self.uncalled_part(at)));
        let time: f64 = parts.iter().map(|(_, edge)| edge.time).sum();
        let calls: f64 = parts.iter().map(|(_, edge)| edge.calls).sum();
        let callers = parts.len() - 1;
        parts.iter().map(move |&(caller, edge)| {
            let share = if time > 0.0 {
                edge.time / time
            } else if calls > 0.0 {
                edge.calls / calls
            } else if caller == NO_PARENT {
                f64::from(callers == 0)
            } else {
                1.0 / callers as f64
            };
            (caller, share)
        })
    }
}

/// Returns seconds as whole nanoseconds, because the last digits of sums depend on the order of the
/// files. No clock measures these digits, and no picture shows them.
fn nanoseconds(seconds: f64) -> f64 {
    sound(seconds * 1e9).round()
}

/// Returns `value` so that it can be summed: 0 if it is negative, infinite or NaN.
fn sound(value: f64) -> f64 {
    match value.is_finite() {
        true => value.max(0.0),
        false => 0.0,
    }
}

/// Returns a number that is ordered like `value`, which must not be negative.
fn ordered(value: f64) -> u64 {
    value.abs().to_bits()
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    Open,
    Done,
}

/// The edges that are left of a graph without its cycles.
struct Cut {
    /// For each function.
    callers: Lists<u32>,
    /// The functions, callees before their callers.
    callees_first: Vec<u32>,
}

/// The graph without its cycles, nanoseconds.
struct Acyclic {
    /// The inclusive time of each function.
    time: Vec<f64>,
    /// The functions at the root, each with the part of its time there.
    roots: Vec<(u32, f64)>,
    /// For each function its callees, each with the part of its time there.
    callees: Lists<(u32, f64)>,
}

impl Acyclic {
    /// Makes a node of each place of each function, the widest first.
    fn grow(&self, graph: &Graph<'_>) -> Nodes {
        let least = self.roots.iter().map(|&(_, time)| time).sum::<f64>() * SMALLEST_SHARE;
        let mut nodes = Nodes::default();
        let mut self_times: Vec<f64> = Vec::new();
        // Nodes that will be made: time, age, function and parent. Of equally wide ones the
        // oldest comes first.
        let mut growing = BinaryHeap::new();
        let mut age = 0_u64;
        let mut push = |growing: &mut BinaryHeap<_>, time, function, parent| {
            age += 1;
            growing.push((ordered(time), Reverse(age), function, parent));
        };
        for &(function, time) in &self.roots {
            push(&mut growing, time, function, NO_PARENT);
        }
        while let Some((time, _, function, parent)) = growing.pop() {
            let time = f64::from_bits(time);
            if nodes.len() == MOST_NODES {
                if let Some(above) = self_times.get_mut(parent as usize) {
                    *above += time;
                }
                continue;
            }
            let vertex = &graph.vertices[function as usize];
            let share = time / self.time[function as usize];
            let node = nodes.push(NodeRow {
                parent,
                kind: function,
                calls: (vertex.all.calls * share).round() as u64,
                ..NodeRow::default()
            });
            let mut self_time = vertex.self_time * share;
            for &(callee, part) in self.callees.of_item(function) {
                if part * share < least {
                    self_time += part * share;
                } else {
                    push(&mut growing, part * share, callee, node);
                }
            }
            self_times.push(self_time);
        }
        let self_times = self_times.iter().map(|time| time.round() as u64);
        nodes.set_self_times(self_times.collect());
        nodes
    }
}
