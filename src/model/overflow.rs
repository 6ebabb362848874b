//! Calls for which there was no room in the tree.
//!
//! A recording has room for a limited number of nodes. A call on a further path *overflows*: it
//! counts for its function alone, whichever function called it. At the place of the calls the tree
//! has one node of [`NodeKind::Overflow`](super::NodeKind::Overflow) for all of them. It has their
//! time and no calls, so totals of callers are exact and no self time includes overflow calls.

/// Figures of the overflow calls of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverflowCalls {
    /// Index into [`Trees::kinds`](super::Trees::kinds): the function that was called, unless
    /// the calls were excluded or not chosen: then only their time is left.
    pub kind: u32,
    /// Starts.
    pub calls: u64,
    /// Re-entries of a generator or coroutine.
    pub resumes: u64,
    /// Self time, nanoseconds.
    pub self_time: u64,
}

impl OverflowCalls {
    /// Returns true if there are calls, not only the time of calls that were not chosen.
    pub(crate) fn has_calls(&self) -> bool {
        self.calls > 0 || self.resumes > 0
    }

    /// Adds the figures of `more`.
    pub(crate) fn add(&mut self, more: &OverflowCalls) {
        self.calls = self.calls.saturating_add(more.calls);
        self.resumes = self.resumes.saturating_add(more.resumes);
        self.self_time = self.self_time.saturating_add(more.self_time);
    }
}
