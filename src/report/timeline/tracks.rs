//! Names and numbers of what a timeline shows: processes, threads and functions.

use std::collections::HashSet;
use std::io;

use crate::analysis::display_tree::forked_text;
use crate::analysis::timeline::axis::Axis;
use crate::analysis::timeline::replay::{Beginning, Ending as CallEnding, ThreadHistory, threads};
use crate::analysis::timeline::slices::{Sink, Window, slices};
use crate::format::timeline::TimelineProcess;
use crate::model::timeline::WaitKind;
use crate::model::{Ending, Function, FunctionKind};
use crate::report::display::{function_name, printable};
use crate::report::header::command;
use crate::report::paths::{CodeOrigin, PathShortener, origin};

/// First number for processes without one of their own. Process ids are lower on every Linux.
const SUBSTITUTE: u32 = 1 << 22;

/// All that a timeline shows.
#[derive(Debug)]
pub struct Tracks<'t> {
    /// The processes, the earliest first.
    pub processes: Vec<ProcessTrack<'t>>,
    /// The axis of time, which knows the processes by their places in the list.
    pub axis: Axis,
}

/// A process.
#[derive(Debug)]
pub struct ProcessTrack<'t> {
    /// Its history.
    pub of: &'t TimelineProcess,
    /// Its process id, or another number if an earlier process has that.
    pub pid: u32,
    /// Its command line, and how it ended if it did not end itself.
    pub name: String,
    /// Its functions. In a forked child, the slice that its thread is in follows.
    pub functions: Vec<ShownFunction>,
    /// Its threads that have a history.
    pub threads: Vec<ThreadTrack>,
    /// Its place in the list of processes.
    index: usize,
}

/// A thread.
#[derive(Debug)]
pub struct ThreadTrack {
    /// Its number in the process, from 1 on.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its blocks.
    pub history: ThreadHistory,
}

/// A function by the names that the tree has for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShownFunction {
    /// Its name.
    pub name: String,
    /// Its file in the short form; empty for builtins.
    pub file: String,
    /// Its line; 0 if it is unknown.
    pub line: u32,
    /// Its kind.
    pub kind: FunctionKind,
}

impl ShownFunction {
    /// `file:line`, without a line that is unknown, or nothing.
    pub fn place(&self) -> String {
        match self.line {
            _ if self.file.is_empty() => String::new(),
            0 => self.file.clone(),
            line => format!("{}:{line}", self.file),
        }
    }

    /// Word for its kind.
    pub fn category(&self) -> &'static str {
        match self.kind {
            FunctionKind::Python => "python",
            FunctionKind::Builtin => "builtin",
            FunctionKind::Native => "span",
        }
    }
}

impl ProcessTrack<'_> {
    /// Returns true if spans get a track of their own beside the calls of their thread. In a
    /// program that has spans only, they are the calls.
    pub fn has_spans(&self) -> bool {
        let is_span = |function: &ShownFunction| function.kind == FunctionKind::Native;
        self.functions.iter().any(is_span) && !self.functions.iter().all(is_span)
    }

    /// Returns true for a function whose calls are on the track of spans.
    pub fn is_span(&self, function: u32) -> bool {
        let function = self.functions.get(function as usize);
        function.is_some_and(|function| function.kind == FunctionKind::Native)
    }
}

impl<'t> Tracks<'t> {
    /// Names all that `processes` have.
    pub fn new(processes: &'t [TimelineProcess]) -> Tracks<'t> {
        let labels = processes.iter().flat_map(|of| &of.functions);
        let paths = PathShortener::new(labels.map(|function| &function.label));
        let mut pids = HashSet::new();
        let mut substitute = SUBSTITUTE;
        let track = |(index, of): (usize, &'t TimelineProcess)| {
            let own = of.process.identity.pid;
            let is_own = pids.insert(own);
            let pid = match is_own {
                true => own,
                false => {
                    substitute += 1;
                    substitute
                }
            };
            let mut name = command(&of.process);
            if !is_own {
                name.push_str(&format!(" (process {own})"));
            }
            if of.process.ending == Ending::Killed {
                name.push_str(" (ended without exit handlers)");
            }
            ProcessTrack {
                of,
                pid,
                name,
                functions: of
                    .functions
                    .iter()
                    .map(|at| shown(at, &paths))
                    .chain(of.forked_in().map(|path| forked(&path)))
                    .collect(),
                threads: thread_tracks(of),
                index,
            }
        };
        Tracks {
            processes: processes.iter().enumerate().map(track).collect(),
            axis: Axis::new(processes),
        }
    }

    /// Passes the slices of a thread within a window to `sink`.
    ///
    /// # Errors
    /// Those of reading, and of the sink.
    pub fn replay(
        &self,
        process: &ProcessTrack<'_>,
        thread: &ThreadTrack,
        window: &Window,
        sink: &mut impl Sink,
    ) -> io::Result<()> {
        let time = |tick| self.axis.ns(process.index, tick);
        slices(process.of, &thread.history, time, window, sink)
    }

    /// Returns the beginning and the end of a process on the axis, nanoseconds.
    pub fn life(&self, process: &ProcessTrack<'_>) -> (u64, u64) {
        let first = process.of.blocks.iter().map(|block| block.start).min();
        let ns = |tick| self.axis.ns(process.index, tick);
        (ns(first.unwrap_or_default()), ns(process.of.end))
    }
}

fn thread_tracks(of: &TimelineProcess) -> Vec<ThreadTrack> {
    let tracks = threads(of).into_iter().map(|history| ThreadTrack {
        number: history.thread,
        name: match of.thread_name(history.root) {
            b"" => format!("thread {}", history.thread),
            name => printable(name),
        },
        history,
    });
    tracks.collect()
}

fn shown(function: &Function, paths: &PathShortener) -> ShownFunction {
    let is_builtin = origin(&function.label) == CodeOrigin::Builtin;
    ShownFunction {
        name: function_name(function),
        file: match is_builtin {
            true => String::new(),
            false => paths.short(&function.label.file),
        },
        line: u32::try_from(function.label.line).unwrap_or_default(),
        kind: function.kind,
    }
}

/// Word for a kind of waiting.
pub fn wait_name(kind: WaitKind) -> &'static str {
    match kind {
        WaitKind::Blocked => "blocked",
        WaitKind::Gil => "waiting for the GIL",
        WaitKind::Preempted => "preempted",
    }
}

/// The slice that is named after the calls in which a child was forked.
fn forked(path: &[u8]) -> ShownFunction {
    ShownFunction {
        name: printable(forked_text(path).as_bytes()),
        file: String::new(),
        line: 0,
        kind: FunctionKind::Python,
    }
}

/// The word for a slice that does not begin with its call.
pub fn beginning_mark(beginning: Beginning) -> Option<&'static str> {
    match beginning {
        Beginning::Called => None,
        Beginning::Resumed | Beginning::Continued => Some("resumed"),
        Beginning::Before | Beginning::Inherited => Some("open before"),
        Beginning::Cut => Some("cut"),
    }
}

/// The word for a slice that does not end with a return.
pub fn ending_mark(ending: CallEnding) -> Option<&'static str> {
    match ending {
        CallEnding::Returned => None,
        CallEnding::Raised => Some("raised"),
        CallEnding::Suspended => Some("suspended"),
        CallEnding::WithCaller => Some("with its caller"),
        CallEnding::Open => Some("open"),
        CallEnding::Cut => Some("cut"),
    }
}
