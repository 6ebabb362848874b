//! The inverted call tree, or bottom-up view: each function with its callers on top of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::display_tree::DisplayTree;
use crate::model::{NO_PARENT, NodeRow, Nodes};

/// Limits of the size of an inverted tree.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes narrower than this, nanoseconds, get no callers.
    pub least: u64,
    /// The most nodes that get callers; the widest do.
    pub nodes: usize,
    /// Nodes with this many nodes below them get no callers.
    pub levels: u32,
}

/// An inverted tree.
#[derive(Clone, Debug, Default)]
pub struct Inverted {
    /// Each function is a root as wide as its self time, with the functions that called it there on
    /// top. The roots add up to the whole.
    pub tree: DisplayTree,
    /// The height of each node without any limit: the length of the longest chain of callers above
    /// it.
    pub heights: Vec<u32>,
    /// Each node of at least this many nanoseconds has its callers, unless it is on the
    /// highest level.
    pub least: u64,
}

/// Inverts `tree`, the widest nodes first.
pub fn invert(tree: &DisplayTree, limits: Limits) -> Inverted {
    let self_times = tree.nodes.self_times();
    let sources = (0..tree.nodes.len() as u32).map(|node| Source {
        at: node,
        calls: tree.nodes.calls()[node as usize],
        self_time: self_times[node as usize],
    });
    let mut inversion = Inversion {
        from: tree,
        depths: depths(&tree.nodes),
        limits,
        waiting: BinaryHeap::new(),
        sources: Vec::new(),
        made: Inverted {
            least: limits.least,
            ..Inverted::default()
        },
    };
    inversion.made.tree.functions.clone_from(&tree.functions);
    inversion.add(NO_PARENT, 0, sources.collect());
    let mut expanded = 0;
    while let Some((width, Reverse(node), level)) = inversion.waiting.pop() {
        if expanded == limits.nodes {
            inversion.made.least = width.saturating_add(1);
            break;
        }
        expanded += 1;
        let mut callers = std::mem::take(&mut inversion.sources[node as usize]);
        for source in &mut callers {
            source.at = tree.nodes.parents()[source.at as usize];
        }
        callers.retain(|source| source.at != NO_PARENT);
        inversion.add(node, level + 1, callers);
    }
    inversion.made
}

/// An inversion in progress.
struct Inversion<'t> {
    from: &'t DisplayTree,
    depths: Vec<u32>,
    limits: Limits,
    /// The nodes that may get callers: widths, nodes and levels. Of nodes of one width, the
    /// one that was made first comes first.
    waiting: BinaryHeap<(u64, Reverse<u32>, u32)>,
    /// For each of them, where its time comes from; empty for other nodes.
    sources: Vec<Vec<Source>>,
    made: Inverted,
}

impl Inversion<'_> {
    /// Adds one node a function of `sources` on top of the node `below`.
    fn add(&mut self, below: u32, level: u32, mut sources: Vec<Source>) {
        let function = |source: &Source| self.from.nodes.kinds()[source.at as usize];
        sources.sort_unstable_by_key(|source| (function(source), source.at));
        sources.dedup_by(Source::join);
        for sources in sources.chunk_by(|a, b| function(a) == function(b)) {
            let width = sum(sources, |source| source.self_time);
            if width == 0 {
                continue;
            }
            let calls = sum(sources, |source| source.calls);
            let tree = &mut self.made.tree;
            let node = tree.nodes.push(NodeRow {
                parent: below,
                kind: function(&sources[0]),
                calls,
                resumes: 0,
                total: width,
            });
            let places = sources.iter().map(|source| source.at as usize);
            let is_estimated = places.clone().any(|at| self.from.estimated[at]);
            tree.estimated.push(is_estimated);
            let height = places.map(|at| self.depths[at]).max();
            self.made.heights.push(height.unwrap_or(0));
            let is_waiting = width >= self.limits.least && level < self.limits.levels;
            if is_waiting {
                self.waiting.push((width, Reverse(node), level));
            }
            let sources = is_waiting.then(|| sources.to_vec());
            self.sources.push(sources.unwrap_or_default());
        }
    }
}

/// Returns the depth of each node: the number of callers above it.
fn depths(nodes: &Nodes) -> Vec<u32> {
    let mut depths: Vec<u32> = Vec::with_capacity(nodes.len());
    for &parent in nodes.parents() {
        depths.push(depths.get(parent as usize).map_or(0, |depth| depth + 1));
    }
    depths
}

/// Self time on its way from the node where it was spent to the root.
#[derive(Clone, Copy)]
struct Source {
    /// The node on the way that is reached.
    at: u32,
    calls: u64,
    self_time: u64,
}

impl Source {
    /// Adds this source to `other` and returns true if both have reached one node.
    fn join(&mut self, other: &mut Source) -> bool {
        let meets = self.at == other.at;
        if meets {
            other.calls = other.calls.saturating_add(self.calls);
            other.self_time = other.self_time.saturating_add(self.self_time);
        }
        meets
    }
}

fn sum(sources: &[Source], figure: fn(&Source) -> u64) -> u64 {
    sources.iter().map(figure).fold(0, u64::saturating_add)
}
