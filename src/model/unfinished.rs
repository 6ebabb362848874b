//! Calls that had not ended when their process ended.

/// Calls of one function that were open when the process was killed. Their times count until the
/// latest moment at which the process is known to have run, so the function's times are lower
/// bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnfinishedCalls {
    /// Index into [`Trees::kinds`](super::Trees::kinds).
    pub kind: u32,
    /// Number of open calls.
    pub calls: u64,
    /// Number of those that had no open call below them: their self times are lower bounds, too.
    pub innermost: u64,
}

impl UnfinishedCalls {
    /// Adds the figures of `more`.
    pub(crate) fn add(&mut self, more: &UnfinishedCalls) {
        self.calls = self.calls.saturating_add(more.calls);
        self.innermost = self.innermost.saturating_add(more.innermost);
    }
}
