//! What the live file asks of the operating system.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

/// What matters of the file system that a live file lies on.
#[derive(Clone, Copy, Debug)]
struct FileSystem {
    /// Its magic number.
    kind: i64,
    /// Bytes that the user may still have; `None` for as many as there is memory.
    free: Option<u64>,
}

impl FileSystem {
    fn of(file: &File) -> io::Result<FileSystem> {
        // SAFETY: statfs is integers only, for which zeros are values.
        let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: an open descriptor and a valid place for the answer.
        if unsafe { libc::fstatfs(file.as_raw_fd(), &mut answer) } != 0 {
            return Err(io::Error::last_os_error());
        }
        #[allow(clippy::unnecessary_cast, reason = "its types differ between targets")]
        let (kind, block) = (answer.f_type as i64 & 0xFFFF_FFFF, answer.f_bsize as u64);
        // A tmpfs without a limit says that it has no blocks at all.
        let is_limited = answer.f_blocks != 0;
        Ok(FileSystem {
            kind,
            free: is_limited.then(|| block.saturating_mul(answer.f_bavail)),
        })
    }

    /// Whether blocks that are reserved are there for sure when a mapped page is
    /// written: otherwise a full disk would be a SIGBUS in the program.
    ///
    /// Known good are those that write in place. overlayfs, which containers have, hands
    /// `fallocate` and mappings on to the file in its upper layer, nearly always ext4 or
    /// xfs, and fails where that one can't reserve. Network file systems, copy-on-write
    /// ones (btrfs, zfs, bcachefs) and FUSE promise nothing that they could keep.
    fn keeps_promises(&self) -> bool {
        // linux/magic.h
        const EXT: i64 = 0xEF53;
        const XFS: i64 = 0x5846_5342;
        const TMPFS: i64 = 0x0102_1994;
        const OVERLAY: i64 = 0x794C_7630;
        [EXT, XFS, TMPFS, OVERLAY].contains(&self.kind)
    }

    /// Whether a live file may take `len` bytes more: at most a quarter of what is left,
    /// so that however many there are, none takes the last of it from the program.
    fn may_give(&self, len: u64) -> io::Result<()> {
        if !self.keeps_promises() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "space can't be reserved on this file system (type {:#x})",
                    self.kind
                ),
            ));
        }
        if self.free.is_some_and(|free| len > free / 4) {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "it would take more than a quarter of the space that is left",
            ));
        }
        Ok(())
    }
}

/// Makes the file `len` bytes longer from `start` on, with blocks of its own that the
/// file system can spare.
///
/// # Errors
/// The system's; or the file system is none for a live file, or too full for it.
pub(super) fn reserve_blocks(file: &File, start: u64, len: u64) -> io::Result<()> {
    FileSystem::of(file)?.may_give(len)?;
    let (Ok(start), Ok(len)) = (start.try_into(), len.try_into()) else {
        return Err(io::ErrorKind::FileTooLarge.into());
    };
    without_sigxfsz(|| {
        loop {
            // Not posix_fallocate, which writes zeros where this is not supported.
            // SAFETY: an open descriptor; no memory is involved.
            if unsafe { libc::fallocate(file.as_raw_fd(), 0, start, len) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    })
}

/// Runs `body` with SIGXFSZ blocked in this thread and takes the one that it may have
/// caused: a file larger than RLIMIT_FSIZE is an error, not the program's end.
fn without_sigxfsz<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: signal sets are plain data, for which zeros are values, and all
    // pointers are to locals. Nothing here changes the handlers of the process.
    unsafe {
        let mut only: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut only);
        libc::sigaddset(&mut only, libc::SIGXFSZ);
        libc::sigpending(&mut pending);
        let was_pending = libc::sigismember(&pending, libc::SIGXFSZ) == 1;
        let blocked = libc::pthread_sigmask(libc::SIG_BLOCK, &only, &mut before) == 0;
        let result = body();
        if blocked {
            if !was_pending {
                let at_once = libc::timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                libc::sigtimedwait(&only, std::ptr::null_mut(), &at_once);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        }
        result
    }
}

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
/// * The memory is a part of a reservation of the caller's, and nothing that stands
///   there is needed any more.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file_system(kind: i64, free: Option<u64>) -> FileSystem {
        FileSystem { kind, free }
    }

    #[test]
    fn file_systems_that_write_in_place_are_good_enough() {
        for kind in [0xEF53, 0x5846_5342, 0x0102_1994, 0x794C_7630] {
            assert!(file_system(kind, None).may_give(1 << 40).is_ok());
        }
        // btrfs, zfs, bcachefs, nfs, cifs, smb2, fuse, ceph, 9p, ramfs, nothing.
        for kind in [
            0x9123_683E,
            0x2FC1_2FC1,
            0xCA45_1A4E,
            0x6969,
            0xFF53_4D42,
            0xFE53_4D42,
            0x6573_5546,
            0x00C3_6400,
            0x0102_1997,
            0x8584_58F6,
            0,
        ] {
            let error = file_system(kind, None).may_give(1).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains(&format!("{kind:#x}")));
        }
    }

    #[test]
    fn no_more_than_a_quarter_is_taken() {
        let ext4 = file_system(0xEF53, Some(400));
        assert!(ext4.may_give(100).is_ok());
        let error = ext4.may_give(101).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(file_system(0xEF53, Some(0)).may_give(1).is_err());
        // However often it is asked: half and more stays free of growth by doubling.
        let (mut free, mut len, mut taken) = (1_000_000_u64, 1_u64, 0_u64);
        while file_system(0xEF53, Some(free)).may_give(len).is_ok() {
            (free, taken) = (free - len, taken + len);
            len = taken;
        }
        assert!(free > 500_000);
    }

    #[test]
    fn the_file_system_is_asked() {
        let file = tempfile::tempfile().unwrap();
        let found = FileSystem::of(&file).unwrap();
        assert!(found.kind > 0 && found.free != Some(0));
    }
}
