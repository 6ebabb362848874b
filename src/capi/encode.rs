//! A recording's file, in memory.

use std::ptr;

use super::entry::make_with;
use super::{edbprof_recording, edbprof_status};

/// Bytes that the library has allocated. The host owns them, and frees them with
/// `edbprof_bytes_free`. Zeros mean no bytes.
#[derive(Debug)]
#[repr(C)]
pub struct edbprof_bytes {
    /// First byte, or NULL.
    pub data: *mut u8,
    /// Number of bytes.
    pub len: usize,
}

impl edbprof_bytes {
    pub(super) const NONE: edbprof_bytes = edbprof_bytes {
        data: ptr::null_mut(),
        len: 0,
    };

    pub(super) fn new(bytes: Vec<u8>) -> edbprof_bytes {
        let bytes = Box::leak(bytes.into_boxed_slice());
        edbprof_bytes {
            data: bytes.as_mut_ptr(),
            len: bytes.len(),
        }
    }
}

/// Encodes the content of a file that would be saved now. The bytes begin with the dictionary for
/// pstats, which Python's `marshal.loads` returns. Open calls are included with their time until
/// now. Any thread; other threads may record meanwhile.
///
/// `*out` becomes the bytes, to free with `edbprof_bytes_free`.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `out` is NULL or writable. Its former value is overwritten, not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_encode(
    recording: *const edbprof_recording,
    out: *mut edbprof_bytes,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed; `out` is NULL or writable.
    unsafe {
        make_with(recording, out, edbprof_bytes::NONE, |recording| {
            Ok(edbprof_bytes::new(recording.encode()))
        })
    }
}

/// Frees bytes that the library has allocated. `*bytes` becomes no bytes, so freeing it
/// again does nothing. NULL does nothing. One thread at a time.
///
/// # Safety
/// * `bytes` is NULL, or readable and writable.
/// * `*bytes` is none, or as the library has made it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_bytes_free(bytes: *mut edbprof_bytes) {
    debug_assert!(bytes.is_null() || bytes.is_aligned());
    // SAFETY: NULL, or readable and writable by this thread alone.
    let Some(bytes) = (unsafe { bytes.as_mut() }) else {
        return;
    };
    let edbprof_bytes { data, len } = std::mem::replace(bytes, edbprof_bytes::NONE);
    if !data.is_null() {
        // SAFETY: `edbprof_bytes::new` has leaked a boxed slice of that start and length. It is not
        // freed yet, or the struct would hold none.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data, len)) });
    }
}
