//! Text that crosses the boundary: bytes with an explicit length.

use std::ffi::{OsString, c_char};
use std::marker::PhantomData;
use std::{io, ptr, slice};

/// Bytes with a length, not NUL-terminated and not necessarily UTF-8. NULL `data`
/// is no bytes, whatever `len` says. Whoever passes one keeps the bytes; the callee copies
/// what it needs before it returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_str {
    /// The first byte.
    pub data: *const c_char,
    /// How many there are.
    pub len: usize,
}

impl From<&'static [u8]> for edbprof_str {
    fn from(bytes: &'static [u8]) -> edbprof_str {
        edbprof_str {
            data: bytes.as_ptr().cast(),
            len: bytes.len(),
        }
    }
}

impl edbprof_str {
    /// The bytes.
    ///
    /// # Safety
    /// * `len` bytes can be read at `data`, or it is NULL.
    /// * They do not change while the result is used.
    pub(super) unsafe fn bytes(&self) -> &[u8] {
        debug_assert!(self.data.is_null() || self.len <= isize::MAX as usize);
        if self.data.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: by this function's contract.
        unsafe { slice::from_raw_parts(self.data.cast(), self.len) }
    }

    /// The bytes as part of a path.
    ///
    /// # Errors
    /// `InvalidInput` for bytes that this system has no file names for.
    ///
    /// # Safety
    /// * As for [`edbprof_str::bytes`].
    pub(super) unsafe fn path(&self) -> io::Result<OsString> {
        // SAFETY: by this function's contract.
        let bytes = unsafe { self.bytes() };
        if bytes.contains(&0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a path can't contain a NUL byte",
            ));
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            Ok(std::ffi::OsStr::from_bytes(bytes).to_owned())
        }
        #[cfg(not(unix))]
        {
            String::from_utf8(bytes.to_vec())
                .map(OsString::from)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a path must be UTF-8"))
        }
    }
}

/// A place of the host's that text is copied to.
pub(super) struct Buffer<'b> {
    start: *mut c_char,
    size: usize,
    lifetime: PhantomData<&'b mut [c_char]>,
}

impl Buffer<'_> {
    /// # Safety
    /// * `size` bytes can be written at `start`, or `start` is NULL.
    pub(super) unsafe fn new(start: *mut c_char, size: usize) -> Self {
        debug_assert!(start.is_null() || size <= isize::MAX as usize);
        Buffer {
            start,
            size,
            lifetime: PhantomData,
        }
    }

    /// Copies as much of `text` as there is room for, and a NUL behind it, as
    /// `snprintf` does. Returns the length of all of `text`.
    pub(super) fn fill(&mut self, text: &[u8]) -> usize {
        if !self.start.is_null() && self.size > 0 {
            let copied = text.len().min(self.size - 1);
            // SAFETY: copied + 1 <= size, and `size` bytes can be written (contract
            // of `new`); `text` is borrowed, so it can't be that place.
            unsafe {
                ptr::copy_nonoverlapping(text.as_ptr().cast(), self.start, copied);
                self.start.add(copied).write(0);
            }
        }
        text.len()
    }
}
