//! The pstats rows that follow from call trees.
//!
//! For a function, all calls are the sum over its nodes and so is self time;
//! primitive calls and inclusive time come from its outermost nodes, those with
//! no node of it above. For a caller and callee the same holds over the callee's
//! nodes whose parent is the caller's, outermost being those with no such pair
//! above. Functions with one label are one function.
//!
//! Folded calls have no place in the tree. They count as calls, primitive ones for all
//! that is known, and with their self time. What such a function's inclusive time lacks
//! is unknown; it is said to be no less than its self time.

use std::collections::HashMap;

use super::walk::{Step, walk};
#[cfg(feature = "report")]
use crate::format::pstats::Entries;
use crate::format::pstats::{Counts, LabelId, Row, Rows};
#[cfg(feature = "report")]
use crate::format::trees::Label;
use crate::format::trees::{FoldedFunction, NO_PARENT, Nodes, Trees};
use crate::word_hash::{WordHash, pair};

/// The rows of `trees`, in the order in which functions first appear in them.
pub fn rows(trees: &Trees) -> Rows {
    let mut rows = Rows::default();
    // What stands for folded calls, or for a process, is no function and gets no row.
    let labels: Vec<Option<LabelId>> = trees
        .functions
        .iter()
        .map(|function| {
            let is_real = !function.is_folded_calls() && !function.is_group();
            is_real.then(|| rows.intern(&function.label))
        })
        .collect();
    let mut sums = Sums {
        functions: vec![Sum::default(); rows.labels().len()],
        edges: Vec::new(),
        edge_ids: HashMap::with_hasher(WordHash::seeded()),
    };
    for thread in &trees.threads {
        sums.add(&thread.nodes, &labels);
        sums.add_folded(&thread.folded, &labels);
        let folded = thread.folded.iter().map(|folded| &folded.function);
        for &function in thread.nodes.function.iter().chain(folded) {
            if let Some(label) = labels[function as usize] {
                // Makes the row, and with it the order.
                rows.row_mut(label);
            }
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

/// Adds `more` to `rows`, as `pstats.Stats.add` does: figures add up, of a
/// function and under each of its callers.
pub fn add(rows: &mut Rows, more: &Rows) {
    let ids: Vec<LabelId> = more
        .labels()
        .iter()
        .map(|label| rows.intern(label))
        .collect();
    add_at(rows, more, &ids);
}

/// `rows` with files named without their directories, as `pstats.Stats.strip_dirs` makes
/// them: functions that have one label then add up. (So do their callers here, of which
/// pstats keeps the last.)
#[cfg(feature = "report")]
pub(crate) fn strip_dirs(rows: &Rows) -> Rows {
    let mut stripped = Rows::default();
    let ids: Vec<LabelId> = rows
        .labels()
        .iter()
        .map(|label| stripped.intern(&base_name(label)))
        .collect();
    add_at(&mut stripped, rows, &ids);
    stripped
}

/// Adds `more`, whose labels are `ids` here.
fn add_at(rows: &mut Rows, more: &Rows, ids: &[LabelId]) {
    for (id, row) in more.iter() {
        let sum = ids[id as usize];
        rows.add(sum, &row.counts);
        let sum = rows.row_mut(sum);
        for (caller, counts) in &row.callers {
            let untimed = row.untimed.contains(caller);
            sum.add_caller(ids[*caller as usize], counts, untimed);
        }
    }
}

#[cfg(feature = "report")]
fn base_name(label: &Label) -> Label {
    let file = label.file.rsplit(|byte| *byte == b'/').next();
    Label {
        file: file.unwrap_or_default().into(),
        ..label.clone()
    }
}

/// As [`add`] for the entries of several files, one after the other: the same value,
/// computed on all processors, each of which takes a part of the functions.
#[cfg(feature = "report")]
pub(super) fn add_entries(rows: &mut Rows, files: &[Entries]) {
    use rayon::prelude::*;

    let mut files_ids: Vec<Ids> = Vec::with_capacity(files.len());
    for entries in files {
        let new = entries.new_labels().as_slice().iter();
        let ids = Ids {
            known: entries.known_labels(),
            new: new.map(|label| rows.intern(label)).collect(),
        };
        for (function, _) in entries.iter() {
            let id = ids.of(function.label);
            if rows.row(id).is_none() {
                rows.row_mut(id).counts = Counts::NOTHING;
            }
        }
        files_ids.push(ids);
    }
    let slots = rows.slots_mut();
    let parts = 2 * rayon::current_num_threads();
    let part = slots.len().div_ceil(parts).max(1);
    let parts = slots.par_chunks_mut(part).enumerate();
    parts.for_each(|(number, slots)| {
        for (entries, ids) in files.iter().zip(&files_ids) {
            for (function, callers) in entries.iter() {
                let place = (ids.of(function.label) as usize).checked_sub(number * part);
                let Some(Some(sum)) = place.and_then(|place| slots.get_mut(place)) else {
                    continue;
                };
                sum.counts.add(&function.counts);
                for caller in callers {
                    sum.add_caller(ids.of(caller.label), &caller.counts, caller.untimed);
                }
            }
        }
    });
}

/// Which ids of the sum a file's ids are.
#[cfg(feature = "report")]
struct Ids {
    /// Ids below are the same.
    known: usize,
    /// Of the others.
    new: Vec<LabelId>,
}

#[cfg(feature = "report")]
impl Ids {
    fn of(&self, id: LabelId) -> LabelId {
        let new = (id as usize).checked_sub(self.known);
        new.map_or(id, |new| self.new[new])
    }
}

/// `rows` with labels numbered as a file of them is read back, so that writing
/// and reading changes nothing, not even the order of callers.
pub(super) fn renumbered(rows: Rows) -> Rows {
    let mut renumbered = Rows::default();
    let (labels, rows) = rows.into_parts();
    // One row after the other, so that there are never two of each.
    for (id, row) in rows {
        let new = renumbered.intern(&labels[id as usize]);
        let mut id = |caller: LabelId| renumbered.intern(&labels[caller as usize]);
        let callers = row.callers.into_iter();
        let callers = callers.map(|(caller, counts)| (id(caller), counts));
        let renumbered_row = Row {
            counts: row.counts,
            callers: callers.collect(),
            untimed: row.untimed.into_iter().map(id).collect(),
        };
        *renumbered.row_mut(new) = renumbered_row;
    }
    renumbered
}

/// What adds up for one function, or for one function under one caller.
#[derive(Clone, Copy, Default)]
struct Sum {
    cc: i128,
    nc: i128,
    self_ns: u128,
    total_ns: u128,
    /// How many nodes of it are open on the way from the root.
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
            // Less than the self time it is only where calls were folded.
            ct: seconds(self.total_ns.max(self.self_ns)),
        }
    }
}

struct Sums {
    functions: Vec<Sum>,
    /// By caller and callee, in order of first appearance.
    edges: Vec<((LabelId, LabelId), Sum)>,
    edge_ids: HashMap<u64, u32, WordHash>,
}

impl Sums {
    fn add_folded(&mut self, folded: &[FoldedFunction], labels: &[Option<LabelId>]) {
        for figures in folded {
            if let Some(label) = labels[figures.function as usize] {
                let sum = &mut self.functions[label as usize];
                sum.nc += i128::from(figures.calls);
                sum.cc += i128::from(figures.calls);
                sum.self_ns += u128::from(figures.self_time);
            }
        }
    }

    fn add(&mut self, nodes: &Nodes, labels: &[Option<LabelId>]) {
        let self_times = nodes.self_times();
        let label = |node: u32| labels[nodes.function[node as usize] as usize];
        // The edge that leads to each open node, so that leaving need not look it up.
        let mut edges_open = Vec::new();
        walk(nodes, |step| match step {
            Step::Enter(node) => {
                let Some(callee) = label(node) else {
                    return;
                };
                let at = node as usize;
                let figures = (nodes.calls[at], self_times[at], nodes.total[at]);
                self.functions[callee as usize].enter(figures.0, figures.1, figures.2);
                let caller = match nodes.parent[at] {
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
        let id = *self.edge_ids.entry(pair(caller, callee)).or_insert(new);
        if id == new {
            self.edges.push(((caller, callee), Sum::default()));
        }
        id
    }
}

fn seconds(ns: u128) -> f64 {
    ns as f64 / 1e9
}
