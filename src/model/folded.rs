//! Calls that found no room in the tree.
//!
//! A recording has room for so many nodes. Calls in further contexts are folded: they
//! count under their functions alone, whoever called them. Where they were made, a
//! node of [`Function::folded_calls`] stands in the tree for all of them together, as
//! long as they took, with no calls: so widths stay true and no self time has theirs.

use super::{Function, FunctionKind, Label};

/// Flag of [`Function::flags`]: no function, but what stands for folded calls.
pub const FOLDED_CALLS: u32 = 4;

/// What is known of the folded calls of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoldedFunction {
    /// Index into the function table.
    pub function: u32,
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

impl Function {
    /// What is shown where there is no function, called `name`.
    pub(crate) fn stand_in(name: &[u8]) -> Function {
        Function {
            kind: FunctionKind::Native,
            flags: 0,
            label: Label {
                file: (*b"~").into(),
                line: 0,
                name: name.into(),
            },
            qualified_name: Box::default(),
            module: Box::default(),
            generic: None,
        }
    }

    /// What stands for folded calls in the tree.
    pub fn folded_calls() -> Function {
        Function {
            flags: FOLDED_CALLS,
            ..Function::stand_in(b"<folded calls>")
        }
    }

    /// Whether it stands for folded calls and is no function.
    pub fn is_folded_calls(&self) -> bool {
        self.flags & FOLDED_CALLS != 0
    }
}
