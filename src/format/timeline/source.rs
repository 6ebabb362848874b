//! Bytes that a timeline is read from, a block at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::damage::{Damage, Damages, FileDamage};

/// A file, or its bytes.
#[derive(Debug)]
pub enum Source {
    /// An open file.
    File(File),
    /// All bytes of a file.
    Bytes(Vec<u8>),
}

/// An open timeline file, from which its processes read their blocks.
#[derive(Debug)]
pub struct TimelineFile {
    source: Source,
    damages: Damages,
    processes: AtomicU64,
    blocks: AtomicU64,
}

impl TimelineFile {
    /// The file that `source` has.
    pub(crate) fn new(source: Source) -> Arc<TimelineFile> {
        Arc::new(TimelineFile {
            source,
            damages: Damages::default(),
            processes: AtomicU64::new(0),
            blocks: AtomicU64::new(0),
        })
    }

    /// Returns the damage that was found so far. Damage of blocks is found when they are read.
    pub fn damage(&self) -> FileDamage {
        let [processes, blocks] = [&self.processes, &self.blocks].map(|of| of.load(Relaxed));
        self.damages.found(processes, blocks)
    }

    /// Notes damage at `offset`.
    pub(super) fn damaged(&self, offset: u64, damage: Damage) {
        self.damages.add(offset, damage);
    }

    /// Counts a process that can be read, and its blocks.
    pub(super) fn count(&self, blocks: usize) {
        self.processes.fetch_add(1, Relaxed);
        self.blocks.fetch_add(blocks as u64, Relaxed);
    }

    /// Number of bytes that it has.
    pub(super) fn len(&self) -> io::Result<u64> {
        match &self.source {
            Source::File(file) => Ok(file.metadata()?.len()),
            Source::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Fills `buffer` with the bytes from `offset` on.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.source {
            Source::File(file) => file.read_exact_at(buffer, offset),
            Source::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = bytes.get(start..).unwrap_or_default();
                let part = rest.get(..buffer.len());
                buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Fills `words` with those from `offset` on.
    pub(super) fn read_words(&self, offset: u64, words: &mut [u64]) -> io::Result<()> {
        const AT_ONCE: usize = 1024;
        let mut bytes = [0; 8 * AT_ONCE];
        let mut at = offset;
        for part in words.chunks_mut(AT_ONCE) {
            let bytes = &mut bytes[..8 * part.len()];
            self.read_at(at, bytes)?;
            at += bytes.len() as u64;
            for (word, bytes) in part.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = bytes.try_into().map_or(0, u64::from_le_bytes);
            }
        }
        Ok(())
    }
}
