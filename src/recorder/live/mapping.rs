//! Pages of a file, mapped into memory.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

/// Pages of a file in memory, shared with it. Unmapped on drop.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: memory that it owns, bound to no thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `len` bytes of the file from `offset` on, at an address that the kernel chooses.
    pub(crate) fn new(file: &File, offset: u64, len: usize) -> io::Result<Mapping> {
        // SAFETY: a new mapping touches no existing memory.
        let start = unsafe { map(file, offset, len, std::ptr::null_mut(), 0)? };
        Ok(Mapping { start, len })
    }

    /// Maps zeroed memory of the process's own.
    pub(crate) fn anonymous(len: usize) -> io::Result<Mapping> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
        // SAFETY: a new mapping touches no existing memory.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { start, len })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Another mapping of the file, of `len` bytes from where this one begins. Needs no
    /// descriptor.
    #[cfg(target_os = "linux")]
    fn again(&self, len: usize) -> io::Result<Mapping> {
        let start = self.start.as_ptr().cast();
        // SAFETY: a new mapping, because the old size is 0; it touches no existing memory.
        let start = unsafe { libc::mremap(start, 0, len, libc::MREMAP_MAYMOVE) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { start, len })
    }

    /// Fails, because this system has no live files that could grow.
    #[cfg(not(target_os = "linux"))]
    fn again(&self, _: usize) -> io::Result<Mapping> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Gives each page its block of the disk, because a store into a page without one raises SIGBUS
    /// if the disk is full. The pages are zeros, and used here alone.
    fn populate(&self) -> io::Result<()> {
        // Linux 5.14; not in the libc crate for all targets.
        const MADV_POPULATE_WRITE: libc::c_int = 23;
        let start = self.start.as_ptr().cast();
        // SAFETY: the whole of this mapping, whose content does not change.
        if unsafe { libc::madvise(start, self.len, MADV_POPULATE_WRITE) } == 0 {
            return Ok(());
        }
        match io::Error::last_os_error().raw_os_error() {
            Some(libc::EINVAL | libc::ENOSYS) => self.populate_by_page(),
            Some(libc::EFAULT) => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Populates pages on older kernels. A kernel that writes to a page on our behalf reports an
    /// error instead of a SIGBUS.
    fn populate_by_page(&self) -> io::Result<()> {
        for offset in (0..self.len).step_by(page_size()) {
            // SAFETY: inside the mapping, and large enough for a signal mask; an inaccessible
            // page is an error. Nothing changes but the page, which is zeroed again.
            unsafe {
                let place = self.start.add(offset).cast::<u64>();
                let none = std::ptr::null::<libc::c_void>();
                let written = libc::syscall(
                    libc::SYS_rt_sigprocmask,
                    libc::SIG_BLOCK,
                    none,
                    place.as_ptr(),
                    size_of::<u64>(),
                );
                if written != 0 {
                    return Err(io::Error::from_raw_os_error(libc::ENOSPC));
                }
                place.write(0);
            }
        }
        Ok(())
    }

    /// Moves the mapping over the memory at `start`.
    ///
    /// # Safety
    /// * The bytes there belong to a region of the caller's, and their content is no longer needed.
    #[cfg(target_os = "linux")]
    pub(crate) unsafe fn move_over(self, start: NonNull<u8>) -> io::Result<()> {
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        let from = self.start.as_ptr().cast();
        // SAFETY: the whole of this mapping moves to memory of the caller's (contract).
        let moved = unsafe { libc::mremap(from, self.len, self.len, flags, start.as_ptr()) };
        if moved == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        std::mem::forget(self);
        Ok(())
    }

    /// # Safety
    /// * None: there are no live files here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) unsafe fn move_over(self, _: NonNull<u8>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Unmaps it before it is dropped; a store into it is then a defect that shows.
    pub(crate) fn unmap(&mut self) {
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

/// The first page of a file that no segment has yet. From it, further pages are mapped without
/// a descriptor or a path: the process may have lost both.
#[derive(Debug)]
pub(crate) struct Frontier(Mapping);

impl Frontier {
    /// The frontier at `offset` of the file.
    pub(crate) fn new(file: &File, offset: u64) -> io::Result<Frontier> {
        Mapping::new(file, offset, page_size()).map(Frontier)
    }

    /// Takes `len` bytes, in whole pages, which the file must have.
    ///
    /// # Errors
    /// The system's: no address space, or no space on the disk. Nothing has changed then.
    pub(crate) fn take(&mut self, len: usize) -> io::Result<Mapping> {
        let page = page_size();
        let taken = self.0.again(len)?;
        taken.populate()?;
        let mut next = self.0.again(len + page)?;
        // SAFETY: the front of a mapping that is known here alone.
        unsafe { libc::munmap(next.start.as_ptr().cast(), len) };
        // SAFETY: the rest of it.
        next.start = unsafe { next.start.add(len) };
        next.len = page;
        self.0 = next;
        Ok(taken)
    }

    pub(crate) fn unmap(&mut self) {
        self.0.unmap();
    }
}

/// Maps the file over the `len` bytes of memory at `start`.
///
/// # Safety
/// * The memory belongs to a reservation of the caller's, and its content is no longer needed.
pub(crate) unsafe fn map_over(
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

/// Size of a page. Mappings begin at multiples of it.
pub(crate) fn page_size() -> usize {
    // SAFETY: always allowed.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096).max(4096)
}
