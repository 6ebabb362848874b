//! The call tree as a value. Recorders pass it to writers, readers return it, and all reports are
//! computed from it.
//!
//! Nothing here knows of files, clocks or processes that run.

#![deny(unsafe_code)]
#![cfg_attr(
    not(feature = "report"),
    allow(dead_code, reason = "some of it serves reports only")
)]

mod awaiting;
pub(crate) mod builder;
mod calibration;
mod callers;
mod choice;
mod counts;
pub(crate) mod forked;
mod function;
mod function_id;
pub mod generics;
mod label;
mod labels;
pub mod native_name;
mod node_kind;
mod nodes;
mod occurrence;
mod overflow;
mod overhead;
mod pattern;
mod process;
mod rows;
mod rows_of;
pub(crate) mod thread_name;
pub mod timeline;
mod trees;
mod unfinished;
mod waiting;
pub(crate) mod walk;

pub use awaiting::{Awaiting, LongRun, MOST_RUNS, NodeAwaits};
pub use calibration::{Calibration, CallKind, Cost};
pub use callers::Callers;
pub use choice::{Choice, MINE};
pub use counts::Counts;
pub use function::{
    Function, FunctionKind, GENERIC_DISPATCH, GENERIC_WRAPPER, PROPERTY, SLOWNESS, SLOWNESS_ONE,
    SLOWNESS_STEP,
};
pub use function_id::function_id;
pub use generics::{DispatchCounts, dispatch_counts};
pub use label::{Label, LabelId};
pub(crate) use labels::FileHash;
pub use labels::{LabelRef, Labels};
pub use node_kind::NodeKind;
pub use nodes::{MAX_NODES, NO_PARENT, NodeRow, Nodes};
pub use occurrence::{ANY_THREAD, Occurrence};
pub use overflow::OverflowCalls;
pub use pattern::Pattern;
pub use process::{Ending, Process, ProcessIdentity};
pub use rows::{Row, Rows};
pub use rows_of::rows_of;
pub use trees::{RecordingId, ThreadTree, Trees};
pub use unfinished::UnfinishedCalls;
pub use waiting::{NodeWaits, Waiting};
