//! Generic functions of `functools.singledispatch`, taken out of call trees.

use std::sync::Arc;

use crate::model::builder::TreeBuilder;
use crate::model::generics::{is_implementation, is_wrapper};
use crate::model::{DispatchCounts, Function, GENERIC_DISPATCH, NO_PARENT, Nodes, Trees};

/// Adds `more` to `sidecar`.
pub fn add(sidecar: &mut DispatchCounts, more: &DispatchCounts) {
    for (generic, callers) in more {
        let sums = sidecar.entry(Arc::clone(generic)).or_default();
        for (caller, implementations) in callers {
            let sums = sums.entry(Arc::clone(caller)).or_default();
            for (implementation, &calls) in implementations {
                let sum = sums.entry(Arc::clone(implementation)).or_default();
                *sum = sum.saturating_add(calls);
            }
        }
    }
}

/// The call tree with the wrappers of generic functions taken out of the paths.
///
/// Implementations hang under whoever called the generic function. What the
/// wrapper and its `dispatch` took themselves, and what they called in order to
/// find the implementation, stays as a node of the wrapper under that caller.
/// Self times, and so the sum of the roots' totals, are as they were.
pub fn unfog(trees: &Trees, nodes: &Nodes) -> Nodes {
    let function = |node: u32| trees.function(nodes.kinds()[node as usize]);
    let wraps = |node: u32| function(node).is_some_and(is_wrapper);
    // Overflow calls may be of implementations; the wrapper's own callees rarely overflow.
    let is_reached = |caller: u32, callee: u32| match (function(caller), function(callee)) {
        (Some(caller), Some(callee)) => is_implementation(caller, callee),
        _ => true,
    };
    let self_times = nodes.self_times();
    let mut tree = TreeBuilder::new();
    // Where a node's own time goes, and where its callees hang unless said
    // otherwise; the latter is NO_PARENT under a wrapper that is a root.
    let mut own: Vec<u32> = Vec::with_capacity(nodes.len());
    let mut under: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0_u32..).zip(nodes.parents()) {
        let at = node as usize;
        let above = match parent {
            NO_PARENT => NO_PARENT,
            parent if !wraps(parent) || is_reached(parent, node) => under[parent as usize],
            parent => own[parent as usize],
        };
        let is_dispatch = |function: &Function| function.flags & GENERIC_DISPATCH != 0;
        let dispatches =
            parent != NO_PARENT && wraps(parent) && function(node).is_some_and(is_dispatch);
        let (place, calls) = if dispatches {
            (above, (0, 0))
        } else {
            let place = tree.child(above, nodes.kinds()[at]);
            (place, (nodes.calls()[at], nodes.resumes()[at]))
        };
        tree.add(place, calls.0, calls.1, self_times[at]);
        own.push(place);
        under.push(if wraps(node) { above } else { place });
    }
    tree.finish_self_times()
}
