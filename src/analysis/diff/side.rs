//! One side of a comparison: the figures of every function in each of its runs.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::analysis::display_tree::shown;
use crate::analysis::merge::Profile;
use crate::analysis::native_name::without_address;
use crate::model::{Counts, Function, FunctionKind, Label, LabelRef, Labels};

/// Runs of one program, as functions with figures. The profiles themselves are not kept.
#[derive(Debug, Default)]
pub struct Side {
    /// Labels without addresses of objects, which differ in every process.
    labels: Labels,
    /// The function of each label.
    pub(super) functions: Vec<Function>,
    /// Figures of each function in each run; a function that a run lacks has zeros.
    pub(super) counts: Vec<Vec<Counts>>,
    /// Sums over all runs for each caller and callee.
    pub(super) edges: HashMap<(u32, u32), Counts, RandomState>,
    /// Number of runs.
    pub(super) runs: usize,
}

impl Side {
    /// Collects the figures of `runs`.
    pub fn of(runs: &[Profile]) -> Side {
        let mut side = Side::default();
        runs.iter().for_each(|run| side.add(run));
        side
    }

    /// Adds a run, with the times that reports show.
    pub fn add(&mut self, profile: &Profile) {
        let run = self.runs;
        self.runs += 1;
        for counts in &mut self.counts {
            counts.push(Counts::default());
        }
        let trees = profile.shown_trees();
        for kind in &trees.kinds {
            self.intern(&shown(trees, kind));
        }
        let rows = profile.rows();
        let ids: Vec<u32> = rows
            .labels()
            .iter()
            .map(|label| self.intern(&of_label(label)))
            .collect();
        for (id, row) in rows.iter() {
            let callee = ids[id as usize];
            self.counts[callee as usize][run].add(&row.counts);
            for (&caller, counts) in &row.callers {
                let caller = ids[caller as usize];
                let edge = self.edges.entry((caller, callee)).or_default();
                edge.add(counts);
            }
        }
    }

    /// Returns the index of `function`, which is new if no function has had its label.
    fn intern(&mut self, function: &Function) -> u32 {
        let name = without_address(&function.label.name);
        let id = self.labels.intern(with_name(&function.label, &name));
        if id as usize == self.functions.len() {
            self.functions.push(function.clone());
            self.counts.push(vec![Counts::default(); self.runs]);
        }
        let known = &mut self.functions[id as usize];
        // Which run came first must not show.
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

/// Orders what is known of functions with one label: more is better.
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

/// Returns what is known of a function from its row alone.
fn of_label(label: &Label) -> Function {
    Function {
        kind: match &*label.file {
            b"~" => FunctionKind::Builtin,
            _ => FunctionKind::Python,
        },
        label: label.clone(),
        ..Function::stand_in("")
    }
}
