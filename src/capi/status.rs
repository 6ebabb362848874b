//! What functions return.

use std::io;

use crate::recorder::recording::Recording;
use crate::recorder::save::errno;
use crate::recorder::thread::Outcome;

/// What became of a call. The numbers never change and are never used again:
/// 1-9 the host's mistakes, 10-19 what became of an event, 20-29 of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[repr(i32)]
pub enum edbprof_status {
    /// Done.
    EDBPROF_OK = 0,
    /// A pointer that must not be NULL is.
    EDBPROF_NULL_POINTER = 1,
    /// `struct_size` is smaller than the struct's first version.
    EDBPROF_BAD_STRUCT_SIZE = 2,
    /// An argument makes no sense; the recording's error text says which.
    EDBPROF_BAD_ARGUMENT = 3,
    /// The handle belongs to another thread.
    EDBPROF_WRONG_THREAD = 4,
    /// The recording does not know the function: define it and enter again.
    EDBPROF_UNKNOWN_FUNCTION = 10,
    /// What was left was not entered; nothing changed.
    EDBPROF_NOT_OPEN = 11,
    /// There is no room for the call, not even to fold it. It is counted, and its time
    /// is its caller's.
    EDBPROF_DROPPED = 12,
    /// Nothing was recorded yet, so no file was written.
    EDBPROF_NOTHING_RECORDED = 20,
    /// No file was written, for it was not yet due.
    EDBPROF_NOT_DUE = 21,
    /// The operating system refused; the recording's error text says what and where.
    EDBPROF_SYSTEM_ERROR = 22,
    /// There is no memory.
    EDBPROF_OUT_OF_MEMORY = 23,
    /// This system can't do that.
    EDBPROF_UNSUPPORTED = 24,
    /// The recording goes on, but no live file keeps what comes if the process is
    /// killed; the error text says why. Told once.
    EDBPROF_IN_MEMORY_ONLY = 25,
    /// A defect of this library. What the call was to do is done in part or not.
    EDBPROF_INTERNAL_ERROR = 29,
}

pub(crate) use edbprof_status::*;

impl From<Outcome> for edbprof_status {
    #[inline]
    fn from(outcome: Outcome) -> edbprof_status {
        match outcome {
            Outcome::Recorded => EDBPROF_OK,
            Outcome::UnknownFunction => EDBPROF_UNKNOWN_FUNCTION,
            Outcome::NotOpen => EDBPROF_NOT_OPEN,
            Outcome::Dropped => EDBPROF_DROPPED,
        }
    }
}

impl From<io::Error> for edbprof_status {
    fn from(error: io::Error) -> edbprof_status {
        match error.kind() {
            io::ErrorKind::OutOfMemory => EDBPROF_OUT_OF_MEMORY,
            io::ErrorKind::InvalidInput => EDBPROF_BAD_ARGUMENT,
            io::ErrorKind::Unsupported => EDBPROF_UNSUPPORTED,
            _ => EDBPROF_SYSTEM_ERROR,
        }
    }
}

/// Keeps the text and number of a failure for the host, and returns its status.
pub(super) fn fail(recording: &Recording, error: io::Error) -> edbprof_status {
    note(recording, error.to_string(), errno(&error));
    error.into()
}

/// Keeps the reason to refuse an argument for the host, and returns the status for it.
pub(super) fn refuse(recording: &Recording, reason: &str) -> edbprof_status {
    note(recording, reason.to_owned(), 0);
    EDBPROF_BAD_ARGUMENT
}

/// Keeps what `edbprof_recording_error` and `edbprof_recording_errno` return.
pub(super) fn note(recording: &Recording, text: String, errno: i32) {
    let mut shared = recording.lock();
    shared.error = text;
    shared.errno = errno;
}
