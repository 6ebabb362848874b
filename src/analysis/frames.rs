//! The tree that pictures and terminal trees show: call trees with
//! singledispatch's wrappers taken out, joined by the estimate for inputs that
//! hold no tree.

use super::attribution::attribute;
use super::estimate::estimate;
use super::group::describe;
use super::merge::Profile;
use super::singledispatch::unfog;
use crate::model::{Function, FunctionKind, Label, NO_PARENT, NodeKind, NodeRow, Nodes, Trees};

/// A call tree to be looked at. Totals are nanoseconds; the children of a node
/// never add up to more than the node.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// How nodes are shown, each as a function of its own: what their kinds index.
    pub functions: Vec<Function>,
    /// The tree, parents before children.
    pub nodes: Nodes,
    /// For each node: whether its place in the tree is an estimate (made from
    /// caller and callee pairs) and not recorded.
    pub estimated: Vec<bool>,
}

impl Frames {
    /// The sum of the roots' totals, nanoseconds.
    pub fn whole(&self) -> u64 {
        let roots = self.nodes.parents().iter().zip(self.nodes.totals());
        roots
            .filter(|&(&parent, _)| parent == NO_PARENT)
            .fold(0, |sum, (_, &total)| sum.saturating_add(total))
    }
}

/// The frames of all that was merged: the exact tree and, beside it, the estimate
/// for the inputs that came without one. Where processes have roots of their own, that
/// has one as well.
pub fn frames(profile: &Profile) -> Frames {
    let trees = profile.shown_trees();
    let mut frames = Frames {
        functions: trees.kinds.iter().map(|kind| shown(trees, kind)).collect(),
        ..Frames::default()
    };
    for thread in &trees.threads {
        frames.append(&unfog(trees, &thread.nodes), 0, false);
    }
    let plain = profile.plain();
    let estimate = estimate(&attribute(&plain.rows, &plain.sidecar));
    let first_function = frames.functions.len() as u32;
    frames.functions.extend(estimate.functions);
    let has_groups = trees.kinds.iter().any(NodeKind::is_group);
    let root = (has_groups && !estimate.nodes.is_empty()).then(|| frames.root_of_estimates());
    frames.append(&estimate.nodes, first_function, true);
    if let Some(root) = root {
        frames.stand_on(root);
    }
    frames
}

/// How nodes of `kind`, one of those of `trees`, are shown.
pub(crate) fn shown(trees: &Trees, kind: &NodeKind) -> Function {
    match kind {
        &NodeKind::Function(function) => trees.functions[function as usize].clone(),
        NodeKind::Overflow => stand_in(b"<overflow>"),
        NodeKind::Excluded => stand_in(b"<excluded>"),
        &NodeKind::Process(process) => {
            stand_in(describe(&trees.processes[process as usize]).as_bytes())
        }
        NodeKind::MergedProcesses => stand_in(b"processes merged without --by"),
        NodeKind::Thread { name, threads } => stand_in(&thread_text(name, *threads)),
        NodeKind::MergedThreads => stand_in(b"threads merged without --by=thread"),
    }
}

/// What is shown of threads called `name`.
fn thread_text(name: &[u8], threads: u32) -> Vec<u8> {
    match (name, threads) {
        (b"", _) => b"threads that have no name".to_vec(),
        (name, 0 | 1) => [b"thread ", name].concat(),
        (name, several) => {
            let number = format!(", {several} threads");
            [b"thread ", name, number.as_bytes()].concat()
        }
    }
}

/// A function that there is not, so that what has a name can be shown like one.
fn stand_in(name: &[u8]) -> Function {
    Function {
        kind: FunctionKind::Native,
        flags: 0,
        label: Label {
            file: (*b"~").into(),
            line: 0,
            name: name.into(),
        },
        qualified_name: Box::default(),
        module: Box::default(),
        generic: None,
    }
}

impl Frames {
    /// Adds what stands for the processes of which there is no call tree.
    fn root_of_estimates(&mut self) -> u32 {
        let name = "processes recorded without call trees";
        let function = self.functions.len() as u32;
        self.functions.push(stand_in(name.as_bytes()));
        self.estimated.push(true);
        self.nodes.push(NodeRow {
            parent: NO_PARENT,
            kind: function,
            ..NodeRow::default()
        })
    }

    /// Puts the roots that come after the node `root` onto it.
    fn stand_on(&mut self, root: u32) {
        for node in root as usize + 1..self.nodes.len() {
            if self.nodes.parents()[node] == NO_PARENT {
                self.nodes.update(node, |row| row.parent = root);
                let total = self.nodes.totals()[node];
                self.nodes.add(root as usize, 0, 0, total);
            }
        }
    }

    fn append(&mut self, nodes: &Nodes, first_function: u32, estimated: bool) {
        let first = self.nodes.len() as u32;
        for row in nodes.rows() {
            self.nodes.push(NodeRow {
                parent: match row.parent {
                    NO_PARENT => NO_PARENT,
                    parent => first + parent,
                },
                kind: first_function + row.kind,
                ..row
            });
        }
        self.estimated.resize(self.nodes.len(), estimated);
    }
}
