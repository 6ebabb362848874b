//! `functools.singledispatch`: who reached which implementation through which
//! generic function.
//!
//! Every generic function is called through a `wrapper` of functools, which asks
//! `dispatch` for the implementation and calls it. A profile by caller and callee
//! loses there which caller meant which implementation; a call tree does not.

use crate::format::sidecar::Sidecar;
use crate::format::trees::{
    Function, FunctionKind, GENERIC_DISPATCH, GENERIC_WRAPPER, NO_PARENT, Trees,
};

/// What the call trees say about generic functions, as their sidecar tells it.
///
/// A generic without a label of its own goes by its wrapper's. A caller that is
/// itself a wrapper stands for whoever called that; calls that come from outside
/// of the recording have no caller and are left out.
pub fn sidecar(trees: &Trees) -> Sidecar {
    let mut sidecar = Sidecar::new();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        let function = |node: u32| &trees.functions[nodes.function[node as usize] as usize];
        // The nearest node above, or itself, that is no wrapper.
        let mut caller: Vec<u32> = Vec::with_capacity(nodes.len());
        for (node, &parent) in (0_u32..).zip(&nodes.parent) {
            if !is_wrapper(function(node)) {
                caller.push(node);
            } else if parent == NO_PARENT {
                caller.push(NO_PARENT);
            } else {
                caller.push(caller[parent as usize]);
            }
            if parent == NO_PARENT || caller[parent as usize] == NO_PARENT {
                continue;
            }
            let wrapper = function(parent);
            let calls = nodes.calls[node as usize];
            if calls == 0 || !is_implementation(wrapper, function(node)) {
                continue;
            }
            let count = sidecar
                .entry(wrapper.generic.as_ref().unwrap_or(&wrapper.label).clone())
                .or_default()
                .entry(function(caller[parent as usize]).label.clone())
                .or_default()
                .entry(function(node).label.clone())
                .or_default();
            *count = count.saturating_add(calls);
        }
    }
    sidecar
}

pub(super) fn is_wrapper(function: &Function) -> bool {
    function.flags & GENERIC_WRAPPER != 0
}

/// Whether `callee`, called by `caller`, is what a generic function dispatched to.
pub(super) fn is_implementation(caller: &Function, callee: &Function) -> bool {
    is_wrapper(caller) && callee.flags & GENERIC_DISPATCH == 0 && !is_binding(callee)
}

/// What `singledispatchmethod` calls to look at an implementation and to bind it.
fn is_binding(function: &Function) -> bool {
    let name = &*function.label.name;
    match function.kind {
        FunctionKind::Builtin => {
            matches!(
                name,
                b"<built-in method builtins.hasattr>"
                    | b"<built-in method builtins.isinstance>"
                    | b"<built-in method builtins.getattr>"
            ) || name.starts_with(b"<method '__get__' of ")
                || name.starts_with(b"<built-in method __get__ ")
        }
        FunctionKind::Python => name == b"__get__",
        FunctionKind::Native => false,
    }
}
