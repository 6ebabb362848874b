//! Generic functions of `functools.singledispatch`.
//!
//! A *generic function* is called through a *dispatch wrapper*, which asks `dispatch` for
//! the implementation and calls it. *Dispatch counts* say how often each caller reached
//! each implementation.
//!
//! | file | content |
//! |---|---|
//! | this one | elides dispatch wrappers from call trees |
//! | [`counts`] | adds up dispatch counts; [`crate::model::dispatch_counts`] counts them |
//! | [`rows`] | does for pstats rows, by dispatch counts, what elision does for trees |

pub mod counts;
pub mod rows;

use crate::model::builder::TreeBuilder;
use crate::model::generics::{is_implementation, is_wrapper};
use crate::model::{Function, GENERIC_DISPATCH, NO_PARENT, Nodes, Trees};

/// Returns the call tree with dispatch wrappers elided from the paths.
///
/// Implementations become children of the generic function's caller. A node of the wrapper stays
/// under that caller. It keeps the time of the wrapper and of its `dispatch`, and the calls that
/// find the implementation. Self times, and so the sum of the roots' totals, do not change. Also
/// returns for each node the new one that has its self time.
pub fn elide_dispatch_wrappers(trees: &Trees, nodes: &Nodes) -> (Nodes, Vec<u32>) {
    let function = |node: u32| trees.function(nodes.kinds()[node as usize]);
    let wraps = |node: u32| function(node).is_some_and(is_wrapper);
    let is_dispatch = |function: &Function| function.flags & GENERIC_DISPATCH != 0;
    // Overflow calls of a wrapper are taken for calls of implementations.
    let is_reached = |wrapper: u32, callee: u32| match (function(wrapper), function(callee)) {
        (Some(wrapper), Some(callee)) => is_implementation(wrapper, callee),
        _ => true,
    };
    let self_times = nodes.self_times();
    if !trees.functions.iter().any(is_wrapper) {
        let mut same = nodes.clone();
        same.set_self_times(self_times);
        return (same, (0..nodes.len() as u32).collect());
    }
    let mut tree = TreeBuilder::new();
    tree.reserve(nodes.len());
    // For each node, the new node of its own time, and the new parent of its callees. The
    // latter is NO_PARENT under a wrapper that is a root.
    let mut own: Vec<u32> = Vec::with_capacity(nodes.len());
    let mut under: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0_u32..).zip(nodes.parents()) {
        let at = node as usize;
        let is_callee_of_wrapper = parent != NO_PARENT && wraps(parent);
        let above = match parent {
            NO_PARENT => NO_PARENT,
            parent if !is_callee_of_wrapper => under[parent as usize],
            parent if is_reached(parent, node) => under[parent as usize],
            parent => own[parent as usize],
        };
        let place = match is_callee_of_wrapper && function(node).is_some_and(is_dispatch) {
            true => {
                tree.add(above, 0, 0, self_times[at]);
                above
            }
            false => {
                let place = tree.child(above, nodes.kinds()[at]);
                tree.add(
                    place,
                    nodes.calls()[at],
                    nodes.resumes()[at],
                    self_times[at],
                );
                place
            }
        };
        own.push(place);
        under.push(match wraps(node) {
            true => above,
            false => place,
        });
    }
    (tree.finish_self_times(), own)
}
