//! The merged profile.

use std::borrow::Cow;
use std::io;

use super::plain_counts::PlainCounts;
use crate::analysis::compensate::{Compensation, compensate};
use crate::analysis::rows;
use crate::analysis::singledispatch::counts;
use crate::format::prof::{self, PlainInputs};
use crate::model::{DispatchCounts, Rows, Trees, dispatch_counts, rows_of};

/// Everything that was read, as one value, from which all reports are written.
///
/// Functions, nodes, recordings and processes are sorted by their content, so the same inputs give
/// the same value in any order of reading. Only the rows of plain inputs keep the order of their
/// first appearance, like those of pstats.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    trees: Trees,
    plain: PlainInputs,
    plain_inputs: PlainCounts,
    compensation: Option<Compensation>,
}

impl Profile {
    pub(super) fn new(trees: Trees, plain: PlainInputs, plain_inputs: PlainCounts) -> Self {
        Profile {
            trees,
            plain,
            plain_inputs,
            compensation: None,
        }
    }

    /// Returns the profile of one file, which has at most one tree, unchanged.
    pub fn of_file(trees: Trees, plain: PlainInputs) -> Self {
        debug_assert!(trees.threads.len() <= 1);
        let mut counts = PlainCounts::default();
        counts.add_aggregate(&plain);
        Profile::new(trees, plain, counts)
    }

    /// Returns the exact part: at most one tree, for all threads of all processes. Its times
    /// are the measured ones.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    /// Returns the exact part with the times that reports show.
    pub fn shown_trees(&self) -> &Trees {
        self.compensation
            .as_ref()
            .map_or(&self.trees, |compensation| &compensation.trees)
    }

    /// Makes reports show times without the cost of recording.
    pub fn compensate(&mut self) {
        self.compensation = Some(compensate(self.trees.clone()));
    }

    /// Returns the profile with times without the cost of recording, as if they were measured.
    /// It can't be merged any more.
    pub fn into_compensated(mut self) -> Profile {
        self.trees = compensate(self.trees).trees;
        self
    }

    /// Returns what was subtracted from the times that reports show, if anything was.
    pub fn compensation(&self) -> Option<&Compensation> {
        self.compensation.as_ref()
    }

    /// Returns the part that came without call trees.
    pub fn plain(&self) -> &PlainInputs {
        &self.plain
    }

    /// Returns true if each input of `plain` is counted here, as often as it is there.
    pub fn counts_all(&self, plain: &PlainInputs) -> bool {
        self.plain_inputs.counted(plain) == plain.inputs()
    }

    /// Returns the pstats rows of both parts.
    pub fn rows(&self) -> Cow<'_, Rows> {
        let trees = self.shown_trees();
        if trees.kinds.is_empty() {
            return Cow::Borrowed(&self.plain.rows);
        }
        let mut rows = rows_of(trees);
        rows::add(&mut rows, &self.plain.rows);
        Cow::Owned(rows)
    }

    /// Returns the dispatch counts of both parts.
    pub fn dispatch_counts(&self) -> DispatchCounts {
        let mut sum = dispatch_counts(&self.trees);
        counts::add(&mut sum, &self.plain.sidecar);
        sum
    }

    /// Returns the bytes of a `.prof` file that merges back to this value.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory can't fail.
        let _ = self.write_to(&mut bytes, &self.rows());
        bytes
    }

    /// Writes the same to `out`, if [`Profile::rows`] are known.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_to(&self, out: &mut dyn io::Write, rows: &Rows) -> io::Result<()> {
        let subtracted = self.compensation.as_ref().map(|c| c.subtracted_ns);
        prof::write_to(out, rows, &self.trees, &self.plain, subtracted)
    }
}
