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
    calls: Vec<u8>,
    self_times: Vec<u8>,
    waiting: Vec<u8>,
}

/// Figures of calls that have no node.
#[derive(Clone, Copy, Default)]
struct Collapsed {
    nodes: u64,
    calls: u64,
    self_time: u64,
    waiting: u64,
}

impl Columns {
    /// Encodes the nodes of `tree` whose total is `least` or more, and one for the others of each
    /// caller. Roots, processes and threads are kept.
    pub(super) fn of(tree: &DisplayTree, functions: &Functions, least: u64) -> Columns {
        let mut columns = Columns {
            nodes: 0,
            estimated: usize::MAX,
            depths: Vec::new(),
            functions: Vec::new(),
            calls: Vec::new(),
            self_times: Vec::new(),
            waiting: Vec::new(),
        };
        let nodes = &tree.nodes;
        let self_times = nodes.self_times();
        let figures = |node: usize| Collapsed {
            nodes: 1,
            calls: nodes.calls()[node],
            self_time: self_times[node],
            waiting: tree.waits.get(node as u32).total(),
        };
        // Collapsed callees of each open node that is kept, and the depth within a collapsed one.
        let mut open: Vec<Collapsed> = Vec::new();
        let mut within = 0_usize;
        walk(nodes, |step| match step {
            Step::Enter(node) => {
                let node = node as usize;
                let kind = nodes.kinds()[node];
                let is_kept = within == 0
                    && (nodes.totals()[node] >= least
                        || open.is_empty()
                        || functions.is_group(kind));
                if is_kept {
                    if tree.estimated[node] {
                        columns.estimated = columns.estimated.min(columns.nodes);
                    }
                    columns.push_node(open.len(), functions.index(kind), figures(node));
                    open.push(Collapsed::default());
                } else {
                    within += 1;
                    if let Some(sum) = open.last_mut() {
                        sum.add(figures(node));
                    }
                }
            }
            Step::Leave(_) if within > 0 => within -= 1,
            Step::Leave(_) => {
                let collapsed = open.pop().unwrap_or_default();
                if collapsed.nodes > 0 {
                    columns.push_node(open.len() + 1, functions.collapsed(), collapsed);
                }
            }
        });
        columns.estimated = columns.estimated.min(columns.nodes);
        columns
    }

    /// Returns the columns in the order in which the page reads them.
    pub(super) fn bytes(&self) -> [&[u8]; 5] {
        [
            &self.depths,
            &self.functions,
            &self.calls,
            &self.self_times,
            &self.waiting,
        ]
    }

    fn push_node(&mut self, depth: usize, function: u32, figures: Collapsed) {
        self.nodes += 1;
        push(&mut self.depths, depth as u64);
        push(&mut self.functions, u64::from(function));
        push(&mut self.calls, figures.calls);
        push(&mut self.self_times, figures.self_time);
        push(&mut self.waiting, figures.waiting);
    }
}

impl Collapsed {
    fn add(&mut self, more: Collapsed) {
        self.nodes += more.nodes;
        self.calls = self.calls.saturating_add(more.calls);
        self.self_time = self.self_time.saturating_add(more.self_time);
        self.waiting = self.waiting.saturating_add(more.waiting);
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
        assert_eq!(columns.self_times, [33, 60, 7]);
        assert_eq!(columns.estimated, 3);
    }
}
