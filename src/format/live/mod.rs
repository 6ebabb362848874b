//! The live file, `<name>.prof.live`: what a process records, mapped into its memory.
//!
//! After any end of the process, the file has everything up to the last store, because its pages
//! belong to the kernel. Integers are little-endian; offsets count from the file's beginning. The
//! first 4096 bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | [`MAGIC`] |
//! | 8 | 4 | version: 2 |
//! | 12 | 4 | process id |
//! | 16 | 4 | parent's process id |
//! | 20 | 4 | clock: 0 `tsc`, 1 `monotonic`, 2 `cpu`, 3 `host` |
//! | 24 | 16 | the recording's random id |
//! | 40 | 16 | boot id, zeros where unknown |
//! | 56 | 8 | inode of the pid namespace, 0 where unknown |
//! | 64 | 8 | start of the process, clock ticks since the boot (field 22 of `/proc/<pid>/stat`) |
//! | 72 | 8 | when recording began, nanoseconds since the Unix epoch |
//! | 80 | 8 | the clock's reading at tick 0 |
//! | 88 | 8 | tick at which recording began |
//! | 96 | 8 | time stamp counter when the recording was made |
//! | 104 | 8 | monotonic clock at the same time, nanoseconds |
//! | 112 | 8 | nanoseconds in a tick, times 2^40: measured now and then |
//! | 120 | 8 | the clock's smallest step, nanoseconds, f64; 0 where it is a tick |
//! | 128 | 4 | 1 once the recording was saved for the last time; 2 if its `.prof` has all that is in the file, which could not be removed; 3 if that `.prof` could not be written, so that this file is the result |
//! | 132 | 4 | number of forked children that could neither make a file nor save what they recorded; not in version 1 |
//! | 136 | 8 | the clock's reading when the end of the process was noticed, 0 where nobody has; not in version 1 |
//! | 144 | 8 | calls that the process had in its memory alone when it ended, because the file could not grow; not in version 1 |
//! | 152 | 8 | processor time of the process when its end was noticed, nanoseconds; 0 where nobody knows; not in version 1 |
//! | 160 | 8 | time that the system had been suspended since the boot, at the same time, nanoseconds |
//! | 168 | 8 | random number of the program that the process was running, 0 where unknown |
//! | 176 | 4 | how many numbers follow, up to 14 (19 in version 1): costs of recording, as in [`trees`](super::trees). Stored last |
//! | 180 | 56 | u32 each: what a call of a class costs; millionths of slowed time; then of a Python call, a C call, a resume, an implicit call, a call of `__init__` the callee's part and the caller's. Zeros where not measured |
//! | 236 | 4 | waits that were divided by the numbers of switches, because the system does not say for how long a thread was ready to run; not in version 1 |
//! | 240 | 8 | processor time of the process when recording began, nanoseconds; 0 where waiting is not recorded; not in version 1 |
//! | 252 | 4 | times that threads of C code entered the interpreter unnoticed; not in version 1 |
//! | 256 | 3840 | directory: up to 240 segments, the first with a length of 0 ends it |
//!
//! A segment of the directory:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | where it begins |
//! | 8 | 8 | its length; 1 more for a log, 2 for records of waiting, 3 of awaiting, 4 of suspended coroutines, 5 of long runs. Stored last |
//!
//! *Log segments* hold records, each padded to 8 bytes; a length of 0 ends a segment:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | length of what follows the first 8 bytes. Stored last |
//! | 4 | 4 | kind of record |
//! | 8 | | for 1, facts: texts host and hook, u32 number of arguments, texts; text, the choice of functions, if not all are recorded |
//! | 8 | | for 2, a function, numbered in order: u32 kind (0 Python, 1 builtin, 2 native), u32 flags, u32 hidden, u32 whether generic, i64 line, texts file, name, qualified name, module; of the generic: i64 line, texts file, name |
//! | 8 | | for 3, a thread: u32 index of its root node, text name; the latest record holds. In the thread of a forked child that had forked, u32 number of nodes behind the root that are calls of the parent's, each below the one before it, plus 1 |
//!
//! A text is a u32 length and bytes. *Node segments*, one after the other, are one array of nodes
//! of 64 bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | key: 0 in roots and in what is no node yet. Stored last |
//! | 8 | 4 | index of the caller's node, which is lower; a root is its own; 2^31 and the index of the root in a counter of overflow calls |
//! | 12 | 4 | number of the function; in a root that of the threads that have recorded there besides the first; in a counter that is to be ignored 2^32 - 1 |
//! | 16 | 8 | calls; in a root the tick of its thread's latest event |
//! | 24 | 8 | resumes; in a root its thread's dropped calls |
//! | 32 | 8 | in a root the ticks by which its thread's clock is behind, as they went to the recorder; else inclusive ticks, in a counter self ticks, signed: negative while open, then short of the latest tick |
//! | 40 | 12 | the recorder's own |
//! | 52 | 4 | calls of classes, which have no node; the recorder's own where their cost is not known |
//! | 56 | 8 | ticks of the overflow calls that were made here, signed as those |
//!
//! *Segments of waiting* hold a record of 32 bytes for each node that waited. A record of node 0
//! ends a segment, because node 0 is a root:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | index of the node. Stored last |
//! | 8 | 8 | nanoseconds of its self time in which its thread was blocked |
//! | 16 | 8 | the same for the interpreter's lock |
//! | 24 | 8 | the same for time in which the thread could have run and had no processor |
//!
//! *Segments of awaiting* hold a record of 24 bytes for each node in which a coroutine ran; a record
//! of node 0 ends a segment:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | index of the node. Stored last |
//! | 8 | 8 | ticks in which coroutines that had run in it were suspended |
//! | 16 | 8 | ticks of the longest time in which one ran without being suspended |
//!
//! *Segments of suspended coroutines* hold a record of 24 bytes for each that is suspended, between
//! others that are free:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | number of the coroutine, 0 in a free record. Stored last |
//! | 8 | 4 | index of the node in which it last ran |
//! | 12 | 4 | number of the function |
//! | 16 | 8 | tick since which it is suspended, on the axis that all threads have in common, which includes the recorder's time |
//!
//! *Segments of long runs* hold a record of 24 bytes for each of the longest runs of tasks:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | index of the node of the coroutine that took most of it |
//! | 8 | 8 | when it began, nanoseconds since the Unix epoch |
//! | 16 | 8 | ticks that it took, 0 in what is no record. Stored last |
//!
//! *Overflow calls* are those for which there was no room. They count in one counter for each
//! function of a thread.
//!
//! Version 1 has the costs elsewhere: twelve u32, six at 132 and six at 176, the pairs of
//! each kind of call and then the other two. The first files have only six of them.
//!
//! If you change this format, increase [`VERSION`], keep reading earlier versions, and add
//! golden files of the new one (`tests/golden/make_edbprof.py`). The nodes are the recorder's
//! own struct, which the compiler compares with `at::node`.
//!
//! The recorder removes hidden functions when it saves, and the reader does so too. Calls that a
//! hidden function makes become its caller's.

pub(crate) mod assemble;
mod end;
mod log;
mod open;
mod open_waits;
mod reader;
mod tables;

pub use end::{EndTime, note_end, note_exit};
pub use open::{OpenCall, OpenStack, open_stacks};
pub use reader::{Facts, Now, facts, read};
pub(crate) use tables::{Tables, tables};

/// Suffix of live files, after the name of the `.prof` file that they come before.
pub const SUFFIX: &str = ".live";
/// First bytes of the file. Stored last.
pub const MAGIC: [u8; 8] = *b"edblive\0";

/// The version of the format: files of later ones are refused.
pub const VERSION: u32 = 2;
/// Value of [`at::SAVED`] in a file that is the result.
pub(crate) const IS_RESULT: u32 = 3;
/// Value of [`at::SAVED`] in a file that could not be removed, and that readers must ignore.
pub(crate) const SUPERSEDED: u32 = 2;
/// Bytes before the first segment.
pub(crate) const HEADER: usize = 4096;
pub(crate) const NODE: usize = 64;
/// Flag in the index of a node's caller: the node is a counter of overflow calls, and no child.
pub(crate) const COUNTER: u32 = 1 << 31;
/// Function of a counter for hidden functions.
pub(crate) const NO_FUNCTION: u32 = u32::MAX;
/// Bits of a segment's length that say what it holds: 0 for nodes.
pub(crate) const CONTENT: u64 = 7;
/// A segment's content: a log.
pub(crate) const LOG: u64 = 1;
/// A segment's content: records of waiting.
pub(crate) const WAITS: u64 = 2;
/// A segment's content: records of awaiting.
pub(crate) const AWAITS: u64 = 3;
/// A segment's content: records of suspended coroutines.
pub(crate) const SUSPENDED: u64 = 4;
/// A segment's content: records of long runs.
pub(crate) const RUNS: u64 = 5;
/// Bytes of a record of waiting.
pub(crate) const WAIT: usize = 32;
/// Bytes of a record of awaiting.
pub(crate) const AWAIT: usize = 24;
/// Bytes of a record of a suspended coroutine.
pub(crate) const SUSPENSION: usize = 24;
/// Bytes of a record of a long run.
pub(crate) const RUN: usize = 24;

/// Offsets of the header's fields.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 8;
    pub(crate) const PID: usize = 12;
    pub(crate) const PARENT_PID: usize = 16;
    pub(crate) const CLOCK: usize = 20;
    pub(crate) const ID: usize = 24;
    pub(crate) const BOOT_ID: usize = 40;
    pub(crate) const PID_NAMESPACE: usize = 56;
    pub(crate) const PROCESS_START: usize = 64;
    pub(crate) const START_UNIX_NS: usize = 72;
    pub(crate) const EPOCH: usize = 80;
    pub(crate) const BEGIN: usize = 88;
    pub(crate) const MOMENT_TSC: usize = 96;
    pub(crate) const MOMENT_NS: usize = 104;
    pub(crate) const RATE: usize = 112;
    pub(crate) const RESOLUTION: usize = 120;
    pub(crate) const SAVED: usize = 128;
    /// Not in version 1.
    pub(crate) const UNSAVED_CHILDREN: usize = 132;
    /// Not in version 1.
    pub(crate) const ENDED: usize = 136;
    /// Not in version 1.
    pub(crate) const UNSAVED_CALLS: usize = 144;
    /// Not in version 1.
    pub(crate) const PROCESSOR_NS: usize = 152;
    pub(crate) const MOMENT_SUSPENDED: usize = 160;
    pub(crate) const PROGRAM: usize = 168;
    /// In version 1.
    pub(crate) const COSTS_1: usize = 132;
    pub(crate) const MORE_COSTS_1: usize = 176;
    pub(crate) const COST_COUNT: usize = 176;
    pub(crate) const COSTS: usize = 180;
    /// Not in version 1.
    pub(crate) const ESTIMATED_WAITS: usize = 236;
    /// Not in version 1.
    pub(crate) const PROCESSOR_BEFORE_NS: usize = 240;
    /// Not in version 1.
    pub(crate) const UNNOTICED_ENTRIES: usize = 252;
    pub(crate) const DIRECTORY: usize = 256;

    /// Offsets in a record of waiting.
    pub(crate) mod wait {
        pub(crate) const NODE: usize = 0;
        pub(crate) const BLOCKED: usize = 8;
        pub(crate) const GIL: usize = 16;
        pub(crate) const PREEMPTED: usize = 24;
    }

    /// Offsets in a record of awaiting.
    pub(crate) mod awaits {
        pub(crate) const NODE: usize = 0;
        pub(crate) const AWAITING: usize = 8;
        pub(crate) const LONGEST_RUN: usize = 16;
    }

    /// Offsets in a record of a suspended coroutine.
    pub(crate) mod suspension {
        pub(crate) const COROUTINE: usize = 0;
        pub(crate) const NODE: usize = 8;
        pub(crate) const SINCE: usize = 16;
    }

    /// Offsets in a record of a long run.
    pub(crate) mod run {
        pub(crate) const NODE: usize = 0;
        pub(crate) const START: usize = 8;
        pub(crate) const TICKS: usize = 16;
    }

    /// Offsets of a node's fields.
    pub(crate) mod node {
        pub(crate) const KEY: usize = 0;
        pub(crate) const PARENT: usize = 8;
        pub(crate) const FUNCTION: usize = 12;
        pub(crate) const CALLS: usize = 16;
        pub(crate) const RESUMES: usize = 24;
        pub(crate) const TOTAL: usize = 32;
        pub(crate) const CLASS_CALLS: usize = 52;
        pub(crate) const OVERFLOW: usize = 56;
    }
}

/// Numbers that there is room for behind [`at::COSTS`].
pub(crate) const MOST_COSTS: usize = (at::ESTIMATED_WAITS - at::COSTS) / 4;

/// Segments that the directory has room for.
pub(crate) const SEGMENTS: usize = (HEADER - at::DIRECTORY) / 16;

/// Kinds of records in a log.
pub(crate) mod record {
    pub(crate) const FACTS: u32 = 1;
    pub(crate) const FUNCTION: u32 = 2;
    pub(crate) const THREAD: u32 = 3;
}

/// Names of the clocks by their numbers in the header.
pub(crate) const CLOCKS: [&str; 4] = ["tsc", "monotonic", "cpu", "host"];
