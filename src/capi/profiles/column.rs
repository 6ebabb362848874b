//! Columns: arrays of figures that cross the boundary in one call for all nodes.

use std::ffi::c_void;
use std::ptr;

use edbprof_column_id::*;

/// Column of `edbprof_data_column`: its figures, and the type of its items. Numbers never change.
/// Columns below 100 have an item for each node of the call tree, and those from 100 for each
/// function. From 200 they have an item for each process, from 300 for each thread, and from 400,
/// in a comparison, for each function of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(
    missing_docs,
    reason = "the names say it, and cbindgen copies comments to C"
)]
pub enum edbprof_column_id {
    /// uint32_t: the caller's node, which comes before; UINT32_MAX for none.
    EDBPROF_NODE_PARENT = 0,
    /// uint32_t: the function.
    EDBPROF_NODE_FUNCTION = 1,
    /// uint64_t: number of calls.
    EDBPROF_NODE_CALLS = 2,
    /// uint64_t: number of times that generators and coroutines continued.
    EDBPROF_NODE_RESUMES = 3,
    /// uint64_t: nanoseconds, with callees.
    EDBPROF_NODE_TOTAL_NS = 4,
    /// uint64_t: nanoseconds, without callees.
    EDBPROF_NODE_SELF_NS = 5,
    /// uint64_t: part of the self time in which the thread waited for data, a lock or a time.
    EDBPROF_NODE_BLOCKED_NS = 6,
    /// uint64_t: part of the self time in which the thread waited for the interpreter's lock.
    EDBPROF_NODE_GIL_NS = 7,
    /// uint64_t: part of the self time in which the thread could run but had no processor.
    EDBPROF_NODE_PREEMPTED_NS = 8,
    /// uint64_t: nanoseconds in which coroutines were suspended, beside their time.
    EDBPROF_NODE_AWAITING_NS = 9,
    /// uint8_t: 1 if the place in the tree is an estimate, because there was no call tree.
    EDBPROF_NODE_ESTIMATED = 10,
    /// uint32_t: all nodes by their callers, in the order of these; roots come last.
    EDBPROF_NODE_CHILDREN = 11,
    /// uint32_t: the end of the node's callees in `EDBPROF_NODE_CHILDREN`. They begin where those
    /// of the node before end, or at 0.
    EDBPROF_NODE_CHILDREN_END = 12,
    /// Text: the name, as recorded.
    EDBPROF_FUNCTION_NAME = 100,
    /// Text: the name with those of classes and functions around it; else as reports show it.
    EDBPROF_FUNCTION_QUALIFIED_NAME = 101,
    /// Text: the module, empty if unknown.
    EDBPROF_FUNCTION_MODULE = 102,
    /// Text: the file, `~` for what is not written in Python.
    EDBPROF_FUNCTION_FILE = 103,
    /// int64_t: the first line, 0 if there is none.
    EDBPROF_FUNCTION_LINE = 104,
    /// uint64_t: a hash that names the function in all reports of all runs.
    EDBPROF_FUNCTION_ID = 105,
    /// uint8_t: 0 for a Python function, 1 for one of C, 2 for a native span, 3 for anything else:
    /// a process, a thread, overflow calls.
    EDBPROF_FUNCTION_KIND = 106,
    /// int64_t: number of calls.
    EDBPROF_FUNCTION_CALLS = 107,
    /// int64_t: number of calls while no other call of the same function was open.
    EDBPROF_FUNCTION_PRIMITIVE_CALLS = 108,
    /// int64_t: nanoseconds, without callees.
    EDBPROF_FUNCTION_SELF_NS = 109,
    /// int64_t: nanoseconds of primitive calls, with callees.
    EDBPROF_FUNCTION_TOTAL_NS = 110,
    /// uint64_t: like that of nodes.
    EDBPROF_FUNCTION_BLOCKED_NS = 111,
    /// uint64_t: like that of nodes.
    EDBPROF_FUNCTION_GIL_NS = 112,
    /// uint64_t: like that of nodes.
    EDBPROF_FUNCTION_PREEMPTED_NS = 113,
    /// uint8_t: 1 if the function was called; 0 if it is only known as a caller.
    EDBPROF_FUNCTION_IS_CALLED = 114,
    /// uint32_t: process id.
    EDBPROF_PROCESS_PID = 200,
    /// uint32_t: process id of the parent.
    EDBPROF_PROCESS_PARENT_PID = 201,
    /// Text: the command line, with a NUL byte after each argument.
    EDBPROF_PROCESS_ARGV = 202,
    /// Text: the host program, such as `CPython 3.11.7`.
    EDBPROF_PROCESS_HOST = 203,
    /// uint64_t: beginning of the recording, nanoseconds since 1970.
    EDBPROF_PROCESS_START_UNIX_NS = 204,
    /// uint64_t: duration of the recording, nanoseconds.
    EDBPROF_PROCESS_DURATION_NS = 205,
    /// uint64_t: processor time of the process, nanoseconds; 0 if unknown.
    EDBPROF_PROCESS_PROCESSOR_NS = 206,
    /// uint8_t: 0 for running when it was saved, 1 for finished, 2 for killed.
    EDBPROF_PROCESS_ENDING = 207,
    /// Text: the name; in a merged file that of several, with `#` for digits.
    EDBPROF_THREAD_NAME = 300,
    /// uint32_t: index of its process; UINT32_MAX in a merged file, which does not have it.
    EDBPROF_THREAD_PROCESS = 301,
    /// uint32_t: number of threads that recorded under that name, one after the other; 0 if
    /// unknown.
    EDBPROF_THREAD_THREADS = 302,
    /// uint64_t: time of the calls that no other made, nanoseconds.
    EDBPROF_THREAD_TOTAL_NS = 303,
    /// Text: like that of functions.
    EDBPROF_CHANGE_NAME = 400,
    /// Text: like that of functions.
    EDBPROF_CHANGE_QUALIFIED_NAME = 401,
    /// Text: like that of functions.
    EDBPROF_CHANGE_MODULE = 402,
    /// Text: like that of functions.
    EDBPROF_CHANGE_FILE = 403,
    /// int64_t: like that of functions.
    EDBPROF_CHANGE_LINE = 404,
    /// uint64_t: like that of functions.
    EDBPROF_CHANGE_ID = 405,
    /// double: number of calls.
    EDBPROF_CHANGE_CALLS_BEFORE = 406,
    /// double: number of calls.
    EDBPROF_CHANGE_CALLS_AFTER = 407,
    /// double: nanoseconds, without callees.
    EDBPROF_CHANGE_SELF_NS_BEFORE = 408,
    /// double: nanoseconds, without callees.
    EDBPROF_CHANGE_SELF_NS_AFTER = 409,
    /// double: nanoseconds of primitive calls, with callees.
    EDBPROF_CHANGE_TOTAL_NS_BEFORE = 410,
    /// double: nanoseconds of primitive calls, with callees.
    EDBPROF_CHANGE_TOTAL_NS_AFTER = 411,
    /// double: part of the change of self time that comes from more or fewer calls.
    EDBPROF_CHANGE_BY_CALLS_NS = 412,
    /// double: part of the change of self time that comes from longer or shorter calls.
    EDBPROF_CHANGE_BY_TIME_NS = 413,
}

impl edbprof_column_id {
    const ALL: [edbprof_column_id; 54] = [
        EDBPROF_NODE_PARENT,
        EDBPROF_NODE_FUNCTION,
        EDBPROF_NODE_CALLS,
        EDBPROF_NODE_RESUMES,
        EDBPROF_NODE_TOTAL_NS,
        EDBPROF_NODE_SELF_NS,
        EDBPROF_NODE_BLOCKED_NS,
        EDBPROF_NODE_GIL_NS,
        EDBPROF_NODE_PREEMPTED_NS,
        EDBPROF_NODE_AWAITING_NS,
        EDBPROF_NODE_ESTIMATED,
        EDBPROF_NODE_CHILDREN,
        EDBPROF_NODE_CHILDREN_END,
        EDBPROF_FUNCTION_NAME,
        EDBPROF_FUNCTION_QUALIFIED_NAME,
        EDBPROF_FUNCTION_MODULE,
        EDBPROF_FUNCTION_FILE,
        EDBPROF_FUNCTION_LINE,
        EDBPROF_FUNCTION_ID,
        EDBPROF_FUNCTION_KIND,
        EDBPROF_FUNCTION_CALLS,
        EDBPROF_FUNCTION_PRIMITIVE_CALLS,
        EDBPROF_FUNCTION_SELF_NS,
        EDBPROF_FUNCTION_TOTAL_NS,
        EDBPROF_FUNCTION_BLOCKED_NS,
        EDBPROF_FUNCTION_GIL_NS,
        EDBPROF_FUNCTION_PREEMPTED_NS,
        EDBPROF_FUNCTION_IS_CALLED,
        EDBPROF_PROCESS_PID,
        EDBPROF_PROCESS_PARENT_PID,
        EDBPROF_PROCESS_ARGV,
        EDBPROF_PROCESS_HOST,
        EDBPROF_PROCESS_START_UNIX_NS,
        EDBPROF_PROCESS_DURATION_NS,
        EDBPROF_PROCESS_PROCESSOR_NS,
        EDBPROF_PROCESS_ENDING,
        EDBPROF_THREAD_NAME,
        EDBPROF_THREAD_PROCESS,
        EDBPROF_THREAD_THREADS,
        EDBPROF_THREAD_TOTAL_NS,
        EDBPROF_CHANGE_NAME,
        EDBPROF_CHANGE_QUALIFIED_NAME,
        EDBPROF_CHANGE_MODULE,
        EDBPROF_CHANGE_FILE,
        EDBPROF_CHANGE_LINE,
        EDBPROF_CHANGE_ID,
        EDBPROF_CHANGE_CALLS_BEFORE,
        EDBPROF_CHANGE_CALLS_AFTER,
        EDBPROF_CHANGE_SELF_NS_BEFORE,
        EDBPROF_CHANGE_SELF_NS_AFTER,
        EDBPROF_CHANGE_TOTAL_NS_BEFORE,
        EDBPROF_CHANGE_TOTAL_NS_AFTER,
        EDBPROF_CHANGE_BY_CALLS_NS,
        EDBPROF_CHANGE_BY_TIME_NS,
    ];

    /// Returns the column with that number.
    pub(super) fn numbered(number: u32) -> Option<edbprof_column_id> {
        edbprof_column_id::ALL
            .into_iter()
            .find(|id| *id as u32 == number)
    }
}

/// A column, which lives as long as its profile or comparison.
#[derive(Debug)]
#[repr(C)]
pub struct edbprof_column {
    /// The items; for text, all bytes of all items.
    pub data: *const c_void,
    /// Number of items.
    pub len: usize,
    /// Size of an item, bytes; 0 for text.
    pub item_size: usize,
    /// For text, the end of each item in `data`; NULL otherwise.
    pub ends: *const u64,
}

impl edbprof_column {
    pub(super) const NONE: edbprof_column = edbprof_column {
        data: ptr::null(),
        len: 0,
        item_size: 0,
        ends: ptr::null(),
    };

    /// Returns the column of `items`.
    pub(super) fn of<T>(items: &[T]) -> edbprof_column {
        edbprof_column {
            data: items.as_ptr().cast(),
            len: items.len(),
            item_size: size_of::<T>(),
            ends: ptr::null(),
        }
    }
}

/// Texts, one after the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u64);
    }

    pub(super) fn column(&self) -> edbprof_column {
        edbprof_column {
            data: self.bytes.as_ptr().cast(),
            len: self.ends.len(),
            item_size: 0,
            ends: self.ends.as_ptr(),
        }
    }
}

impl<'t, T: AsRef<[u8]> + ?Sized + 't> FromIterator<&'t T> for Texts {
    fn from_iter<I: IntoIterator<Item = &'t T>>(texts: I) -> Texts {
        let mut all = Texts::default();
        for text in texts {
            all.push(text.as_ref());
        }
        all
    }
}

/// A column that was computed.
#[derive(Debug)]
pub(super) enum Column {
    Bytes(Vec<u8>),
    Indices(Vec<u32>),
    Counts(Vec<u64>),
    Signed(Vec<i64>),
    Means(Vec<f64>),
    Texts(Texts),
}

impl Column {
    pub(super) fn as_c(&self) -> edbprof_column {
        match self {
            Column::Bytes(items) => edbprof_column::of(items),
            Column::Indices(items) => edbprof_column::of(items),
            Column::Counts(items) => edbprof_column::of(items),
            Column::Signed(items) => edbprof_column::of(items),
            Column::Means(items) => edbprof_column::of(items),
            Column::Texts(texts) => texts.column(),
        }
    }
}
