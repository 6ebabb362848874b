//! Blocks that are kept for slow calls, and are not used again meanwhile.

use std::collections::VecDeque;

use super::Retired;

/// A block that a history has used.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Number of calls that keep it.
    holds: u32,
    /// The block, once its thread has left it.
    retired: Option<Retired>,
    /// True if the history has taken the block from the retired ones while it was kept.
    is_postponed: bool,
}

/// The kept blocks of a history, by the calls that they are kept for.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Indices of the blocks of each call, the oldest call first.
    calls: VecDeque<Vec<u32>>,
    /// Number of blocks that are kept.
    blocks: usize,
    slots: Vec<Slot>,
}

impl Kept {
    fn slot(&mut self, index: u32) -> Option<&mut Slot> {
        let index = index as usize;
        if index >= self.slots.len() {
            let more = index + 1 - self.slots.len();
            self.slots.try_reserve(more).ok()?;
            self.slots.resize(index + 1, Slot::default());
        }
        self.slots.get_mut(index)
    }

    /// Returns true if the block at `index` is kept.
    pub(super) fn has(&self, index: u32) -> bool {
        let slot = self.slots.get(index as usize);
        slot.is_some_and(|slot| slot.holds > 0)
    }

    /// Tick at which the events of the block at `index` end, if its thread has left it.
    pub(super) fn end(&self, index: u32) -> Option<u64> {
        let slot = self.slots.get(index as usize)?;
        slot.retired.map(|retired| retired.end)
    }

    /// Notes that a thread has left a block. Returns false if there is no memory for the note.
    pub(super) fn retire(&mut self, block: Retired) -> bool {
        let slot = self.slot(block.index);
        slot.map(|slot| slot.retired = Some(block)).is_some()
    }

    /// Notes that the block at `index` is in use again.
    pub(super) fn reused(&mut self, index: u32) {
        if let Some(slot) = self.slot(index) {
            *slot = Slot::default();
        }
    }

    /// Returns true if a block that was taken from the retired ones is kept. It is retired again
    /// once it is released.
    pub(super) fn postpone(&mut self, block: Retired) -> bool {
        let slot = self.slots.get_mut(block.index as usize);
        let kept = slot.filter(|slot| slot.holds > 0);
        kept.map(|slot| slot.is_postponed = true).is_some()
    }

    /// Keeps the blocks of a call. Releases those of the oldest calls while there are more than
    /// `most` calls or `room` blocks. Returns blocks that were postponed and are free again.
    pub(super) fn keep(&mut self, blocks: Vec<u32>, most: usize, room: usize) -> Vec<Retired> {
        for &index in &blocks {
            if let Some(slot) = self.slot(index) {
                slot.holds += 1;
                self.blocks += usize::from(self.slots[index as usize].holds == 1);
            }
        }
        self.calls.push_back(blocks);
        let mut free = Vec::new();
        while self.calls.len() > most.max(1) || self.blocks > room {
            let Some(blocks) = self.calls.pop_front() else {
                break;
            };
            for index in blocks {
                free.extend(self.release(index));
            }
        }
        free
    }

    fn release(&mut self, index: u32) -> Option<Retired> {
        let slot = self.slots.get_mut(index as usize)?;
        slot.holds = slot.holds.saturating_sub(1);
        if slot.holds > 0 {
            return None;
        }
        self.blocks -= 1;
        let is_postponed = std::mem::take(&mut slot.is_postponed);
        slot.retired.filter(|_| is_postponed)
    }
}
