//! Waiting of a recording's nodes, in records apart: a node that never waited has none.
//!
//! The records are in blocks that are mapped from the live file, if there is one.

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::LiveBacking;
use super::mapping::{Mapping, page_size};
use crate::format::live::{WAIT, at};
use crate::model::Waiting;
use crate::recorder::node::NodeIndex;

/// Bytes of a block at most.
const LARGEST_BLOCK: usize = 256 << 10;

/// Waiting of one node, as it lies in the file. Zeros are no record, for node 0 is a root.
#[derive(Debug, Default)]
#[repr(C)]
struct WaitRecord {
    node: AtomicU32,
    _padding: u32,
    blocked: AtomicU64,
    gil: AtomicU64,
    preempted: AtomicU64,
}

const _: () = assert!(
    size_of::<WaitRecord>() == WAIT
        && std::mem::offset_of!(WaitRecord, node) == at::wait::NODE
        && std::mem::offset_of!(WaitRecord, blocked) == at::wait::BLOCKED
        && std::mem::offset_of!(WaitRecord, gil) == at::wait::GIL
        && std::mem::offset_of!(WaitRecord, preempted) == at::wait::PREEMPTED
);

impl WaitRecord {
    fn add(&self, more: &Waiting) {
        for (sum, more) in [
            (&self.blocked, more.blocked),
            (&self.gil, more.gil),
            (&self.preempted, more.preempted),
        ] {
            // Load and store: the recording's lock is held.
            sum.store(sum.load(Relaxed).saturating_add(more), Relaxed);
        }
    }

    fn waiting(&self) -> Waiting {
        Waiting {
            blocked: self.blocked.load(Relaxed),
            gil: self.gil.load(Relaxed),
            preempted: self.preempted.load(Relaxed),
        }
    }
}

/// Memory of records.
#[derive(Debug)]
enum Block {
    File(Mapping),
    Memory(Box<[WaitRecord]>),
}

impl Block {
    fn records(&self) -> &[WaitRecord] {
        match self {
            // SAFETY: zeroed pages of the file, mapped as long as `self` and touched through
            // atomics alone.
            Block::File(mapping) => unsafe {
                let len = mapping.len() / size_of::<WaitRecord>();
                std::slice::from_raw_parts(mapping.start().cast().as_ptr(), len)
            },
            Block::Memory(records) => records,
        }
    }
}

/// The records of a recording. Touched under its lock.
#[derive(Debug, Default)]
pub(crate) struct WaitTable {
    blocks: Vec<Block>,
    /// Records that are taken in the last block.
    used: usize,
    places: HashMap<NodeIndex, NonNull<WaitRecord>>,
    /// In a forked child: all of it is the parent's.
    is_abandoned: bool,
}

// SAFETY: it owns what its pointers point to, and none of it is bound to a thread.
unsafe impl Send for WaitTable {}

impl WaitTable {
    /// Adds to the waiting of `node`, which is not 0. Without memory it is not counted.
    pub(crate) fn add(&mut self, node: NodeIndex, more: &Waiting, backing: &mut LiveBacking) {
        if std::mem::take(&mut self.is_abandoned) {
            *self = WaitTable::default();
        }
        let record = match self.places.get(&node) {
            Some(&record) => record,
            None => match self.make(node, backing) {
                Some(record) => record,
                None => return,
            },
        };
        // SAFETY: blocks are never dropped before the table.
        unsafe { record.as_ref() }.add(more);
    }

    fn make(&mut self, node: NodeIndex, backing: &mut LiveBacking) -> Option<NonNull<WaitRecord>> {
        self.places.try_reserve(1).ok()?;
        let room = self.blocks.last().map_or(0, |block| block.records().len());
        if self.used == room {
            self.blocks.try_reserve(1).ok()?;
            let bytes = (2 * room * size_of::<WaitRecord>()).clamp(page_size(), LARGEST_BLOCK);
            let block = match backing.wait_block(bytes) {
                Some(mapping) => Block::File(mapping),
                None => Block::Memory(in_memory(bytes / size_of::<WaitRecord>())?),
            };
            self.blocks.push(block);
            self.used = 0;
        }
        let record = self.blocks.last()?.records().get(self.used)?;
        self.used += 1;
        record.node.store(node, Release);
        let place = NonNull::from(record);
        self.places.insert(node, place);
        Some(place)
    }

    /// All nodes that waited.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIndex, Waiting)> + '_ {
        let blocks = self.blocks.iter().filter(|_| !self.is_abandoned);
        let records = blocks.flat_map(Block::records);
        let records = records.map(|record| (record.node.load(Relaxed), record.waiting()));
        records.take_while(|(node, _)| *node != 0)
    }

    /// In a forked child: forgets everything. Allocates and frees nothing.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
        for block in &mut self.blocks {
            if let Block::File(mapping) = block {
                mapping.unmap();
            }
        }
    }
}

fn in_memory(records: usize) -> Option<Box<[WaitRecord]>> {
    let mut block = Vec::new();
    block.try_reserve_exact(records).ok()?;
    block.resize_with(records, WaitRecord::default);
    Some(block.into_boxed_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_waits_adds_up_and_other_nodes_have_nothing() {
        let mut table = WaitTable::default();
        let mut backing = LiveBacking::default();
        let wait = |blocked| Waiting {
            blocked,
            gil: 1,
            preempted: 2,
        };
        for round in 1..=2 {
            for node in 1..2000 {
                table.add(node, &wait(round * u64::from(node)), &mut backing);
            }
        }
        let waits: Vec<_> = table.iter().collect();
        assert_eq!(waits.len(), 1999);
        for (node, waiting) in waits {
            let blocked = 3 * u64::from(node);
            assert_eq!(
                (waiting.blocked, waiting.gil, waiting.preempted),
                (blocked, 2, 4)
            );
        }
        table.abandon();
        assert_eq!(table.iter().count(), 0);
        table.add(7, &wait(5), &mut backing);
        assert_eq!(table.iter().collect::<Vec<_>>(), [(7, wait(5))]);
    }
}
