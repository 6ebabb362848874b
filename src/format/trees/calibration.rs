//! What recording costs the recorded: measured in the process, kept in its files.

use super::{Function, FunctionKind, Nodes};

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
}

/// How many numbers a [`Calibration`] is.
pub const CALIBRATION_NUMBERS: usize = 6;

impl Calibration {
    /// Its numbers in the order in which files have them: callee's and caller's share of
    /// a Python call, of a C call, of a resume.
    pub fn numbers(&self) -> [u32; CALIBRATION_NUMBERS] {
        let Calibration {
            python_call,
            c_call,
            resume,
        } = self;
        [
            python_call.callee,
            python_call.caller,
            c_call.callee,
            c_call.caller,
            resume.callee,
            resume.caller,
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
        ] = numbers;
        let cost = |callee, caller| Cost { callee, caller };
        (numbers != [0; CALIBRATION_NUMBERS]).then_some(Calibration {
            python_call: cost(python_callee, python_caller),
            c_call: cost(c_callee, c_caller),
            resume: cost(resume_callee, resume_caller),
        })
    }

    /// What recording added to the self time of every node of a tree, picoseconds. A
    /// native span has no event of the interpreter's, hence no cost. Where C code calls
    /// there is no instruction that could be slower: the caller's part is halved.
    pub(crate) fn overhead(&self, functions: &[Function], nodes: &Nodes) -> Vec<u64> {
        let kind = |node: u32| {
            let function = nodes.function.get(node as usize)?;
            Some(functions.get(*function as usize)?.kind)
        };
        let mut overhead = vec![0_u64; nodes.len()];
        let counts = nodes.calls.iter().zip(&nodes.resumes);
        for ((node, &parent), (&calls, &resumes)) in (0..).zip(&nodes.parent).zip(counts) {
            let call = match kind(node) {
                Some(FunctionKind::Python) => self.python_call,
                Some(FunctionKind::Builtin) => self.c_call,
                Some(FunctionKind::Native) | None => continue,
            };
            let from_c = kind(parent) == Some(FunctionKind::Builtin);
            let caller = |cost: Cost| cost.caller >> u32::from(from_c);
            for (at, of_call, of_resume) in [
                (node, call.callee, self.resume.callee),
                (parent, caller(call), caller(self.resume)),
            ] {
                if let Some(overhead) = overhead.get_mut(at as usize) {
                    let of_calls = calls.saturating_mul(of_call.into());
                    let of_resumes = resumes.saturating_mul(of_resume.into());
                    *overhead = overhead.saturating_add(of_calls.saturating_add(of_resumes));
                }
            }
        }
        overhead
    }
}
