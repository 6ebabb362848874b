//! Visits a tree depth first, without recursion, because trees of real programs are tens of
//! thousands of calls deep.

use super::Nodes;

/// The children of every node, in the order of the nodes.
pub(crate) struct Children {
    /// For each node the index of its first child in `nodes`; roots come last.
    starts: Vec<u32>,
    nodes: Vec<u32>,
}

impl Children {
    pub(crate) fn of(nodes: &Nodes) -> Self {
        let roots = nodes.len();
        let slot = |parent: u32| (parent as usize).min(roots);
        let mut starts = vec![0_u32; roots + 2];
        for &parent in nodes.parents() {
            starts[slot(parent) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; nodes.len()];
        for (node, &parent) in nodes.parents().iter().enumerate() {
            let place = &mut next[slot(parent)];
            sorted[*place as usize] = node as u32;
            *place += 1;
        }
        Self {
            starts,
            nodes: sorted,
        }
    }

    pub(crate) fn roots(&self) -> &[u32] {
        self.slot(self.starts.len() - 2)
    }

    pub(crate) fn under(&self, node: u32) -> &[u32] {
        self.slot(node as usize)
    }

    /// All nodes by their parents, in the order of these; roots come last.
    #[cfg(feature = "profiles")]
    pub(crate) fn by_parent(&self) -> &[u32] {
        &self.nodes
    }

    /// For each node, the end of its children in [`by_parent`](Self::by_parent), which begin
    /// where those of the node before end.
    #[cfg(feature = "profiles")]
    pub(crate) fn ends(&self) -> &[u32] {
        &self.starts[1..self.starts.len() - 1]
    }

    /// For each node, returns true if another child of its parent, or another root, is of its
    /// kind.
    pub(crate) fn have_twins(&self, kind: impl Fn(u32) -> u32) -> Vec<bool> {
        let mut twins = vec![false; self.nodes.len()];
        // For each kind, the latest slot that it was in, and the node.
        let mut latest: Vec<(u32, u32)> = Vec::new();
        for slot in 1..self.starts.len() as u32 {
            for &node in self.slot(slot as usize - 1) {
                let kind = kind(node) as usize;
                if latest.len() <= kind {
                    latest.resize(kind + 1, (0, 0));
                }
                let (before, twin) = std::mem::replace(&mut latest[kind], (slot, node));
                if before == slot {
                    twins[node as usize] = true;
                    twins[twin as usize] = true;
                }
            }
        }
        twins
    }

    fn slot(&self, slot: usize) -> &[u32] {
        &self.nodes[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }
}

/// A step of [`walk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The node is entered, after its parent and before its children.
    Enter(u32),
    /// The node is left, after its children.
    Leave(u32),
}

/// Visits all nodes depth first.
pub(crate) fn walk(nodes: &Nodes, mut visit: impl FnMut(Step)) {
    let children = Children::of(nodes);
    let mut open = Vec::new();
    let mut siblings = children.roots().iter();
    loop {
        if let Some(&node) = siblings.next() {
            visit(Step::Enter(node));
            open.push((node, siblings));
            siblings = children.under(node).iter();
        } else if let Some((node, rest)) = open.pop() {
            visit(Step::Leave(node));
            siblings = rest;
        } else {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NO_PARENT, NodeRow};

    #[test]
    fn twins_are_children_of_one_parent_and_of_one_kind() {
        let twins = |nodes: &[(u32, u32)]| -> Vec<usize> {
            let nodes = nodes.iter().map(|&(parent, kind)| NodeRow {
                parent,
                kind,
                ..NodeRow::default()
            });
            let nodes: Nodes = nodes.collect();
            let twins = Children::of(&nodes).have_twins(|node| nodes.kinds()[node as usize]);
            (0..)
                .zip(twins)
                .filter(|(_, has_twin)| *has_twin)
                .map(|(node, _)| node)
                .collect()
        };
        assert_eq!(twins(&[]), [0; 0]);
        assert_eq!(
            twins(&[(NO_PARENT, 0), (0, 0), (0, 1), (1, 0), (2, 0)]),
            [0; 0]
        );
        assert_eq!(twins(&[(NO_PARENT, 0), (0, 0), (NO_PARENT, 0)]), [0, 2]);
        assert_eq!(
            twins(&[(NO_PARENT, 0), (0, 1), (1, 7), (0, 1), (0, 1)]),
            [1, 3, 4]
        );
    }

    #[test]
    fn depth_first_whatever_the_order_of_the_nodes() {
        // 0 ─┬─ 2      1 ─── 3
        //    └─ 4
        let nodes: Nodes = [NO_PARENT, NO_PARENT, 0, 1, 0]
            .map(|parent| NodeRow {
                parent,
                ..NodeRow::default()
            })
            .into_iter()
            .collect();
        let mut steps = Vec::new();
        walk(&nodes, |step| steps.push(step));
        use Step::{Enter, Leave};
        assert_eq!(
            steps,
            [
                Enter(0),
                Enter(2),
                Leave(2),
                Enter(4),
                Leave(4),
                Leave(0),
                Enter(1),
                Enter(3),
                Leave(3),
                Leave(1)
            ]
        );
    }
}
