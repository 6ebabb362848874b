//! One side of a comparison: the figures of every function in each of its runs.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::run_figures::{RunFigures, Sums};
use crate::analysis::merge::Profile;
use crate::model::native_name::without_address;
use crate::model::{Counts, Function, Label, LabelRef, Labels, NO_PARENT};

/// Runs of one program, as functions with figures. The profiles themselves are not kept.
#[derive(Debug, Default)]
pub struct Side {
    /// Labels without addresses of objects, which differ in every process.
    labels: Labels,
    /// The function of each label.
    pub(super) functions: Vec<Function>,
    /// Sums of each function in each run; a function that a run lacks has zeros.
    pub(super) sums: Vec<Vec<Sums>>,
    /// Sums over all runs for each callee and its callers, which are in order.
    callers: Vec<Vec<(u32, Counts)>>,
    /// The waiting of the calls by these callers, nanoseconds. Few have any.
    waits_by_caller: HashMap<(u32, u32), u64, RandomState>,
    /// Number of runs.
    pub(super) runs: usize,
    /// True if waiting was recorded in a run.
    has_waiting: bool,
}

impl Side {
    /// Collects the figures of `runs`.
    pub fn of(runs: &[Profile]) -> Side {
        let mut side = Side::default();
        for run in runs {
            side.add(RunFigures::of(run));
        }
        side
    }

    /// Adds a run.
    pub fn add(&mut self, run: RunFigures) {
        let number = self.runs;
        self.runs += 1;
        self.has_waiting |= run.has_waiting;
        for sums in &mut self.sums {
            sums.push(Sums::default());
        }
        let kinds = run.functions.iter();
        let kinds: Vec<u32> = kinds.map(|function| self.intern(function)).collect();
        let (labels, rows) = run.rows.into_parts();
        let labels = labels.as_slice().iter();
        let ids: Vec<u32> = labels
            .map(|label| self.intern(&Function::of_label(label.clone())))
            .collect();
        for (id, row) in rows {
            let callee = ids[id as usize] as usize;
            self.sums[callee][number].counts.add(&row.counts);
            let callers = row.callers.into_iter();
            let callers = callers.map(|(caller, counts)| (ids[caller as usize], counts));
            add_callers(&mut self.callers[callee], callers);
        }
        for ((caller, callee), waiting_ns) in run.waits {
            let callee = kinds[callee as usize];
            let waiting = Sums {
                waiting_ns,
                ..Sums::default()
            };
            self.sums[callee as usize][number].add(&waiting);
            if caller != NO_PARENT {
                let edge = (kinds[caller as usize], callee);
                let sum = self.waits_by_caller.entry(edge).or_default();
                *sum = sum.saturating_add(waiting_ns);
            }
        }
    }

    /// Returns true if waiting was recorded, or if there is no run.
    pub(super) fn has_waiting(&self) -> bool {
        self.has_waiting || self.runs == 0
    }

    /// Forgets the waiting of all functions.
    pub(super) fn remove_waiting(&mut self) {
        self.waits_by_caller.clear();
        for sums in self.sums.iter_mut().flatten() {
            sums.waiting_ns = 0;
        }
    }

    /// All pairs of a caller and a callee, with their sums over all runs.
    pub(super) fn edges(&self) -> impl Iterator<Item = ((u32, u32), Sums)> {
        let callees = (0..).zip(&self.callers);
        let edges = callees.flat_map(|(callee, callers)| {
            let callers = callers.iter();
            callers.map(move |(caller, counts)| ((*caller, callee), counts))
        });
        edges.map(|(edge, &counts)| {
            let waiting_ns = self.waits_by_caller.get(&edge).copied().unwrap_or(0);
            (edge, Sums { counts, waiting_ns })
        })
    }

    /// Returns the index of `function`, which is new if no function has had its label.
    fn intern(&mut self, function: &Function) -> u32 {
        let name = without_address(&function.label.name);
        let id = self.labels.intern(with_name(&function.label, &name));
        if id as usize == self.functions.len() {
            self.functions.push(function.clone());
            self.sums.push(vec![Sums::default(); self.runs]);
            self.callers.push(Vec::new());
        }
        let known = &mut self.functions[id as usize];
        // The order of the runs must not matter.
        if rank(function) > rank(known) {
            *known = function.clone();
        }
        id
    }

    /// Returns the index of the function with this label.
    pub(super) fn find(&self, label: &Label) -> Option<u32> {
        self.labels
            .find(with_name(label, &without_address(&label.name)))
    }
}

/// Adds `more` to the callers of a function.
fn add_callers(callers: &mut Vec<(u32, Counts)>, more: impl Iterator<Item = (u32, Counts)>) {
    callers.extend(more);
    callers.sort_by_key(|&(caller, _)| caller);
    callers.dedup_by(|more, sum| {
        let is_same = more.0 == sum.0;
        if is_same {
            sum.1.add(&more.1);
        }
        is_same
    });
}

/// Orders facts about functions with one label: more is better.
fn rank(function: &Function) -> impl Ord + '_ {
    let Function {
        kind,
        flags,
        label,
        qualified_name,
        module,
        generic,
    } = function;
    (module, qualified_name, kind, flags, generic, label)
}

fn with_name<'a>(label: &'a Label, name: &'a [u8]) -> LabelRef<'a> {
    LabelRef {
        name,
        ..LabelRef::from(label)
    }
}
