//! Text that crosses the boundary: bytes with an explicit length.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::{io, ptr, slice};

/// Bytes with a length, neither NUL-terminated nor necessarily UTF-8. NULL `data` means no bytes,
/// and `len` is ignored. The caller keeps the bytes, and the callee copies what it needs before it
/// returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_str {
    /// First byte.
    pub data: *const c_char,
    /// Number of bytes.
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
        // SAFETY: `len` bytes can be read (contract), and no object is larger than isize::MAX.
        unsafe { slice::from_raw_parts(self.data.cast(), self.len) }
    }

    /// The bytes as part of a path.
    ///
    /// # Errors
    /// `InvalidInput` for a NUL byte.
    ///
    /// # Safety
    /// * Those of [`edbprof_str::bytes`].
    pub(super) unsafe fn path(&self) -> io::Result<&OsStr> {
        // SAFETY: the contracts are the same.
        let bytes = unsafe { self.bytes() };
        if bytes.contains(&0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a path can't contain a NUL byte",
            ));
        }
        Ok(OsStr::from_bytes(bytes))
    }
}

/// Copies `text` to `buffer`, cut to `size - 1` bytes and NUL-terminated, like `snprintf`. Returns
/// the length of the whole text.
///
/// # Safety
/// * `size` bytes can be written at `buffer`, or it is NULL.
pub(super) unsafe fn copy_to(buffer: *mut c_char, size: usize, text: &[u8]) -> usize {
    if !buffer.is_null() && size > 0 {
        let copied = text.len().min(size - 1);
        // SAFETY: copied + 1 <= size, and `size` bytes can be written; `text` is borrowed,
        // so it does not overlap them.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, copied);
            buffer.add(copied).write(0);
        }
    }
    text.len()
}
