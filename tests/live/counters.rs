//! Numbers that two processes see: how many events have returned in each thread.

use std::fs::{self, File};
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// Numbers in a file that is mapped, never unmapped.
pub(crate) struct Counters(&'static [AtomicU64]);

const LEN: usize = 8;

impl Counters {
    /// Makes the file, all numbers 0.
    pub(crate) fn make(path: &Path) -> Counters {
        fs::write(path, [0; 8 * LEN]).unwrap();
        Counters::open(path)
    }

    /// Those that another process has made.
    pub(crate) fn open(path: &Path) -> Counters {
        let options = File::options().read(true).write(true).to_owned();
        let file = options.open(path).unwrap();
        // SAFETY: a new mapping of a file that is as long.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                8 * LEN,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: that many numbers, aligned to a page, for as long as the process runs.
        Counters(unsafe { std::slice::from_raw_parts(start.cast(), LEN) })
    }
}

impl Deref for Counters {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        self.0
    }
}
