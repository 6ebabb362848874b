//! The live file of a recording, as the recorder writes it.
//!
//! [`crate::format::live`] has the table of its bytes. Node segments are mapped over the
//! arena's own addresses, so recording an event is the same with and without a file. Blocks
//! are reserved before they are mapped. Segments are added, and never moved or unmapped while
//! a thread may record. No descriptor stays open, because daemons close and reuse them:
//! growing opens the file again and checks that it still is the same.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::blocks;
use super::header::{LiveHeader, NodeMemory};
use super::mapping::{self, Mapping};
use super::records::Record;
use crate::clock::{Clock, TickRate};
use crate::format::calibration;
use crate::format::live::{HEADER, LOG, MAGIC, MOST_COSTS, SEGMENTS, VERSION, at};
use crate::model::{Calibration, ProcessIdentity, RecordingId};

/// A live file in use. Dropping it leaves the file; see [`LiveFile::remove`].
#[derive(Debug)]
pub(crate) struct LiveFile {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
    /// Bytes that have blocks.
    len: u64,
    header: Mapping,
    segments: usize,
    /// The log's latest segment, and how much of it is taken.
    log: Mapping,
    log_used: usize,
    log_total: usize,
    /// No further segment can be had.
    is_full: bool,
    /// The memory is unmapped: the file is the parent's.
    is_detached: bool,
}

/// Bytes of the first log segment at least.
const FIRST_LOG: usize = 12 << 10;
/// Bytes of a log segment at most, unless one record needs more.
const LARGEST_LOG: usize = 1 << 20;

impl LiveFile {
    /// Makes the file at `path` with `records` in it, and moves the nodes that are
    /// there into it. It gets its name once it is whole.
    ///
    /// # Errors
    /// The system's; or the file system can't reserve space. Nothing has changed then.
    ///
    /// # Safety
    /// * `nodes` is committed memory as it says. Meanwhile other threads write to it through
    ///   atomics alone, and only what may be lost.
    pub(super) unsafe fn create(
        path: PathBuf,
        header: &LiveHeader,
        records: &[Record],
        nodes: NodeMemory,
    ) -> io::Result<LiveFile> {
        let hidden = temporary(&path, header.id)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&hidden)?;
        // SAFETY: by this function's contract.
        let made = unsafe { LiveFile::fill(&file, path, header, records, nodes) };
        let named = made.and_then(|mut live| {
            fs::rename(&hidden, &live.path)?;
            // SAFETY: by this function's contract; the file has a copy of the nodes.
            match unsafe { mapping::map_over(nodes.base, &file, live.nodes_at(), nodes.committed) }
            {
                Ok(()) => Ok(live),
                Err(error) => {
                    live.remove();
                    Err(error)
                }
            }
        });
        if named.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&hidden);
        }
        named
    }

    /// # Safety
    /// * As for [`LiveFile::create`].
    unsafe fn fill(
        file: &File,
        path: PathBuf,
        header: &LiveHeader,
        records: &[Record],
        nodes: NodeMemory,
    ) -> io::Result<LiveFile> {
        let metadata = file.metadata()?;
        let page = mapping::page_size();
        let header_len = HEADER.next_multiple_of(page);
        let needed: usize = records.iter().map(Record::size).sum();
        // Room for one of zero length, which ends the segment.
        let log_len = (needed + 8).max(FIRST_LOG).next_multiple_of(page);
        let nodes_len = nodes.committed.next_multiple_of(page);
        let len = (header_len + log_len + nodes_len) as u64;
        blocks::reserve_blocks(file, 0, len)?;
        let head = Mapping::new(file, 0, header_len)?;
        let log = Mapping::new(file, header_len as u64, log_len)?;
        let copy = Mapping::new(file, (header_len + log_len) as u64, nodes_len)?;
        // What is not copied is zeros here and there, and costs no page of the cache.
        let used = nodes.used.min(nodes.committed);
        let (from, to) = (nodes.base.cast::<u64>(), copy.start().cast::<u64>());
        for word in 0..used / size_of::<u64>() {
            // SAFETY: that much is committed, and the copy is no smaller; both begin at a
            // page. Other threads write to the original through atomics alone (contract), and
            // nobody knows of the copy.
            unsafe {
                let value = AtomicU64::from_ptr(from.add(word).as_ptr()).load(Relaxed);
                to.add(word).write(value);
            }
        }
        let mut live = LiveFile {
            path,
            file: (metadata.dev(), metadata.ino()),
            len,
            header: head,
            segments: 0,
            log,
            log_used: 0,
            log_total: log_len,
            is_full: false,
            is_detached: false,
        };
        live.write_header(header);
        live.add_segment(header_len as u64, log_len as u64 | LOG);
        live.add_segment((header_len + log_len) as u64, nodes_len as u64);
        for record in records {
            live.append(record);
        }
        live.store_u64(0, u64::from_le_bytes(MAGIC));
        Ok(live)
    }

    /// Offset of the first node segment, behind header and log.
    fn nodes_at(&self) -> u64 {
        (self.header.len() + self.log_total) as u64
    }

    fn write_header(&self, header: &LiveHeader) {
        let anchor = &header.anchor;
        let own = ProcessIdentity::own();
        self.store_u32(at::VERSION, VERSION);
        self.store_u32(at::PID, header.pid);
        self.store_u32(at::PARENT_PID, std::os::unix::process::parent_id());
        let clock = match anchor.clock {
            Clock::Tsc => 0,
            Clock::Monotonic => 1,
            Clock::Cpu => 2,
            Clock::Host => 3,
        };
        self.store_u32(at::CLOCK, clock);
        self.store_16(at::ID, header.id);
        self.store_16(at::BOOT_ID, own.boot_id);
        self.store_u64(at::PID_NAMESPACE, own.pid_namespace);
        self.store_u64(at::PROCESS_START, own.start);
        self.store_u64(at::PROGRAM, own.program);
        self.store_u64(at::START_UNIX_NS, header.start_unix_ns);
        self.store_u64(at::EPOCH, anchor.epoch);
        self.store_u64(at::BEGIN, anchor.begin);
        self.store_u64(at::MOMENT_TSC, anchor.started.tsc);
        self.store_u64(at::MOMENT_NS, anchor.started.monotonic_ns);
        self.store_u64(at::MOMENT_SUSPENDED, anchor.started.suspended_ns);
        self.set_rate(anchor.rate);
        let resolution = match anchor.clock {
            Clock::Tsc | Clock::Host => 0.0,
            clock => clock.resolution_ns(anchor.rate),
        };
        self.store_u64(at::RESOLUTION, resolution.to_bits());
    }

    /// Notes what a tick is, as far as it is known by now.
    pub(crate) fn set_rate(&self, rate: TickRate) {
        self.store_u64(at::RATE, rate.to_bits());
    }

    /// Notes whether the recording was saved for the last time.
    pub(crate) fn set_saved(&self, is_saved: bool) {
        self.store_u32(at::SAVED, is_saved.into());
    }

    /// Notes what recording costs.
    pub(crate) fn set_calibration(&self, calibration: Calibration) {
        let numbers = calibration::numbers(&calibration);
        const { assert!(calibration::NUMBERS <= MOST_COSTS) };
        for (place, number) in (0..).zip(numbers) {
            self.store_u32(at::COSTS + 4 * place, number);
        }
        self.store_u32(at::COST_COUNT, numbers.len() as u32);
    }

    /// Adds a record, if there is room or can be made.
    ///
    /// # Errors
    /// The system's, the first time that no room can be made.
    pub(super) fn write(&mut self, record: &Record) -> io::Result<()> {
        if self.is_detached {
            return Ok(());
        }
        if self.log_used + record.size() > self.log.len() {
            let page = mapping::page_size();
            let step = self.log_total.min(LARGEST_LOG);
            let len = (record.size() + 8).max(step).next_multiple_of(page);
            let Some((file, offset)) = self.grow(len)? else {
                return Ok(());
            };
            match Mapping::new(&file, offset, len) {
                Ok(log) => self.log = log,
                Err(error) => {
                    self.is_full = true;
                    return Err(error);
                }
            }
            self.log_used = 0;
            self.log_total += len;
            self.add_segment(offset, len as u64 | LOG);
        }
        self.append(record);
        Ok(())
    }

    /// Puts a record into the log, which has room for it.
    fn append(&mut self, record: &Record) {
        let room = self.log.len() - self.log_used;
        let len = record.payload.len();
        debug_assert!(record.size() <= room && len > 0);
        if record.size() > room {
            return;
        }
        // SAFETY: `room` bytes of the mapping are unused, enough for the record; they
        // begin at a multiple of 8. Only this function writes to them, and of this
        // process nobody reads them.
        unsafe {
            let start = self.log.start().add(self.log_used);
            start
                .add(8)
                .copy_from_nonoverlapping(NonNull::from(record.payload.as_slice()).cast(), len);
            start.add(4).cast::<u32>().write(record.kind);
            AtomicU32::from_ptr(start.cast().as_ptr()).store(len as u32, Release);
        }
        self.log_used += record.size();
    }

    /// Backs the `len` bytes at `start` with further nodes of the file. `false` when
    /// the file can't grow any more, which was said before.
    ///
    /// # Errors
    /// The system's, the first time that the file can't grow.
    ///
    /// # Safety
    /// * The memory is whole pages of a reservation, not yet in use, and follows what
    ///   was backed before.
    pub(super) unsafe fn extend(&mut self, start: NonNull<u8>, len: usize) -> io::Result<bool> {
        let whole = len.next_multiple_of(mapping::page_size());
        let Some((file, offset)) = self.grow(whole)? else {
            return Ok(false);
        };
        // SAFETY: by this function's contract.
        if let Err(error) = unsafe { mapping::map_over(start, &file, offset, len) } {
            self.is_full = true;
            return Err(error);
        }
        self.add_segment(offset, whole as u64);
        Ok(true)
    }

    /// Makes the file `len` bytes longer. Returns it and where they begin, or nothing
    /// when it is full.
    fn grow(&mut self, len: usize) -> io::Result<Option<(File, u64)>> {
        if self.is_full {
            return Ok(None);
        }
        let offset = self.len;
        let grown = self.open().and_then(|file| {
            if self.segments == SEGMENTS {
                return Err(io::ErrorKind::StorageFull.into());
            }
            blocks::reserve_blocks(&file, offset, len as u64)?;
            Ok(file)
        });
        match grown {
            Ok(file) => {
                self.len += len as u64;
                Ok(Some((file, offset)))
            }
            Err(error) => {
                self.is_full = true;
                Err(error)
            }
        }
    }

    /// The file, if it still is the one at its path.
    fn open(&self) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(&self.path)?;
        let metadata = file.metadata()?;
        if (metadata.dev(), metadata.ino()) != self.file {
            return Err(io::Error::other("it was replaced by another file"));
        }
        Ok(file)
    }

    fn add_segment(&mut self, offset: u64, len: u64) {
        if self.segments < SEGMENTS {
            let at = at::DIRECTORY + 16 * self.segments;
            self.store_u64(at, offset);
            self.store_u64(at + 8, len);
            self.segments += 1;
        }
    }

    /// Removes the file, unless another has taken its place or it is the parent's.
    pub(crate) fn remove(&mut self) {
        if self.is_detached {
            return;
        }
        self.is_full = true;
        let own = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| own(&metadata)) {
            // The aggregator finds and reports files that can't be removed.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets go of the file in a forked child, for it is the parent's: nothing here
    /// touches it any more. Unmaps, allocates and frees nothing; the nodes are
    /// unmapped with their arena.
    pub(crate) fn detach(&mut self) {
        self.is_detached = true;
        self.is_full = true;
        self.header.unmap();
        self.log.unmap();
    }

    fn store_u32(&self, at: usize, value: u32) {
        debug_assert!(at % 4 == 0 && at + 4 <= HEADER);
        if self.is_detached {
            return;
        }
        // SAFETY: an aligned place in the mapped header, whose fields this process
        // touches through atomics alone.
        unsafe { AtomicU32::from_ptr(self.header.start().add(at).cast().as_ptr()) }
            .store(value, Relaxed);
    }

    fn store_u64(&self, at: usize, value: u64) {
        debug_assert!(at % 8 == 0 && at + 8 <= HEADER);
        if self.is_detached {
            return;
        }
        // SAFETY: as in `store_u32`. Released, so that what a field announces is there.
        unsafe { AtomicU64::from_ptr(self.header.start().add(at).cast().as_ptr()) }
            .store(value, Release);
    }

    fn store_16(&self, at: usize, bytes: [u8; 16]) {
        let value = u128::from_le_bytes(bytes);
        self.store_u64(at, value as u64);
        self.store_u64(at + 8, (value >> 64) as u64);
    }
}

/// A hidden name beside `path`, which nothing has until the file is whole.
fn temporary(path: &Path, id: RecordingId) -> io::Result<PathBuf> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let id = u128::from_le_bytes(id);
    Ok(directory.join(format!(".edbprof-{id:032x}.live.tmp")))
}
