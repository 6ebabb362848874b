//! Nodes that are no calls: what stands for a process, or for a thread, at the root of
//! the calls that it made.
//!
//! They are there where a merge was asked to keep processes or threads apart. Their calls
//! and self time are zero, their total is that of the calls above them.

use super::{Function, FunctionKind, Label};

/// Flag of [`Function::flags`]: no function, but what stands for a process at the root of
/// its calls.
pub const PROCESS_GROUP: u32 = 8;
/// Flag of [`Function::flags`]: no function, but what stands for a thread. Its nodes stand
/// on those of a process.
pub const THREAD_GROUP: u32 = 16;

impl Function {
    /// What stands for a process or a thread, as `flag` says, that is called `name`.
    /// `identity` tells it from others of that name.
    pub(crate) fn group(flag: u32, name: &str, identity: &str) -> Function {
        Function {
            kind: FunctionKind::Native,
            flags: flag,
            label: Label {
                file: (*b"~").into(),
                line: 0,
                name: name.as_bytes().into(),
            },
            qualified_name: Box::default(),
            module: identity.as_bytes().into(),
            generic: None,
        }
    }

    /// Whether it stands for a process or a thread and is no function.
    pub fn is_group(&self) -> bool {
        self.flags & (PROCESS_GROUP | THREAD_GROUP) != 0
    }
}
