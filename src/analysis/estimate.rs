//! A call tree for rows that came without one: an estimate.
//!
//! Callers and callees alone do not tell the paths. The time of every function is split over
//! its callers in proportion to the time that they spent in it, and so is each callee's over
//! all places of the function.
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
//! Self times are what is distributed; edges only give the proportion. So self times add up
//! to the measured ones, and no child is wider than its parent, however contradictory the
//! rows are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::model::native_name::without_address;
use crate::model::{Function, FunctionKind, Label, NO_PARENT, NodeRow, Nodes, Rows};

/// Nodes below this share of the whole are left within their parents: a tenth of the share
/// below which pictures collapse frames by default.
const SMALLEST_SHARE: f64 = 1e-5;

/// The most nodes; the widest are kept.
const MOST_NODES: usize = 1_000_000;

/// The estimated tree and the functions that it indexes.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    /// In order of their labels.
    pub functions: Vec<Function>,
    /// The tree.
    pub nodes: Nodes,
}

/// Estimates the tree of `rows`. It depends on their content only, not on their order.
pub fn estimate(rows: &Rows) -> Estimate {
    let graph = Graph::of(rows);
    let nodes = graph.distribute(graph.cut()).grow(&graph);
    let functions = graph.labels.into_iter().map(function).collect();
    Estimate { functions, nodes }
}

fn function(label: Label) -> Function {
    Function {
        kind: if &*label.file == b"~" {
            FunctionKind::Builtin
        } else {
            FunctionKind::Python
        },
        flags: 0,
        label,
        qualified_name: Box::default(),
        module: Box::default(),
        generic: None,
    }
}

/// Calls of one function by another, or of a function from nowhere, and nanoseconds.
#[derive(Clone, Copy, Default)]
struct Edge {
    calls: f64,
    time: f64,
}

#[derive(Default)]
struct Vertex {
    /// All calls of it, and the time in them.
    all: Edge,
    self_time: f64,
    callers: BTreeMap<u32, Edge>,
}

/// The rows by functions in the order of their labels.
struct Graph {
    labels: Vec<Label>,
    vertices: Vec<Vertex>,
}

impl Graph {
    fn of(rows: &Rows) -> Self {
        let shown = |label: &Label| Label {
            file: label.file.clone(),
            line: label.line,
            name: without_address(&label.name).into(),
        };
        let shown: Vec<Label> = rows.labels().iter().map(shown).collect();
        let mut labels = shown.clone();
        labels.sort();
        labels.dedup();
        let ids = shown
            .iter()
            .map(|label| labels.partition_point(|known| known < label));
        let ids: Vec<usize> = ids.collect();
        let mut vertices: Vec<Vertex> = Vec::new();
        vertices.resize_with(labels.len(), Vertex::default);
        for (id, row) in rows.iter() {
            let vertex = &mut vertices[ids[id as usize]];
            vertex.self_time += nanoseconds(row.counts.tt);
            vertex.all.calls += sound(row.counts.nc as f64);
            vertex.all.time += nanoseconds(row.counts.ct);
            for (&caller, counts) in &row.callers {
                let caller = ids[caller as usize] as u32;
                let edge = vertex.callers.entry(caller).or_default();
                edge.calls += sound(counts.nc as f64);
                edge.time += nanoseconds(counts.ct);
            }
        }
        Self { labels, vertices }
    }

    /// Returns the part of a function's calls that has no caller.
    fn uncalled_part(&self, at: u32) -> Edge {
        let vertex = &self.vertices[at as usize];
        let mut rest = vertex.all;
        for (&caller, edge) in &vertex.callers {
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
    fn callees(&self) -> Vec<Vec<u32>> {
        let mut callees: Vec<Vec<u32>> = vec![Vec::new(); self.vertices.len()];
        for (at, vertex) in (0..).zip(&self.vertices) {
            for &caller in vertex.callers.keys().filter(|&&caller| caller != at) {
                callees[caller as usize].push(at);
            }
        }
        for (at, callees) in (0_u32..).zip(&mut callees) {
            let time = |callee: u32| self.vertices[callee as usize].callers[&at].time;
            callees.sort_by_key(|&callee| (Reverse(ordered(time(callee))), callee));
        }
        callees
    }

    /// Returns the functions in the order in which the search begins with them: first those
    /// that nobody calls, then those that some calls of have no caller.
    fn starts(&self) -> Vec<u32> {
        let mut starts: Vec<u32> = (0..self.vertices.len() as u32).collect();
        starts.sort_by_cached_key(|&at| {
            let vertex = &self.vertices[at as usize];
            let is_called = vertex.callers.keys().any(|&caller| caller != at);
            let has_callers = self.uncalled_part(at).calls <= 0.0;
            (
                is_called,
                has_callers,
                Reverse(ordered(vertex.all.time)),
                at,
            )
        });
        starts
    }

    /// Cuts the cycles.
    fn cut(&self) -> Cut {
        let count = self.vertices.len();
        let callees = self.callees();
        let mut cut = Cut {
            callers: vec![Vec::new(); count],
            callees_first: Vec::with_capacity(count),
        };
        let mut state = vec![State::Unseen; count];
        for start in self.starts() {
            if state[start as usize] != State::Unseen {
                continue;
            }
            state[start as usize] = State::Open;
            let mut open = vec![(start, callees[start as usize].iter())];
            while let Some((at, rest)) = open.last_mut() {
                let at = *at;
                let Some(&callee) = rest.next() else {
                    state[at as usize] = State::Done;
                    cut.callees_first.push(at);
                    open.pop();
                    continue;
                };
                let seen = state[callee as usize];
                if seen != State::Open {
                    cut.callers[callee as usize].push(at);
                }
                if seen == State::Unseen {
                    state[callee as usize] = State::Open;
                    open.push((callee, callees[callee as usize].iter()));
                }
            }
        }
        cut
    }

    /// Splits every function's time over its callers.
    fn distribute(&self, cut: Cut) -> Acyclic {
        let self_times = self.vertices.iter().map(|vertex| vertex.self_time);
        let mut acyclic = Acyclic {
            time: self_times.collect(),
            roots: Vec::new(),
            callees: vec![Vec::new(); self.vertices.len()],
        };
        for at in cut.callees_first {
            let whole = acyclic.time[at as usize];
            for (caller, share) in self.shares(at, &cut.callers[at as usize]) {
                let part = whole * share;
                if part <= 0.0 {
                    continue;
                }
                if caller == NO_PARENT {
                    acyclic.roots.push((at, part));
                } else {
                    acyclic.time[caller as usize] += part;
                    acyclic.callees[caller as usize].push((at, part));
                }
            }
        }
        acyclic
    }

    /// Returns the share of each of `callers`, and of nobody, in the time of a function: by
    /// time or, if no time is known, by calls.
    fn shares(&self, at: u32, callers: &[u32]) -> impl Iterator<Item = (u32, f64)> {
        let edges = &self.vertices[at as usize].callers;
        let mut parts: Vec<(u32, Edge)> = callers.iter().map(|&c| (c, edges[&c])).collect();
        parts.sort_by_key(|&(caller, _)| caller);
        parts.push((NO_PARENT, self.uncalled_part(at)));
        let time: f64 = parts.iter().map(|(_, edge)| edge.time).sum();
        let calls: f64 = parts.iter().map(|(_, edge)| edge.calls).sum();
        let callers = parts.len() - 1;
        parts.into_iter().map(move |(caller, edge)| {
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

/// Returns seconds as whole nanoseconds. Sums of files' times differ in their last digits if
/// the files come in another order; no clock measures these digits, and no picture shows them.
fn nanoseconds(seconds: f64) -> f64 {
    sound(seconds * 1e9).round()
}

/// Returns a value that can be summed: neither negative nor infinite nor no number.
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
    callers: Vec<Vec<u32>>,
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
    callees: Vec<Vec<(u32, f64)>>,
}

impl Acyclic {
    /// Makes a node of each place of each function, the widest first.
    fn grow(&self, graph: &Graph) -> Nodes {
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
            for &(callee, part) in &self.callees[function as usize] {
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
