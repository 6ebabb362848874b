//! The call history of threads: every event with its time, in blocks, each of which can be read
//! alone.
//!
//! Two files have such blocks. While a process records, its *history file*
//! `<name>.prof.timeline.live` is mapped into its memory, beside the live file `<name>.prof.live`
//! that has the nodes and functions. A *timeline file*, `<name>.prof.timeline` or
//! the `.timeline` of a whole run, has the blocks of any number of processes, each with its own
//! nodes and functions. All integers are little-endian.
//!
//! A block in a history file is [`BLOCK`] bytes long; in a timeline file it ends with its last
//! word that counts. It begins with 64 bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | number of the block in its process, counted from 1 in the order in which blocks were begun; 0 in a history file means that the block is not in use. Stored last |
//! | 8 | 8 | tick at which it begins: that of the event before, at least 1 |
//! | 16 | 4 | index of the node that was innermost then: its path to the root are the open calls |
//! | 20 | 4 | index of the root of the thread's tree |
//! | 24 | 4 | number of the thread in its process, counted from 1 |
//! | 28 | 4 | number of words at the beginning that enter counters of overflow calls that were open then, the outermost first |
//! | 32 | 4 | in a timeline file the number of words that follow; 0 in a history file |
//! | 40 | 8 | XXH3-64 of the words' bytes; in a history file 0 until the thread has left the block |
//! | 48 | 8 | XXH3-64 of the bytes before; in a history file of the first 40 |
//!
//! The bytes in between and behind are zeros.
//!
//! Words of 8 bytes follow; in a history file a word of 0 ends them. The low half of a word is the
//! number of ticks since the event before it, or since the block's beginning. The high half says
//! what happened:
//!
//! | high half | event |
//! |---|---|
//! | 1 to 2^31 - 1 | a call begins: index of its node, a child of the innermost open one; or of a counter of overflow calls |
//! | 2^31 + 1 to 2^32 - 257 | the same, less 2^31: a generator or coroutine continues |
//! | 2^32 - 1 | the innermost call returns |
//! | 2^32 - 2 | it ends with an exception |
//! | 2^32 - 3 | it is suspended: a generator or coroutine yields or awaits |
//! | 2^32 - 4 | all open calls end that are not on the path of a node. The next word is the node's index |
//! | 2^32 - 5 | the thread continues with the open calls of another greenlet: those on the path of a node. The next word is the node's index |
//! | 2^32 - 6 | no event: the next word is a number of ticks that pass, for gaps of 2^32 ticks or more |
//! | 2^32 - 10 | no event: the next word is a number of ticks that pass and that the recorder took for itself. They are in no call's time |
//! | 2^32 - 11 | no event: the next word is a number that tells the coroutine which starts or continues by the next event from all others that have not ended |
//! | 2^32 - 12 | no event: the innermost call calls a class, which has no node |
//! | 2^32 - 13, 2^32 - 14, 2^32 - 15, 2^32 - 16 | a mark, a counter's new value, the beginning or the end of an asynchronous span. The next word is the index of the function with its name; the one after it is 0, the bits of the float, or the number that the span has among those of its name |
//! | 2^32 - 7, 2^32 - 8, 2^32 - 9 | no event: the thread was blocked, waited for the interpreter's lock, or was preempted between the event before and the next one. The next word is for how many nanoseconds |
//!
//! A history file begins with [`HISTORY_HEADER`] bytes, which the blocks follow:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | [`HISTORY_MAGIC`]. Stored last |
//! | 8 | 4 | version: 1 |
//! | 12 | 4 | 0 if the oldest blocks are given up when the file is full, 1 if the first ones are kept |
//! | 16 | 16 | the recording's random id |
//! | 32 | 8 | number of blocks that the file has |
//! | 40 | 8 | first tick for which the blocks have every event: 1 until a block is given up |
//! | 48 | 8 | tick from which on there was no room; 0 if there was |
//! | 56 | 8 | index of the latest block that was given up, plus 1: it may be filled with zeros just now |
//! | 64 | | zeros |
//!
//! A timeline file begins with 64 bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | [`MAGIC`]. This and the next ones are stored last |
//! | 8 | 4 | version: 1 |
//! | 16 | 8 | offset of the directory |
//! | 24 | 8 | offset of its end |
//! | 32 | 8 | XXH3-64 of the bytes before |
//! | 40 | 24 | zeros |
//!
//! For each process follow its blocks, then its nodes, 8 bytes each: u32 index of the caller's node
//! as in [`live`](super::live), u32 index of its function, or 2^32 - 1 in a root and in a node
//! whose function is hidden. Calls that a hidden function makes are its caller's. The directory has
//! an entry for each process: u64 length of a marshal dict, its XXH3-64, and the dict. The
//! directory is the last part of the file.
//!
//! | key | value |
//! |---|---|
//! | `process` | the process's dict, as in [`trees`](super::trees) |
//! | `recording` | bytes, 16: the recording's random id |
//! | `rate` | int: nanoseconds in a tick, times 2^40 |
//! | `zero_monotonic_ns` | int: the system's monotonic clock at tick 0; 0 where ticks are not real time |
//! | `zero_unix_ns` | int: the wall clock at tick 0, nanoseconds since the Unix epoch |
//! | `end` | int: tick of the process's end, or of its latest event |
//! | `complete_from`, `complete_to` | int: first tick for which the history has every event, and the tick from which on there was no room for it, or 2^64 - 1 |
//! | `suspended_ns` | int: nanoseconds for which the system was suspended meanwhile |
//! | `blocks_at`, `blocks` | int: offset of the first block, number of blocks |
//! | `nodes_at`, `nodes` | int: offset of the first node, number of nodes |
//! | `nodes_checksum` | int: XXH3-64 of the nodes' bytes |
//! | `functions` | list of functions, as in [`trees`](super::trees) |
//! | `threads` | list of tuples (int, text, int): index of a tree's root, name of its threads; in the tree of a forked child's thread that had forked, the number of nodes behind the root that are calls of the parent's, each below the one before it, plus 1; else 0 |
//!
//! Ticks are those of the process's recording, with the time that the recorder took for itself.
//! They include the ticks that a thread in [`live`](super::live) leaves out, so all threads have
//! one time axis. The second of two words is stored before the first, and each event by one store,
//! so a killed process leaves whole events.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

pub(crate) mod checksum;
mod damage;
mod process;
mod reader;
mod recorded;
mod source;
pub(crate) mod word;
mod writer;

pub use damage::FileDamage;
pub use process::{
    Block, NO_FUNCTION, TimelineClock, TimelineNode, TimelineProcess, TimelineThread,
};
pub use reader::{TimelineError, read};
pub use recorded::read_recorded;
pub use source::{Source, TimelineFile};
pub use word::{Events, encode};
pub use writer::TimelineWriter;

/// Suffix of a history file, after the name of the `.prof` file beside it.
pub const HISTORY_SUFFIX: &str = ".timeline.live";
/// The path of the timeline file beside a `.prof` file.
pub fn beside(prof: &Path) -> PathBuf {
    let mut path = prof.as_os_str().to_owned();
    path.push(SUFFIX);
    path.into()
}

/// Returns true if `path` has the name of a timeline file.
pub fn is_called_so(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(SUFFIX.as_bytes())
}

/// The path of the live file beside a history file; none if `history` has no such name.
pub fn live_beside(history: &Path) -> Option<PathBuf> {
    let path = history.as_os_str().as_bytes();
    let prof = path.strip_suffix(HISTORY_SUFFIX.as_bytes())?;
    let live = [prof, super::live::SUFFIX.as_bytes()].concat();
    Some(OsString::from_vec(live).into())
}

/// The path of the history file beside a live file; none if `live` has no such name.
pub fn history_beside(live: &Path) -> Option<PathBuf> {
    let path = live.as_os_str().as_bytes();
    let path = path.strip_suffix(super::live::SUFFIX.as_bytes())?;
    let path = [path, HISTORY_SUFFIX.as_bytes()].concat();
    Some(OsString::from_vec(path).into())
}

/// Suffix of a timeline file, after the name of the `.prof` file beside it.
pub const SUFFIX: &str = ".timeline";
/// First bytes of a history file. Stored last.
pub const HISTORY_MAGIC: [u8; 8] = *b"edbhist\0";
/// First bytes of a timeline file.
pub const MAGIC: [u8; 8] = *b"edbtime\0";
/// The version of both formats. Files of later versions are refused.
pub const VERSION: u32 = 1;

/// Returns true if `head` begins a file of either kind.
pub fn is_timeline(head: &[u8]) -> bool {
    head.starts_with(&MAGIC) || head.starts_with(&HISTORY_MAGIC)
}

/// Bytes of a block in a history file: whole pages of any system.
pub(crate) const BLOCK: usize = 64 << 10;
/// Bytes before the first block of a history file, so that blocks begin at a multiple of theirs.
pub(crate) const HISTORY_HEADER: usize = BLOCK;
/// Bytes before the words of a block.
pub(crate) const BLOCK_HEADER: usize = 64;
/// Bytes before the first block of a timeline file.
pub(crate) const HEADER: usize = 64;

/// Offsets in a timeline file's header.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 8;
    pub(crate) const DIRECTORY: usize = 16;
    pub(crate) const DIRECTORY_END: usize = 24;
    pub(crate) const CHECKSUM: usize = 32;
}

/// Offsets in a block.
pub(crate) mod block {
    pub(crate) const NUMBER: usize = 0;
    pub(crate) const START: usize = 8;
    pub(crate) const NODE: usize = 16;
    pub(crate) const ROOT: usize = 20;
    pub(crate) const THREAD: usize = 24;
    pub(crate) const OVERFLOW: usize = 28;
    pub(crate) const WORDS: usize = 32;
    pub(crate) const CHECKSUM: usize = 40;
    pub(crate) const HEADER_CHECKSUM: usize = 48;
}

/// Offsets in the header of a history file.
pub(crate) mod history {
    pub(crate) const VERSION: usize = 8;
    pub(crate) const KEEP: usize = 12;
    pub(crate) const ID: usize = 16;
    pub(crate) const BLOCKS: usize = 32;
    pub(crate) const COMPLETE_FROM: usize = 40;
    pub(crate) const COMPLETE_TO: usize = 48;
    pub(crate) const GIVEN_UP: usize = 56;
}
