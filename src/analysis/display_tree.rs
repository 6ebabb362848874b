//! The tree that pictures and terminal trees show.

use super::estimate::{Estimate, estimate};
use super::merge::Profile;
use super::process_text::describe;
use super::singledispatch::elide_dispatch_wrappers;
use super::singledispatch::rows::reattribute_callers;
use crate::model::builder::TreeBuilder;
use crate::model::{Function, NO_PARENT, NodeAwaits, NodeKind, NodeRow, NodeWaits, Nodes, Trees};

/// A call tree for display. Totals are nanoseconds; the children of a node
/// never add up to more than the node.
#[derive(Clone, Debug, Default)]
pub struct DisplayTree {
    /// Each kind of node as a function: what `nodes.kinds()` indexes.
    pub functions: Vec<Function>,
    /// The tree, parents before children.
    pub nodes: Nodes,
    /// For each node: true if its place in the tree is an estimate (made from
    /// caller and callee pairs), false if it was recorded.
    pub estimated: Vec<bool>,
    /// The parts of the nodes' self times in which their threads were on no processor.
    pub waits: NodeWaits,
    /// Time for which coroutines were suspended in the nodes. It is not part of the nodes' times.
    pub awaits: NodeAwaits,
}

/// Makes the tree of `profile` from the recorded call trees, without the wrappers of generic
/// functions. An estimate for the inputs without call trees is beside them.
pub fn display_tree(profile: &Profile) -> DisplayTree {
    let mut tree = DisplayTree::default();
    tree.add_recorded(profile);
    let plain = profile.plain();
    let estimate = estimate(&reattribute_callers(&plain.rows, &plain.sidecar));
    let has_groups = profile.trees().kinds.iter().any(NodeKind::is_group);
    tree.add_estimate(estimate, has_groups);
    tree
}

impl DisplayTree {
    /// Returns the sum of the roots' totals, nanoseconds.
    pub fn whole(&self) -> u64 {
        let roots = self.nodes.parents().iter().zip(self.nodes.totals());
        roots
            .filter(|&(&parent, _)| parent == NO_PARENT)
            .fold(0, |sum, (_, &total)| sum.saturating_add(total))
    }

    /// Returns the height of each node: the length of the longest chain of callees above it.
    pub fn heights(&self) -> Vec<u32> {
        let mut heights = vec![0_u32; self.nodes.len()];
        for node in (0..heights.len()).rev() {
            let height = heights[node] + 1;
            if let Some(above) = heights.get_mut(self.nodes.parents()[node] as usize) {
                *above = height.max(*above);
            }
        }
        heights
    }

    fn add_recorded(&mut self, profile: &Profile) {
        let trees = profile.shown_trees();
        let kinds = trees.kinds.iter();
        self.functions = kinds.map(|kind| shown(trees, kind)).collect();
        for thread in &trees.threads {
            let (nodes, places) = elide_dispatch_wrappers(trees, &thread.nodes);
            let first = self.nodes.len() as u32;
            for (node, waiting) in thread.waits.iter() {
                self.waits.add(first + places[node as usize], &waiting);
            }
            let place = |node: u32| places.get(node as usize).map(|place| first + place);
            self.awaits.extend(&thread.awaits, place);
            if self.nodes.is_empty() {
                self.nodes = nodes;
            } else {
                self.append(&nodes, 0, NO_PARENT);
            }
        }
        self.estimated.resize(self.nodes.len(), false);
    }

    /// Adds an estimate, below a root of its own if each process has one (`has_groups`).
    fn add_estimate(&mut self, Estimate { functions, nodes }: Estimate, has_groups: bool) {
        let first_function = self.functions.len() as u32;
        self.functions.extend(functions);
        let mut root = NO_PARENT;
        if has_groups && !nodes.is_empty() {
            let name = "processes recorded without call trees";
            let function = self.functions.len() as u32;
            self.functions.push(Function::stand_in(name));
            root = self.nodes.push(NodeRow {
                parent: NO_PARENT,
                kind: function,
                ..NodeRow::default()
            });
        }
        self.append(&nodes, first_function, root);
        self.estimated.resize(self.nodes.len(), true);
    }

    /// Appends `nodes` with their roots below `root`, which becomes wider by them.
    fn append(&mut self, nodes: &Nodes, first_function: u32, root: u32) {
        let first = self.nodes.len() as u32;
        self.nodes.reserve(nodes.len());
        for row in nodes.rows() {
            let parent = match row.parent {
                NO_PARENT => root,
                parent => first + parent,
            };
            if parent == root && root != NO_PARENT {
                self.nodes.add(root as usize, 0, 0, row.total);
            }
            self.nodes.push(NodeRow {
                parent,
                kind: first_function + row.kind,
                ..row
            });
        }
    }
}

/// Returns a function that is shown for nodes of `kind`, one of those of `trees`.
pub(crate) fn shown(trees: &Trees, kind: &NodeKind) -> Function {
    match kind {
        &NodeKind::Function(function) => trees.functions[function as usize].clone(),
        NodeKind::Overflow => Function::stand_in("<overflow>"),
        NodeKind::Excluded => Function::stand_in("<excluded>"),
        &NodeKind::Process(process) => {
            Function::stand_in(&describe(&trees.processes[process as usize]))
        }
        NodeKind::MergedProcesses => Function::stand_in("processes merged without --by"),
        NodeKind::Thread { name, threads } => Function::stand_in(&thread_text(name, *threads)),
        NodeKind::MergedThreads => Function::stand_in("threads merged without --by=thread"),
        NodeKind::Forked { path } => Function::stand_in(&forked_text(path)),
    }
}

/// The name of a forked child, by the calls in which it was forked.
pub(crate) fn forked_text(path: &[u8]) -> String {
    match path.is_empty() {
        true => "forked".to_owned(),
        false => format!("forked in {}", String::from_utf8_lossy(path)),
    }
}

fn thread_text(name: &[u8], threads: u32) -> String {
    let readable = String::from_utf8_lossy(name);
    match threads {
        _ if name.is_empty() => "threads that have no name".to_owned(),
        0 | 1 => format!("thread {readable}"),
        several => format!("thread {readable}, {several} threads"),
    }
}

/// Builds a tree from the nodes of another one; those of one function below one parent
/// are one node.
pub(crate) struct DisplayTreeBuilder<'t> {
    from: &'t DisplayTree,
    tree: TreeBuilder,
    estimated: Vec<bool>,
    waits: NodeWaits,
    awaits: NodeAwaits,
}

impl<'t> DisplayTreeBuilder<'t> {
    /// Begins an empty tree, which has the functions of `from`.
    pub(crate) fn new(from: &'t DisplayTree) -> Self {
        DisplayTreeBuilder {
            from,
            tree: TreeBuilder::new(),
            estimated: Vec::new(),
            waits: NodeWaits::default(),
            awaits: NodeAwaits::default(),
        }
    }

    /// Returns the node of `function` below `parent`, new and with zeros if there was none.
    pub(crate) fn child(&mut self, parent: u32, function: u32) -> u32 {
        let node = self.tree.child(parent, function);
        self.estimated.resize(self.tree.len(), false);
        node
    }

    /// Adds the figures of the node `more` of the other tree to `node`.
    pub(crate) fn add(&mut self, node: u32, more: u32) {
        let row = self.from.nodes.row(more as usize);
        self.tree.add(node, row.calls, row.resumes, row.total);
        self.estimated[node as usize] |= self.from.estimated[more as usize];
        self.waits.add(node, &self.from.waits.get(more));
        if let Some(awaiting) = self.from.awaits.get(more) {
            self.awaits.add(node, &awaiting);
        }
    }

    pub(crate) fn finish(self) -> DisplayTree {
        DisplayTree {
            functions: self.from.functions.clone(),
            nodes: self.tree.finish(),
            estimated: self.estimated,
            waits: self.waits,
            awaits: self.awaits,
        }
    }
}
