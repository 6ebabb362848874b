//! Adds up call trees in several sums at once, on all processors.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::trees::TreeSum;
use crate::analysis::select::SelectionId;
use crate::model::{MAX_NODES, RecordingId, Trees};

/// Number of inputs from which on several sums are worthwhile. They are joined at the end, which
/// takes as long as adding a few inputs.
const INPUTS_OF_ONE_SUM: usize = 16;
/// Largest number of sums, each of which may become as large as the result.
const MOST_SUMS: usize = 4;
/// Number of inputs for each sum that are added at once, because threads wait for each other
/// afterwards.
const INPUTS_AT_ONCE: usize = 4;
/// Number of nodes of inputs that are added without waiting for more, because they take memory.
const MOST_WAITING_NODES: usize = 1 << 20;

/// Adds up trees of inputs in any order, because the result does not depend on it.
#[derive(Default)]
pub(super) struct TreeSums {
    sums: Vec<TreeSum>,
    inputs: usize,
    recordings: BTreeSet<RecordingId>,
    /// Inputs that are yet to be added, and the number of their nodes.
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
            let whole = self.join();
            self.sums.push(whole);
            if !self.has_room_for(nodes) {
                return false;
            }
        }
        self.inputs += 1;
        self.recordings.extend(&trees.recordings);
        self.waiting.push(trees);
        self.waiting_nodes += nodes;
        let sums = self.most_sums();
        let is_full = self.waiting_nodes >= MOST_WAITING_NODES;
        if sums == 1 || is_full || self.waiting.len() >= sums * INPUTS_AT_ONCE {
            self.add_waiting();
        }
        true
    }

    /// Returns true if a file can hold `nodes` more, if none of them is here already.
    fn has_room_for(&self, nodes: usize) -> bool {
        let summed: usize = self.sums.iter().map(TreeSum::len).sum();
        summed + self.waiting_nodes + nodes <= MAX_NODES
    }

    /// Returns the number of sums that are worthwhile for the inputs so far. A few inputs need no
    /// threads of rayon, which a forked child may lack.
    fn most_sums(&self) -> usize {
        match self.inputs {
            ..INPUTS_OF_ONE_SUM => 1,
            _ => rayon::current_num_threads().clamp(1, MOST_SUMS),
        }
    }

    /// Adds the inputs that wait, an equal share to each sum.
    fn add_waiting(&mut self) {
        self.waiting_nodes = 0;
        let inputs = std::mem::take(&mut self.waiting);
        let sums = inputs.len().min(self.most_sums());
        if self.sums.len() < sums {
            self.sums.resize_with(sums, TreeSum::default);
        }
        if sums <= 1 {
            return inputs.into_iter().for_each(|trees| self.sums[0].add(trees));
        }
        let mut shares: Vec<Vec<Trees>> = Vec::new();
        shares.resize_with(sums, Vec::new);
        for (number, trees) in inputs.into_iter().enumerate() {
            shares[number % sums].push(trees);
        }
        let sums = self.sums.par_iter_mut().zip(shares);
        sums.for_each(|(sum, share)| share.into_iter().for_each(|trees| sum.add(trees)));
    }

    /// Makes one sum of all.
    fn join(&mut self) -> TreeSum {
        let mut sums = std::mem::take(&mut self.sums).into_iter();
        let mut whole = sums.next().unwrap_or_default();
        sums.for_each(|sum| whole.add(sum.finish()));
        whole
    }

    /// Returns the sum of inputs that `selection` has chosen: at most one tree.
    pub(super) fn finish(mut self, selection: SelectionId) -> Trees {
        self.add_waiting();
        let whole = self.join();
        Trees {
            recordings: self.recordings.into_iter().collect(),
            selection: selection.into_text(),
            ..whole.finish()
        }
    }
}
