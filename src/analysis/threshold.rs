//! Making trees small enough to be looked at.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::frames::Frames;
use crate::model::{NO_PARENT, NodeRow, Nodes};

/// Without the nodes whose share of the whole is below `threshold`. The nodes
/// that stay are as wide as before: what was dropped is a gap above its parent.
pub fn prune(frames: &Frames, threshold: f64) -> Frames {
    let nodes = &frames.nodes;
    let least = threshold * frames.whole() as f64;
    let mut pruned = Frames {
        functions: frames.functions.clone(),
        ..Frames::default()
    };
    let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
    for node in 0..nodes.len() {
        let parent = match nodes.parents()[node] {
            NO_PARENT => Some(NO_PARENT),
            parent => Some(places[parent as usize]).filter(|&place| place != NO_PARENT),
        };
        let place = match parent {
            Some(parent) if nodes.totals()[node] as f64 >= least => {
                pruned.estimated.push(frames.estimated[node]);
                pruned.nodes.push(NodeRow {
                    parent,
                    ..nodes.row(node)
                })
            }
            _ => NO_PARENT,
        };
        places.push(place);
    }
    pruned
}

/// How much of a reversed tree is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes narrower than this, nanoseconds, get no callers.
    pub least: u64,
    /// The most nodes that get callers; the widest do.
    pub nodes: usize,
    /// Nodes with so many below them get no callers.
    pub levels: u32,
}

/// A tree turned over.
#[derive(Clone, Debug, Default)]
pub struct Reversed {
    /// Every function is a root as wide as its self time, and above it stand those
    /// who called it there. The roots add up to the whole.
    pub frames: Frames,
    /// For each node: how many callers stand above each other on it in the tree
    /// that was turned over, whatever the limits.
    pub heights: Vec<u32>,
    /// Every node of at least so many nanoseconds has its callers, if it is not
    /// above the highest level.
    pub least: u64,
}

/// Turns a tree over, the widest nodes first.
pub fn reverse(frames: &Frames, limits: Limits) -> Reversed {
    let nodes = &frames.nodes;
    let depths = depths(nodes);
    let self_times = nodes.self_times();
    let sources = (0..nodes.len() as u32).map(|node| Source {
        at: node,
        calls: nodes.calls()[node as usize],
        self_time: self_times[node as usize],
    });
    let mut reversed = Reversed {
        least: limits.least,
        ..Reversed::default()
    };
    reversed.frames.functions.clone_from(&frames.functions);
    let mut waiting = BinaryHeap::new();
    let mut add = |reversed: &mut Reversed, below, level, mut sources: Vec<Source>| {
        let function = |source: &Source| nodes.kinds()[source.at as usize];
        sources.sort_unstable_by_key(|source| (function(source), source.at));
        sources.dedup_by(Source::meets);
        for sources in sources.chunk_by(|a, b| function(a) == function(b)) {
            let width = sum(sources, |source| source.self_time);
            if width == 0 {
                continue;
            }
            let tree = &mut reversed.frames;
            let calls = sum(sources, |source| source.calls);
            let node = tree.nodes.push(NodeRow {
                parent: below,
                kind: function(&sources[0]),
                calls,
                resumes: 0,
                total: width,
            });
            let estimated = |source: &Source| frames.estimated[source.at as usize];
            tree.estimated.push(sources.iter().any(estimated));
            let heights = sources.iter().map(|source| depths[source.at as usize]);
            reversed.heights.push(heights.max().unwrap_or(0));
            if width >= limits.least && level < limits.levels {
                waiting.push(Waiting {
                    width,
                    node,
                    level,
                    sources: sources.to_vec(),
                });
            }
        }
        waiting.pop()
    };
    let mut next = add(&mut reversed, NO_PARENT, 0, sources.collect());
    let mut expanded = 0;
    while let Some(widest) = next {
        if expanded == limits.nodes {
            reversed.least = widest.width.saturating_add(1);
            break;
        }
        expanded += 1;
        let callers = widest.sources.iter().map(|source| Source {
            at: nodes.parents()[source.at as usize],
            ..*source
        });
        let callers = callers.filter(|source| source.at != NO_PARENT).collect();
        next = add(&mut reversed, widest.node, widest.level + 1, callers);
    }
    reversed
}

/// How many callers each node has above each other.
fn depths(nodes: &Nodes) -> Vec<u32> {
    let mut depths: Vec<u32> = Vec::with_capacity(nodes.len());
    for &parent in nodes.parents() {
        depths.push(depths.get(parent as usize).map_or(0, |depth| depth + 1));
    }
    depths
}

/// How many callees each node has below each other.
pub fn heights(nodes: &Nodes) -> Vec<u32> {
    let mut heights = vec![0_u32; nodes.len()];
    for node in (0..nodes.len()).rev() {
        let height = heights[node] + 1;
        if let Some(above) = heights.get_mut(nodes.parents()[node] as usize) {
            *above = height.max(*above);
        }
    }
    heights
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
    /// Whether two have come to one node; the other one then has what both had.
    fn meets(&mut self, other: &mut Source) -> bool {
        let meets = self.at == other.at;
        if meets {
            other.calls = other.calls.saturating_add(self.calls);
            other.self_time = other.self_time.saturating_add(self.self_time);
        }
        meets
    }
}

/// A node of the reversed tree whose callers are not known yet: wider ones are
/// greater, among equals the one that was made first.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// main 100 ─┬─ a 60 ── h 50        f 7
    ///           └─ b 30 ── h 20 ── h 5
    fn frames() -> Frames {
        Frames {
            functions: Vec::new(),
            nodes: Nodes::from_columns(
                [
                    vec![NO_PARENT, 0, 0, 1, 2, 4, NO_PARENT],
                    vec![0, 1, 2, 3, 3, 3, 4],
                ],
                [
                    vec![1, 2, 3, 4, 5, 6, 7],
                    vec![0; 7],
                    vec![100, 60, 30, 50, 20, 5, 7],
                ],
            )
            .unwrap(),
            estimated: vec![false, false, false, false, false, false, true],
        }
    }

    #[test]
    fn narrow_nodes_go_and_the_others_keep_their_width() {
        let pruned = prune(&frames(), 25.0 / 107.0);
        assert_eq!(pruned.nodes.kinds(), [0, 1, 2, 3]);
        assert_eq!(pruned.nodes.parents(), [NO_PARENT, 0, 0, 1]);
        assert_eq!(pruned.nodes.totals(), [100, 60, 30, 50]);
        assert_eq!(prune(&frames(), 0.0).nodes, frames().nodes);
    }

    const ALL: Limits = Limits {
        least: 0,
        nodes: usize::MAX,
        levels: u32::MAX,
    };

    #[test]
    fn reversed_roots_are_the_self_times() {
        let Reversed {
            frames: reversed,
            heights,
            least,
        } = reverse(&frames(), ALL);
        let nodes = &reversed.nodes;
        let path = |mut node: usize| {
            let mut path = vec![nodes.kinds()[node]];
            while nodes.parents()[node] != NO_PARENT {
                node = nodes.parents()[node] as usize;
                path.push(nodes.kinds()[node]);
            }
            path.reverse();
            path
        };
        let mut all: Vec<_> = (0..nodes.len())
            .map(|node| (path(node), nodes.totals()[node], nodes.calls()[node]))
            .collect();
        all.sort();
        assert_eq!(
            all,
            [
                (vec![0], 10, 1),
                (vec![1], 10, 2),
                (vec![1, 0], 10, 2),
                (vec![2], 10, 3),
                (vec![2, 0], 10, 3),
                (vec![3], 70, 15),
                (vec![3, 1], 50, 4),
                (vec![3, 1, 0], 50, 4),
                (vec![3, 2], 15, 5),
                (vec![3, 2, 0], 15, 5),
                (vec![3, 3], 5, 6),
                (vec![3, 3, 2], 5, 6),
                (vec![3, 3, 2, 0], 5, 6),
                (vec![4], 7, 7),
            ]
        );
        assert_eq!(reversed.whole(), frames().whole());
        assert_eq!(reversed.estimated.iter().filter(|&&is| is).count(), 1);
        assert_eq!(heights[..5], [0, 1, 1, 3, 0]);
        assert_eq!(least, 0);
    }

    /// How many nodes are a caller of another.
    fn callers(reversed: &Reversed) -> usize {
        let parents = reversed.frames.nodes.parents().iter();
        parents.filter(|&&parent| parent != NO_PARENT).count()
    }

    #[test]
    fn callers_of_the_narrow_are_left_out() {
        let reversed = reverse(&frames(), Limits { least: 33, ..ALL });
        // Of h, 70 wide, both callers and itself; of a's 50, main.
        assert_eq!(callers(&reversed), 4);
        assert_eq!(reversed.frames.whole(), frames().whole());
        assert_eq!(reversed.least, 33);
    }

    #[test]
    fn the_widest_get_their_callers_first() {
        let reversed = reverse(&frames(), Limits { nodes: 2, ..ALL });
        // Those of h and of a's 50 again; the next would be main's 50.
        assert_eq!(callers(&reversed), 4);
        assert_eq!(reversed.least, 51);
        assert_eq!(callers(&reverse(&frames(), Limits { nodes: 0, ..ALL })), 0);
    }

    #[test]
    fn heights_count_the_callees() {
        assert_eq!(heights(&frames().nodes), [3, 1, 2, 0, 1, 0, 0]);
    }

    #[test]
    fn deep_recursion_ends() {
        let depth = 10_000_u32;
        let mut deep = Frames::default();
        for node in 0..depth {
            deep.nodes.push(NodeRow {
                parent: node.checked_sub(1).unwrap_or(NO_PARENT),
                calls: 1,
                total: u64::from(depth - node),
                ..NodeRow::default()
            });
            deep.estimated.push(false);
        }
        let reversed = reverse(&deep, Limits { levels: 100, ..ALL });
        assert_eq!(reversed.frames.nodes.totals()[0], u64::from(depth));
        assert_eq!(reversed.frames.nodes.len(), 101);
        assert_eq!(reversed.heights[100], depth - 1 - 100);
    }
}
