//! A call tree that grows node by node, every function once under each parent.

use std::collections::HashMap;

use super::Nodes;
use super::word_hash::{WordHash, pair};

/// Builds [`Nodes`].
pub(crate) struct TreeBuilder {
    nodes: Nodes,
    children: HashMap<u64, u32, WordHash>,
    /// The node that was asked for last.
    last: usize,
}

impl TreeBuilder {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Nodes::default(),
            children: HashMap::with_hasher(WordHash::seeded()),
            last: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of `function` under `parent`, new with zeros if there was none.
    pub(crate) fn child(&mut self, parent: u32, function: u32) -> u32 {
        // Processes of one program meet the same calls in much the same order:
        // the next node is likely the one after the last, and looking there
        // costs no cache miss.
        let guess = self.last + 1;
        if self.nodes.parent.get(guess) == Some(&parent)
            && self.nodes.function.get(guess) == Some(&function)
        {
            self.last = guess;
            return guess as u32;
        }
        let new = self.nodes.len() as u32;
        let node = *self.children.entry(pair(parent, function)).or_insert(new);
        if node == new {
            self.nodes.parent.push(parent);
            self.nodes.function.push(function);
            self.nodes.calls.push(0);
            self.nodes.resumes.push(0);
            self.nodes.total.push(0);
        }
        self.last = node as usize;
        node
    }

    /// Adds to the figures of `node`.
    pub(crate) fn add(&mut self, node: u32, calls: u64, resumes: u64, total: u64) {
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
    pub(crate) fn finish(self) -> Nodes {
        self.nodes
    }

    /// The tree, if what was added as totals were self times.
    pub(crate) fn finish_self_times(mut self) -> Nodes {
        self.nodes.add_up();
        self.nodes
    }
}
