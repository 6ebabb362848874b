//! What recording costs the recorded: measured in the process, kept in its files.

use super::{Function, FunctionKind, PROPERTY, ThreadTree, Trees};

/// What recording adds to the time of one call and of whoever made it, picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cost {
    /// What is added to the self time of what is called.
    pub callee: u32,
    /// What is added to the self time of its caller.
    pub caller: u32,
}

/// The costs of one process. All zero is as good as none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Calibration {
    /// Of a call of a Python function.
    pub python_call: Cost,
    /// Of a call of a function written in C.
    pub c_call: Cost,
    /// Of a generator or coroutine that goes on.
    pub resume: Cost,
    /// Of a call of a Python function that no call instruction makes: by C code, or by an
    /// operator. Earlier files say nothing of it, nor of what follows.
    pub implicit_call: Cost,
    /// Of a call of `__init__` where an object is made, the call of its class apart.
    pub init_call: Cost,
    /// Of a call of a class: what is added to its caller, as it has no node.
    pub class_call: u32,
    /// Not a cost in picoseconds, but millionths of the self time of Python functions: what
    /// of it comes of an interpreter that runs every instruction slower while a profile
    /// function is set (CPython 3.10 and 3.11). The other costs are what calls add to that.
    pub slowed_ppm: u32,
}

/// How many numbers a [`Calibration`] is.
pub const CALIBRATION_NUMBERS: usize = 12;
/// How many the first of them were all that there was in earlier files.
pub const FIRST_CALIBRATION_NUMBERS: usize = 6;

impl Calibration {
    /// Its numbers in the order in which files have them: callee's and caller's share of
    /// a Python call, of a C call, of a resume, of an implicit call,
    /// of `__init__`; of a class's call; and what is slowed.
    pub fn numbers(&self) -> [u32; CALIBRATION_NUMBERS] {
        let Calibration {
            python_call,
            c_call,
            resume,
            implicit_call,
            init_call,
            class_call,
            slowed_ppm,
        } = *self;
        [
            python_call.callee,
            python_call.caller,
            c_call.callee,
            c_call.caller,
            resume.callee,
            resume.caller,
            implicit_call.callee,
            implicit_call.caller,
            init_call.callee,
            init_call.caller,
            class_call,
            slowed_ppm,
        ]
    }

    /// From such numbers; nothing where all are zero.
    pub fn from_numbers(numbers: [u32; CALIBRATION_NUMBERS]) -> Option<Calibration> {
        let [
            python_callee,
            python_caller,
            c_callee,
            c_caller,
            resume_callee,
            resume_caller,
            implicit_callee,
            implicit_caller,
            init_callee,
            init_caller,
            class_call,
            slowed_ppm,
        ] = numbers;
        let cost = |callee, caller| Cost { callee, caller };
        (numbers != [0; CALIBRATION_NUMBERS]).then_some(Calibration {
            python_call: cost(python_callee, python_caller),
            c_call: cost(c_callee, c_caller),
            resume: cost(resume_callee, resume_caller),
            implicit_call: cost(implicit_callee, implicit_caller),
            init_call: cost(init_callee, init_caller),
            class_call,
            slowed_ppm,
        })
    }

    /// What recording added to the self time of every node of `thread`, one of `trees`,
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
        let counts = nodes.calls().iter().zip(nodes.resumes());
        for ((node, &parent), (&calls, &resumes)) in (0..).zip(nodes.parents()).zip(counts) {
            let Some(call) = function(node).and_then(|of| self.call(of, function(parent))) else {
                continue;
            };
            add(node, calls, call.callee);
            add(parent, calls, call.caller);
            add(node, resumes, self.resume.callee);
            add(parent, resumes, self.resume.caller);
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

    /// What a call of `function` costs where `caller` makes it.
    fn call(&self, function: &Function, caller: Option<&Function>) -> Option<Cost> {
        let from_c = caller.is_some_and(|caller| caller.kind == FunctionKind::Builtin);
        match function.kind {
            FunctionKind::Python if &*function.label.name == b"__init__" => {
                Some(measured(self.init_call).unwrap_or(self.implicit_call()))
            }
            FunctionKind::Python if from_c || has_no_call_instruction(function) => {
                Some(self.implicit_call())
            }
            FunctionKind::Python => Some(self.python_call),
            FunctionKind::Builtin => Some(self.c_call),
            FunctionKind::Native => None,
        }
    }

    /// Where it was not measured it is taken for a call without an event of the caller's.
    fn implicit_call(&self) -> Cost {
        measured(self.implicit_call).unwrap_or(Cost {
            callee: self.python_call.callee,
            caller: self.python_call.caller / 2,
        })
    }
}

/// A cost that is known.
fn measured(cost: Cost) -> Option<Cost> {
    (cost != Cost::default()).then_some(cost)
}

/// Whether it is a property, or has a name by which the interpreter calls it: for an operator,
/// when an object is made and the like.
fn has_no_call_instruction(function: &Function) -> bool {
    let name = &function.label.name;
    function.flags & PROPERTY != 0 || name.starts_with(b"__") && name.ends_with(b"__")
}
