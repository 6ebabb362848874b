//! Figures of every function in one run, which are far smaller than its profile.

use std::collections::BTreeMap;

use crate::analysis::display_tree::shown;
use crate::analysis::merge::Profile;
use crate::model::{Counts, Function, NO_PARENT, Rows, Trees};

/// Sums of one function, or of one function under one caller.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) counts: Counts,
    /// Part of the self time in which the thread was on no processor, nanoseconds.
    pub(super) waiting_ns: u64,
}

impl Sums {
    pub(super) fn add(&mut self, more: &Sums) {
        self.counts.add(&more.counts);
        self.waiting_ns = self.waiting_ns.saturating_add(more.waiting_ns);
    }
}

/// Figures of one run, with the times that reports show.
#[derive(Debug, Default)]
pub struct RunFigures {
    /// Kinds of nodes.
    pub(super) functions: Vec<Function>,
    pub(super) rows: Rows,
    /// Waiting by the kinds of caller and callee, nanoseconds; a root's caller is `NO_PARENT`.
    pub(super) waits: BTreeMap<(u32, u32), u64>,
    /// True if a process recorded waiting, or some is in the trees.
    pub(super) has_waiting: bool,
}

impl RunFigures {
    /// Adds up the figures of a profile.
    pub fn of(profile: &Profile) -> RunFigures {
        let trees = profile.shown_trees();
        let waits = waits(trees);
        RunFigures {
            functions: trees.kinds.iter().map(|kind| shown(trees, kind)).collect(),
            rows: profile.rows().into_owned(),
            has_waiting: !waits.is_empty() || trees.processes.iter().any(|of| of.has_waiting),
            waits,
        }
    }
}

fn waits(trees: &Trees) -> BTreeMap<(u32, u32), u64> {
    let mut waits = BTreeMap::new();
    for thread in &trees.threads {
        let (parents, kinds) = (thread.nodes.parents(), thread.nodes.kinds());
        for (node, waiting) in thread.waits.iter() {
            let caller = match parents[node as usize] {
                NO_PARENT => NO_PARENT,
                parent => kinds[parent as usize],
            };
            let sum: &mut u64 = waits.entry((caller, kinds[node as usize])).or_default();
            *sum = sum.saturating_add(waiting.total());
        }
    }
    waits
}
