//! Call trees with nodes of processes and threads at their roots.
//!
//! Merging adds up calls of one path from all processes and threads. A group is a node at the root
//! that keeps calls apart: a process, or a thread of a process. The merged tree needs nothing else,
//! so it can be merged further by process, by thread or by neither.

use super::costed_tree::CostedTree;
use super::kind_table::KindTable;
use crate::model::{
    NO_PARENT, NodeKind, NodeRow, OverflowCalls, ThreadTree, Trees, UnfinishedCalls,
};

/// The groups for calls that have none of the kind yet. A thread's is below a process's.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    pub(super) process: Option<NodeKind>,
    pub(super) thread: Option<NodeKind>,
}

/// Returns `trees` with the `groups` of each thread. Groups that are there already stay
/// only if `groups` has one of their kind.
pub(super) fn group_roots(trees: &Trees, groups: impl Fn(&ThreadTree) -> Groups) -> Trees {
    let levels: Vec<Level> = trees.kinds.iter().map(Level::of).collect();
    let mut table = KindTable::default();
    let threads = trees.threads.iter().map(|thread| {
        let grouping = Grouping {
            trees,
            levels: &levels,
            groups: groups(thread),
            table: &mut table,
            tree: CostedTree::default(),
            new_levels: Vec::new(),
        };
        grouping.apply(thread)
    });
    let threads = threads.collect();
    table.into_trees(trees, threads)
}

/// Kinds of nodes from the root on: each may be below those before it, and a call below a
/// call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Process,
    Thread,
    Forked,
    Call,
}

impl Level {
    fn of(kind: &NodeKind) -> Self {
        match kind {
            NodeKind::Process(_) | NodeKind::MergedProcesses => Level::Process,
            NodeKind::Thread { .. } | NodeKind::MergedThreads => Level::Thread,
            NodeKind::Forked { .. } => Level::Forked,
            NodeKind::Function(_) | NodeKind::Overflow | NodeKind::Excluded => Level::Call,
        }
    }
}

/// Groups one thread's tree.
struct Grouping<'a> {
    trees: &'a Trees,
    /// Of each kind.
    levels: &'a [Level],
    groups: Groups,
    table: &'a mut KindTable,
    tree: CostedTree,
    /// Of each new node.
    new_levels: Vec<Level>,
}

impl Grouping<'_> {
    fn apply(mut self, thread: &ThreadTree) -> ThreadTree {
        // Computed from the calls as they were recorded: those of groups have no cost.
        let overhead_ps = self.trees.overhead_ps(thread);
        let own = thread.nodes.self_times();
        let mut places: Vec<u32> = Vec::with_capacity(own.len());
        for (node, row) in thread.nodes.rows().enumerate() {
            let above = places.get(row.parent as usize);
            let above = above.copied().unwrap_or(NO_PARENT);
            let level = self.levels[row.kind as usize];
            // A group has no time of its own. If a file says that it has, it stays, so that
            // no time is lost.
            if !self.is_wanted(level) && own[node] == 0 {
                places.push(above);
                continue;
            }
            let above = self.ground(above, level);
            let kind = self.table.same(self.trees, row.kind);
            let place = self.child(above, kind, level);
            let overhead_ps = overhead_ps.get(node).copied().unwrap_or(0);
            let total = own[node];
            self.tree.add(place, &NodeRow { total, ..row }, overhead_ps);
            places.push(place);
        }
        // A node that is left out has no time of its own, and so no waiting.
        let place = |node: u32| {
            let place = places.get(node as usize).copied();
            place.filter(|&place| place != NO_PARENT)
        };
        for (node, waiting) in thread.waits.iter() {
            if let Some(place) = place(node) {
                self.tree.add_waiting(place, &waiting);
            }
        }
        self.tree.add_awaits(&thread.awaits, place);
        let overflow = thread.overflow.iter().map(|calls| OverflowCalls {
            kind: self.table.same(self.trees, calls.kind),
            ..*calls
        });
        let overflow = overflow.collect();
        let unfinished = thread.unfinished.iter().map(|calls| UnfinishedCalls {
            kind: self.table.same(self.trees, calls.kind),
            ..*calls
        });
        let unfinished = unfinished.collect();
        self.tree.finish_thread(thread, overflow, unfinished)
    }

    fn is_wanted(&self, level: Level) -> bool {
        match level {
            Level::Process => self.groups.process.is_some(),
            Level::Thread => self.groups.thread.is_some(),
            Level::Forked | Level::Call => true,
        }
    }

    /// Returns the node that a node of `level` is put below: `above`, or the groups that
    /// are wanted between the two.
    fn ground(&mut self, mut above: u32, level: Level) -> u32 {
        for (group, kind) in [
            (Level::Process, self.groups.process.clone()),
            (Level::Thread, self.groups.thread.clone()),
        ] {
            let at = self.new_levels.get(above as usize);
            let is_missing = group < level && at.is_none_or(|at| *at < group);
            if let (true, Some(kind)) = (is_missing, kind) {
                let kind = self.table.kind(kind);
                above = self.child(above, kind, group);
            }
        }
        above
    }

    fn child(&mut self, above: u32, kind: u32, level: Level) -> u32 {
        let node = self.tree.child(above, kind);
        if self.new_levels.len() == node as usize {
            self.new_levels.push(level);
        }
        node
    }
}
