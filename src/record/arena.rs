//! Where the nodes of a recording lie: one region, handed out in chunks.
//!
//! Each thread takes a chunk at a time, so its nodes are near each other and
//! making one needs no lock; an index is enough to find any node of the recording.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;

use super::node::{Node, NodeIndex};
use super::region::Region;

/// Nodes that a thread's first chunk holds: one page.
const FIRST_CHUNK: u32 = 64;
/// Nodes that a chunk holds at most.
const LARGEST_CHUNK: u32 = 8192;

/// The nodes of one recording.
#[derive(Debug)]
pub(crate) struct Arena {
    region: Region,
    used: u32,
}

impl Arena {
    /// An arena for at most `max_nodes` nodes, or fewer where address space is
    /// scarce. No memory is committed yet.
    ///
    /// # Errors
    /// The system's, when not even one chunk can be reserved.
    pub(crate) fn new(max_nodes: u32) -> io::Result<Arena> {
        let bytes = max_nodes.max(FIRST_CHUNK) as usize * size_of::<Node>();
        let least = FIRST_CHUNK as usize * size_of::<Node>();
        Ok(Arena {
            region: Region::reserve(bytes, least)?,
            used: 0,
        })
    }

    /// Where node 0 lies; node `i` is the `i`-th behind it.
    pub(crate) fn base(&self) -> NonNull<Node> {
        self.region.base().cast()
    }

    /// Nodes that there is address space for.
    pub(crate) fn capacity(&self) -> u32 {
        u32::try_from(self.region.reserved() / size_of::<Node>()).unwrap_or(u32::MAX)
    }

    /// Nodes in all chunks so far: every index is below.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Bytes from the first node on that are usable memory.
    pub(crate) fn committed(&self) -> usize {
        self.region.committed()
    }

    /// A chunk of zeroed nodes for a thread that has `owned` nodes so far, with
    /// room for `least` at least. `None` when the arena is full. `back` may put
    /// memory of its own under it: see [`Region::commit`].
    pub(crate) fn chunk(
        &mut self,
        owned: u32,
        least: u32,
        back: impl FnOnce(NonNull<u8>, usize) -> bool,
    ) -> Option<Range<NodeIndex>> {
        let left = self.capacity().checked_sub(self.used)?;
        if left < least.max(1) {
            return None;
        }
        let size = owned.clamp(FIRST_CHUNK, LARGEST_CHUNK).max(least).min(left);
        let end = self.used + size;
        let bytes = end as usize * size_of::<Node>();
        self.region.commit(bytes, back).ok()?;
        let chunk = self.used..end;
        self.used = end;
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_each_other_and_end_with_the_arena() {
        let mut arena = Arena::new(200).unwrap();
        let capacity = arena.capacity();
        assert!(capacity >= 200);
        let mut next = 0;
        while let Some(chunk) = arena.chunk(next, 1, |_, _| false) {
            assert_eq!(chunk.start, next);
            assert!(chunk.end > chunk.start);
            next = chunk.end;
        }
        assert_eq!(next, capacity);
    }

    #[test]
    fn a_chunk_holds_what_was_asked_for_or_there_is_none() {
        let mut arena = Arena::new(100_000).unwrap();
        assert_eq!(
            arena.chunk(0, 50_000, |_, _| false).map(|c| c.len()),
            Some(50_000)
        );
        assert_eq!(arena.chunk(0, 100_000, |_, _| false), None);
        assert_eq!(arena.chunk(0, 1, |_, _| false).map(|c| c.len()), Some(64));
    }
}
