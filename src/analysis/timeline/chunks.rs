//! Parts of a thread's history that are replayed in parallel.
//!
//! Each block can be read alone, so a part can begin at any block. Parts of one thread follow each
//! other without a gap, so that sums over them are sums over the whole.

use std::ops::Range;

use super::replay::{ThreadHistory, threads};
use crate::format::timeline::TimelineProcess;

/// Number of blocks of a part: some 16 MB, so that one long thread keeps all processors busy.
const BLOCKS: usize = 256;

/// Blocks that follow each other in the history of one thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// Index among the threads of the process.
    pub(super) thread: usize,
    /// Index of its first block among the thread's.
    pub(super) first: usize,
    /// Index behind its last block.
    pub(super) end: usize,
}

impl Chunk {
    /// Number of the block behind it; `None` if the chunk is the thread's last one.
    pub(super) fn next(&self, thread: &ThreadHistory) -> Option<u64> {
        thread.blocks.get(self.end).map(|block| block.number)
    }
}

/// The threads of `process`, and chunks with all of their blocks that have a part of `window`.
pub(super) fn chunks(
    process: &TimelineProcess,
    window: &Range<u64>,
) -> (Vec<ThreadHistory>, Vec<Chunk>) {
    let threads = threads(process);
    let mut chunks = Vec::new();
    for (thread, history) in threads.iter().enumerate() {
        let blocks = &history.blocks;
        // The last one that begins before the window may reach into it, and the one before that
        // may end with waiting which does.
        let begun = blocks.partition_point(|block| block.start < window.start);
        let begun = begun.saturating_sub(2);
        let end = blocks.partition_point(|block| block.start < window.end);
        chunks.extend((begun..end).step_by(BLOCKS).map(|first| Chunk {
            thread,
            first,
            end: end.min(first + BLOCKS),
        }));
    }
    (threads, chunks)
}

/// Tick at which the history of `process` ends: calls that are open then are cut.
pub(super) fn end_of(process: &TimelineProcess) -> u64 {
    process.end.min(process.complete_to)
}
