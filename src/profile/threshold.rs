//! Making trees small enough to be looked at.

use std::collections::BTreeMap;

use super::frames::Frames;
use crate::format::trees::{NO_PARENT, Nodes};

/// The most callers above each other in a reversed tree. Beyond that nobody
/// looks, and endless recursion would take quadratic time.
const MOST_CALLERS: u32 = 1024;

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
        let parent = match nodes.parent[node] {
            NO_PARENT => Some(NO_PARENT),
            parent => Some(places[parent as usize]).filter(|&place| place != NO_PARENT),
        };
        let place = match parent {
            Some(parent) if nodes.total[node] as f64 >= least => {
                let place = pruned.nodes.len() as u32;
                pruned.nodes.parent.push(parent);
                pruned.nodes.function.push(nodes.function[node]);
                pruned.nodes.calls.push(nodes.calls[node]);
                pruned.nodes.resumes.push(nodes.resumes[node]);
                pruned.nodes.total.push(nodes.total[node]);
                pruned.estimated.push(frames.estimated[node]);
                place
            }
            _ => NO_PARENT,
        };
        places.push(place);
    }
    pruned
}

/// The tree turned over: every function is a root as wide as its self time, and
/// above it stand those who called it there. The roots add up to the whole;
/// callers of what is narrower than `threshold`'s share of it are left out.
pub fn reverse(frames: &Frames, threshold: f64) -> Frames {
    let nodes = &frames.nodes;
    let self_times = nodes.self_times();
    let least = threshold * frames.whole() as f64;
    let mut reversed = Frames {
        functions: frames.functions.clone(),
        ..Frames::default()
    };
    let sources = (0..nodes.len() as u32).map(|node| Source {
        at: node,
        calls: nodes.calls[node as usize],
        self_time: self_times[node as usize],
    });
    let mut level = vec![(NO_PARENT, sources.collect::<Vec<_>>())];
    let mut height = 0;
    while !level.is_empty() && height < MOST_CALLERS {
        height += 1;
        let mut next = Vec::new();
        for (below, sources) in level {
            for (function, sources) in by_function(nodes, sources) {
                let width = sum(&sources, |source| source.self_time);
                if width == 0 {
                    continue;
                }
                let place = reversed.nodes.len() as u32;
                reversed.nodes.parent.push(below);
                reversed.nodes.function.push(function);
                reversed
                    .nodes
                    .calls
                    .push(sum(&sources, |source| source.calls));
                reversed.nodes.resumes.push(0);
                reversed.nodes.total.push(width);
                let estimated = |source: &Source| frames.estimated[source.at as usize];
                reversed.estimated.push(sources.iter().any(estimated));
                if width as f64 >= least {
                    let callers = callers(nodes, &sources);
                    if !callers.is_empty() {
                        next.push((place, callers));
                    }
                }
            }
        }
        level = next;
    }
    reversed
}

/// Self time on its way from the node where it was spent to the root.
struct Source {
    /// The node on the way that is reached.
    at: u32,
    calls: u64,
    self_time: u64,
}

fn by_function(nodes: &Nodes, sources: Vec<Source>) -> BTreeMap<u32, Vec<Source>> {
    let mut functions: BTreeMap<u32, Vec<Source>> = BTreeMap::new();
    for source in sources {
        let function = nodes.function[source.at as usize];
        functions.entry(function).or_default().push(source);
    }
    functions
}

/// The sources one step further; those that meet become one.
fn callers(nodes: &Nodes, sources: &[Source]) -> Vec<Source> {
    let mut callers: Vec<Source> = sources
        .iter()
        .map(|source| Source {
            at: nodes.parent[source.at as usize],
            ..*source
        })
        .filter(|source| source.at != NO_PARENT)
        .collect();
    callers.sort_unstable_by_key(|source| source.at);
    callers.dedup_by(|more, source| {
        let meet = more.at == source.at;
        if meet {
            source.calls = source.calls.saturating_add(more.calls);
            source.self_time = source.self_time.saturating_add(more.self_time);
        }
        meet
    });
    callers
}

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
            nodes: Nodes {
                parent: vec![NO_PARENT, 0, 0, 1, 2, 4, NO_PARENT],
                function: vec![0, 1, 2, 3, 3, 3, 4],
                calls: vec![1, 2, 3, 4, 5, 6, 7],
                resumes: vec![0; 7],
                total: vec![100, 60, 30, 50, 20, 5, 7],
            },
            estimated: vec![false, false, false, false, false, false, true],
        }
    }

    #[test]
    fn narrow_nodes_go_and_the_others_keep_their_width() {
        let pruned = prune(&frames(), 25.0 / 107.0);
        assert_eq!(pruned.nodes.function, [0, 1, 2, 3]);
        assert_eq!(pruned.nodes.parent, [NO_PARENT, 0, 0, 1]);
        assert_eq!(pruned.nodes.total, [100, 60, 30, 50]);
        assert_eq!(prune(&frames(), 0.0).nodes, frames().nodes);
    }

    #[test]
    fn reversed_roots_are_the_self_times() {
        let reversed = reverse(&frames(), 0.0);
        let nodes = &reversed.nodes;
        let path = |mut node: usize| {
            let mut path = vec![nodes.function[node]];
            while nodes.parent[node] != NO_PARENT {
                node = nodes.parent[node] as usize;
                path.push(nodes.function[node]);
            }
            path.reverse();
            path
        };
        let mut all: Vec<_> = (0..nodes.len())
            .map(|node| (path(node), nodes.total[node], nodes.calls[node]))
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
    }

    #[test]
    fn callers_of_the_narrow_are_left_out() {
        let reversed = reverse(&frames(), 0.3);
        let callers = reversed.nodes.parent.iter().filter(|&&p| p != NO_PARENT);
        // Of h, 70 wide, both callers and itself; of a's 50, main.
        assert_eq!(callers.count(), 4);
        assert_eq!(reversed.whole(), frames().whole());
    }

    #[test]
    fn deep_recursion_ends() {
        let depth = 10_000;
        let mut deep = Frames::default();
        for node in 0..depth {
            deep.nodes
                .parent
                .push(if node == 0 { NO_PARENT } else { node - 1 });
            deep.nodes.function.push(0);
            deep.nodes.calls.push(1);
            deep.nodes.resumes.push(0);
            deep.nodes.total.push(u64::from(depth - node));
            deep.estimated.push(false);
        }
        let reversed = reverse(&deep, 1e-4);
        assert_eq!(reversed.nodes.total[0], u64::from(depth));
        assert_eq!(reversed.nodes.len(), MOST_CALLERS as usize);
    }
}
