//! Kinds of nodes of a call tree: calls of a function, or something else that has a place
//! in the tree and is no function.

use super::Label;

/// Kind of a node: an entry of [`Trees::kinds`](super::Trees::kinds), which nodes index.
///
/// Nodes of other kinds than [`NodeKind::Function`] have no calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeKind {
    /// Calls of a function: index into [`Trees::functions`](super::Trees::functions).
    Function(u32),
    /// All overflow calls that the parent made: see [`OverflowCalls`](super::OverflowCalls).
    Overflow,
    /// Functions that were removed from the tree and had no caller.
    Excluded,
    /// All calls of a process: index into [`Trees::processes`](super::Trees::processes).
    Process(u32),
    /// All calls of processes that had been merged before they were to be kept apart.
    MergedProcesses,
    /// All calls in a process's trees of this name.
    Thread {
        /// The tree's [`ThreadTree::name`](super::ThreadTree::name).
        name: Box<[u8]>,
        /// The tree's [`ThreadTree::threads`](super::ThreadTree::threads).
        threads: u32,
    },
    /// All calls of threads that had been merged before they were to be kept apart.
    MergedThreads,
    /// All that a forked child did in the thread that had forked. Its children are the calls that
    /// it continued and those that it made with none of these open. Continued calls have the time
    /// since the fork or since their callee ended. The node itself has no time.
    Forked {
        /// The calls that were open at the fork, the outermost first: see
        /// [`forked::path`](super::forked::path).
        path: Box<[u8]>,
    },
}

impl NodeKind {
    /// Returns true for a node at the root of the calls of a process or thread.
    pub fn is_group(&self) -> bool {
        match self {
            NodeKind::Function(_)
            | NodeKind::Overflow
            | NodeKind::Excluded
            | NodeKind::Forked { .. } => false,
            NodeKind::Process(_)
            | NodeKind::MergedProcesses
            | NodeKind::Thread { .. }
            | NodeKind::MergedThreads => true,
        }
    }

    /// Returns true for calls, overflow calls and excluded functions included. If they are removed,
    /// their time is their caller's.
    pub(crate) fn is_call(&self) -> bool {
        !self.is_group() && !matches!(self, NodeKind::Forked { .. })
    }

    /// Label of rows for time that belongs to no function.
    pub(crate) fn label(&self) -> Option<Label> {
        let name: &[u8] = match self {
            NodeKind::Overflow => b"<overflow>",
            NodeKind::Excluded => b"<excluded>",
            _ => return None,
        };
        Some(Label {
            file: (*b"~").into(),
            line: 0,
            name: name.into(),
        })
    }
}
