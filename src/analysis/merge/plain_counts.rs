//! Inputs without call trees, counted by their hashes.

use std::collections::BTreeMap;

use crate::format::content_hash::ContentHash;
use crate::format::prof::PlainInputs;

/// Number of times that each input was counted. Equal files that are given twice count twice.
#[derive(Clone, Debug, Default)]
pub(super) struct PlainCounts {
    inputs: Counts,
    /// Inputs in aggregates of version 1, by the hash of that version.
    version1_inputs: Counts,
    /// Files that were read, by their hash of version 1.
    version1_of_files: Counts,
    /// True if `inputs` has inputs of aggregates, of which no hash of version 1 is known.
    has_aggregates: bool,
}

type Counts = BTreeMap<ContentHash, usize>;

impl PlainCounts {
    pub(super) fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.version1_inputs.is_empty()
    }

    /// Counts a file.
    pub(super) fn add_file<R>(&mut self, file: &PlainInputs<R>) {
        add(&mut self.inputs, &file.hashes);
        add(&mut self.version1_of_files, &file.version1_hashes);
    }

    /// Counts the inputs of an aggregate.
    pub(super) fn add_aggregate(&mut self, plain: &PlainInputs) {
        add(&mut self.inputs, &plain.hashes);
        add(&mut self.version1_inputs, &plain.version1_hashes);
        self.has_aggregates |= !plain.hashes.is_empty();
    }

    /// Returns how many inputs of an aggregate are counted.
    pub(super) fn counted(&self, plain: &PlainInputs) -> usize {
        let known = |counts: &Counts, hash| counts.get(hash).copied().unwrap_or(0);
        let hashes = occurrences(&plain.hashes);
        let hashes = hashes
            .iter()
            .map(|(hash, &count)| known(&self.inputs, hash).min(count));
        let version1 = occurrences(&plain.version1_hashes);
        let version1 = version1.iter().map(|(hash, &count)| {
            let of_files = known(&self.version1_of_files, hash);
            (of_files + known(&self.version1_inputs, hash)).min(count)
        });
        hashes.chain(version1).sum()
    }

    /// Returns true if inputs of an aggregate may be counted although their hashes are not. One
    /// side then has only hashes of version 1, and the other side lacks them.
    pub(super) fn is_incomparable(&self, plain: &PlainInputs) -> bool {
        !plain.version1_hashes.is_empty() && self.has_aggregates
            || !plain.hashes.is_empty() && !self.version1_inputs.is_empty()
    }

    /// Returns the inputs' hashes, and those of version 1 that have no other.
    pub(super) fn hashes(&self) -> [Vec<ContentHash>; 2] {
        [&self.inputs, &self.version1_inputs].map(|counts| {
            let hashes = counts.iter();
            let hashes = hashes.flat_map(|(&hash, &count)| std::iter::repeat_n(hash, count));
            hashes.collect()
        })
    }
}

fn add(counts: &mut Counts, hashes: &[ContentHash]) {
    for &hash in hashes {
        *counts.entry(hash).or_default() += 1;
    }
}

fn occurrences(hashes: &[ContentHash]) -> Counts {
    let mut counts = Counts::new();
    add(&mut counts, hashes);
    counts
}
