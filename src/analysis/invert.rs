//! The inverted call tree, or bottom-up view: each function with its callers on top of it.

use std::cmp::{Ordering, Reverse};
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
    /// Each function is a root as wide as its self time, and on top of it stand the
    /// functions that called it there. The roots add up to the whole.
    pub tree: DisplayTree,
    /// The height of each node without any limit: the number of callers above each other
    /// on it.
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
        made: Inverted {
            least: limits.least,
            ..Inverted::default()
        },
    };
    inversion.made.tree.functions.clone_from(&tree.functions);
    inversion.add(NO_PARENT, 0, sources.collect());
    let mut expanded = 0;
    while let Some(widest) = inversion.waiting.pop() {
        if expanded == limits.nodes {
            inversion.made.least = widest.width.saturating_add(1);
            break;
        }
        expanded += 1;
        let callers = widest.sources.iter().map(|source| Source {
            at: tree.nodes.parents()[source.at as usize],
            ..*source
        });
        let callers = callers.filter(|source| source.at != NO_PARENT).collect();
        inversion.add(widest.node, widest.level + 1, callers);
    }
    inversion.made
}

/// An inversion under way.
struct Inversion<'t> {
    from: &'t DisplayTree,
    depths: Vec<u32>,
    limits: Limits,
    /// The nodes that may get callers.
    waiting: BinaryHeap<Waiting>,
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
            if width >= self.limits.least && level < self.limits.levels {
                self.waiting.push(Waiting {
                    width,
                    node,
                    level,
                    sources: sources.to_vec(),
                });
            }
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

/// A node of the inverted tree whose callers are not known yet. Wider ones are greater;
/// of equal ones, the one that was made first.
struct Waiting {
    width: u64,
    node: u32,
    level: u32,
    sources: Vec<Source>,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |waiting: &Self| (waiting.width, Reverse(waiting.node));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

fn sum(sources: &[Source], figure: fn(&Source) -> u64) -> u64 {
    sources.iter().map(figure).fold(0, u64::saturating_add)
}
