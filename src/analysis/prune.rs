//! Removes frames that are too narrow to be seen.

use super::display_tree::DisplayTree;
use crate::model::{NO_PARENT, NodeRow};

/// Returns `tree` without the nodes whose share of the whole is below `threshold`. The
/// nodes that stay are as wide as before, so a dropped node is a gap above its parent.
pub fn prune(tree: &DisplayTree, threshold: f64) -> DisplayTree {
    let least = threshold * tree.whole() as f64;
    let mut pruned = DisplayTree {
        functions: tree.functions.clone(),
        ..DisplayTree::default()
    };
    // The new index of each node, if it stays.
    let mut kept: Vec<Option<u32>> = Vec::with_capacity(tree.nodes.len());
    for (node, (row, &estimated)) in (0..).zip(tree.nodes.rows().zip(&tree.estimated)) {
        let parent = match row.parent {
            NO_PARENT => Some(NO_PARENT),
            parent => kept[parent as usize],
        };
        let parent = parent.filter(|_| row.total as f64 >= least);
        kept.push(parent.map(|parent| {
            pruned.estimated.push(estimated);
            let place = pruned.nodes.push(NodeRow { parent, ..row });
            pruned.waits.add(place, &tree.waits.get(node));
            place
        }));
    }
    let place = |node: u32| kept.get(node as usize).copied().flatten();
    pruned.awaits.extend(&tree.awaits, place);
    pruned
}

/// Returns the total from which on `trees` have at most `most` nodes, `least` or more, and the
/// number of these nodes.
pub fn narrowest(trees: &[&DisplayTree], least: u64, most: usize) -> (u64, usize) {
    let totals = trees.iter().flat_map(|tree| tree.nodes.totals()).copied();
    let mut wide: Vec<u64> = totals.filter(|&total| total >= least).collect();
    if wide.len() <= most {
        return (least, wide.len());
    }
    let (_, &mut first_out, _) = wide.select_nth_unstable_by(most, |a, b| b.cmp(a));
    let least = first_out.saturating_add(1);
    let frames = wide.iter().filter(|&&total| total >= least).count();
    (least, frames)
}
