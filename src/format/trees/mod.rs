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

mod reader;
mod writer;

pub(super) use reader::{check, read_id, read_key};
pub(super) use writer::write;
