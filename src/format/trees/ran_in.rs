//! Where functions ran, for aggregates: their one tree no longer knows it.

/// The thread of a [`RanIn`] that counts for all threads together.
pub const ANY_THREAD: u32 = u32::MAX;

/// In how many processes one function ran in threads of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RanIn {
    /// Index into the function table.
    pub function: u32,
    /// Index into [`Trees::thread_names`](super::Trees::thread_names), or [`ANY_THREAD`].
    pub thread: u32,
    /// How many processes.
    pub processes: u32,
}
