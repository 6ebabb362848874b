//! A call tree that grows node by node, every function once under each parent.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::format::trees::Nodes;

/// Builds [`Nodes`].
pub(super) struct TreeBuilder {
    nodes: Nodes,
    children: HashMap<u64, u32, SeededBuilder>,
}

impl TreeBuilder {
    pub(super) fn new() -> Self {
        Self {
            nodes: Nodes::default(),
            children: HashMap::with_hasher(SeededBuilder::new()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of `function` under `parent`, new with zeros if there was none.
    pub(super) fn child(&mut self, parent: u32, function: u32) -> u32 {
        let key = u64::from(parent) << 32 | u64::from(function);
        let new = self.nodes.len() as u32;
        let node = *self.children.entry(key).or_insert(new);
        if node == new {
            self.nodes.parent.push(parent);
            self.nodes.function.push(function);
            self.nodes.calls.push(0);
            self.nodes.resumes.push(0);
            self.nodes.total.push(0);
        }
        node
    }

    /// Adds to the figures of `node`.
    pub(super) fn add(&mut self, node: u32, calls: u64, resumes: u64, total: u64) {
        let node = node as usize;
        for (column, amount) in [
            (&mut self.nodes.calls, calls),
            (&mut self.nodes.resumes, resumes),
            (&mut self.nodes.total, total),
        ] {
            column[node] = column[node].saturating_add(amount);
        }
    }

    /// The tree.
    pub(super) fn finish(self) -> Nodes {
        self.nodes
    }

    /// The tree, if what was added as totals were self times.
    pub(super) fn finish_self_times(mut self) -> Nodes {
        self.nodes.add_up();
        self.nodes
    }
}

/// Hashes one `u64`, a tenth of the time of the standard hasher. Seeded, because
/// what is hashed comes from files that may want to make it slow.
struct SeededBuilder(u64);

impl SeededBuilder {
    fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for SeededBuilder {
    type Hasher = SeededHasher;

    fn build_hasher(&self) -> SeededHasher {
        SeededHasher(self.0)
    }
}

struct SeededHasher(u64);

impl Hasher for SeededHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}
