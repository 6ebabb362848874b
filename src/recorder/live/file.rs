//! The live file of a recording, as the recorder writes it.
//!
//! [`crate::format::live`] has the table of its bytes. Node segments are mapped over the
//! arena's own addresses, so recording an event is the same with and without a file. Blocks
//! are reserved before the pages are used. Segments are added, and never moved or unmapped
//! while a thread may record.
//!
//! No descriptor stays open, because daemons close and reuse them. The file is longer than its
//! segments, and grows through a page of it that is mapped ([`Frontier`]). So it grows even if the
//! process loses its user, its root directory, its descriptors or the path. The path is needed only
//! to make the file longer, which is done early.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::blocks;
use super::header::{LiveHeader, MappedHeader, NodeMemory, Saved};
use super::mapping::{self, Frontier, Mapping};
use super::place::Place;
use super::records::Record;
use crate::clock::TickRate;
use crate::format::live::{HEADER, LOG};
use crate::model::{Calibration, RecordingId};
use crate::recorder::descriptors::with_descriptor;
use crate::recorder::limits;

/// A live file in use. Dropping it leaves the file; see [`LiveFile::remove`].
#[derive(Debug)]
pub(crate) struct LiveFile {
    place: Place,
    /// Bytes that segments have.
    len: u64,
    /// Bytes that the file has.
    end: u64,
    header: MappedHeader,
    frontier: Frontier,
    /// The log's latest segment, and how much of it is taken.
    log: Mapping,
    log_used: usize,
    log_total: usize,
    /// Bytes of the nodes that segments have.
    nodes: usize,
    /// True if a record is missing.
    is_log_over: bool,
    /// There is no room for a further segment.
    is_full: bool,
    /// The memory is unmapped: the file is the parent's.
    is_detached: bool,
}

/// Bytes of the first log segment at least.
const FIRST_LOG: usize = 12 << 10;
/// Bytes of a log segment at most, unless one record needs more.
const LARGEST_LOG: usize = 1 << 20;
/// Bytes that the file is longer than its segments. They take no space on the disk.
const AHEAD: u64 = 16 << 20;

impl LiveFile {
    /// Makes the file at `path` with `records` in it, and moves the existing nodes into it. It gets
    /// its name once it is complete.
    ///
    /// # Errors
    /// The system's; or the file system can't reserve space. Nothing has changed then.
    ///
    /// # Safety
    /// * `nodes` describes committed memory. Meanwhile, other threads write to it through atomics
    ///   alone, and only values that may be lost.
    pub(super) unsafe fn create(
        path: PathBuf,
        header: &LiveHeader,
        records: &[Record],
        nodes: NodeMemory,
    ) -> io::Result<LiveFile> {
        let hidden = temporary(&path, header.id)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW);
        let file = with_descriptor(|| options.open(&hidden))?;
        // SAFETY: by this function's contract.
        let made = unsafe { LiveFile::fill(&file, path, header, records, nodes) };
        let named = made.and_then(|mut live| {
            fs::rename(&hidden, live.path())?;
            // The file has a copy of the nodes.
            let offset = live.len - nodes.committed.next_multiple_of(mapping::page_size()) as u64;
            // SAFETY: by this function's contract.
            match unsafe { mapping::map_over(nodes.base, &file, offset, nodes.committed) } {
                Ok(()) => Ok(live),
                Err(error) => {
                    live.remove();
                    Err(error)
                }
            }
        });
        if named.is_err() {
            // Reports the first error.
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
        // The umask may forbid even the owner to open it again.
        file.set_permissions(Permissions::from_mode(0o600))?;
        let page = mapping::page_size();
        let header_len = HEADER.next_multiple_of(page);
        let needed: usize = records.iter().map(Record::size).sum();
        // Includes room for a record of zero length, which ends the segment.
        let log_len = (needed + 8).max(FIRST_LOG).next_multiple_of(page);
        let nodes_len = nodes.committed.next_multiple_of(page);
        let len = (header_len + log_len + nodes_len) as u64;
        blocks::reserve_blocks(file, 0, len)?;
        let end = (len + AHEAD)
            .min(limits::file_size().unwrap_or(u64::MAX))
            .max(len);
        blocks::lengthen(file, end)?;
        let head = Mapping::new(file, 0, header_len)?;
        let log = Mapping::new(file, header_len as u64, log_len)?;
        let copy = Mapping::new(file, (header_len + log_len) as u64, nodes_len)?;
        // Pages that are not copied are zeros in both, and take no page of the cache.
        let used = nodes.used.min(nodes.committed);
        let (from, to) = (nodes.base.cast::<u64>(), copy.start().cast::<u64>());
        for word in 0..used / size_of::<u64>() {
            // SAFETY: that much is committed, and the copy is no smaller; both begin at a page.
            // Other threads write to the original through atomics alone (contract), and the copy is
            // known here alone.
            unsafe {
                let value = AtomicU64::from_ptr(from.add(word).as_ptr()).load(Relaxed);
                to.add(word).write(value);
            }
        }
        let mut live = LiveFile {
            place: Place::new(path, &file.metadata()?),
            len,
            end,
            header: MappedHeader::new(head),
            frontier: Frontier::new(file, len)?,
            log,
            log_used: 0,
            log_total: log_len,
            nodes: nodes.committed,
            is_log_over: false,
            is_full: false,
            is_detached: false,
        };
        let head = &mut live.header;
        head.write(header);
        head.add_segment(header_len as u64, log_len as u64 | LOG);
        head.add_segment((header_len + log_len) as u64, nodes_len as u64);
        for record in records {
            live.append(record);
        }
        live.header.finish();
        Ok(live)
    }

    /// Calls `body` with the header, unless it is the parent's.
    fn with_header(&self, body: impl FnOnce(&MappedHeader)) {
        if !self.is_detached {
            body(&self.header);
        }
    }

    /// Notes what a tick is, as far as it is known by now.
    pub(crate) fn set_rate(&self, rate: TickRate) {
        self.with_header(|header| header.set_rate(rate));
    }

    /// Notes whether the recording was saved for the last time.
    pub(crate) fn set_saved(&self, saved: Saved) {
        self.with_header(|header| header.set_saved(saved));
    }

    /// Notes how often threads of C code entered the interpreter unnoticed.
    pub(crate) fn set_unnoticed_entries(&self, entries: u32) {
        self.with_header(|header| header.set_unnoticed_entries(entries));
    }

    /// Notes how many waits were divided by the numbers of switches.
    pub(crate) fn set_estimated_waits(&self, waits: u32) {
        self.with_header(|header| header.set_estimated_waits(waits));
    }

    /// Notes what recording costs.
    pub(crate) fn set_calibration(&self, calibration: Calibration) {
        self.with_header(|header| header.set_calibration(calibration));
    }

    /// Bytes of the nodes that are in the file.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }

    /// Notes calls that are in no segment.
    pub(crate) fn set_unsaved_calls(&self, calls: u64) {
        self.with_header(|header| header.set_unsaved_calls(calls));
    }

    /// Adds a record, if there is room for it, or room can be made. Adds none after one was
    /// omitted, because functions are numbered in order. Returns true if the file has grown.
    ///
    /// # Errors
    /// The system's, the first time that no room can be made.
    pub(super) fn write(&mut self, record: Option<&Record>) -> io::Result<bool> {
        if self.is_detached || self.is_log_over {
            return Ok(false);
        }
        // Reset below, once the record is in the log.
        self.is_log_over = true;
        let Some(record) = record else {
            let is_first = !std::mem::replace(&mut self.is_full, true);
            return match is_first {
                true => Err(io::ErrorKind::OutOfMemory.into()),
                false => Ok(false),
            };
        };
        let mut has_grown = false;
        if self.log_used + record.size() > self.log.len() {
            let page = mapping::page_size();
            let step = self.log_total.min(LARGEST_LOG);
            let len = (record.size() + 8).max(step).next_multiple_of(page);
            let offset = self.len;
            let Some(log) = self.grow(len)? else {
                return Ok(false);
            };
            has_grown = true;
            self.log = log;
            self.log_used = 0;
            self.log_total += len;
            self.header.add_segment(offset, len as u64 | LOG);
        }
        self.append(record);
        self.is_log_over = false;
        Ok(has_grown)
    }

    /// Puts a record into the log, which has room for it.
    fn append(&mut self, record: &Record) {
        let room = self.log.len() - self.log_used;
        let len = record.payload.len();
        debug_assert!(record.size() <= room && len > 0);
        if record.size() > room {
            return;
        }
        // SAFETY: `room` bytes of the mapping are unused, enough for the record; they begin at a
        // multiple of 8. Only this function writes to them, and no code of this process reads them.
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

    /// Backs the `len` bytes at `start` with further nodes of the file, as long as it can grow.
    ///
    /// # Errors
    /// The system's, the first time that the file can't grow.
    ///
    /// # Safety
    /// * The memory is whole pages of a region, not yet in use, and follows what was backed
    ///   before.
    pub(super) unsafe fn extend(&mut self, start: NonNull<u8>, len: usize) -> io::Result<()> {
        let offset = self.len;
        let Some(nodes) = self.grow(len)? else {
            return Ok(());
        };
        // SAFETY: by this function's contract.
        if let Err(error) = unsafe { nodes.move_over(start) } {
            self.is_full = true;
            return Err(error);
        }
        self.header.add_segment(offset, len as u64);
        self.nodes += len;
        Ok(())
    }

    /// Takes `len` bytes, in whole pages, for a segment of that content, as long as the
    /// file can grow.
    ///
    /// # Errors
    /// The system's, the first time that the file can't grow.
    pub(super) fn record_block(&mut self, len: usize, content: u64) -> io::Result<Option<Mapping>> {
        let offset = self.len;
        let block = self.grow(len)?;
        if block.is_some() {
            self.header.add_segment(offset, len as u64 | content);
        }
        Ok(block)
    }

    /// Takes `len` bytes more of the file, or nothing when it is full.
    fn grow(&mut self, len: usize) -> io::Result<Option<Mapping>> {
        if self.is_full || self.is_detached {
            return Ok(None);
        }
        let grown = self.try_to_grow(len);
        self.is_full = grown.is_err();
        grown.map(Some)
    }

    fn try_to_grow(&mut self, len: usize) -> io::Result<Mapping> {
        self.place.follow(self.header.address())?;
        if !self.header.has_room() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let next = self.len + len as u64;
        if self.end < next + AHEAD / 2 {
            // While there is room, a failure does not matter yet.
            match self.lengthen(next + AHEAD) {
                Ok(()) => {}
                Err(_) if next <= self.end => {}
                Err(error) => return Err(error),
            }
        }
        blocks::check_free(self.place.path(), len as u64)?;
        let taken = self.frontier.take(len)?;
        self.len = next;
        Ok(taken)
    }

    /// Makes the file longer, without blocks of the disk.
    fn lengthen(&mut self, end: u64) -> io::Result<()> {
        let end = end.min(limits::file_size().unwrap_or(u64::MAX));
        if end <= self.end {
            return Err(io::Error::from_raw_os_error(libc::EFBIG));
        }
        blocks::lengthen(&self.place.open()?, end)?;
        self.end = end;
        Ok(())
    }

    /// Returns true if all that was recorded is in the file, and the file is where readers find
    /// it.
    pub(super) fn is_complete(&mut self) -> bool {
        self.has_everything() && self.place.follow(self.header.address()).is_ok()
    }

    /// Returns true if nothing is missing in it and it is this process's.
    pub(super) fn has_everything(&self) -> bool {
        !self.is_full && !self.is_detached
    }

    /// Removes the file, unless another has taken its place or it is the parent's. If the file
    /// can't be removed, its header says that readers must ignore it.
    pub(crate) fn remove(&mut self) {
        if self.is_detached {
            return;
        }
        let is_own = self.place.follow(self.header.address()).is_ok() && self.place.is_there();
        self.is_full = true;
        if is_own && fs::remove_file(self.place.path()).is_err() {
            self.header.set_saved(Saved::Superseded);
        }
    }

    /// Returns true if the file is the parent's.
    pub(super) fn is_detached(&self) -> bool {
        self.is_detached
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Gives up the file in a forked child, because it is the parent's. Afterwards, only the number
    /// of children without a file is changed in it. Unmaps the log and the frontier; the nodes are
    /// unmapped with their arena. Allocates and frees nothing.
    pub(crate) fn detach(&mut self) {
        self.is_detached = true;
        self.is_full = true;
        self.log.unmap();
        self.frontier.unmap();
    }

    /// Counts one more or one fewer forked child that has no file and has saved nothing. Called in
    /// the child, whose file is still the parent's.
    pub(super) fn count_unsaved_child(&self, is_more: bool) {
        if self.is_detached {
            let children = self.header.unsaved_children();
            match is_more {
                true => children.fetch_add(1, Relaxed),
                false => children.fetch_sub(1, Relaxed),
            };
        }
    }

    /// Number of forked children that have no file and have saved nothing.
    pub(super) fn unsaved_children(&self) -> u32 {
        match self.is_detached {
            true => 0,
            false => self.header.unsaved_children().load(Relaxed),
        }
    }
}

/// Returns a hidden name beside `path`, which the file has until it is complete.
fn temporary(path: &Path, id: RecordingId) -> io::Result<PathBuf> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let id = u128::from_le_bytes(id);
    Ok(directory.join(format!(".edbprof-{id:032x}.live.tmp")))
}
