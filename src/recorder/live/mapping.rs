//! Pages of a live file, mapped into memory.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

/// Pages of a file in memory, shared with it. Unmapped on drop.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: memory that it owns, bound to no thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `len` bytes of the file from `offset` on, where the kernel likes.
    pub(super) fn new(file: &File, offset: u64, len: usize) -> io::Result<Mapping> {
        // SAFETY: a new mapping touches no existing memory.
        let start = unsafe { map(file, offset, len, std::ptr::null_mut(), 0)? };
        Ok(Mapping { start, len })
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Unmaps it before it is dropped; a store into it is then a defect that shows.
    pub(super) fn unmap(&mut self) {
        if self.len > 0 {
            // SAFETY: a whole mapping of ours; its owner does not use it any more.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
            self.len = 0;
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.unmap();
    }
}

/// Maps the file over the `len` bytes of memory at `start`.
///
/// # Safety
/// * The memory is a part of a reservation of the caller's, and its content is not needed any
///   more.
pub(super) unsafe fn map_over(
    start: NonNull<u8>,
    file: &File,
    offset: u64,
    len: usize,
) -> io::Result<()> {
    // SAFETY: by this function's contract.
    unsafe { map(file, offset, len, start.as_ptr().cast(), libc::MAP_FIXED) }.map(|_| ())
}

/// # Safety
/// * With MAP_FIXED, as [`map_over`].
unsafe fn map(
    file: &File,
    offset: u64,
    len: usize,
    place: *mut libc::c_void,
    flags: libc::c_int,
) -> io::Result<NonNull<u8>> {
    let offset = offset
        .try_into()
        .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    // SAFETY: by this function's contract.
    let start = unsafe {
        libc::mmap(
            place,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | flags,
            file.as_raw_fd(),
            offset,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// Size of a page: what mappings begin at multiples of.
pub(super) fn page_size() -> usize {
    // SAFETY: always allowed.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096).max(4096)
}
