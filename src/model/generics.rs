//! Generic functions of `functools.singledispatch`: counts which callers reached which
//! implementations through each of them.
//!
//! Every generic function is called through a `wrapper` of functools, which asks `dispatch` for the
//! implementation and calls it. A profile by caller and callee does not show there which caller
//! reached which implementation; a call tree does.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Function, FunctionKind, GENERIC_DISPATCH, GENERIC_WRAPPER, Label, NO_PARENT, Trees};

/// `{generic: {caller: {implementation: calls}}}`. Labels are shared, so that a function with a
/// thousand places is held once.
pub type DispatchCounts = BTreeMap<Arc<Label>, BTreeMap<Arc<Label>, BTreeMap<Arc<Label>, u64>>>;

/// Counts which callers reached which implementations in call trees. A sidecar has these counts.
///
/// A generic function without a label of its own has that of its wrapper. A caller that is itself a
/// wrapper is replaced by its own caller. Calls from outside of the recording have no caller and
/// are left out.
pub fn dispatch_counts(trees: &Trees) -> DispatchCounts {
    let mut counts: HashMap<[u32; 3], u64> = HashMap::new();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        let function = |node: u32| trees.function(nodes.kinds()[node as usize]);
        // The nearest node above, or the node itself, that is a function and no wrapper.
        let mut real: Vec<u32> = Vec::with_capacity(nodes.len());
        for (node, &parent) in (0_u32..).zip(nodes.parents()) {
            let above = match parent {
                NO_PARENT => NO_PARENT,
                parent => real[parent as usize],
            };
            let callee = function(node);
            real.push(match callee {
                Some(callee) if is_wrapper(callee) => above,
                Some(_) => node,
                None => NO_PARENT,
            });
            let calls = nodes.calls()[node as usize];
            if above == NO_PARENT || calls == 0 {
                continue;
            }
            let (Some(wrapper), Some(callee)) = (function(parent), callee) else {
                continue;
            };
            if is_implementation(wrapper, callee) {
                let key = [parent, above, node].map(|node| nodes.kinds()[node as usize]);
                let count = counts.entry(key).or_default();
                *count = count.saturating_add(calls);
            }
        }
    }
    let mut sidecar = DispatchCounts::new();
    for (kinds, calls) in counts {
        let [Some(wrapper), Some(caller), Some(implementation)] =
            kinds.map(|kind| trees.function(kind))
        else {
            continue;
        };
        let generic = wrapper.generic.as_ref().unwrap_or(&wrapper.label);
        let [generic, caller, implementation] =
            [generic, &caller.label, &implementation.label].map(|label| Arc::new(label.clone()));
        let callers = sidecar.entry(generic).or_default();
        let implementations = callers.entry(caller).or_default();
        let count = implementations.entry(implementation).or_default();
        *count = count.saturating_add(calls);
    }
    sidecar
}

pub(crate) fn is_wrapper(function: &Function) -> bool {
    function.flags & GENERIC_WRAPPER != 0
}

/// Returns true if `callee`, called by `caller`, is an implementation that was dispatched to.
pub(crate) fn is_implementation(caller: &Function, callee: &Function) -> bool {
    is_wrapper(caller) && callee.flags & GENERIC_DISPATCH == 0 && !is_binding(callee)
}

fn is_binding(function: &Function) -> bool {
    function.kind != FunctionKind::Native && is_binding_name(&function.label.name)
}

/// Returns true for names of functions that `singledispatchmethod` calls to inspect an
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
