//! Shows the single calls of a function: their distribution, and the slowest beside a usual one.

mod damage;
mod histogram;
mod json;
mod missing;
mod text;
mod tree;

use std::io;

use crate::analysis::timeline::axis::Axis;
use crate::analysis::timeline::call_tree::{Path, compare};
use crate::analysis::timeline::missing::Missing;
use crate::analysis::timeline::replay::{Ending, threads};
use crate::analysis::timeline::{calls::Calls, single::SingleCall};
use crate::format::timeline::TimelineProcess;
use crate::report::display::{function_name, printable};
use crate::report::paths::PathShortener;

pub use damage::damage_text;
pub use json::json;
pub use missing::missing_text;
pub use text::text;

/// Single calls, with the processes that made them.
#[derive(Debug)]
pub struct CallsReport<'c> {
    /// Pattern of the function, as it was given.
    pub pattern: &'c str,
    /// The processes.
    pub processes: &'c [TimelineProcess],
    /// Their axis.
    pub axis: &'c Axis,
    /// The calls.
    pub calls: &'c Calls,
    /// Number of recorded calls, including those that the history lacks; `None` if only the history
    /// is known.
    pub recorded: Option<u64>,
    /// Number of slowest calls that are left out.
    pub left_out: usize,
    /// Options that choose a window; empty for all of the time.
    pub window: &'c str,
    /// Parts that the history lacks.
    pub missing: Missing,
}

impl CallsReport<'_> {
    /// Name of the function, or the pattern if it matches several.
    fn name(&self) -> String {
        match &self.calls.functions[..] {
            [function] => function_name(function),
            _ => printable(self.pattern.as_bytes()),
        }
    }

    /// Number of calls that were recorded.
    fn recorded(&self) -> u64 {
        let in_history = self.calls.durations.calls();
        self.recorded.unwrap_or(in_history).max(in_history)
    }

    /// The paths of a call and of the median one.
    fn beside_median(&self, call: &SingleCall) -> io::Result<Vec<Path>> {
        let median = self.calls.median.as_ref();
        compare(
            self.processes,
            self.calls,
            [Some(call), median.filter(|median| *median != call)],
        )
    }

    /// Pid of a call's process, and name of its thread.
    fn place(&self, call: &SingleCall) -> (u32, String) {
        let Some(process) = self.processes.get(call.process) else {
            return (0, String::new());
        };
        let threads = threads(process);
        let root = threads.get(call.thread).map_or(0, |thread| thread.root);
        let name = printable(process.thread_name(root));
        (process.process.identity.pid, name)
    }

    fn paths(&self) -> PathShortener {
        let functions = self.processes.iter().flat_map(|of| &of.functions);
        PathShortener::new(functions.map(|function| &function.label))
    }
}

/// The word for how a call ended.
fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Returned => "returned",
        Ending::Raised => "raised",
        Ending::Suspended => "suspended",
        Ending::WithCaller => "ended with its caller",
        Ending::Open => "open",
        Ending::Cut => "cut",
    }
}
