//! The call tree as columns of variable-length integers, nodes in depth-first order.
//!
//! The depth of a node says where its caller is: it is the latest node before it that is less deep.
//! Steps up, places among callees, calls and waits are mostly small numbers, which deflate
//! compresses well.

use super::call_pairs::CallPairs;
use super::functions::Functions;
use super::varint::push;
use crate::analysis::display_tree::DisplayTree;
use crate::model::walk::{Step, walk};

/// Columns of the nodes that the page has.
pub(super) struct Columns {
    /// Number of nodes.
    pub(super) nodes: usize,
    /// Number of functions that may be callers, and one for roots.
    pub(super) callers: u32,
    /// First node that is an estimate; the number of nodes where none is.
    pub(super) estimated: usize,
    /// Depth and function of each node.
    rows: Vec<(u32, u32)>,
    /// Columns of figures, of which the first two are calls and self times.
    figures: Vec<Figures>,
    /// The callees of each function, steps up, and places of functions among callees.
    shape: [Vec<u8>; 3],
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
            callers: functions.len() as u32 + 1,
            estimated: usize::MAX,
            rows: Vec::new(),
            shape: Default::default(),
            figures: vec![Figures::default(); N],
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
        columns.shape = shape(&columns.rows, columns.callers - 1);
        columns
    }

    /// Returns the columns in the order in which the page reads them.
    pub(super) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let figures = self.figures.iter().flat_map(Figures::bytes);
        self.shape.iter().map(Vec::as_slice).chain(figures)
    }

    /// Returns the node of the page that has the calls of a node of the tree.
    pub(super) fn place(&self, node: u32) -> u32 {
        self.places[node as usize]
    }

    fn push_node<const N: usize>(&mut self, depth: usize, function: u32, figures: [u64; N]) {
        self.nodes += 1;
        self.rows.push((depth as u32, function));
        for (column, figure) in self.figures.iter_mut().zip(figures) {
            column.push(figure);
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

/// A column of figures, all lowest bytes first, then all second bytes, and so on.
///
/// Times are random numbers to deflate, except for their highest bytes.
#[derive(Clone, Default)]
struct Figures {
    length: usize,
    /// Number of planes, a byte, then the planes.
    number: [u8; 1],
    planes: Vec<Vec<u8>>,
}

impl Figures {
    fn push(&mut self, figure: u64) {
        let needed = (u64::BITS - figure.leading_zeros()).div_ceil(8) as usize;
        while self.planes.len() < needed {
            self.planes.push(vec![0; self.length]);
            self.number[0] += 1;
        }
        for (place, plane) in self.planes.iter_mut().enumerate() {
            plane.push((figure >> (8 * place)) as u8);
        }
        self.length += 1;
    }

    fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let planes = self.planes.iter().map(Vec::as_slice);
        [&self.number[..]].into_iter().chain(planes)
    }
}

/// Encodes three columns: the callees of each function, and two for nodes. These are the steps up
/// from the node before, and the index of the function among its caller's callees. `roots` is the
/// caller of roots.
fn shape(rows: &[(u32, u32)], roots: u32) -> [Vec<u8>; 3] {
    let mut open: Vec<u32> = Vec::new();
    let pairs: Vec<(u32, u32)> = rows
        .iter()
        .map(|&(depth, function)| {
            open.truncate(depth as usize);
            let caller = open.last().copied().unwrap_or(roots);
            open.push(function);
            (caller, function)
        })
        .collect();
    let known = CallPairs::of(roots + 1, pairs.iter().copied());
    let (mut steps, mut places) = (Vec::new(), Vec::new());
    let mut deepest = 0;
    for (&(depth, _), &(caller, callee)) in rows.iter().zip(&pairs) {
        push(&mut steps, u64::from(deepest - depth));
        deepest = depth + 1;
        push(&mut places, known.place(caller, callee).into());
    }
    [known.bytes(), steps, places]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NO_PARENT;
    use crate::report::svg::tests::tree;

    #[test]
    fn figures_have_as_many_planes_as_their_largest() {
        let mut figures = Figures::default();
        assert_eq!(figures.bytes().collect::<Vec<_>>().concat(), [0]);
        for figure in [1, 0x203, 0, 0x40000] {
            figures.push(figure);
        }
        let bytes = figures.bytes().collect::<Vec<_>>().concat();
        assert_eq!(bytes, [3, 1, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4]);
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
        assert_eq!(columns.rows, [(0, 0), (1, 1), (1, 5)]);
        assert_eq!(columns.shape[1], [0, 0, 1]);
        assert_eq!(columns.shape[2], [0, 0, 1]);
        assert_eq!(columns.figures[1].planes, [[33, 60, 7]]);
        assert_eq!(columns.places, [0, 1, 2, 2, 2]);
        assert_eq!(columns.estimated, 3);
    }
}
