//! The calls of some functions with all that they have called, as a profile.

use super::costed_tree::CostedTree;
use super::kind_table::KindTable;
use super::merge::{Merger, Profile};
use super::select::SelectionId;
use crate::format::prof::{PlainInputs, ProfFile};
use crate::model::{NO_PARENT, NodeRow, Pattern, ThreadTree, Trees};

impl Profile {
    /// Returns the calls of functions that match `pattern`, with all that they have called. The
    /// outermost ones are roots. Overflow calls have no place in a tree, so they are left out.
    ///
    /// Returns `None` if no call matches.
    pub fn subtree(&self, pattern: &Pattern) -> Option<Profile> {
        let trees = subtree(self.trees(), pattern)?;
        let mut merger = Merger::of_parts(SelectionId::of(&trees));
        merger.add("", ProfFile::Exact(trees, PlainInputs::default()));
        let mut profile = merger.finish().profile;
        if self.compensation().is_some() {
            profile.compensate();
        }
        Some(profile)
    }
}

fn subtree(trees: &Trees, pattern: &Pattern) -> Option<Trees> {
    let kinds = 0..trees.kinds.len() as u32;
    let function = |kind| trees.function(kind);
    let is_match = kinds.map(|kind| function(kind).is_some_and(|of| pattern.is_function(of)));
    let is_match: Vec<bool> = is_match.collect();
    let mut table = KindTable::default();
    let threads = trees.threads.iter();
    let threads = threads.map(|thread| part(trees, thread, &is_match, &mut table));
    let threads: Vec<_> = threads.filter(|thread| !thread.is_empty()).collect();
    if threads.is_empty() {
        return None;
    }
    let mut part = table.into_trees(trees, threads);
    let before = [&*trees.selection, " "].concat();
    part.selection = format!("{}subtree={pattern}", before.trim_start()).into();
    Some(part)
}

/// Returns the part of one thread's tree that begins at nodes of kinds that match.
fn part(
    trees: &Trees,
    thread: &ThreadTree,
    is_match: &[bool],
    table: &mut KindTable,
) -> ThreadTree {
    let mut tree = CostedTree::default();
    let own = thread.nodes.self_times();
    let overhead_ps = trees.overhead_ps(thread);
    let mut places: Vec<Option<u32>> = Vec::with_capacity(own.len());
    for (node, row) in thread.nodes.rows().enumerate() {
        let above = places.get(row.parent as usize).copied().flatten();
        if above.is_none() && !is_match[row.kind as usize] {
            places.push(None);
            continue;
        }
        let kind = table.same(trees, row.kind);
        let place = tree.child(above.unwrap_or(NO_PARENT), kind);
        let row = NodeRow {
            total: own[node],
            ..row
        };
        tree.add(place, &row, overhead_ps.get(node).copied().unwrap_or(0));
        tree.add_waiting(place, &thread.waits.get(node as u32));
        places.push(Some(place));
    }
    let place = |node: u32| places.get(node as usize).copied().flatten();
    tree.add_awaits(&thread.awaits, place);
    tree.finish_thread(thread, Vec::new(), Vec::new())
}
