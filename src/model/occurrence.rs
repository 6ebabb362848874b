//! Occurrences of functions, for aggregates: their one tree no longer says where they ran.

/// The thread of a [`Occurrence`] that counts for all threads together.
pub const ANY_THREAD: u32 = u32::MAX;

/// Number of processes in which a kind of node occurred in threads of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// Index into [`Trees::kinds`](super::Trees::kinds).
    pub kind: u32,
    /// Index into [`Trees::thread_names`](super::Trees::thread_names), or [`ANY_THREAD`].
    pub thread: u32,
    /// Number of processes.
    pub processes: u32,
}
