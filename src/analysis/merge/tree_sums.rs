//! Sums of call trees that are added up side by side, on all processors that there are.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::trees::TreeSum;
use crate::analysis::select::SelectionId;
use crate::model::{MAX_NODES, RecordingId, Trees};

/// Number of inputs that are added at once. Fewer are added to one sum, because adding up the sums
/// takes longer than adding a few inputs.
const INPUTS_AT_ONCE: usize = 16;
/// Number of nodes of inputs that wait at most.
const MOST_WAITING_NODES: usize = 1 << 20;
/// Most sums, each of which may become as large as the result.
const MOST_SUMS: usize = 4;

/// Adds up trees of inputs in any order, because the result does not depend on it.
#[derive(Default)]
pub(super) struct TreeSums {
    sums: Vec<TreeSum>,
    recordings: BTreeSet<RecordingId>,
    /// Inputs to add, and the number of their nodes.
    waiting: Vec<Trees>,
    waiting_nodes: usize,
}

impl TreeSums {
    /// Returns the recordings of all inputs.
    pub(super) fn recordings(&self) -> &BTreeSet<RecordingId> {
        &self.recordings
    }

    /// Adds an input. Returns false, having added nothing, if no file can hold the sum.
    pub(super) fn add(&mut self, trees: Trees) -> bool {
        let nodes = trees.threads.iter().map(|thread| thread.nodes.len()).sum();
        if !self.has_room_for(nodes) {
            self.add_waiting();
            self.join();
            if !self.has_room_for(nodes) {
                return false;
            }
        }
        self.recordings.extend(&trees.recordings);
        self.waiting.push(trees);
        self.waiting_nodes += nodes;
        if self.waiting.len() >= INPUTS_AT_ONCE || self.waiting_nodes > MOST_WAITING_NODES {
            self.add_waiting();
        }
        true
    }

    /// Returns true if a file can hold `nodes` more, if none of them is here already.
    fn has_room_for(&self, nodes: usize) -> bool {
        let summed: usize = self.sums.iter().map(TreeSum::len).sum();
        summed + self.waiting_nodes + nodes <= MAX_NODES
    }

    /// Adds the inputs that wait.
    fn add_waiting(&mut self) {
        self.waiting_nodes = 0;
        let inputs = std::mem::take(&mut self.waiting);
        if inputs.len() < INPUTS_AT_ONCE {
            // Without rayon, of which a forked child may have no threads.
            let whole = self.first();
            return inputs.into_iter().for_each(|trees| whole.add(trees));
        }
        let sums = rayon::current_num_threads().clamp(1, MOST_SUMS);
        if self.sums.len() < sums {
            self.sums.resize_with(sums, TreeSum::default);
        }
        let mut shares: Vec<Vec<Trees>> = Vec::new();
        shares.resize_with(sums, Vec::new);
        for (number, input) in inputs.into_iter().enumerate() {
            shares[number % sums].push(input);
        }
        let sums = self.sums.par_iter_mut().zip(shares);
        sums.for_each(|(sum, share)| share.into_iter().for_each(|trees| sum.add(trees)));
    }

    /// Returns the first sum.
    fn first(&mut self) -> &mut TreeSum {
        if self.sums.is_empty() {
            self.sums.push(TreeSum::default());
        }
        &mut self.sums[0]
    }

    /// Adds all sums to the first.
    fn join(&mut self) {
        self.first();
        let rest = self.sums.split_off(1);
        let rest = rest.into_iter().map(TreeSum::finish);
        rest.for_each(|trees| self.sums[0].add(trees));
    }

    /// Returns the sum of inputs that `selection` has chosen: at most one tree.
    pub(super) fn finish(mut self, selection: SelectionId) -> Trees {
        self.add_waiting();
        self.join();
        let sum = self.sums.pop().unwrap_or_default();
        Trees {
            recordings: self.recordings.into_iter().collect(),
            selection: selection.into_text(),
            ..sum.finish()
        }
    }
}
