//! Generic functions of `functools.singledispatch`: who reached which implementation
//! through which of them.
//!
//! Every generic function is called through a `wrapper` of functools, which asks
//! `dispatch` for the implementation and calls it. A profile by caller and callee
//! loses there which caller meant which implementation; a call tree does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Function, FunctionKind, GENERIC_DISPATCH, GENERIC_WRAPPER, Label, NO_PARENT, Trees};

/// `{generic: {caller: {implementation: calls}}}`. Labels are shared, so that a
/// function which stands in a thousand places is held once.
pub type DispatchCounts = BTreeMap<Arc<Label>, BTreeMap<Arc<Label>, BTreeMap<Arc<Label>, u64>>>;

/// What the call trees say about generic functions, as their sidecar tells it.
///
/// A generic without a label of its own goes by its wrapper's. A caller that is
/// itself a wrapper stands for whoever called that; calls that come from outside
/// of the recording have no caller and are left out.
pub fn dispatch_counts(trees: &Trees) -> DispatchCounts {
    let mut counts: HashMap<[u32; 3], u64> = HashMap::new();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        let function = |node: u32| nodes.kinds()[node as usize];
        let described = |node: u32| &trees.functions[function(node) as usize];
        // The nearest node above, or the node itself, that is a function and no wrapper.
        let mut real: Vec<u32> = Vec::with_capacity(nodes.len());
        for (node, &parent) in (0_u32..).zip(nodes.parents()) {
            let above = match parent {
                NO_PARENT => NO_PARENT,
                parent => real[parent as usize],
            };
            real.push(match described(node) {
                function if is_wrapper(function) => above,
                function if function.is_group() => NO_PARENT,
                _ => node,
            });
            let calls = nodes.calls()[node as usize];
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
    let mut sidecar = DispatchCounts::new();
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

pub(crate) fn is_wrapper(function: &Function) -> bool {
    function.flags & GENERIC_WRAPPER != 0
}

/// Whether `callee`, called by `caller`, is what a generic function dispatched to.
pub(crate) fn is_implementation(caller: &Function, callee: &Function) -> bool {
    is_wrapper(caller) && callee.flags & GENERIC_DISPATCH == 0 && !is_binding(callee)
}

fn is_binding(function: &Function) -> bool {
    function.kind != FunctionKind::Native && is_binding_name(&function.label.name)
}

/// Going by the name, what `singledispatchmethod` calls to look at an
/// implementation and to bind it.
pub(crate) fn is_binding_name(name: &[u8]) -> bool {
    matches!(
        name,
        b"__get__"
            | b"<built-in method builtins.hasattr>"
            | b"<built-in method builtins.isinstance>"
            | b"<built-in method builtins.getattr>"
    ) || name.starts_with(b"<method '__get__' of ")
        || name.starts_with(b"<built-in method __get__ ")
}
