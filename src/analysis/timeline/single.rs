//! One call of a function.

use super::replay::{Beginning, Ending};
use crate::model::Waiting;

/// A time in which one thread ran a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Index among the process's threads that have a history.
    pub thread: usize,
    /// The call's node, an index into the process's.
    pub node: u32,
    /// Tick at which it begins.
    pub began: u64,
    /// Tick at which it ends.
    pub ended: u64,
}

/// One call, or a step of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleCall {
    /// Index of its process.
    pub process: usize,
    /// Index among the process's threads that have a history: the first that ran it.
    pub thread: usize,
    /// Its node, an index into the process's: the first of several.
    pub node: u32,
    /// Tick at which it begins.
    pub began: u64,
    /// Tick at which it ends.
    pub ended: u64,
    /// Nanoseconds since the run's start at which it begins.
    pub start_ns: u64,
    /// Its duration without what the recorder took, nanoseconds; for a coroutine with the time in
    /// which it was suspended.
    pub duration_ns: u64,
    /// The part of it in which it was not suspended, nanoseconds.
    pub running_ns: u64,
    /// Time in it in which its thread used no processor.
    pub waiting: Waiting,
    /// Its beginning: of a call that was open before the history, the duration is of its part in it.
    pub beginning: Beginning,
    /// Its end.
    pub ending: Ending,
    /// For a coroutine, the first of its steps and the one behind the last; else equal numbers.
    pub(super) steps: (usize, usize),
}

impl SingleCall {
    /// Number of the steps of a coroutine; 0 for other calls.
    pub fn steps(&self) -> usize {
        self.steps.1 - self.steps.0
    }

    /// Nanoseconds in which a coroutine was suspended.
    pub fn awaiting_ns(&self) -> u64 {
        self.duration_ns.saturating_sub(self.running_ns)
    }
}
