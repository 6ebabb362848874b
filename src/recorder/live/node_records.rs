//! Records of a recording's nodes, apart from the nodes: a node that has none takes no memory.

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Relaxed, Release},
};

use super::LiveBacking;
use super::blocks_of_records::{Blocks, LiveRecord};
use crate::recorder::node::NodeIndex;

/// A record of one node.
pub(crate) trait NodeRecord: LiveRecord {
    /// Index of the node. 0 is no record, because node 0 is a root.
    fn node(&self) -> &AtomicU32;
}

/// The records of one kind. Touched under the recording's lock.
#[derive(Debug)]
pub(crate) struct NodeRecords<R> {
    blocks: Blocks<R>,
    places: HashMap<NodeIndex, NonNull<R>>,
    /// In a forked child: all of it is the parent's.
    is_abandoned: bool,
}

// SAFETY: it owns what its pointers point to, and none of it is bound to a thread.
unsafe impl<R: Send> Send for NodeRecords<R> {}

impl<R> Default for NodeRecords<R> {
    fn default() -> Self {
        NodeRecords {
            blocks: Blocks::default(),
            places: HashMap::new(),
            is_abandoned: false,
        }
    }
}

impl<R: NodeRecord> NodeRecords<R> {
    /// The record of `node`, which is not 0, new if there was none. `None` without memory.
    pub(super) fn of(&mut self, node: NodeIndex, backing: &mut LiveBacking) -> Option<&R> {
        if std::mem::take(&mut self.is_abandoned) {
            *self = NodeRecords::default();
        }
        let record = match self.places.get(&node) {
            Some(&record) => record,
            None => {
                self.places.try_reserve(1).ok()?;
                let record = self.blocks.take(backing)?;
                // SAFETY: lives as long as the blocks.
                unsafe { record.as_ref() }.node().store(node, Release);
                self.places.insert(node, record);
                record
            }
        };
        // SAFETY: lives as long as the blocks, which `self` owns.
        Some(unsafe { record.as_ref() })
    }

    /// All nodes that have a record.
    pub(super) fn records(&self) -> impl Iterator<Item = (NodeIndex, &R)> + '_ {
        let blocks = (!self.is_abandoned).then_some(&self.blocks).into_iter();
        let records = blocks.flat_map(Blocks::iter);
        records.map(|record| (record.node().load(Relaxed), record))
    }

    /// Forgets everything in a forked child. Allocates and frees nothing.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
        self.blocks.abandon();
    }
}
