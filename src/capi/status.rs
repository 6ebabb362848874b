//! Statuses that functions return, and the texts of failures.

use std::cell::RefCell;
use std::ffi::c_char;
use std::io;

use super::edbprof_str;
use super::entry::guard;
use super::text::copy_to;
use crate::recorder::{Outcome, Recording, errno};

/// Result of a function. Numbers never change and are never reused. Those from 1 are mistakes of
/// the host, from 10 results of events, from 20 results of recordings, and from 30 results of
/// reading profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[repr(i32)]
pub enum edbprof_status {
    /// Done.
    EDBPROF_OK = 0,
    /// A pointer that must not be NULL is NULL.
    EDBPROF_NULL_POINTER = 1,
    /// `struct_size` is smaller than the struct's first version.
    EDBPROF_BAD_STRUCT_SIZE = 2,
    /// An argument is invalid; the recording's error text gives the reason.
    EDBPROF_BAD_ARGUMENT = 3,
    /// The handle belongs to another thread.
    EDBPROF_WRONG_THREAD = 4,
    /// The handle was detached, and belongs to no thread.
    EDBPROF_DETACHED = 5,
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
    /// No `edbprof run` wants this process to be recorded.
    EDBPROF_NO_RUN = 26,
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
            Outcome::Detached => EDBPROF_DETACHED,
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

/// Returns the meaning of a status, such as "the handle belongs to another thread"; "unknown
/// status" for any other number. The string lives as long as the program. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn edbprof_status_text(status: i32) -> edbprof_str {
    const TEXTS: [(edbprof_status, &str); 17] = [
        (EDBPROF_OK, "done"),
        (
            EDBPROF_NULL_POINTER,
            "a pointer that must not be NULL is NULL",
        ),
        (
            EDBPROF_BAD_STRUCT_SIZE,
            "struct_size is smaller than the struct's first version",
        ),
        (EDBPROF_BAD_ARGUMENT, "an argument is invalid"),
        (EDBPROF_WRONG_THREAD, "the handle belongs to another thread"),
        (EDBPROF_DETACHED, "the handle was detached"),
        (
            EDBPROF_UNKNOWN_FUNCTION,
            "the recording does not know the function",
        ),
        (EDBPROF_NOT_OPEN, "the call is not open"),
        (EDBPROF_DROPPED, "there is no room for the call"),
        (EDBPROF_NOTHING_RECORDED, "nothing was recorded yet"),
        (EDBPROF_NOT_DUE, "saving is not due yet"),
        (EDBPROF_SYSTEM_ERROR, "the operating system has refused"),
        (EDBPROF_OUT_OF_MEMORY, "there is no memory"),
        (EDBPROF_UNSUPPORTED, "the system can't do that"),
        (
            EDBPROF_IN_MEMORY_ONLY,
            "no live file keeps later events if the process is killed",
        ),
        (
            EDBPROF_NO_RUN,
            "no edbprof run wants this process to be recorded",
        ),
        (EDBPROF_INTERNAL_ERROR, "a defect of the library"),
    ];
    let known = TEXTS.iter().find(|(each, _)| *each as i32 == status);
    edbprof_str::from(known.map_or("unknown status", |(_, text)| text).as_bytes())
}

thread_local!(static LATEST: RefCell<String> = const { RefCell::new(String::new()) });

/// Keeps the reason why the calling thread could not make something, and returns `status`.
pub(super) fn not_made(status: edbprof_status, reason: String) -> edbprof_status {
    LATEST.set(reason);
    status
}

/// Copies to `buffer` the reason why the calling thread's latest `edbprof_recording_new` failed.
/// The text is cut to `size - 1` bytes and NUL-terminated. Returns the length of the whole text; 0
/// if that call did not fail. Any thread.
///
/// # Safety
/// * `size` bytes can be written at `buffer`, or it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_new_error(buffer: *mut c_char, size: usize) -> usize {
    let text = guard(|| Ok(LATEST.with_borrow(String::clone))).unwrap_or_default();
    // SAFETY: `size` bytes can be written at `buffer`, or it is NULL.
    unsafe { copy_to(buffer, size, text.as_bytes()) }
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
