//! `functools.singledispatch`: who reached which implementation through which
//! generic function.
//!
//! Every generic function is called through a `wrapper` of functools, which asks
//! `dispatch` for the implementation and calls it. A profile by caller and callee
//! loses there which caller meant which implementation; a call tree does not.

use std::collections::HashMap;
use std::sync::Arc;

use super::tree_builder::TreeBuilder;
use crate::format::sidecar::Sidecar;
use crate::format::trees::{
    Function, FunctionKind, GENERIC_DISPATCH, GENERIC_WRAPPER, NO_PARENT, Nodes, Trees,
};

/// What the call trees say about generic functions, as their sidecar tells it.
///
/// A generic without a label of its own goes by its wrapper's. A caller that is
/// itself a wrapper stands for whoever called that; calls that come from outside
/// of the recording have no caller and are left out.
pub fn sidecar(trees: &Trees) -> Sidecar {
    let mut counts: HashMap<[u32; 3], u64> = HashMap::new();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        let function = |node: u32| nodes.function[node as usize];
        let described = |node: u32| &trees.functions[function(node) as usize];
        // The nearest node above, or the node itself, that is a function and no wrapper.
        let mut real: Vec<u32> = Vec::with_capacity(nodes.len());
        for (node, &parent) in (0_u32..).zip(&nodes.parent) {
            let above = match parent {
                NO_PARENT => NO_PARENT,
                parent => real[parent as usize],
            };
            real.push(match described(node) {
                function if is_wrapper(function) => above,
                function if function.is_group() => NO_PARENT,
                _ => node,
            });
            let calls = nodes.calls[node as usize];
            if above != NO_PARENT
                && calls != 0
                && is_implementation(described(parent), described(node))
            {
                let key = [function(parent), function(above), function(node)];
                let count = counts.entry(key).or_default();
                *count = count.saturating_add(calls);
            }
        }
    }
    let mut sidecar = Sidecar::new();
    for ([wrapper, caller, implementation], calls) in counts {
        let wrapper = &trees.functions[wrapper as usize];
        let label = |function: u32| Arc::new(trees.functions[function as usize].label.clone());
        let count = sidecar
            .entry(Arc::new(
                wrapper.generic.as_ref().unwrap_or(&wrapper.label).clone(),
            ))
            .or_default()
            .entry(label(caller))
            .or_default()
            .entry(label(implementation))
            .or_default();
        *count = count.saturating_add(calls);
    }
    sidecar
}

/// Adds `more` to `sidecar`.
pub fn add(sidecar: &mut Sidecar, more: &Sidecar) {
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
    let described = |node: u32| &functions[nodes.function[node as usize] as usize];
    let self_times = nodes.self_times();
    let mut tree = TreeBuilder::new();
    // Where a node's own time goes, and where its callees hang unless said
    // otherwise; the latter is NO_PARENT under a wrapper that is a root.
    let mut own: Vec<u32> = Vec::with_capacity(nodes.len());
    let mut under: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0_u32..).zip(&nodes.parent) {
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
            let place = tree.child(above, nodes.function[at]);
            (place, (nodes.calls[at], nodes.resumes[at]))
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

pub(super) fn is_wrapper(function: &Function) -> bool {
    function.flags & GENERIC_WRAPPER != 0
}

/// Whether `callee`, called by `caller`, is what a generic function dispatched to.
pub(super) fn is_implementation(caller: &Function, callee: &Function) -> bool {
    is_wrapper(caller) && callee.flags & GENERIC_DISPATCH == 0 && !is_binding(callee)
}

fn is_binding(function: &Function) -> bool {
    function.kind != FunctionKind::Native && is_binding_name(&function.label.name)
}

/// Going by the name, what `singledispatchmethod` calls to look at an
/// implementation and to bind it.
pub(super) fn is_binding_name(name: &[u8]) -> bool {
    matches!(
        name,
        b"__get__"
            | b"<built-in method builtins.hasattr>"
            | b"<built-in method builtins.isinstance>"
            | b"<built-in method builtins.getattr>"
    ) || name.starts_with(b"<method '__get__' of ")
        || name.starts_with(b"<built-in method __get__ ")
}
