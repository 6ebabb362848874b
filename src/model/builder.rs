//! Builds a call tree node by node, with one node of each kind under each parent.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{NodeRow, Nodes};

/// Builds [`Nodes`].
pub(crate) struct TreeBuilder {
    nodes: Nodes,
    /// Nodes by parent and kind: those before `in_table`, and those with twins.
    children: HashMap<(u32, u32), u32, RandomState>,
    in_table: usize,
    /// The node that was requested last.
    last: usize,
}

impl TreeBuilder {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Nodes::default(),
            children: HashMap::default(),
            in_table: 0,
            last: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Makes room for a tree of `nodes`, most of which are likely here already unless it is the
    /// first.
    pub(crate) fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve(nodes.saturating_sub(self.len()));
    }

    /// Adds a node of `kind`, of which `parent` must have none.
    pub(crate) fn push(&mut self, parent: u32, kind: u32) -> u32 {
        self.nodes.push(NodeRow {
            parent,
            kind,
            ..NodeRow::default()
        })
    }

    /// Adds the nodes that were pushed to the table. A tree to which nothing is added needs no
    /// table.
    fn fill_table(&mut self) {
        let (parents, kinds) = (self.nodes.parents(), self.nodes.kinds());
        let new = self.in_table..parents.len();
        self.children.reserve(new.len());
        for node in new {
            self.children
                .insert((parents[node], kinds[node]), node as u32);
        }
        self.in_table = parents.len();
    }

    /// The node of `kind` under `parent`, new with zeros if there was none.
    pub(crate) fn child(&mut self, parent: u32, kind: u32) -> u32 {
        // Processes of one program make the same calls in much the same order, so the next node is
        // likely to be the one after the last. Looking there causes no cache miss.
        let guess = self.last + 1;
        if self.nodes.parents().get(guess) == Some(&parent)
            && self.nodes.kinds().get(guess) == Some(&kind)
        {
            self.last = guess;
            return guess as u32;
        }
        if self.in_table < self.nodes.len() {
            self.fill_table();
        }
        let new = self.nodes.len() as u32;
        let node = *self.children.entry((parent, kind)).or_insert(new);
        if node == new {
            self.push(parent, kind);
            self.in_table += 1;
        }
        self.last = node as usize;
        node
    }

    /// Like [`TreeBuilder::child`], for a tree whose other nodes are pushed. Finds only nodes that
    /// this function has added.
    pub(crate) fn child_with_twins(&mut self, parent: u32, kind: u32) -> u32 {
        let new = self.nodes.len() as u32;
        let node = *self.children.entry((parent, kind)).or_insert(new);
        if node == new {
            self.push(parent, kind);
        }
        node
    }

    /// Adds to the figures of `node`.
    pub(crate) fn add(&mut self, node: u32, calls: u64, resumes: u64, total: u64) {
        self.nodes.add(node as usize, calls, resumes, total);
    }

    /// The tree.
    pub(crate) fn finish(self) -> Nodes {
        self.nodes
    }

    /// Returns the tree, if the totals that were added are self times.
    pub(crate) fn finish_self_times(mut self) -> Nodes {
        self.nodes.add_up();
        self.nodes
    }
}
