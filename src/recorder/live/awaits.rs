//! Awaiting of a recording's nodes of coroutines.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::LiveBacking;
use super::blocks_of_records::LiveRecord;
use super::node_records::{NodeRecord, NodeRecords};
use crate::format::live::{AWAIT, AWAITS, at};
use crate::recorder::node::NodeIndex;

/// Awaiting of one node in ticks, as stored in the file. Zeros are no record.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct AwaitRecord {
    node: AtomicU32,
    _padding: u32,
    awaiting: AtomicU64,
    longest_run: AtomicU64,
}

const _: () = assert!(
    size_of::<AwaitRecord>() == AWAIT
        && std::mem::offset_of!(AwaitRecord, node) == at::awaits::NODE
        && std::mem::offset_of!(AwaitRecord, awaiting) == at::awaits::AWAITING
        && std::mem::offset_of!(AwaitRecord, longest_run) == at::awaits::LONGEST_RUN
);

// SAFETY: numbers, all of them atomic.
unsafe impl LiveRecord for AwaitRecord {
    const SEGMENT: u64 = AWAITS;
}

impl NodeRecord for AwaitRecord {
    fn node(&self) -> &AtomicU32 {
        &self.node
    }
}

/// Awaiting of the nodes in which coroutines ran. Without memory it is not counted.
pub(crate) type AwaitTable = NodeRecords<AwaitRecord>;

// Loads and stores suffice, because the recording's lock is held.
impl AwaitTable {
    /// Adds the `ticks` for which a coroutine that last ran in `node` was suspended. `node` is not
    /// 0.
    pub(crate) fn add(&mut self, node: NodeIndex, ticks: u64, backing: &mut LiveBacking) {
        if let Some(record) = self.of(node, backing) {
            let sum = record.awaiting.load(Relaxed).saturating_add(ticks);
            record.awaiting.store(sum, Relaxed);
        }
    }

    /// Notes that a coroutine has run in `node` for `ticks` without being suspended. `node` is not
    /// 0.
    pub(crate) fn has_run(&mut self, node: NodeIndex, ticks: u64, backing: &mut LiveBacking) {
        if let Some(record) = self.of(node, backing) {
            let longest = record.longest_run.load(Relaxed).max(ticks);
            record.longest_run.store(longest, Relaxed);
        }
    }

    /// All nodes in which coroutines ran, with the ticks of awaiting and those of the longest run.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIndex, u64, u64)> + '_ {
        self.records().map(|(node, record)| {
            let awaiting = record.awaiting.load(Relaxed);
            (node, awaiting, record.longest_run.load(Relaxed))
        })
    }
}
