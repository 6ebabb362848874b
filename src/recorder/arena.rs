//! The nodes of a recording: one region, handed out in chunks.
//!
//! Each thread takes a chunk at a time, so its nodes are near each other. An index is enough
//! to find any node of the recording.
//!
//! Behind the nodes of the budget is spare room. It is for counters of overflow calls, and for
//! roots of further threads once the budget is used up.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;

use crate::model::MAX_NODES;
use crate::recorder::limits;
use crate::recorder::node::{Node, NodeIndex};
use crate::recorder::region::{Backing, Region};

/// Nodes that a thread's first chunk holds: one page.
const FIRST_CHUNK: u32 = 64;
/// Nodes that a chunk holds at most.
const LARGEST_CHUNK: u32 = 8192;
/// Nodes that the spare room holds at least, 4 MiB; otherwise a quarter of the budget. Real
/// programs have 18 to 84 nodes a function, and each function in each thread needs a counter.
/// Spare room is address space until it is used.
const LEAST_SPARE: u32 = 1 << 16;
/// Nodes that are committed ahead, for counters where memory is refused: half a granule.
const AHEAD: u32 = 512;
/// The largest budget, because in a file each node may have a second one for its overflow calls.
pub(crate) const LARGEST_BUDGET: u32 = MAX_NODES as u32 / 2;
/// The smallest budget: one chunk.
pub(crate) const LEAST_BUDGET: u32 = FIRST_CHUNK;

/// The nodes of one recording.
#[derive(Debug)]
pub(crate) struct Arena {
    region: Region,
    budget: u32,
    used: u32,
    /// Number of chunks that were refused in a row because memory, and not the budget, was
    /// exhausted.
    refused: u32,
}

impl Arena {
    /// An arena for at most `max_nodes` nodes, or fewer if address space is scarce.
    ///
    /// # Errors
    /// The system's, when not even one chunk can be reserved.
    pub(crate) fn new(max_nodes: u32) -> io::Result<Arena> {
        let budget = max_nodes.clamp(LEAST_BUDGET, LARGEST_BUDGET);
        let nodes = budget + (budget / 4).max(LEAST_SPARE);
        let bytes = |nodes| (nodes as usize).saturating_mul(size_of::<Node>());
        let region = Region::reserve(bytes(nodes), bytes(2 * FIRST_CHUNK))?;
        let capacity = (region.capacity() / size_of::<Node>()) as u32;
        Ok(Arena {
            region,
            budget: budget.min(capacity - capacity / 5),
            used: 0,
            refused: 0,
        })
    }

    /// Node 0; node `i` is the `i`-th behind it.
    pub(crate) fn base(&self) -> NonNull<Node> {
        self.region.base().cast()
    }

    /// Nodes that call trees may have: their indices are below.
    pub(crate) fn budget(&self) -> u32 {
        self.budget
    }

    /// Nodes that the address space holds.
    fn capacity(&self) -> u32 {
        (self.region.capacity() / size_of::<Node>()) as u32
    }

    /// Nodes in all chunks so far: every index is below.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Bytes from the first node on that are usable memory.
    pub(crate) fn committed(&self) -> usize {
        self.region.committed()
    }

    /// A chunk of zeroed nodes for a thread that has `owned` nodes so far, with room for
    /// `least` at least. `None` when the budget is used up, or memory is refused. `backing` may
    /// put memory of its own under it.
    pub(crate) fn chunk(
        &mut self,
        owned: u32,
        least: u32,
        backing: &mut impl Backing,
    ) -> Option<Range<NodeIndex>> {
        let left = self.budget.checked_sub(self.used)?;
        if left < least.max(1) {
            return None;
        }
        let size = owned.clamp(FIRST_CHUNK, LARGEST_CHUNK).max(least).min(left);
        let most = limits::most_bytes(self.committed());
        // Counters may have the rest. A forked child needs its open calls in any case.
        let most = if least > 1 { most } else { most - most / 8 };
        let ahead = AHEAD.min(self.capacity() - self.used - size);
        // While memory is refused, most calls don't ask for it again: the 1st, 2nd, 4th, 8th, ...
        // do.
        let is_asked = self.refused == 0 || self.refused.is_power_of_two();
        let chunk = match is_asked && self.commit(size + ahead, most, backing) {
            true => Some(self.take(size)),
            false => None,
        };
        self.refused = match chunk {
            Some(_) => 0,
            None => self.refused.saturating_add(1),
        };
        chunk
    }

    /// A chunk of spare room, once the budget is used up or memory is refused: see
    /// [`Arena::chunk`].
    pub(crate) fn spare_chunk(&mut self, backing: &mut impl Backing) -> Option<Range<NodeIndex>> {
        let left = self.capacity().checked_sub(self.used)?;
        if (self.used < self.budget && self.refused == 0) || left == 0 {
            return None;
        }
        let size = FIRST_CHUNK.min(left);
        let most = limits::most_bytes(self.committed());
        let has_room = self.commit(size, most, backing);
        has_room.then(|| self.take(size))
    }

    /// Makes sure that `size` further nodes are usable memory, within `most` bytes in all.
    fn commit(&mut self, size: u32, most: usize, backing: &mut impl Backing) -> bool {
        let bytes = (self.used + size) as usize * size_of::<Node>();
        let is_committed = bytes <= self.committed();
        is_committed || (bytes <= most && self.region.commit(bytes, backing).is_ok())
    }

    fn take(&mut self, size: u32) -> Range<NodeIndex> {
        let chunk = self.used..self.used + size;
        self.used = chunk.end;
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::region::Unbacked;

    #[test]
    fn chunks_follow_each_other_and_end_with_the_arena() {
        let mut arena = Arena::new(200).unwrap();
        assert_eq!(arena.spare_chunk(&mut Unbacked), None);
        let mut next = 0;
        while let Some(chunk) = arena.chunk(next, 1, &mut Unbacked) {
            assert_eq!(chunk.start, next);
            assert!(chunk.end > chunk.start);
            next = chunk.end;
        }
        assert_eq!(next, 200);
        while let Some(chunk) = arena.spare_chunk(&mut Unbacked) {
            assert_eq!(chunk.start, next);
            assert!(chunk.end > chunk.start);
            next = chunk.end;
        }
        assert_eq!(next, 200 + LEAST_SPARE);
        assert_eq!(arena.chunk(next, 1, &mut Unbacked), None);
    }

    #[test]
    fn any_budget_is_kept_and_leaves_indices_for_flags() {
        for max_nodes in [0, 1, 64, 65, 300_000, 300_001, 300_003, u32::MAX] {
            let arena = Arena::new(max_nodes).unwrap();
            assert_eq!(
                arena.budget(),
                max_nodes.clamp(LEAST_BUDGET, LARGEST_BUDGET)
            );
            assert!(arena.capacity() < crate::recorder::node::COUNTER);
        }
    }

    #[test]
    fn a_chunk_holds_what_was_asked_for_or_there_is_none() {
        let mut arena = Arena::new(100_000).unwrap();
        assert_eq!(
            arena.chunk(0, 50_000, &mut Unbacked).map(|c| c.len()),
            Some(50_000)
        );
        assert_eq!(arena.chunk(0, 100_000, &mut Unbacked), None);
        assert_eq!(arena.chunk(0, 1, &mut Unbacked).map(|c| c.len()), Some(64));
    }
}
