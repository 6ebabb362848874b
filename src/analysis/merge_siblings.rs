//! Merges siblings of one function, so that each call path has one node. A tree has such siblings
//! if several threads or processes were recorded.

use super::display_tree::{DisplayTree, DisplayTreeBuilder};
use crate::model::NO_PARENT;

/// Returns `frames` with siblings of one function merged. Recorded nodes and estimates remain
/// apart, because they have functions of their own.
pub fn merge_siblings(frames: &DisplayTree) -> DisplayTree {
    let nodes = &frames.nodes;
    let mut merged = DisplayTreeBuilder::new(frames);
    let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &function) in (0..).zip(nodes.kinds()) {
        let parent = nodes.parents()[node as usize];
        let parent = places.get(parent as usize).copied().unwrap_or(NO_PARENT);
        let place = merged.child(parent, function);
        merged.add(place, node);
        places.push(place);
    }
    merged.finish()
}
