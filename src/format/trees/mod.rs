//! Call trees in the second marshal object of a `.prof` file (see [`prof`](super::prof)).
//!
//! They are these keys of its dict. A `text` is a str, or bytes where no str encodes to it.
//!
//! | key | value |
//! |---|---|
//! | `recordings` | list of bytes, 16 each: the recordings' random ids |
//! | `processes` | list of dicts, see below |
//! | `functions` | list of tuples (kind, flags, file, line, name, qualified name, module, generic): int, int, text, int, text, text, text, None or (text, int, text). Kinds are 0 Python, 1 builtin, 2 native; flags 1 dispatch wrapper, 2 `dispatch`, 32 called first by loading an attribute, 256 to 65,280 the slowness in steps of a 64th, 0 if unknown |
//! | `kinds` | only if some of `functions` are stand-ins: list as long as `functions`, see below |
//! | `threads` | list of dicts, see below |
//! | `selection` | only if a part of the recordings was chosen: text, the options that chose it |
//! | `thread_names` | only in aggregates: list of texts, the names of threads with `#` for digits |
//! | `occurrence_function`, `occurrence_thread`, `occurrence_processes` | only in aggregates: bytes, u32 a row: index into `functions`; index into `thread_names`, or 2^32 - 1 for threads of any name; in how many processes that function ran in such threads |
//!
//! A process is a dict. A key that is missing means zero or empty, but `pid` must be there:
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
//! | `chosen` | only where not all functions were recorded: text, the options of `edbprof run` that choose them |
//! | `clock_resolution_ns` | float |
//! | `start_unix_ns`, `duration_ns`, `processor_ns` | int below 2^64, nanoseconds |
//! | `ending` | int: 0 running, 1 finished, 2 killed |
//! | `dropped_calls` | int below 2^64 |
//! | `unsaved_children` | only where there are some: int below 2^32, forked children that could neither make a live file nor save what they recorded |
//! | `waiting` | only where waiting was recorded: int 1 |
//! | `estimated_waits` | only where there are some: int below 2^32, waits that were divided by the numbers of switches |
//! | `unnoticed_entries` | only where there are some: int below 2^32, times that threads of C code entered the interpreter unnoticed |
//! | `lost_spans` | only where there are some: int below 2^32, native spans that began in threads in which nothing recorded |
//! | `calibration` | only where it was measured: dict of what recording adds, picoseconds, each value below 2^32. `python_call`, `c_call`, `resume`, `implicit_call` (a Python function that no call instruction calls) and `init_call` (`__init__` where an object is made) are tuples: the callee's part, the caller's. `class_call`, an int, is all its caller's. `slowed_ppm`, an int, is no cost but the millionths of the self time of Python functions of slowness 1, calls apart, that a slowed interpreter adds. What is missing was not measured |
//! | `recording_ns` | only where it is known: int below 2^64, processor time that recording took, its start and end included |
//!
//! A thread is a dict, too; `process` must be there. Its columns are little-endian integers;
//! those of nodes are equally long, and so are those of overflow calls:
//!
//! | key | value |
//! |---|---|
//! | `process` | int: index into `processes`; 0 in an aggregate |
//! | `name` | text |
//! | `threads` | only if it is not 1: int, number of threads that have recorded in the tree, one after the other; `name` is what their names have in common |
//! | `parent` | bytes, u32 a node: index of the caller's node, which is lower, or 2^32 - 1 |
//! | `function` | bytes, u32 a node: index into `functions` |
//! | `calls`, `resumes` | bytes, u64 a node |
//! | `total` | bytes, u64 a node: inclusive nanoseconds, as they were measured |
//! | `class_calls` | only in a recorder's file, and only where there are some and their cost is known: bytes, u32 a node: calls of classes, and of other objects that no node stands for, that were made there; 2^32 - 1 for that many or more |
//! | `overhead_ps` | only in aggregates, and only where a process was calibrated: bytes, u64 a node: picoseconds of its self time that recording added. In other files it follows from the process's calibration |
//! | `overflow_function` | bytes, u32 a function: index into `functions`; this and the next three only where there are some |
//! | `overflow_calls`, `overflow_resumes` | bytes, u64 a function |
//! | `overflow_self` | bytes, u64 a function: nanoseconds |
//! | `unfinished_function` | bytes, u32 a function: index into `functions`; this and the next two only where there are some |
//! | `unfinished_calls` | bytes, u64 a function: calls that were open when their process was killed and whose end is unknown, so that times of the function are lower bounds |
//! | `unfinished_innermost` | bytes, u64 a function: those of them without an open call below them, so that the self time is a lower bound, too |
//! | `waiting_node` | bytes, u32 a node that waited: its index; this and the next three only where there are some |
//! | `waiting_blocked`, `waiting_gil`, `waiting_preempted` | bytes, u64 a node that waited: nanoseconds of its self time in which its thread was blocked, had to wait for the interpreter's lock, or could have run and had no processor |
//! | `awaiting_node` | bytes, u32 a node that coroutines ran in: its index; this and the next five only where there are some |
//! | `awaiting`, `awaiting_longest_run` | bytes, u64 such a node: nanoseconds in which coroutines that had run in it were suspended, beside its total and inclusive like it; and nanoseconds of the longest time in which one of them ran without being suspended |
//! | `run_node` | bytes, u32 a run, the longest ten runs of tasks between two suspensions: index of the node of the coroutine that took most of it |
//! | `run_start_unix_ns`, `run_duration` | bytes, u64 a run, nanoseconds |
//!
//! A node may be something other than a function ([`NodeKind`]). `functions` has a placeholder for
//! it, a native function without file and line, so that every index has a name. `kinds` has the
//! kind of the placeholder:
//!
//! | value | calls of |
//! |---|---|
//! | None | a function, which is no stand-in |
//! | (`'overflow'`,) | all functions whose calls by the parent overflowed ([`OverflowCalls`](crate::model::OverflowCalls)) |
//! | (`'excluded'`,) | excluded functions that have no caller |
//! | (`'process'`, int) | a process, at the root: index into `processes` |
//! | (`'merged processes'`,) | processes that were merged without `--by` |
//! | (`'thread'`, text, int) | threads of that name, so many, at the root or on a process |
//! | (`'merged threads'`,) | threads that were merged without `--by=thread` |
//! | (`'forked'`, text) | the thread of a forked child that had forked, at the root or on a process or thread; the text names the calls that were open at the fork. Calls right below it without `calls` and `resumes` began in the parent: their time is the child's since the fork, or since the call that they had made ended |
//!
//! Version 1 differs in this:
//!
//! | key | difference |
//! |---|---|
//! | `functions` | stand-ins have flags: 4 overflow calls, 8 a process, 16 threads; their names are their facts as text |
//! | `kinds` | is missing |
//! | `threads` of a thread | is missing; the number is at the end of the name |
//! | `overflow_function` | `folded_function`, and the other three `folded_calls`, `folded_resumes`, `folded_self` |
//! | `occurrence_function` | `ran_function`, and the other two `ran_thread`, `ran_processes` |
//! | `calibration` | `calibration_ps`: tuple of six to twelve ints, the pairs of each kind of call, then `class_call` and `slowed_ppm` |
//! | `plain` / `inputs` | hashes by another function: see `content_hash/version1.rs` |

mod awaiting;
mod fields;
mod function;
mod kind;
mod process;
mod thread;
mod version1;
mod waiting;

pub(super) use fields::{read_id, read_number, read_text, write_number};
pub(super) use function::{read as read_function, write as write_function};
pub(super) use kind::number_functions;
pub(super) use process::{read as read_process, write as write_process};
pub(super) use version1::upgrade;

use fields::{read_into, write_column, write_text, write_texts};

use super::marshal::{Reader, Writer};
use super::read_error::ReadError;
use crate::model::{ANY_THREAD, NodeKind, Occurrence, Trees};

/// Reads the value of `key`, if it is one of the trees' keys; else returns false
/// and leaves the value to the caller.
pub(super) fn read_key(
    reader: &mut Reader<'_>,
    key: &[u8],
    trees: &mut Trees,
) -> Result<bool, ReadError> {
    let number = u32::from_le_bytes;
    let rows = &mut trees.occurrences;
    match key {
        b"recordings" => trees.recordings = reader.list(read_id)?,
        b"processes" => trees.processes = reader.list(process::read)?,
        b"functions" => trees.functions = reader.list(function::read)?,
        b"kinds" => trees.kinds = reader.list(kind::read)?,
        b"threads" => trees.threads = reader.list(thread::read)?,
        b"selection" => trees.selection = String::from_utf8_lossy(reader.string()?).into(),
        b"thread_names" => trees.thread_names = reader.list(read_text)?,
        b"occurrence_function" | b"ran_function" => {
            read_into(reader, rows, number, |row, value| row.kind = value)?;
        }
        b"occurrence_thread" | b"ran_thread" => {
            read_into(reader, rows, number, |row, value| row.thread = value)?
        }
        b"occurrence_processes" | b"ran_processes" => {
            read_into(reader, rows, number, |row, value| row.processes = value)?
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Writes the keys of `trees` into the dict that `writer` is in.
pub(super) fn write<'a>(writer: &mut Writer<'a>, trees: &'a Trees) {
    writer.text(b"recordings");
    writer.list(trees.recordings.len());
    trees.recordings.iter().for_each(|id| writer.bytes(id));
    writer.text(b"processes");
    writer.list(trees.processes.len());
    trees
        .processes
        .iter()
        .for_each(|of| process::write(writer, of));
    write_functions(writer, trees);
    writer.text(b"threads");
    writer.list(trees.threads.len());
    trees
        .threads
        .iter()
        .for_each(|of| thread::write(writer, of));
    if !trees.selection.is_empty() {
        write_text(writer, b"selection", trees.selection.as_bytes());
    }
    if !trees.occurrences.is_empty() {
        write_texts(writer, b"thread_names", &trees.thread_names);
        write_occurrences(writer, &trees.occurrences);
    }
}

/// Writes one tuple for each kind of node, and the kinds where some are no functions.
fn write_functions<'a>(writer: &mut Writer<'a>, trees: &'a Trees) {
    writer.text(b"functions");
    writer.list(trees.kinds.len());
    for kind in &trees.kinds {
        let function = match *kind {
            NodeKind::Function(index) => trees.functions.get(index as usize),
            _ => None,
        };
        match function {
            Some(function) => function::write(writer, function),
            None => kind::write_stand_in(writer, kind),
        }
    }
    let is_function = |kind: &NodeKind| matches!(kind, NodeKind::Function(_));
    if !trees.kinds.iter().all(is_function) {
        writer.text(b"kinds");
        writer.list(trees.kinds.len());
        trees.kinds.iter().for_each(|of| kind::write(writer, of));
    }
}

fn write_occurrences<'a>(writer: &mut Writer<'a>, rows: &'a [Occurrence]) {
    let kinds = rows.iter().map(|of| of.kind.to_le_bytes());
    let threads = rows.iter().map(|of| of.thread.to_le_bytes());
    let processes = rows.iter().map(|of| of.processes.to_le_bytes());
    write_column(writer, b"occurrence_function", kinds);
    write_column(writer, b"occurrence_thread", threads);
    write_column(writer, b"occurrence_processes", processes);
}

/// Makes the checks for which all keys must have been read. Afterwards, indices can be used
/// unchecked: columns are equally long, parents come before their children, indices exist.
pub(super) fn check(trees: &Trees, offset: usize) -> Result<(), ReadError> {
    if trees.recordings.is_empty() && !trees.threads.is_empty() {
        // Readers could not know if they were counted already.
        return Err(ReadError::invalid(offset, "call trees of no recording"));
    }
    let is_nothing = |kind: &NodeKind| match *kind {
        NodeKind::Function(function) => function as usize >= trees.functions.len(),
        NodeKind::Process(process) => process as usize >= trees.processes.len(),
        _ => false,
    };
    if trees.kinds.iter().any(is_nothing) {
        return Err(ReadError::invalid(
            offset,
            "a kind of node that is not there",
        ));
    }
    let kinds = trees.kinds.len();
    let occurs_nowhere = |of: &Occurrence| {
        of.kind as usize >= kinds
            || of.thread != ANY_THREAD && of.thread as usize >= trees.thread_names.len()
    };
    if trees.occurrences.iter().any(occurs_nowhere) {
        return Err(ReadError::invalid(offset, "an occurrence of nothing"));
    }
    for thread in &trees.threads {
        if thread.process as usize >= trees.processes.len() {
            return Err(ReadError::invalid(offset, "a thread of no process"));
        }
        let overflow = thread.overflow.iter().map(|overflow| &overflow.kind);
        let unfinished = thread.unfinished.iter().map(|calls| &calls.kind);
        let nodes = thread.nodes.kinds().iter();
        let mut used = nodes.chain(overflow).chain(unfinished);
        if used.any(|&kind| kind as usize >= kinds) {
            return Err(ReadError::invalid(offset, "a call of no function"));
        }
    }
    Ok(())
}
