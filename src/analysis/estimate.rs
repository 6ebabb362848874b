//! A call tree for rows that came without one: an estimate.
//!
//! Callers and callees alone do not tell the paths. Every function's time is
//! split over its callers as the time is that they spent in it, and each of its
//! callees' over all places where it stands alike. Cycles are cut where a depth
//! first search from the roots, the most expensive callee first, meets a function
//! that is still open.
//!
//! Self times are what is distributed; edges only say in which proportion. So
//! they add up to what was measured, and no child is wider than its parent,
//! however contradictory the rows are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::native_name::without_address;
use crate::model::{Function, FunctionKind, Label, NO_PARENT, NodeRow, Nodes, Rows};

/// Nodes below this share of the whole are left within their parents.
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

/// The estimated tree of `rows`. It depends on nothing but what they say: not on
/// their order.
pub fn estimate(rows: &Rows) -> Estimate {
    let graph = Graph::of(rows);
    let nodes = graph.cut().grow(&graph);
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
        let mut positions: BTreeMap<Label, u32> = rows
            .labels()
            .iter()
            .map(|label| (shown(label), 0))
            .collect();
        for (position, new) in positions.values_mut().zip(0..) {
            *position = new;
        }
        let ids: Vec<u32> = rows
            .labels()
            .iter()
            .map(|label| positions[&shown(label)])
            .collect();
        let mut vertices: Vec<Vertex> = Vec::new();
        vertices.resize_with(positions.len(), Vertex::default);
        for (id, row) in rows.iter() {
            let vertex = &mut vertices[ids[id as usize] as usize];
            vertex.self_time += nanoseconds(row.counts.tt);
            vertex.all.calls += sound(row.counts.nc as f64);
            vertex.all.time += nanoseconds(row.counts.ct);
            for (&caller, counts) in &row.callers {
                let edge = vertex.callers.entry(ids[caller as usize]).or_default();
                edge.calls += sound(counts.nc as f64);
                edge.time += nanoseconds(counts.ct);
            }
        }
        Self {
            labels: positions.into_keys().collect(),
            vertices,
        }
    }

    /// What of a function's calls has no caller.
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

    /// Cuts the cycles and splits every function over its callers.
    fn cut(&self) -> Acyclic {
        let count = self.vertices.len();
        let mut callees: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (at, vertex) in (0..).zip(&self.vertices) {
            for &caller in vertex.callers.keys().filter(|&&caller| caller != at) {
                callees[caller as usize].push(at);
            }
        }
        for (at, callees) in (0_u32..).zip(&mut callees) {
            let time = |callee: &u32| self.vertices[*callee as usize].callers[&at].time;
            callees.sort_by(|a, b| time(b).total_cmp(&time(a)).then(a.cmp(b)));
        }
        let mut starts: Vec<u32> = (0..count as u32).collect();
        starts.sort_by(|&a, &b| {
            let key = |at: u32| {
                let vertex = &self.vertices[at as usize];
                let uncalled = vertex.callers.keys().all(|&caller| caller == at);
                (uncalled, self.uncalled_part(at).calls > 0.0)
            };
            let time = |at: u32| self.vertices[at as usize].all.time;
            key(b)
                .cmp(&key(a))
                .then(time(b).total_cmp(&time(a)))
                .then(a.cmp(&b))
        });

        let mut kept: Vec<Vec<u32>> = vec![Vec::new(); count];
        let mut callees_first = Vec::with_capacity(count);
        let mut state = vec![State::Unseen; count];
        for start in starts {
            if state[start as usize] != State::Unseen {
                continue;
            }
            state[start as usize] = State::Open;
            let mut open = vec![(start, callees[start as usize].iter())];
            while let Some((at, rest)) = open.last_mut() {
                let at = *at;
                let Some(&callee) = rest.next() else {
                    state[at as usize] = State::Done;
                    callees_first.push(at);
                    open.pop();
                    continue;
                };
                if state[callee as usize] == State::Open {
                    continue;
                }
                kept[callee as usize].push(at);
                if state[callee as usize] == State::Unseen {
                    state[callee as usize] = State::Open;
                    open.push((callee, callees[callee as usize].iter()));
                }
            }
        }
        self.distribute(&kept, &callees_first)
    }

    fn distribute(&self, kept: &[Vec<u32>], callees_first: &[u32]) -> Acyclic {
        let mut acyclic = Acyclic {
            time: self
                .vertices
                .iter()
                .map(|vertex| vertex.self_time)
                .collect(),
            roots: Vec::new(),
            callees: vec![Vec::new(); self.vertices.len()],
        };
        for &at in callees_first {
            let vertex = &self.vertices[at as usize];
            let whole = acyclic.time[at as usize];
            let mut parts: Vec<(u32, Edge)> = kept[at as usize]
                .iter()
                .map(|&caller| (caller, vertex.callers[&caller]))
                .collect();
            parts.sort_by_key(|&(caller, _)| caller);
            parts.push((NO_PARENT, self.uncalled_part(at)));
            let time: f64 = parts.iter().map(|(_, edge)| edge.time).sum();
            let calls: f64 = parts.iter().map(|(_, edge)| edge.calls).sum();
            let only_root = parts.len() == 1;
            let callers = (parts.len() - 1) as f64;
            for (caller, edge) in parts {
                let share = if time > 0.0 {
                    edge.time / time
                } else if calls > 0.0 {
                    edge.calls / calls
                } else if caller == NO_PARENT {
                    f64::from(only_root)
                } else {
                    1.0 / callers
                };
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
}

/// Seconds as whole nanoseconds. Sums of files' times end in other digits when the files
/// come in another order; the clocks' own digits they share, and pictures have no others.
fn nanoseconds(seconds: f64) -> f64 {
    sound(seconds * 1e9).round()
}

/// What can be summed: neither negative nor infinite nor nothing.
fn sound(value: f64) -> f64 {
    if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    Open,
    Done,
}

/// The graph with its cycles cut, nanoseconds.
struct Acyclic {
    /// The inclusive time of every function.
    time: Vec<f64>,
    /// The functions that stand at the root, and with how much of their time.
    roots: Vec<(u32, f64)>,
    /// For every function the callees, and how much of theirs is in its time.
    callees: Vec<Vec<(u32, f64)>>,
}

/// A node to be, ordered by its width and then by its age.
#[derive(PartialEq)]
struct Growing {
    time: f64,
    age: Reverse<u64>,
    function: u32,
    parent: u32,
}

impl Eq for Growing {}

impl Ord for Growing {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.time
            .total_cmp(&other.time)
            .then_with(|| self.age.cmp(&other.age))
    }
}

impl PartialOrd for Growing {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Acyclic {
    fn grow(&self, graph: &Graph) -> Nodes {
        let mut nodes = Nodes::default();
        let mut self_times: Vec<f64> = Vec::new();
        let whole: f64 = self.roots.iter().map(|&(_, time)| time).sum();
        let mut age = 0;
        let mut next = |function, time, parent| {
            age += 1;
            Growing {
                time,
                age: Reverse(age),
                function,
                parent,
            }
        };
        let mut growing: BinaryHeap<Growing> = self
            .roots
            .iter()
            .map(|&(function, time)| next(function, time, NO_PARENT))
            .collect();
        while let Some(widest) = growing.pop() {
            let Growing {
                time,
                function,
                parent,
                ..
            } = widest;
            if nodes.len() == MOST_NODES {
                if let Some(above) = self_times.get_mut(parent as usize) {
                    *above += time;
                }
                continue;
            }
            let node = nodes.len() as u32;
            let vertex = &graph.vertices[function as usize];
            let share = time / self.time[function as usize];
            let mut self_time = vertex.self_time * share;
            for &(callee, part) in &self.callees[function as usize] {
                if part * share < whole * SMALLEST_SHARE {
                    self_time += part * share;
                } else {
                    growing.push(next(callee, part * share, node));
                }
            }
            self_times.push(self_time);
            nodes.push(NodeRow {
                parent,
                kind: function,
                calls: (vertex.all.calls * share).round() as u64,
                ..NodeRow::default()
            });
        }
        let self_times = self_times.iter().map(|time| time.round() as u64);
        nodes.set_self_times(self_times.collect());
        nodes
    }
}
