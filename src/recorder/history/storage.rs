//! Memory of a history's blocks: of a mapped file, or of the process's own.
//!
//! The memory grows in steps. The file has its whole length from the beginning, without space on
//! the disk. Each step is mapped through a page that is mapped already, see [`Frontier`], so
//! growing needs neither a descriptor nor a path. Each step has its space on the disk before it is
//! used.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Release};

use super::block::Words;
use super::{HistoryOptions, Keep};
use crate::format::memory_room::memory_room;
use crate::format::timeline::{BLOCK, HISTORY_HEADER, HISTORY_MAGIC, VERSION, history};
use crate::model::RecordingId;
use crate::recorder::descriptors::with_descriptor;
use crate::recorder::limits;
use crate::recorder::live::blocks;
use crate::recorder::live::mapping::{Frontier, Mapping, page_size};
use crate::recorder::live::place::Place;

/// Number of blocks in the first step, for processes of few calls, and in each later one. A page of
/// a file costs several times as much if few pages are allocated at once.
const STEPS: (usize, usize) = (4, 64);

/// Blocks, in the file or in memory.
#[derive(Debug)]
pub(super) struct Storage {
    file: Option<HistoryFile>,
    /// Each with a whole number of blocks.
    segments: Vec<Mapping>,
    blocks: usize,
    disk_floor: u64,
    memory_floor: u64,
}

/// The file that the blocks are in.
#[derive(Debug)]
struct HistoryFile {
    place: Place,
    header: Mapping,
    frontier: Frontier,
    /// Bytes behind the header that no segment has taken yet.
    len: u64,
    /// The file system is memory.
    is_memory: bool,
}

impl Storage {
    /// A storage without blocks, in a new file at `path`; without one, in memory.
    pub(super) fn new(
        path: Option<PathBuf>,
        id: RecordingId,
        options: &HistoryOptions,
    ) -> io::Result<Storage> {
        let free_of = |path: &PathBuf| blocks::free_space(path.parent()?).ok()?.0;
        let disk = || path.as_ref().and_then(free_of);
        let floor = |free: Option<u64>| free.map_or(0, |free| free - free / 4);
        let disk_floor = options.disk_floor.unwrap_or_else(|| floor(disk()));
        let memory_floor = options.memory_floor;
        let memory_floor = memory_floor.unwrap_or_else(|| floor(memory_room()));
        let file = path.map(|path| HistoryFile::create(path, id, options));
        Ok(Storage {
            file: file.transpose()?,
            segments: Vec::new(),
            blocks: 0,
            disk_floor,
            memory_floor,
        })
    }

    /// Bytes of the file system and of memory that are left free.
    pub(super) fn floors(&self) -> (u64, u64) {
        (self.disk_floor, self.memory_floor)
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// The block at `index`, which is below [`Storage::blocks`].
    pub(super) fn words(&self, index: u32) -> Words<'_> {
        let mut offset = index as usize * BLOCK;
        for segment in &self.segments {
            if offset < segment.len() {
                // SAFETY: a whole block of the segment, which is mapped as long as `self`, and
                // touched through atomics alone.
                return unsafe { Words::at(segment.start().add(offset)) };
            }
            offset -= segment.len();
        }
        unreachable!("the block {index} of {}", self.blocks)
    }

    /// Adds blocks, so that there are at most `most`: few if there is no room for many.
    pub(super) fn grow(&mut self, most: usize) -> io::Result<()> {
        let (few, many) = STEPS;
        match self.blocks {
            0 => self.grow_by(few, most),
            _ => self
                .grow_by(many, most)
                .or_else(|_| self.grow_by(few, most)),
        }
    }

    fn grow_by(&mut self, step: usize, most: usize) -> io::Result<()> {
        let step = step.min(most.saturating_sub(self.blocks));
        if step == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let len = step * BLOCK;
        self.check_room(len as u64)?;
        self.segments
            .try_reserve(1)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        let segment = match &mut self.file {
            Some(file) => file.take(len)?,
            None => Mapping::anonymous(len)?,
        };
        self.segments.push(segment);
        self.blocks += step;
        self.store(history::BLOCKS, self.blocks as u64);
        Ok(())
    }

    /// Checks that the file system and the memory have `len` bytes more than must stay free.
    fn check_room(&self, len: u64) -> io::Result<()> {
        let refused = |free: Option<u64>, floor: u64| {
            free.is_some_and(|free| free < floor.saturating_add(len))
        };
        let mut is_memory = true;
        if let Some(file) = &self.file {
            is_memory = file.is_memory;
            // A process that has lost the path can't ask.
            let free = blocks::free_space(file.place.path()).map_or(None, |(free, _)| free);
            if refused(free, self.disk_floor) {
                return Err(io::Error::new(
                    io::ErrorKind::StorageFull,
                    "the call history would take space that must stay free",
                ));
            }
        }
        let is_refused = is_memory && refused(memory_room(), self.memory_floor);
        if is_refused || self.file.is_none() && !limits::have_room_for(len as usize) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(())
    }

    fn store(&self, at: usize, value: u64) {
        if let Some(file) = &self.file {
            file.store(at, value);
        }
    }

    pub(super) fn set_complete_from(&self, tick: u64) {
        self.store(history::COMPLETE_FROM, tick);
    }

    pub(super) fn set_complete_to(&self, tick: u64) {
        self.store(history::COMPLETE_TO, tick);
    }

    /// Notes that the block at `index` is about to be filled with zeros.
    pub(super) fn set_given_up(&self, index: u32) {
        self.store(history::GIVEN_UP, u64::from(index) + 1);
    }

    /// Unmaps everything. Frees nothing.
    pub(super) fn unmap(&mut self) {
        self.segments.iter_mut().for_each(Mapping::unmap);
        if let Some(file) = &mut self.file {
            file.header.unmap();
            file.frontier.unmap();
        }
    }

    /// Removes the file, unless another has taken its place.
    pub(super) fn remove_file(&mut self) {
        if let Some(file) = &mut self.file {
            let address = file.header.start().addr().get();
            let is_own = file.place.follow(address).is_ok() && file.place.is_there();
            if is_own && fs::remove_file(file.place.path()).is_err() {
                // Readers find no history in it.
                file.store(0, 0);
            }
        }
    }
}

impl HistoryFile {
    /// Makes the file without blocks. It gets its name once it is complete.
    fn create(path: PathBuf, id: RecordingId, options: &HistoryOptions) -> io::Result<HistoryFile> {
        let hidden = temporary(&path, id)?;
        let mut open = OpenOptions::new();
        open.read(true).write(true).create_new(true).mode(0o600);
        open.custom_flags(libc::O_NOFOLLOW);
        let file = with_descriptor(|| open.open(&hidden))?;
        let made = HistoryFile::fill(&file, path, id, options);
        let named = made.and_then(|made| {
            fs::rename(&hidden, made.place.path())?;
            Ok(made)
        });
        if named.is_err() {
            // Reports the first error.
            let _ = fs::remove_file(&hidden);
        }
        named
    }

    fn fill(
        file: &File,
        path: PathBuf,
        id: RecordingId,
        options: &HistoryOptions,
    ) -> io::Result<HistoryFile> {
        // The umask may forbid even the owner to open it again.
        file.set_permissions(Permissions::from_mode(0o600))?;
        blocks::reserve_blocks(file, 0, page_size() as u64)?;
        let most = HISTORY_HEADER as u64 + (options.most_blocks() * BLOCK) as u64;
        let len = most.min(limits::file_size().unwrap_or(u64::MAX));
        blocks::lengthen(file, len)?;
        let header = Mapping::new(file, 0, page_size())?;
        let metadata = file.metadata()?;
        let is_memory = blocks::free_space(path.parent().unwrap_or(Path::new("/")))
            .is_ok_and(|(_, is_memory)| is_memory);
        let made = HistoryFile {
            place: Place::new(path, &metadata),
            header,
            frontier: Frontier::new(file, HISTORY_HEADER as u64)?,
            len: len.saturating_sub(HISTORY_HEADER as u64),
            is_memory,
        };
        let keep = u64::from(options.keep == Keep::First);
        made.store(history::VERSION, keep << 32 | u64::from(VERSION));
        let id = u128::from_le_bytes(id);
        made.store(history::ID, id as u64);
        made.store(history::ID + 8, (id >> 64) as u64);
        made.store(history::COMPLETE_FROM, 1);
        made.store(0, u64::from_le_bytes(HISTORY_MAGIC));
        Ok(made)
    }

    fn store(&self, at: usize, value: u64) {
        const { assert!(history::KEEP == history::VERSION + 4) };
        debug_assert!(at % 8 == 0 && at + 8 <= self.header.len());
        // SAFETY: an aligned place in the mapped header, which all touch through atomics alone.
        unsafe { AtomicU64::from_ptr(self.header.start().add(at).cast().as_ptr()) }
            .store(value, Release);
    }

    /// Takes `len` bytes more of the file.
    fn take(&mut self, len: usize) -> io::Result<Mapping> {
        let left = self
            .len
            .checked_sub(len as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        let taken = self.frontier.take(len)?;
        self.len = left;
        Ok(taken)
    }
}

/// Returns a hidden name beside `path`, which the file has until it is complete.
fn temporary(path: &Path, id: RecordingId) -> io::Result<PathBuf> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let id = u128::from_le_bytes(id);
    Ok(directory.join(format!(".edbprof-{id:032x}.timeline.live.tmp")))
}
