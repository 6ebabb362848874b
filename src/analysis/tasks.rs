//! Makes the logical tree of coroutines: tasks, and below each coroutine those that it awaits.
//!
//! In a call tree, each step of a task is below the event loop that made it. Here a task is a
//! root, and below a coroutine are those that it awaited.

use super::display_tree::DisplayTree;
use crate::model::builder::TreeBuilder;
use crate::model::{Function, NO_PARENT, NodeAwaits, Nodes};

/// Tasks by kind: the function of the outermost coroutine.
#[derive(Debug, Default)]
pub struct TaskTree {
    /// The coroutines, callers before what they await. Kinds are those of the call tree.
    pub nodes: Nodes,
    /// Time in which they were suspended, and their longest runs.
    pub awaits: NodeAwaits,
}

/// Position of a node of the call tree in the logical one.
#[derive(Clone, Copy)]
struct Place {
    /// The innermost coroutine, or [`NO_PARENT`].
    coroutine: u32,
    /// True if only generators are open below it, which pass on what they await. A coroutine that
    /// any other function runs is a task of its own.
    is_awaiting: bool,
}

/// Makes the logical tree of `tree`. Coroutines that `is_machinery` are left out if they ran
/// others.
pub fn tasks(tree: &DisplayTree, is_machinery: impl Fn(&Function) -> bool) -> TaskTree {
    let is_left_out = left_out(tree, is_machinery);
    let mut builder = TreeBuilder::new();
    let mut awaits = NodeAwaits::default();
    let mut places: Vec<Place> = Vec::with_capacity(tree.nodes.len());
    for (node, row) in (0_u32..).zip(tree.nodes.rows()) {
        let above = places.get(row.parent as usize).copied().unwrap_or(Place {
            coroutine: NO_PARENT,
            is_awaiting: true,
        });
        let place = match tree.awaits.get(node) {
            None => Place {
                is_awaiting: above.is_awaiting && row.resumes > 0,
                ..above
            },
            Some(_) if is_left_out[node as usize] => above,
            Some(awaiting) => {
                let awaited_by = match above.is_awaiting {
                    true => above.coroutine,
                    false => NO_PARENT,
                };
                let coroutine = builder.child(awaited_by, row.kind);
                builder.add(coroutine, row.calls, row.resumes, row.total);
                awaits.add(coroutine, &awaiting);
                Place {
                    coroutine,
                    is_awaiting: true,
                }
            }
        };
        places.push(place);
    }
    let nodes = builder.finish();
    join_resumed(TaskTree { nodes, awaits })
}

/// Returns for each node if it is a coroutine that is machinery, and ran one that is not.
fn left_out(tree: &DisplayTree, is_machinery: impl Fn(&Function) -> bool) -> Vec<bool> {
    let functions = tree.functions.iter();
    let is_machinery: Vec<bool> = functions.map(is_machinery).collect();
    let nodes = &tree.nodes;
    let mut runs_others = vec![false; nodes.len()];
    let mut is_left_out = vec![false; nodes.len()];
    for node in (0..nodes.len()).rev() {
        let is_coroutine = tree.awaits.get(node as u32).is_some();
        let is_machinery = is_machinery[nodes.kinds()[node] as usize];
        is_left_out[node] = is_coroutine && is_machinery && runs_others[node];
        let is_of_others = runs_others[node] || is_coroutine && !is_machinery;
        if let Some(above) = runs_others.get_mut(nodes.parents()[node] as usize) {
            *above |= is_of_others;
        }
    }
    is_left_out
}

/// Adds tasks that never started to coroutines of the same function that did. When a task is
/// cancelled, Python throws into the innermost coroutine, and none that awaits it is open.
fn join_resumed(tree: TaskTree) -> TaskTree {
    let TaskTree { nodes, awaits } = &tree;
    let awaiting = |node: u32| awaits.get(node).map_or(0, |of| of.awaiting);
    let started = |kind: u32| {
        let of_kind = (0_u32..).zip(nodes.rows());
        let of_kind = of_kind.filter(|(_, row)| row.kind == kind && row.calls > 0);
        of_kind
            .map(|(node, _)| node)
            .max_by_key(|&node| awaiting(node))
    };
    let mut builder = TreeBuilder::new();
    let mut joined = NodeAwaits::default();
    let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
    // A root that never started comes after the rest, which it may be joined with.
    let is_resumed = |row: &crate::model::NodeRow| row.parent == NO_PARENT && row.calls == 0;
    let mut late = vec![false; nodes.len()];
    for (node, row) in nodes.rows().enumerate() {
        let is_below = late.get(row.parent as usize).copied().unwrap_or(false);
        late[node] = is_below || is_resumed(&row);
    }
    places.resize(nodes.len(), NO_PARENT);
    for is_late in [false, true] {
        for (node, row) in nodes.rows().enumerate() {
            if late[node] != is_late {
                continue;
            }
            let other = is_resumed(&row).then(|| started(row.kind)).flatten();
            let other = other.filter(|&other| !late[other as usize]);
            let place = match other {
                Some(other) => places[other as usize],
                None => {
                    let parent = places.get(row.parent as usize).copied();
                    builder.child(parent.unwrap_or(NO_PARENT), row.kind)
                }
            };
            builder.add(place, row.calls, row.resumes, row.total);
            places[node] = place;
        }
    }
    joined.extend(awaits, |node| places.get(node as usize).copied());
    TaskTree {
        nodes: builder.finish(),
        awaits: joined,
    }
}
