//! The call history of a recording: blocks, of which each thread has one at a time.
//!
//! [`crate::format::timeline`] has the table of a block's bytes. A thread takes a block under the
//! recording's lock, and fills it without one: see `thread/history.rs`. Once there is no room for
//! further blocks, the history ends, or it uses the oldest block again that no thread has.
//!
//! Blocks are in a mapped file beside the live file, or in memory if there is no live file.

mod block;
mod kept;
mod storage;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::PathBuf;

use block::RecordedBlock;
pub(crate) use block::{BlockName, BlockStart, NewBlock, WORDS};
use kept::Kept;
use storage::Storage;

use crate::format::timeline::BLOCK;
use crate::model::RecordingId;

/// Calls that are kept once there is no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The latest ones.
    Latest,
    /// The first ones.
    First,
}

/// Options of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryOptions {
    /// Bytes that it may take.
    pub(crate) bytes: u64,
    pub(crate) keep: Keep,
    /// Only blocks that [`History::keep`] has kept are saved.
    pub(crate) only_kept: bool,
    /// Bytes of the file system that stay free; by default three quarters of the free space at the
    /// history's start.
    pub(crate) disk_floor: Option<u64>,
    /// Bytes of memory, of the control groups and of the machine, that are left free, likewise.
    pub(crate) memory_floor: Option<u64>,
}

impl HistoryOptions {
    /// Blocks that a history has at least, if there is room for them.
    const LEAST_BLOCKS: u64 = 4;

    fn most_blocks(&self) -> usize {
        let blocks = (self.bytes / BLOCK as u64).max(HistoryOptions::LEAST_BLOCKS);
        blocks.min(u32::MAX.into()) as usize
    }
}

/// A block that its thread has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Retired {
    number: u64,
    index: u32,
    /// Tick up to which it has events.
    end: u64,
}

/// The blocks of a recording. Touched under its lock, except for the words of threads' blocks.
#[derive(Debug)]
pub(crate) struct History {
    options: HistoryOptions,
    storage: Option<Storage>,
    /// Number of blocks that have been in use.
    used: usize,
    retired: BinaryHeap<Reverse<Retired>>,
    kept: Kept,
    /// Number of the latest block.
    latest: u64,
    /// Number of the latest thread.
    threads: u32,
    complete_from: u64,
    complete_to: Option<u64>,
    /// There is no room for further blocks.
    is_full: bool,
    /// In a forked child: all of it is the parent's.
    is_abandoned: bool,
}

impl History {
    /// A history without blocks.
    pub(crate) fn new(options: HistoryOptions) -> History {
        History {
            options,
            storage: None,
            used: 0,
            retired: BinaryHeap::new(),
            kept: Kept::default(),
            latest: 0,
            threads: 0,
            complete_from: 1,
            complete_to: None,
            is_full: false,
            is_abandoned: false,
        }
    }

    /// Gives up the parent's blocks in a forked child, so that nothing here touches them any more.
    /// Allocates and frees nothing.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
        if let Some(storage) = &mut self.storage {
            storage.unmap();
        }
    }

    /// A number for another thread.
    pub(crate) fn number_thread(&mut self) -> u32 {
        self.threads = self.threads.saturating_add(1);
        self.threads
    }

    /// Takes a block of zeros for a thread that has events from `tick` on. `file` is the path of
    /// the history's file, if it is to have one. Returns `None` if there is no room, and no block
    /// that may be used again.
    ///
    /// # Errors
    /// The system's, if there can't be a single block.
    pub(crate) fn take(
        &mut self,
        file: impl FnOnce() -> Option<PathBuf>,
        id: RecordingId,
        tick: u64,
    ) -> io::Result<Option<NewBlock>> {
        if std::mem::take(&mut self.is_abandoned) {
            *self = History::new(self.options);
        }
        if self.complete_to.is_some() && self.options.keep == Keep::First {
            return Ok(None);
        }
        let taken = self.take_block(file, id);
        if !matches!(taken, Ok(Some(_))) {
            self.end_at(tick);
        }
        taken
    }

    fn take_block(
        &mut self,
        file: impl FnOnce() -> Option<PathBuf>,
        id: RecordingId,
    ) -> io::Result<Option<NewBlock>> {
        if self.storage.is_none() && self.is_full {
            return Ok(None);
        }
        let mut is_slow = false;
        let storage = match &mut self.storage {
            Some(storage) => storage,
            none => {
                is_slow = true;
                let made = Storage::new(file(), id, &self.options);
                self.is_full = made.is_err();
                let made = made?;
                // Forked children leave the same free.
                let (disk, memory) = made.floors();
                self.options.disk_floor = Some(disk);
                self.options.memory_floor = Some(memory);
                none.insert(made)
            }
        };
        if self.used == storage.blocks() && !self.is_full {
            is_slow = true;
            let grown = storage.grow(self.options.most_blocks());
            self.is_full = grown.is_err();
            if self.used == 0 {
                grown?;
            }
        }
        let is_new = self.used < storage.blocks();
        let index = if is_new {
            self.used += 1;
            self.used as u32 - 1
        } else if self.options.keep == Keep::Latest {
            let Some(oldest) = self.oldest() else {
                return Ok(None);
            };
            let storage = self.storage.as_ref().ok_or(io::ErrorKind::NotFound)?;
            self.complete_from = self.complete_from.max(oldest.end);
            storage.set_complete_from(self.complete_from);
            storage.set_given_up(oldest.index);
            storage.words(oldest.index).clear();
            self.kept.reused(oldest.index);
            oldest.index
        } else {
            return Ok(None);
        };
        self.latest += 1;
        let storage = self.storage.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(Some(NewBlock {
            start: storage.words(index).start(),
            name: BlockName {
                index,
                number: self.latest,
            },
            is_slow,
        }))
    }

    /// Takes the block with the lowest number that no thread has, and that is not kept.
    fn oldest(&mut self) -> Option<Retired> {
        while let Some(Reverse(oldest)) = self.retired.pop() {
            if !self.kept.postpone(oldest) {
                return Some(oldest);
            }
        }
        None
    }

    /// Keeps the blocks that have events between two ticks. Releases those that were kept earliest
    /// while blocks were kept more than `most` times, or while there are too many blocks.
    pub(crate) fn keep(&mut self, from: u64, to: u64, most: usize) {
        let Some(storage) = self.storage.as_ref().filter(|_| !self.is_abandoned) else {
            return;
        };
        let has_events = |index: &u32| {
            let start = storage.words(*index).recorded().map(|of| of.block.start);
            start.is_some_and(|start| start < to)
                && self.kept.end(*index).is_none_or(|end| end > from)
        };
        let blocks = (0..self.used as u32).filter(has_events);
        let mut blocks: Vec<_> = blocks
            .filter_map(|index| Some((storage.words(index).recorded()?.block.number, index)))
            .collect();
        // A quarter of the blocks is for later events. If there are too many blocks, the latest are
        // kept.
        let room = self.options.most_blocks() * 3 / 4;
        blocks.sort_unstable();
        let first = blocks.len().saturating_sub(room);
        let blocks = blocks.split_off(first).into_iter().map(|(_, index)| index);
        let released = self.kept.keep(blocks.collect(), most, room);
        self.retired.extend(released.into_iter().map(Reverse));
    }

    /// Notes that from `tick` on the history is missing or incomplete.
    pub(crate) fn end_at(&mut self, tick: u64) {
        let tick = self.complete_to.map_or(tick, |before| before.min(tick));
        self.complete_to = Some(tick);
        if let Some(storage) = &self.storage {
            storage.set_complete_to(tick);
        }
    }

    /// Notes that a thread has left a block, whose events end at tick `end`, and writes nothing
    /// more to it.
    pub(crate) fn retire(&mut self, block: BlockName, end: u64) {
        let retired = Retired {
            number: block.number,
            index: block.index,
            end,
        };
        if let Some(storage) = self.storage.as_ref().filter(|_| !self.is_abandoned) {
            // SAFETY: the block's thread has left it, and is the only one that writes to it.
            unsafe { storage.words(block.index).seal() };
        }
        if !self.is_abandoned && self.retired.try_reserve(1).is_ok() && self.kept.retire(retired) {
            self.retired.push(Reverse(retired));
        }
    }

    /// Returns the first tick from which on all events are there, and the first from which on they
    /// are not.
    pub(crate) fn complete(&self) -> (u64, u64) {
        match self.is_abandoned {
            true => (1, u64::MAX),
            false => (self.complete_from, self.complete_to.unwrap_or(u64::MAX)),
        }
    }

    /// Returns true if only those blocks are saved that are kept.
    pub(crate) fn is_partial(&self) -> bool {
        self.options.only_kept
    }

    /// The blocks to save, by number: all, or those that are kept.
    pub(crate) fn blocks(&self) -> Vec<RecordedBlock<'_>> {
        let storage = self.storage.as_ref().filter(|_| !self.is_abandoned);
        let is_saved = |index: &u32| !self.options.only_kept || self.kept.has(*index);
        let blocks = storage.into_iter().flat_map(|storage| {
            let indices = (0..self.used as u32).filter(is_saved);
            indices.filter_map(|index| storage.words(index).recorded())
        });
        let mut blocks: Vec<_> = blocks.collect();
        blocks.sort_by_key(|of| of.block.number);
        blocks
    }

    /// Removes the file, if there is one of this process's own.
    pub(crate) fn remove_file(&mut self) {
        if let Some(storage) = self.storage.as_mut().filter(|_| !self.is_abandoned) {
            storage.remove_file();
        }
    }
}
