//! Calls that found no room in the tree.
//!
//! A recording has room for so many nodes. Calls in further contexts are folded: they
//! count under their functions alone, whoever called them. Where they were made, a
//! node of [`NodeKind::Overflow`](super::NodeKind::Overflow) stands in the tree for all of
//! them together, as long as they took, with no calls: so widths stay true and no self
//! time has theirs.

/// What is known of the folded calls of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoldedFunction {
    /// What was called: index into [`Trees::kinds`](super::Trees::kinds). A function, unless
    /// the calls were taken out or not chosen: then only their time is left.
    pub kind: u32,
    /// Starts.
    pub calls: u64,
    /// Re-entries of a generator or coroutine.
    pub resumes: u64,
    /// Self time, nanoseconds.
    pub self_time: u64,
}

impl FoldedFunction {
    /// Whether there are any. Without, it is time of others that is shown there.
    pub(crate) fn has_calls(&self) -> bool {
        self.calls > 0 || self.resumes > 0
    }

    /// Adds the figures of `more`.
    pub(crate) fn add(&mut self, more: &FoldedFunction) {
        self.calls = self.calls.saturating_add(more.calls);
        self.resumes = self.resumes.saturating_add(more.resumes);
        self.self_time = self.self_time.saturating_add(more.self_time);
    }
}
