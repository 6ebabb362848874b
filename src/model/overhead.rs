//! The time that recording added to call trees, by the costs of their process.

use super::{Calibration, CallKind, Cost, Function, FunctionKind, PROPERTY, ThreadTree, Trees};

impl Calibration {
    /// Returns what recording added to the self time of each node of `thread`, one of `trees`,
    /// picoseconds. A native span has no event of the interpreter's, hence no cost.
    pub(crate) fn overhead(&self, trees: &Trees, thread: &ThreadTree) -> Vec<u64> {
        let nodes = &thread.nodes;
        let function = |node: u32| trees.function(*nodes.kinds().get(node as usize)?);
        let mut overhead = vec![0_u64; nodes.len()];
        let mut add = |node: u32, count: u64, cost: u32| {
            if let Some(overhead) = overhead.get_mut(node as usize) {
                *overhead = overhead.saturating_add(count.saturating_mul(cost.into()));
            }
        };
        let resume = self.cost(CallKind::Resume);
        let counts = nodes.calls().iter().zip(nodes.resumes());
        for ((node, &parent), (&calls, &resumes)) in (0..).zip(nodes.parents()).zip(counts) {
            let caller = function(parent);
            let Some(call) = function(node).and_then(|of| self.call(of, caller)) else {
                continue;
            };
            add(node, calls, call.callee);
            add(node, resumes, resume.callee);
            // A forked child's node has no time that this could be a part of.
            if caller.is_some() {
                add(parent, calls, call.caller);
                add(parent, resumes, resume.caller);
            }
        }
        for (node, &calls) in (0..).zip(&thread.class_calls) {
            add(node, calls.into(), self.class_call);
        }
        if self.slowed_ppm > 0 {
            for (node, own_ns) in (0..).zip(nodes.self_times()) {
                if function(node).is_some_and(|of| of.kind == FunctionKind::Python) {
                    // A millionth of a nanosecond is a thousandth of a picosecond.
                    add(
                        node,
                        own_ns.saturating_mul(self.slowed_ppm.into()) / 1000,
                        1,
                    );
                }
            }
        }
        overhead
    }

    /// Returns the cost of a call of `function` by `caller`.
    fn call(&self, function: &Function, caller: Option<&Function>) -> Option<Cost> {
        let from_c = caller.is_some_and(|caller| caller.kind == FunctionKind::Builtin);
        match function.kind {
            FunctionKind::Python if &*function.label.name == b"__init__" => Some(
                self.measured(CallKind::Init)
                    .unwrap_or(self.implicit_call()),
            ),
            FunctionKind::Python if from_c || has_no_call_instruction(function) => {
                Some(self.implicit_call())
            }
            FunctionKind::Python => Some(self.cost(CallKind::Python)),
            FunctionKind::Builtin => Some(self.cost(CallKind::C)),
            FunctionKind::Native => None,
        }
    }

    /// Returns the cost of an implicit call. If it was not measured, it is estimated as that
    /// of a call for which the caller has no event.
    fn implicit_call(&self) -> Cost {
        let python = self.cost(CallKind::Python);
        self.measured(CallKind::Implicit).unwrap_or(Cost {
            callee: python.callee,
            caller: python.caller / 2,
        })
    }

    fn measured(&self, kind: CallKind) -> Option<Cost> {
        let cost = self.cost(kind);
        (cost != Cost::default()).then_some(cost)
    }
}

/// Returns true for a property, and for a name that the interpreter calls: for an operator,
/// when an object is made and the like.
fn has_no_call_instruction(function: &Function) -> bool {
    let name = &function.label.name;
    function.flags & PROPERTY != 0 || name.starts_with(b"__") && name.ends_with(b"__")
}
