//! Sums of call trees that are added up side by side, on all processors that there are.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::trees::TreeSum;
use crate::analysis::select::SelectionId;
use crate::model::{MAX_NODES, RecordingId, Trees};

/// Number of inputs from which on several sums are worth while, because they are added up at the
/// end, which takes as long as adding a few inputs.
const INPUTS_OF_ONE_SUM: usize = 16;
/// Most sums, each of which may become as large as the result.
const MOST_SUMS: usize = 4;

/// Adds up trees of inputs in any order, because the result does not depend on it.
#[derive(Default)]
pub(super) struct TreeSums {
    sums: Vec<TreeSum>,
    inputs: usize,
    recordings: BTreeSet<RecordingId>,
    /// Inputs that are added once there is one for each sum, and the number of their nodes.
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
        if self.waiting.len() >= self.most_sums() {
            self.add_waiting();
        }
        true
    }

    /// Returns true if a file can hold `nodes` more, if none of them is here already.
    fn has_room_for(&self, nodes: usize) -> bool {
        let summed: usize = self.sums.iter().map(TreeSum::len).sum();
        summed + self.waiting_nodes + nodes <= MAX_NODES
    }

    /// Returns the number of sums that the inputs so far are worth. A few need no thread of rayon,
    /// of which a forked child may have none.
    fn most_sums(&self) -> usize {
        match self.inputs {
            ..INPUTS_OF_ONE_SUM => 1,
            _ => rayon::current_num_threads().clamp(1, MOST_SUMS),
        }
    }

    /// Adds each input that waits to a sum of its own.
    fn add_waiting(&mut self) {
        self.waiting_nodes = 0;
        let inputs = std::mem::take(&mut self.waiting);
        if self.sums.len() < inputs.len() {
            self.sums.resize_with(inputs.len(), TreeSum::default);
        }
        match <[Trees; 1]>::try_from(inputs) {
            Ok([trees]) => self.sums[0].add(trees),
            Err(inputs) if inputs.is_empty() => {}
            Err(inputs) => {
                let sums = self.sums.par_iter_mut().zip(inputs);
                sums.for_each(|(sum, trees)| sum.add(trees));
            }
        }
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
