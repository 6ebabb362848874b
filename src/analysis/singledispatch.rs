//! Generic functions of `functools.singledispatch`, taken out of call trees.

use std::sync::Arc;

use crate::model::builder::TreeBuilder;
use crate::model::generics::{is_implementation, is_wrapper};
use crate::model::{DispatchCounts, Function, GENERIC_DISPATCH, NO_PARENT, Nodes};

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
pub fn unfog(functions: &[Function], nodes: &Nodes) -> Nodes {
    let described = |node: u32| &functions[nodes.kinds()[node as usize] as usize];
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
            parent if !is_wrapper(described(parent)) => under[parent as usize],
            parent if is_implementation(described(parent), described(node)) => {
                under[parent as usize]
            }
            parent => own[parent as usize],
        };
        let dispatches = parent != NO_PARENT
            && is_wrapper(described(parent))
            && described(node).flags & GENERIC_DISPATCH != 0;
        let (place, calls) = if dispatches {
            (above, (0, 0))
        } else {
            let place = tree.child(above, nodes.kinds()[at]);
            (place, (nodes.calls()[at], nodes.resumes()[at]))
        };
        tree.add(place, calls.0, calls.1, self_times[at]);
        own.push(place);
        under.push(if is_wrapper(described(node)) {
            above
        } else {
            place
        });
    }
    tree.finish_self_times()
}
