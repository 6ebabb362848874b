//! Builds a call tree together with the cost of recording in each node.

use crate::model::builder::TreeBuilder;
use crate::model::{
    NodeAwaits, NodeRow, NodeWaits, Nodes, OverflowCalls, ThreadTree, UnfinishedCalls, Waiting,
};

/// Builds nodes and their overhead.
pub(super) struct CostedTree {
    tree: TreeBuilder,
    /// For each node as [`crate::model::ThreadTree::overhead_ps`].
    overhead_ps: Vec<u64>,
    waits: NodeWaits,
    awaits: NodeAwaits,
}

/// A call tree with the cost of recording in each node, and the waiting of its nodes.
#[derive(Default)]
pub(super) struct Costed {
    pub(super) nodes: Nodes,
    /// For each node as [`crate::model::ThreadTree::overhead_ps`].
    pub(super) overhead_ps: Vec<u64>,
    pub(super) waits: NodeWaits,
    pub(super) awaits: NodeAwaits,
}

impl Default for CostedTree {
    fn default() -> Self {
        CostedTree {
            tree: TreeBuilder::new(),
            overhead_ps: Vec::new(),
            waits: NodeWaits::default(),
            awaits: NodeAwaits::default(),
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

    /// Adds a node of `function`, of which `parent` must have none.
    pub(super) fn push(&mut self, parent: u32, function: u32) -> u32 {
        self.tree.push(parent, function)
    }

    /// Like [`CostedTree::child`], for the nodes of a tree that [`CostedTree::push`] can't add.
    pub(super) fn child_with_twins(&mut self, parent: u32, function: u32) -> u32 {
        self.tree.child_with_twins(parent, function)
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

    /// Adds the awaiting of another tree's nodes, which `place` maps to those of this tree.
    pub(super) fn add_awaits(&mut self, more: &NodeAwaits, place: impl Fn(u32) -> Option<u32>) {
        self.awaits.extend(more, place);
    }

    /// Returns what was built.
    pub(super) fn finish(mut self) -> Costed {
        self.overhead_ps.resize(self.tree.len(), 0);
        Costed {
            nodes: self.tree.finish(),
            overhead_ps: self.overhead_ps,
            waits: self.waits,
            awaits: self.awaits,
        }
    }

    /// Returns this tree, to which self times were added as totals, in place of the tree of
    /// `thread`.
    pub(super) fn finish_thread(
        self,
        thread: &ThreadTree,
        overflow: Vec<OverflowCalls>,
        unfinished: Vec<UnfinishedCalls>,
    ) -> ThreadTree {
        let mut built = self.finish();
        built.nodes.add_up();
        ThreadTree {
            process: thread.process,
            name: thread.name.clone(),
            threads: thread.threads,
            nodes: built.nodes,
            overhead_ps: built.overhead_ps,
            class_calls: Vec::new(),
            overflow,
            unfinished,
            waits: built.waits,
            awaits: built.awaits,
        }
    }
}
