//! Records of one kind in blocks that are mapped from the live file, if there is one, or else in
//! memory. A record keeps its address, so a block is never moved or freed before its table.

use std::ptr::NonNull;

use super::LiveBacking;
use super::mapping::{Mapping, page_size};

/// Bytes of a block at most.
const LARGEST_BLOCK: usize = 256 << 10;

/// A record in a live file.
///
/// # Safety
/// * Zeros are a record, and all of it but padding is atomic.
pub(crate) unsafe trait LiveRecord: Default {
    /// Content of the segments that hold such records.
    const SEGMENT: u64;
}

#[derive(Debug)]
enum Block<R> {
    File(Mapping),
    Memory(Box<[R]>),
}

impl<R: LiveRecord> Block<R> {
    fn records(&self) -> &[R] {
        match self {
            // SAFETY: zeroed pages of the file, mapped as long as `self` and touched through
            // atomics alone (contract of `LiveRecord`).
            Block::File(mapping) => unsafe {
                let len = mapping.len() / size_of::<R>();
                std::slice::from_raw_parts(mapping.start().cast().as_ptr(), len)
            },
            Block::Memory(records) => records,
        }
    }
}

/// The blocks of one kind of records. Touched under the recording's lock.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    blocks: Vec<Block<R>>,
    /// Number of records that are taken in the last block.
    used: usize,
}

impl<R> Default for Blocks<R> {
    fn default() -> Self {
        Blocks {
            blocks: Vec::new(),
            used: 0,
        }
    }
}

impl<R: LiveRecord> Blocks<R> {
    /// Takes an unused record of zeros, or none without memory. The record lives as long as the
    /// blocks.
    pub(super) fn take(&mut self, backing: &mut LiveBacking) -> Option<NonNull<R>> {
        let room = self.blocks.last().map_or(0, |block| block.records().len());
        if self.used == room {
            self.blocks.try_reserve(1).ok()?;
            let bytes = (2 * room * size_of::<R>()).next_multiple_of(page_size());
            let bytes = bytes.clamp(page_size(), LARGEST_BLOCK);
            let block = match backing.record_block(bytes, R::SEGMENT) {
                Some(mapping) => Block::File(mapping),
                None => Block::Memory(in_memory(bytes / size_of::<R>())?),
            };
            self.blocks.push(block);
            self.used = 0;
        }
        let record = self.blocks.last()?.records().get(self.used)?;
        self.used += 1;
        Some(NonNull::from(record))
    }

    /// All records that were taken.
    pub(super) fn iter(&self) -> impl Iterator<Item = &R> + '_ {
        let last = self.blocks.len().saturating_sub(1);
        let blocks = self.blocks.iter().map(Block::records).enumerate();
        blocks.flat_map(move |(number, records)| {
            let taken = match number == last {
                true => self.used,
                false => records.len(),
            };
            records.iter().take(taken)
        })
    }

    /// Gives up the parent's file in a forked child. Allocates and frees nothing. All records are
    /// lost, and the blocks must be replaced before another record is taken.
    pub(super) fn abandon(&mut self) {
        for block in &mut self.blocks {
            if let Block::File(mapping) = block {
                mapping.unmap();
            }
        }
    }
}

fn in_memory<R: LiveRecord>(records: usize) -> Option<Box<[R]>> {
    let mut block = Vec::new();
    block.try_reserve_exact(records).ok()?;
    block.resize_with(records, R::default);
    Some(block.into_boxed_slice())
}
