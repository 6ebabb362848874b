//! Finds a node's child by key: an open-addressing table of node indices.
//!
//! The table holds no keys of its own, they lie in the nodes; a slot is four
//! bytes, and at most half of the slots are taken.

use std::cell::Cell;
use std::ptr::NonNull;

use crate::recorder::node::{Node, NodeIndex};

/// No node: index 0 is always the root of some thread, never a child.
const EMPTY: NodeIndex = 0;

/// All parent-child links of one thread's tree. Owning thread only.
#[derive(Default)]
pub(crate) struct Children {
    /// A power of two of them, or none.
    slots: Cell<Vec<NodeIndex>>,
    /// The first of `slots` and their number, for reading without taking them out.
    first: Cell<Option<NonNull<NodeIndex>>>,
    mask: Cell<usize>,
}

fn hash(parent: NodeIndex, key: u64) -> usize {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = (key ^ (u64::from(parent) << 32 | u64::from(parent))).wrapping_mul(MULTIPLIER);
    // The product's high bits depend on all bits of the key.
    (mixed >> 24) as usize
}

impl Children {
    /// The child of `parent` under `key`.
    ///
    /// # Safety
    /// * `base` is the arena that all indices put in here point into.
    /// * Called by the thread that owns this table.
    #[inline]
    pub(crate) unsafe fn find(
        &self,
        base: NonNull<Node>,
        parent: NodeIndex,
        key: u64,
    ) -> Option<NodeIndex> {
        let first = self.first.get()?;
        let mask = self.mask.get();
        let mut slot = hash(parent, key) & mask;
        loop {
            debug_assert!(slot <= mask);
            // SAFETY: slot <= mask, and mask + 1 slots lie at `first`.
            let index = unsafe { first.add(slot).read() };
            if index == EMPTY {
                return None;
            }
            // SAFETY: indices in the table are nodes of this arena (contract).
            let node = unsafe { base.add(index as usize).as_ref() };
            if node.key == key && node.parent == parent {
                return Some(index);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Whether a tree of `nodes` nodes needs a larger table.
    pub(crate) fn is_small_for(&self, nodes: usize) -> bool {
        self.first.get().is_none() || nodes * 2 > self.mask.get() + 1
    }

    /// Puts a child in. The table must not be small for the tree with it.
    ///
    /// # Safety
    /// * `node` is the node at `index` of the arena that `find` is given.
    /// * Called by the thread that owns this table.
    pub(crate) unsafe fn insert(&self, index: NodeIndex, node: &Node) {
        debug_assert_ne!(index, EMPTY);
        debug_assert!(self.first.get().is_some());
        let mut slots = self.slots.take();
        put(&mut slots, index, node);
        self.keep(slots);
    }

    /// Makes the table anew, large enough for twice `nodes`, from all children of
    /// the tree. `false` when there is no memory; the table is then as before.
    pub(crate) fn rebuild<'n>(
        &self,
        nodes: usize,
        children: impl Iterator<Item = (NodeIndex, &'n Node)>,
    ) -> bool {
        let size = (nodes * 4).next_power_of_two().max(64);
        let mut slots = Vec::new();
        if slots.try_reserve_exact(size).is_err() {
            return false;
        }
        slots.resize(size, EMPTY);
        for (index, node) in children {
            put(&mut slots, index, node);
        }
        self.keep(slots);
        true
    }

    /// Forgets everything, but keeps the memory until the table is made anew: for
    /// a child that was just forked, where the allocator can't be trusted.
    pub(crate) fn abandon(&self) {
        self.first.set(None);
        self.mask.set(0);
    }

    fn keep(&self, mut slots: Vec<NodeIndex>) {
        self.mask.set(slots.len().wrapping_sub(1));
        self.first.set(NonNull::new(slots.as_mut_ptr()));
        self.slots.set(slots);
    }
}

fn put(slots: &mut [NodeIndex], index: NodeIndex, node: &Node) {
    let mask = slots.len().wrapping_sub(1);
    let mut slot = hash(node.parent, node.key) & mask;
    while let Some(taken) = slots.get_mut(slot) {
        if *taken == EMPTY {
            *taken = index;
            return;
        }
        slot = (slot + 1) & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_child_is_found_and_nothing_else() {
        // Node 0 is the root; node i hangs under i / 3 with a key that repeats
        // under other parents.
        let nodes: Vec<Node> = (0..5000_u32)
            .map(|i| Node::new(i, u64::from(i % 3 + 1) * 64, i / 3, 0))
            .collect();
        let base = NonNull::from(&nodes[0]);
        let children = Children::default();
        for index in 1..nodes.len() {
            if children.is_small_for(index) {
                let known = (1..index).map(|i| (i as u32, &nodes[i]));
                assert!(children.rebuild(index, known));
            }
            // SAFETY: `nodes` is the arena, this thread the owner.
            unsafe { children.insert(index as u32, &nodes[index]) };
        }
        let find = |parent, key| {
            // SAFETY: as above.
            unsafe { children.find(base, parent, key) }
        };
        for (index, node) in nodes.iter().enumerate().skip(1) {
            assert_eq!(find(node.parent, node.key), Some(index as u32));
        }
        assert_eq!(find(0, 640), None);
        assert_eq!(find(4999, 64), None);
        children.abandon();
        assert_eq!(find(nodes[1].parent, nodes[1].key), None);
        assert!(children.is_small_for(1));
    }
}
