//! The call tree as columns of variable-length integers, nodes in depth-first order.
//!
//! The depth of a node says where its caller is: it is the latest node before it that is less
//! deep. Depths, calls and waits are small numbers mostly, so that deflate does the rest.

use super::functions::Functions;
use crate::analysis::display_tree::DisplayTree;
use crate::model::walk::{Step, walk};

/// Columns of the nodes that the page has.
pub(super) struct Columns {
    /// Number of nodes.
    pub(super) nodes: usize,
    /// First node that is an estimate; the number of nodes where none is.
    pub(super) estimated: usize,
    depths: Vec<u8>,
    functions: Vec<u8>,
    /// Columns of figures, of which the first two are calls and self times.
    figures: Vec<Vec<u8>>,
    /// Node of the page for each node of the tree.
    places: Vec<u32>,
}

/// Figures of calls that have no node.
#[derive(Clone, Copy)]
struct Collapsed<const N: usize> {
    nodes: u64,
    figures: [u64; N],
}

impl<const N: usize> Default for Collapsed<N> {
    fn default() -> Self {
        Collapsed {
            nodes: 0,
            figures: [0; N],
        }
    }
}

impl Columns {
    /// Encodes the nodes of a profile: calls, self time and waiting of each.
    pub(super) fn of(tree: &DisplayTree, functions: &Functions, least: u64) -> Columns {
        let self_times = tree.nodes.self_times();
        Columns::with(tree, functions, least, |node| {
            [
                tree.nodes.calls()[node],
                self_times[node],
                tree.waits.get(node as u32).total(),
            ]
        })
    }

    /// Encodes the `figures` of the nodes of `tree` whose total is `least` or more, and one node
    /// for the others of each caller.
    pub(super) fn with<const N: usize>(
        tree: &DisplayTree,
        functions: &Functions,
        least: u64,
        figures: impl Fn(usize) -> [u64; N],
    ) -> Columns {
        let nodes = &tree.nodes;
        let mut columns = Columns {
            nodes: 0,
            estimated: usize::MAX,
            depths: Vec::new(),
            functions: Vec::new(),
            figures: vec![Vec::new(); N],
            places: vec![0; nodes.len()],
        };
        // Collapsed callees of each open node that is kept, and the depth within a collapsed one.
        // The first element is for the roots.
        let mut open: Vec<Collapsed<N>> = vec![Collapsed::default()];
        let mut within = 0_usize;
        let mut left_out: Vec<usize> = Vec::new();
        walk(nodes, |step| match step {
            Step::Enter(node) => {
                let node = node as usize;
                if within == 0 && nodes.totals()[node] >= least {
                    if tree.estimated[node] {
                        columns.estimated = columns.estimated.min(columns.nodes);
                    }
                    columns.places[node] = columns.nodes as u32;
                    let function = functions.index(nodes.kinds()[node]);
                    columns.push_node(open.len() - 1, function, figures(node));
                    open.push(Collapsed::default());
                } else {
                    within += 1;
                    left_out.push(node);
                    if let Some(sum) = open.last_mut() {
                        sum.add(figures(node));
                    }
                }
            }
            Step::Leave(_) if within > 0 => within -= 1,
            Step::Leave(_) => {
                let collapsed = open.pop().unwrap_or_default();
                columns.push_collapsed(open.len(), functions, &collapsed, &mut left_out);
            }
        });
        let collapsed = open.pop().unwrap_or_default();
        columns.push_collapsed(0, functions, &collapsed, &mut left_out);
        columns.estimated = columns.estimated.min(columns.nodes);
        columns
    }

    /// Returns the columns in the order in which the page reads them.
    pub(super) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let figures = self.figures.iter().map(Vec::as_slice);
        [&*self.depths, &*self.functions].into_iter().chain(figures)
    }

    /// Returns the node of the page that has the calls of a node of the tree.
    pub(super) fn place(&self, node: u32) -> u32 {
        self.places[node as usize]
    }

    fn push_node<const N: usize>(&mut self, depth: usize, function: u32, figures: [u64; N]) {
        self.nodes += 1;
        push(&mut self.depths, depth as u64);
        push(&mut self.functions, u64::from(function));
        for (column, figure) in self.figures.iter_mut().zip(figures) {
            push(column, figure);
        }
    }

    /// Adds the node for collapsed calls, if there are any: the last ones of `left_out`.
    fn push_collapsed<const N: usize>(
        &mut self,
        depth: usize,
        functions: &Functions,
        collapsed: &Collapsed<N>,
        left_out: &mut Vec<usize>,
    ) {
        if collapsed.nodes == 0 {
            return;
        }
        let first = left_out.len() - collapsed.nodes as usize;
        for node in left_out.drain(first..) {
            self.places[node] = self.nodes as u32;
        }
        self.push_node(depth, functions.collapsed(), collapsed.figures);
    }
}

impl<const N: usize> Collapsed<N> {
    fn add(&mut self, figures: [u64; N]) {
        self.nodes += 1;
        for (sum, more) in self.figures.iter_mut().zip(figures) {
            *sum = sum.saturating_add(more);
        }
    }
}

/// Appends `value`: seven bits a byte, the lowest first; the highest bit says that more follow.
pub(super) fn push(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NO_PARENT;
    use crate::report::svg::tests::tree;

    #[test]
    fn integers_take_as_many_bytes_as_they_need() {
        let mut bytes = Vec::new();
        for value in [0, 127, 128, 300, u64::MAX] {
            push(&mut bytes, value);
        }
        assert_eq!(bytes[..6], [0, 127, 0x80, 1, 0xac, 2]);
        assert_eq!(bytes.len(), 6 + 10);
    }

    #[test]
    fn light_callees_are_one_node_and_no_time_is_lost() {
        let frames = tree(&[
            (NO_PARENT, "a", 100),
            (0, "b", 60),
            (0, "c", 3),
            (2, "d", 2),
            (0, "e", 4),
        ]);
        let functions = Functions::plain(frames.functions.len());
        let columns = Columns::of(&frames, &functions, 5);
        assert_eq!(columns.nodes, 3);
        assert_eq!(columns.depths, [0, 1, 1]);
        assert_eq!(columns.functions, [0, 1, 5]);
        assert_eq!(columns.figures[1], [33, 60, 7]);
        assert_eq!(columns.places, [0, 1, 2, 2, 2]);
        assert_eq!(columns.estimated, 3);
    }
}
