//! Finds a node's child by key: an open-addressing table of node indices.
//!
//! The table holds no keys of its own, because the nodes have them. A slot is four bytes, and at
//! most half of the slots are taken. Four bits of a slot are a tag from the hash. Most other nodes
//! have another tag, so they need not be fetched into the cache.

use std::cell::UnsafeCell;
use std::collections::TryReserveError;
use std::ptr::NonNull;

use crate::model::MAX_NODES;
use crate::recorder::node::{Node, NodeIndex};

/// No node: index 0 is always the root of some thread, never a child.
const EMPTY: u32 = 0;

/// All parent-child links of one thread's tree. The number of slots is a power of two and at least
/// 1, so that `find` need not check for an empty table.
///
/// Only the owning thread may call the functions. None of them calls another one while it has the
/// slots, so no two references to them exist at a time.
pub(crate) struct Children(UnsafeCell<Vec<u32>>);

/// Bits of a slot that are the index; those above are the tag.
const INDEX_BITS: u32 = 28;
const INDEX: u32 = (1 << INDEX_BITS) - 1;
const _: () = assert!(MAX_NODES <= 1 << INDEX_BITS);

/// First slot to look at, before it is cut to the table's size, and the tag.
#[inline]
fn hash(parent: NodeIndex, key: u64) -> (usize, u32) {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = (key ^ (u64::from(parent) << 32 | u64::from(parent))).wrapping_mul(MULTIPLIER);
    // The product's high bits depend on all bits of the key.
    ((mixed >> 24) as usize, (mixed >> 32) as u32 & !INDEX)
}

impl Default for Children {
    fn default() -> Children {
        Children(UnsafeCell::new(vec![EMPTY]))
    }
}

impl Children {
    /// The child of `parent` under `key`.
    ///
    /// # Safety
    /// * All indices in the table are nodes of the arena at `base`.
    #[inline]
    pub(crate) unsafe fn find(
        &self,
        base: NonNull<Node>,
        parent: NodeIndex,
        key: u64,
    ) -> Option<NodeIndex> {
        // SAFETY: the only reference, see the type's docs.
        let slots = unsafe { &*self.0.get() };
        let mask = slots.len() - 1;
        let (first, tag) = hash(parent, key);
        let mut slot = first & mask;
        loop {
            debug_assert!(slot <= mask);
            // SAFETY: slot <= mask, which is the last slot: there is one.
            let taken = unsafe { *slots.get_unchecked(slot) };
            if taken == EMPTY {
                return None;
            }
            // With the right tag, the index alone is left.
            let index = taken ^ tag;
            if index <= INDEX {
                // SAFETY: indices in the table are nodes of this arena (contract).
                let node = unsafe { base.add(index as usize).as_ref() };
                if node.key == key && node.parent == parent {
                    return Some(index);
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Returns true if a tree of `nodes` nodes needs a larger table.
    pub(crate) fn is_small_for(&self, nodes: usize) -> bool {
        // SAFETY: the only reference, see the type's docs.
        nodes * 2 > unsafe { &*self.0.get() }.len()
    }

    /// Puts the node at `index` in. The table must not be small for the tree with it.
    pub(crate) fn insert(&self, index: NodeIndex, node: &Node) {
        debug_assert_ne!(index, EMPTY);
        // SAFETY: the only reference, see the type's docs.
        put(unsafe { &mut *self.0.get() }, index, node);
    }

    /// Builds a new table from all children of the tree, large enough for twice `nodes`.
    ///
    /// # Errors
    /// When there is no memory; the table is then as before.
    pub(crate) fn rebuild<'n>(
        &self,
        nodes: usize,
        children: impl Iterator<Item = (NodeIndex, &'n Node)>,
    ) -> Result<(), TryReserveError> {
        let size = (nodes * 4).next_power_of_two().max(64);
        let mut slots = Vec::new();
        slots.try_reserve_exact(size)?;
        slots.resize(size, EMPTY);
        for (index, node) in children {
            put(&mut slots, index, node);
        }
        // SAFETY: the only reference, see the type's docs.
        unsafe { *self.0.get() = slots };
        Ok(())
    }

    /// Empties the table, but keeps its memory until it is rebuilt: for a child that was just
    /// forked, where the allocator can't be trusted.
    pub(crate) fn abandon(&self) {
        // SAFETY: the only reference, see the type's docs.
        let slots = unsafe { &mut *self.0.get() };
        slots.truncate(1);
        slots.fill(EMPTY);
    }
}

fn put(slots: &mut [u32], index: NodeIndex, node: &Node) {
    let mask = slots.len().wrapping_sub(1);
    debug_assert!(index <= INDEX);
    let (first, tag) = hash(node.parent, node.key);
    let mut slot = first & mask;
    while let Some(taken) = slots.get_mut(slot) {
        if *taken == EMPTY {
            *taken = index | tag;
            return;
        }
        slot = (slot + 1) & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Miri takes minutes for more.
    const NODES: u32 = if cfg!(miri) { 200 } else { 5000 };

    #[test]
    fn every_child_is_found_and_nothing_else() {
        // Node 0 is the root; node i is a child of i / 3, with a key that repeats under other
        // parents.
        let nodes: Vec<Node> = (0..NODES)
            .map(|i| Node::new(i, u64::from(i % 3 + 1) * 64, i / 3, 0))
            .collect();
        let base = NonNull::new(nodes.as_ptr().cast_mut()).unwrap();
        let children = Children::default();
        for index in 1..nodes.len() {
            if children.is_small_for(index) {
                let known = (1..index).map(|i| (i as u32, &nodes[i]));
                children.rebuild(index, known).unwrap();
            }
            children.insert(index as u32, &nodes[index]);
        }
        let find = |parent, key| {
            // SAFETY: `nodes` is the arena.
            unsafe { children.find(base, parent, key) }
        };
        for (index, node) in nodes.iter().enumerate().skip(1) {
            assert_eq!(find(node.parent, node.key), Some(index as u32));
        }
        assert_eq!(find(0, 640), None);
        assert_eq!(find(NODES - 1, 64), None);
        children.abandon();
        assert_eq!(find(nodes[1].parent, nodes[1].key), None);
        assert!(children.is_small_for(1));
    }
}
