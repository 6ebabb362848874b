//! Where functions occurred, for aggregates: their one tree no longer says it.

use super::Trees;

/// The thread of a [`Occurrence`] that counts for all threads together.
pub const ANY_THREAD: u32 = u32::MAX;

/// Number of processes in which a kind of node occurred in threads of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// Index into [`Trees::kinds`].
    pub kind: u32,
    /// Index into [`Trees::thread_names`](super::Trees::thread_names), or [`ANY_THREAD`].
    pub thread: u32,
    /// How many processes.
    pub processes: u32,
}

impl Trees {
    /// Whether they came out of a merge, where the threads of all recordings become one
    /// tree, even if there was one recording only.
    pub fn is_merged(&self) -> bool {
        self.recordings.len() != 1 || !self.occurrences.is_empty()
    }
}
