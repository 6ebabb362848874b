//! Reserves blocks of the disk before a live file is mapped. A store into a mapped page without a
//! block would raise SIGBUS in the program when the disk is full.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::recorder::sigxfsz::without_sigxfsz;

/// Live files are little-endian.
pub(crate) const SUPPORTED: bool = cfg!(target_endian = "little");

/// Facts about the file system of a live file.
#[derive(Clone, Copy, Debug)]
struct FileSystem {
    /// Its magic number.
    kind: i64,
    /// Bytes that the user may still have; `None` for as many as there is memory.
    free: Option<u64>,
}

impl FileSystem {
    fn of(file: &File) -> io::Result<FileSystem> {
        // SAFETY: an open descriptor and a valid place for the answer.
        FileSystem::asked(|answer| unsafe { libc::fstatfs(file.as_raw_fd(), answer) })
    }

    fn at(path: &Path) -> io::Result<FileSystem> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: a string that ends in NUL and a valid place for the answer.
        FileSystem::asked(|answer| unsafe { libc::statfs(path.as_ptr(), answer) })
    }

    fn asked(ask: impl FnOnce(&mut libc::statfs) -> libc::c_int) -> io::Result<FileSystem> {
        // SAFETY: statfs is integers only, for which zeros are values.
        let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
        if ask(&mut answer) != 0 {
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

    /// Returns true if a reserved block is certain to be there when a mapped page is written.
    /// Otherwise a full disk would raise SIGBUS in the program.
    ///
    /// File systems that write in place keep this promise. overlayfs, which containers have, passes
    /// `fallocate` and mappings to the file in its upper layer. That is nearly always ext4 or xfs,
    /// and the call fails if it can't reserve. Network file systems, copy-on-write ones (btrfs,
    /// zfs, bcachefs) and FUSE can't keep it.
    fn keeps_promises(&self) -> bool {
        // ext2 and ext3 have the same number as ext4.
        let good = [
            libc::EXT4_SUPER_MAGIC,
            libc::XFS_SUPER_MAGIC,
            libc::TMPFS_MAGIC,
            libc::OVERLAYFS_SUPER_MAGIC,
        ];
        #[allow(
            clippy::unnecessary_cast,
            reason = "their type differs between targets"
        )]
        good.iter().any(|&magic| magic as i64 == self.kind)
    }

    /// Refuses `len` bytes more if they are over a quarter of the free space. So live files never
    /// take the last of it from the program, however many there are.
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
/// The system's; or the file system is unsuitable for a live file, or too full for it.
pub(crate) fn reserve_blocks(file: &File, start: u64, len: u64) -> io::Result<()> {
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

/// Makes the file `len` bytes long, without blocks.
///
/// # Errors
/// The system's.
pub(crate) fn lengthen(file: &File, len: u64) -> io::Result<()> {
    without_sigxfsz(|| file.set_len(len))
}

/// Returns the bytes that the user may still take in the file system of `path`, if there is a
/// limit. Also returns true if that file system is in memory.
///
/// # Errors
/// The system's.
pub(crate) fn free_space(path: &Path) -> io::Result<(Option<u64>, bool)> {
    #[allow(clippy::unnecessary_cast, reason = "its type differs between targets")]
    let tmpfs = libc::TMPFS_MAGIC as i64;
    FileSystem::at(path).map(|found| (found.free, found.kind == tmpfs))
}

/// Checks that the file system of the file at `path` can spare `len` bytes more.
///
/// # Errors
/// The file system can't spare them. If the process has lost the path and can't ask, that is no
/// error.
pub(crate) fn check_free(path: &Path, len: u64) -> io::Result<()> {
    FileSystem::at(path).map_or(Ok(()), |found| found.may_give(len))
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
