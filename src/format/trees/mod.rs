//! The exact call trees: the value that a recorder hands to the writer of a
//! `.prof` file and that a reader gets back.
//!
//! On disk they are keys of the second marshal object of a `.prof` file (see
//! [`prof`](super::prof)). A `text` is a str, or bytes where no str encodes to it.
//!
//! | key | value |
//! |---|---|
//! | `recordings` | list of bytes, 16 each: the recordings' random names |
//! | `processes` | list of dicts, see below |
//! | `functions` | list of tuples (kind, flags, file, line, name, qualified name, module, generic): int, int, text, int, text, text, text, None or (text, int, text) |
//! | `threads` | list of dicts, see below |
//! | `selection` | only where not all of the recordings is in here: text, the options that chose what is |
//! | `thread_names` | only in aggregates: list of texts, the names of threads with `#` for digits |
//! | `ran_function`, `ran_thread`, `ran_processes` | only in aggregates: bytes, u32 a row: index into `functions`; index into `thread_names`, or 2^32 - 1 for threads of any name; in how many processes that function ran there |
//!
//! What is missing in the dicts below is zero or empty, but `pid` and `process` must be
//! there.
//!
//! A process:
//!
//! | key | value |
//! |---|---|
//! | `pid`, `parent_pid` | int below 2^32 |
//! | `process_start` | int below 2^64: clock ticks since the boot (field 22 of `/proc/<pid>/stat`) |
//! | `boot_id` | bytes, 16 |
//! | `pid_namespace` | int below 2^64: inode |
//! | `program` | int below 2^64: random number that the recordings of one program in one process have in common |
//! | `argv` | list of texts |
//! | `host`, `hook`, `clock` | text |
//! | `clock_resolution_ns` | float |
//! | `start_unix_ns`, `duration_ns` | int below 2^64, nanoseconds |
//! | `ending` | int: 0 running, 1 finished, 2 killed |
//! | `dropped_calls` | int below 2^64 |
//! | `calibration_ps` | only where it was measured: tuple of twelve ints below 2^32, picoseconds that recording adds: to the callee and to the caller at a Python call, at a C call, at a resume, at a Python call without a call instruction, at one of `__init__` that makes an object; to the caller at the call of a class. The last is millionths of Python functions' self time, which a slowed interpreter adds. Earlier files have the first six to eleven |
//!
//! A thread, its columns of little-endian integers being equally long:
//!
//! | key | value |
//! |---|---|
//! | `process` | int: index into `processes`; 0 in an aggregate |
//! | `name` | text |
//! | `parent` | bytes, u32 a node: index of the caller's node, which is lower, or 2^32 - 1 |
//! | `function` | bytes, u32 a node: index into `functions` |
//! | `calls`, `resumes` | bytes, u64 a node |
//! | `total` | bytes, u64 a node: inclusive nanoseconds, as they were measured |
//! | `class_calls` | only in a recorder's file, and only where there are some and their cost is known: bytes, u32 a node: calls of classes, and of other objects that no node stands for, that were made there; 2^32 - 1 for that many or more |
//! | `overhead_ps` | only in aggregates, and only where a process was calibrated: bytes, u64 a node: picoseconds of its self time that recording added. In other files it follows from the process's calibration |
//! | `folded_function` | bytes, u32 a folded function: index into `functions`; this and the next three only where there are some |
//! | `folded_calls`, `folded_resumes` | bytes, u64 a folded function |
//! | `folded_self` | bytes, u64 a folded function: nanoseconds |
//!
//! Folded are the calls that found no room in the tree: see [`FoldedFunction`]. Nodes of
//! functions with the flags [`PROCESS_GROUP`] and [`THREAD_GROUP`] stand for processes and
//! threads.

use std::borrow::Cow;

use super::process::ProcessIdentity;

mod calibration;
mod folded;
mod group;
mod ran_in;
mod reader;
mod writer;

pub use calibration::{CALIBRATION_NUMBERS, Calibration, Cost, FIRST_CALIBRATION_NUMBERS};
pub use folded::{FOLDED_CALLS, FoldedFunction};
pub use group::{PROCESS_GROUP, THREAD_GROUP};
pub use ran_in::{ANY_THREAD, RanIn};
pub(super) use reader::{check, read_id, read_key};
pub(super) use writer::write;

/// The random 128-bit name of one recording.
pub type RecordingId = [u8; 16];

/// The most nodes one tree may have, so that its widest column, eight bytes a
/// node, still is a bytes object that marshal can hold.
pub const MAX_NODES: usize = i32::MAX as usize / 8;

/// The parent of a node that was called from nowhere inside the recording.
pub const NO_PARENT: u32 = u32::MAX;

/// What a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FunctionKind {
    /// A Python code object.
    Python = 0,
    /// A function of the interpreter or of an extension, written in C.
    Builtin = 1,
    /// A span that native code entered by itself.
    Native = 2,
}

/// Flag of [`Function::flags`]: a wrapper that `functools.singledispatch` or
/// `singledispatchmethod` made; calls pass through it to an implementation.
pub const GENERIC_WRAPPER: u32 = 1;
/// Flag of [`Function::flags`]: the `dispatch` function beside such a wrapper.
pub const GENERIC_DISPATCH: u32 = 2;
/// Flag of [`Function::flags`], in recorders' files alone: the first call that was seen came of
/// loading an attribute, without a call instruction.
pub const PROPERTY: u32 = 32;

/// The name that pstats knows a function by, and the key of its rows.
///
/// File and name are bytes: UTF-8 with lone surrogates kept as in Python's
/// `surrogatepass`, so every Python string goes through unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// `co_filename`, or `~` for builtins.
    pub file: Box<[u8]>,
    /// `co_firstlineno`, or 0 for builtins.
    pub line: i64,
    /// `co_name`, or `<built-in method builtins.len>` and the like.
    pub name: Box<[u8]>,
}

/// One code object, builtin or native span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// What it is.
    pub kind: FunctionKind,
    /// [`GENERIC_WRAPPER`] and the like; unknown bits are kept.
    pub flags: u32,
    /// Its pstats label.
    pub label: Label,
    /// `co_qualname` where the interpreter has it, else empty.
    pub qualified_name: Box<[u8]>,
    /// The module it was defined in where known, else empty.
    pub module: Box<[u8]>,
    /// For a [`GENERIC_WRAPPER`] that `patch_functools()` has told apart: the
    /// label of the generic function that it wraps.
    pub generic: Option<Label>,
}

/// A call tree as columns, a node being one index into all of them.
///
/// A parent comes before its children, so parents can't form a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Index of the caller's node, or [`NO_PARENT`].
    pub parent: Vec<u32>,
    /// Index into the function table.
    pub function: Vec<u32>,
    /// Starts of the function in this node.
    pub calls: Vec<u64>,
    /// Re-entries of a generator or coroutine.
    pub resumes: Vec<u64>,
    /// Inclusive time, nanoseconds.
    pub total: Vec<u64>,
}

impl Nodes {
    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.parent.is_empty()
    }

    /// Adds a node and returns its index.
    pub(crate) fn push(
        &mut self,
        parent: u32,
        function: u32,
        calls: u64,
        resumes: u64,
        total: u64,
    ) -> u32 {
        let index = self.parent.len() as u32;
        self.parent.push(parent);
        self.function.push(function);
        self.calls.push(calls);
        self.resumes.push(resumes);
        self.total.push(total);
        index
    }

    /// Makes self times that stand in the column of totals into totals.
    pub(crate) fn add_up(&mut self) {
        for node in (0..self.total.len()).rev() {
            let total = self.total.get(node).copied().unwrap_or(0);
            let parent = self.parent.get(node).copied().unwrap_or(NO_PARENT);
            if let Some(above) = self.total.get_mut(parent as usize) {
                *above = above.saturating_add(total);
            }
        }
    }

    /// Makes every total at least the sum of its children's. It is but for nodes
    /// that were being written while they were read.
    pub(crate) fn widen_parents(&mut self) {
        let mut below = vec![0_u64; self.total.len()];
        for node in (0..self.total.len()).rev() {
            let (Some(total), Some(&least)) = (self.total.get_mut(node), below.get(node)) else {
                continue;
            };
            *total = least.max(*total);
            let total = *total;
            let parent = self.parent.get(node).copied().unwrap_or(NO_PARENT);
            if let Some(sum) = below.get_mut(parent as usize) {
                *sum = sum.saturating_add(total);
            }
        }
    }

    /// Every node's self time, nanoseconds: its total less its children's. Where
    /// a snapshot of a running process has children above their parent, 0.
    pub fn self_times(&self) -> Vec<u64> {
        let mut times = self.total.clone();
        for (&parent, &total) in self.parent.iter().zip(&self.total) {
            if let Some(time) = times.get_mut(parent as usize) {
                *time = time.saturating_sub(total);
            }
        }
        times
    }
}

/// One thread's call tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadTree {
    /// Index into [`Trees::processes`]; meaningless in an aggregate, where one
    /// tree stands for all threads of all processes.
    pub process: u32,
    /// The thread's name as the host knows it, for example `MainThread`.
    pub name: Box<[u8]>,
    /// The tree.
    pub nodes: Nodes,
    /// In a recorder's file how often each node called a class, or another object that no
    /// node stands for; empty for never.
    pub class_calls: Vec<u32>,
    /// In an aggregate what recording added to each node's self time, picoseconds;
    /// empty for nothing. Empty in a recorder's file: [`Trees::overhead_ps`] computes it.
    pub overhead_ps: Vec<u64>,
    /// The calls that found no room in it, by function.
    pub folded: Vec<FoldedFunction>,
}

impl ThreadTree {
    /// Counts calls of classes that `node` made, or nobody for [`NO_PARENT`].
    pub(crate) fn add_class_calls(&mut self, node: u32, calls: u32) {
        if calls > 0 && node != NO_PARENT {
            self.class_calls.resize(self.nodes.len(), 0);
        }
        if let Some(sum) = self.class_calls.get_mut(node as usize) {
            *sum = sum.saturating_add(calls);
        }
    }

    /// Sees to what holds of a whole tree, once all nodes of a recording have been read.
    pub(crate) fn complete(&mut self) {
        self.nodes.widen_parents();
        if !self.class_calls.is_empty() {
            self.class_calls.resize(self.nodes.len(), 0);
        }
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.folded.is_empty()
    }
}

/// How a recording ended, as far as the file can know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ending {
    /// Saved while the process went on; it may have recorded more since.
    #[default]
    Running = 0,
    /// Saved at the process's regular exit, or closed by the program.
    Finished = 1,
    /// Read from the live file of a process that is gone.
    Killed = 2,
}

/// What is known of one recorded process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Which process.
    pub identity: ProcessIdentity,
    /// Its parent's process id.
    pub parent_pid: u32,
    /// Its command line, one element an argument.
    pub argv: Box<[Box<[u8]>]>,
    /// The host program, for example `CPython 3.11.7`.
    pub host: Box<[u8]>,
    /// How events reached the recorder, for example `setprofile`.
    pub hook: Box<[u8]>,
    /// The clock that stamped the events: `tsc`, `monotonic`, `cpu` or `host`.
    pub clock: Box<[u8]>,
    /// Smallest step of that clock, nanoseconds.
    pub clock_resolution_ns: f64,
    /// When recording began, nanoseconds since the Unix epoch.
    pub start_unix_ns: u64,
    /// From then to the moment of saving, nanoseconds.
    pub duration_ns: u64,
    /// How it ended.
    pub ending: Ending,
    /// Calls that found no memory for a node and are in no tree.
    pub dropped_calls: u64,
    /// What recording cost in it, where that was measured.
    pub calibration: Option<Calibration>,
}

/// Everything exact that one `.prof` file holds: the second object in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trees {
    /// Names of the recordings in here: one in a recorder's file, all of them in
    /// an aggregate, where they are sorted.
    pub recordings: Vec<RecordingId>,
    /// The processes.
    pub processes: Vec<Process>,
    /// The function table that all trees index.
    pub functions: Vec<Function>,
    /// One call tree a thread; in an aggregate one for everything.
    pub threads: Vec<ThreadTree>,
    /// The options that chose what of the recordings is in here; empty where all of it is.
    pub selection: Box<str>,
    /// In an aggregate the names that threads had, sorted, with `#` for digits.
    pub thread_names: Vec<Box<[u8]>>,
    /// In an aggregate where functions ran, sorted. Empty in a recorder's file, where the
    /// trees say it.
    pub ran_in: Vec<RanIn>,
}

impl Trees {
    /// What recording added to the self time of each node of `thread`, one of these,
    /// picoseconds; empty where nothing is known.
    pub(crate) fn overhead_ps<'t>(&self, thread: &'t ThreadTree) -> Cow<'t, [u64]> {
        let process = self.processes.get(thread.process as usize);
        // The trees of several processes are one, and no longer any process's. Where calls
        // were put into groups or taken out, it can't be told from what is left.
        let as_recorded = self.recordings.len() == 1
            && self.selection.is_empty()
            && !self.functions.iter().any(Function::is_group);
        match process.and_then(|process| process.calibration) {
            Some(calibration) if thread.overhead_ps.is_empty() && as_recorded => {
                Cow::Owned(calibration.overhead(&self.functions, thread))
            }
            _ => Cow::Borrowed(&thread.overhead_ps),
        }
    }
}
