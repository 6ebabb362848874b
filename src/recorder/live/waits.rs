//! Waiting of a recording's nodes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::LiveBacking;
use super::blocks_of_records::LiveRecord;
use super::node_records::{NodeRecord, NodeRecords};
use crate::format::live::{WAIT, WAITS, at};
use crate::model::Waiting;
use crate::recorder::node::NodeIndex;

/// Waiting of one node, as stored in the file. Zeros are no record, for node 0 is a root.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct WaitRecord {
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
            // Loads and stores suffice, because the recording's lock is held.
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

// SAFETY: numbers, all of them atomic.
unsafe impl LiveRecord for WaitRecord {
    const SEGMENT: u64 = WAITS;
}

impl NodeRecord for WaitRecord {
    fn node(&self) -> &AtomicU32 {
        &self.node
    }
}

/// Waiting by node; a node that never waited has no record.
pub(crate) type WaitTable = NodeRecords<WaitRecord>;

impl WaitTable {
    /// Adds to the waiting of `node`, which is not 0. Without memory it is not counted.
    pub(crate) fn add(&mut self, node: NodeIndex, more: &Waiting, backing: &mut LiveBacking) {
        if let Some(record) = self.of(node, backing) {
            record.add(more);
        }
    }

    /// All nodes that waited.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIndex, Waiting)> + '_ {
        self.records()
            .map(|(node, record)| (node, record.waiting()))
    }
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
