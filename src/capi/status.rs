//! Statuses that functions return, and the texts of failures.

use std::io;

use crate::recorder::{Outcome, Recording, errno};

/// Result of a function. Numbers never change and are never reused: 1 to 9 are mistakes of
/// the host, 10 to 19 are results of events, 20 to 29 are results of recordings,
/// 30 to 39 are results of reading profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[repr(i32)]
pub enum edbprof_status {
    /// Done.
    EDBPROF_OK = 0,
    /// A pointer is NULL that must not be.
    EDBPROF_NULL_POINTER = 1,
    /// `struct_size` is smaller than the struct's first version.
    EDBPROF_BAD_STRUCT_SIZE = 2,
    /// An argument makes no sense; the recording's error text gives the reason.
    EDBPROF_BAD_ARGUMENT = 3,
    /// The handle belongs to another thread.
    EDBPROF_WRONG_THREAD = 4,
    /// The recording does not know the function: define it and enter again.
    EDBPROF_UNKNOWN_FUNCTION = 10,
    /// The call is not open; nothing changed.
    EDBPROF_NOT_OPEN = 11,
    /// There is no room for the call, not even for a counter of overflow calls. It is
    /// counted as dropped, and its time is its caller's.
    EDBPROF_DROPPED = 12,
    /// Nothing was recorded yet, so no file was written.
    EDBPROF_NOTHING_RECORDED = 20,
    /// Saving is not due yet, so no file was written.
    EDBPROF_NOT_DUE = 21,
    /// The operating system refused; the recording's error text says what and where.
    EDBPROF_SYSTEM_ERROR = 22,
    /// There is no memory.
    EDBPROF_OUT_OF_MEMORY = 23,
    /// The system can't do that.
    EDBPROF_UNSUPPORTED = 24,
    /// The recording continues, but no live file keeps later events if the process is
    /// killed. The error text gives the reason. Returned once.
    EDBPROF_IN_MEMORY_ONLY = 25,
    /// A defect of this library. The function has done its work in part or not at all, and
    /// the recording continues.
    EDBPROF_INTERNAL_ERROR = 29,
    /// A file is no profile, or a damaged one, or can't be merged with the others. The text of
    /// the failure says why.
    EDBPROF_UNREADABLE = 30,
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
