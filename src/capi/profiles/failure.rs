//! Reasons why something can't be read, for the host.

use std::io;

use crate::capi::entry::guard;
use crate::capi::{
    EDBPROF_NULL_POINTER, EDBPROF_OK, EDBPROF_SYSTEM_ERROR, EDBPROF_UNREADABLE, edbprof_bytes,
    edbprof_status,
};
use crate::format::regular_file::OpenError;

/// Reason why a function has failed. Fill it with zeros first.
#[derive(Debug)]
#[repr(C)]
pub struct edbprof_failure {
    /// Index of the source that can't be read; the number of sources if it is none of them.
    pub source: usize,
    /// The C library's `errno`; 0 if the failure was not the system's.
    pub os_error: i32,
    /// The reason as text, to free with `edbprof_bytes_free`.
    pub reason: edbprof_bytes,
}

/// A failure inside the library.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) source: usize,
    pub(super) status: edbprof_status,
    pub(super) os_error: i32,
    pub(super) reason: String,
}

impl Failure {
    /// Something is no profile, or can't be used.
    pub(super) fn unreadable(reason: impl ToString) -> Failure {
        Failure {
            source: usize::MAX,
            status: EDBPROF_UNREADABLE,
            os_error: 0,
            reason: reason.to_string(),
        }
    }

    /// Names the source that has failed.
    pub(super) fn of(mut self, source: usize) -> Failure {
        self.source = source;
        self
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure {
            status: EDBPROF_SYSTEM_ERROR,
            os_error: error.raw_os_error().unwrap_or(0),
            ..Failure::unreadable(error)
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        match error {
            OpenError::System(error) => error.into(),
            OpenError::NotAFile(kind) => Failure::unreadable(format!("it is {kind}, not a file")),
        }
    }
}

/// Writes the result of `body` to `*out`, `none` if there is no result, and the reason for that
/// to `*failure`.
///
/// # Safety
/// * `out` and `failure` are NULL or writable.
pub(super) unsafe fn make_or_tell<T>(
    out: *mut T,
    none: T,
    sources: usize,
    failure: *mut edbprof_failure,
    body: impl FnOnce() -> Result<T, Failure>,
) -> edbprof_status {
    if out.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    debug_assert!(out.is_aligned());
    let (value, status, failed) = match guard(|| Ok(body())) {
        Ok(Ok(value)) => (value, EDBPROF_OK, None),
        Ok(Err(failed)) => (none, failed.status, Some(failed)),
        Err(status) => (none, status, None),
    };
    if let (Some(failed), false) = (failed, failure.is_null()) {
        let told = edbprof_failure {
            source: failed.source.min(sources),
            os_error: failed.os_error,
            reason: edbprof_bytes::new(failed.reason.into_bytes()),
        };
        // SAFETY: not NULL, hence writable (contract).
        unsafe { failure.write(told) };
    }
    // SAFETY: not NULL, hence writable (contract).
    unsafe { out.write(value) };
    status
}
