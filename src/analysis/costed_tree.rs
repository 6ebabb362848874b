//! A call tree that is being built together with what recording cost in each node.

use crate::model::builder::TreeBuilder;
use crate::model::{
    NodeRow, NodeWaits, Nodes, OverflowCalls, ThreadTree, UnfinishedCalls, Waiting,
};

/// Builds nodes and their overhead.
pub(super) struct CostedTree {
    tree: TreeBuilder,
    /// For each node as [`crate::model::ThreadTree::overhead_ps`].
    overhead_ps: Vec<u64>,
    waits: NodeWaits,
}

impl Default for CostedTree {
    fn default() -> Self {
        CostedTree {
            tree: TreeBuilder::new(),
            overhead_ps: Vec::new(),
            waits: NodeWaits::default(),
        }
    }
}

impl CostedTree {
    /// Returns how many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Makes room for a tree of `nodes`.
    pub(super) fn reserve(&mut self, nodes: usize) {
        self.tree.reserve(nodes);
    }

    /// Returns the node of `function` under `parent`, new and with zeros if there was none.
    pub(super) fn child(&mut self, parent: u32, function: u32) -> u32 {
        self.tree.child(parent, function)
    }

    /// Adds the figures of `more`, and an overhead, to `node`.
    pub(super) fn add(&mut self, node: u32, more: &NodeRow, overhead_ps: u64) {
        self.tree.add(node, more.calls, more.resumes, more.total);
        if overhead_ps > 0 {
            if self.overhead_ps.len() <= node as usize {
                self.overhead_ps.resize(node as usize + 1, 0);
            }
            let sum = &mut self.overhead_ps[node as usize];
            *sum = sum.saturating_add(overhead_ps);
        }
    }

    /// Adds to the waiting of `node`.
    pub(super) fn add_waiting(&mut self, node: u32, more: &Waiting) {
        self.waits.add(node, more);
    }

    /// Returns the tree, and of each node the overhead and the waiting.
    pub(super) fn finish(mut self) -> (Nodes, Vec<u64>, NodeWaits) {
        self.overhead_ps.resize(self.tree.len(), 0);
        (self.tree.finish(), self.overhead_ps, self.waits)
    }

    /// Returns this tree, to which self times were added as totals, in place of the tree of
    /// `thread`.
    pub(super) fn finish_thread(
        self,
        thread: &ThreadTree,
        overflow: Vec<OverflowCalls>,
        unfinished: Vec<UnfinishedCalls>,
    ) -> ThreadTree {
        let (mut nodes, overhead_ps, waits) = self.finish();
        nodes.add_up();
        ThreadTree {
            process: thread.process,
            name: thread.name.clone(),
            threads: thread.threads,
            nodes,
            overhead_ps,
            class_calls: Vec::new(),
            overflow,
            unfinished,
            waits,
        }
    }
}
