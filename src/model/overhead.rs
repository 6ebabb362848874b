//! The time that recording added to call trees, by the costs of their process.

use super::{
    Calibration, CallKind, Cost, Function, FunctionKind, NodeKind, PROPERTY, ThreadTree, Trees,
};

/// Costs that belong to no call, in units of a call of a Python function, because this ratio is
/// nearly equal on all machines. Measured with whole programs (see docs/design/0036).
struct UnplacedCosts {
    /// To start and end, and to calibrate twice. A forked child has half of it.
    process: u64,
    /// A call path: its node is made and written, and is in no cache when it comes again.
    node: u64,
}

const OF_SETPROFILE: UnplacedCosts = UnplacedCosts {
    process: 120_000,
    node: 10,
};
/// Costs of PyEval_SetProfile where functions have a slowness.
const OF_SLOWED: UnplacedCosts = UnplacedCosts {
    node: 3,
    ..OF_SETPROFILE
};
const OF_MONITORING: UnplacedCosts = UnplacedCosts {
    process: 140_000,
    node: 21,
};

impl Trees {
    /// States the processor time that recording took in the only process of these trees. The
    /// process ran in the share `running` of the time in which it could run; no instruction was
    /// slowed in the rest.
    pub(crate) fn state_cost(&mut self, running: f64) {
        let [process] = &self.processes[..] else {
            return;
        };
        let Some(calibration) = process.calibration else {
            return;
        };
        let unplaced = match &*process.hook {
            b"monitoring" => &OF_MONITORING,
            _ if self.functions.iter().any(Function::has_slowness) => &OF_SLOWED,
            _ => &OF_SETPROFILE,
        };
        let threads = self.threads.iter();
        let of_calls = threads.flat_map(|thread| calibration.overhead(self, thread, running));
        let of_calls = of_calls.fold(0, u64::saturating_add);
        let nodes = self.threads.iter().map(|thread| thread.nodes.len() as u64);
        let call = calibration.cost(CallKind::Python);
        let call = u64::from(call.callee) + u64::from(call.caller);
        let is_forked = self
            .kinds
            .iter()
            .any(|kind| matches!(kind, NodeKind::Forked { .. }));
        let process = unplaced.process / if is_forked { 2 } else { 1 };
        let unplaced = (process + unplaced.node * nodes.sum::<u64>()).saturating_mul(call);
        self.processes[0].recording_ns = of_calls.saturating_add(unplaced) / 1000;
    }
}

/// Costs of the nodes of one kind.
struct KindCosts {
    /// Kind of the function, if there is one.
    function: Option<FunctionKind>,
    /// Cost of a call by other than C code, and by C code.
    calls: [Option<Cost>; 2],
    /// Share of self time, calls apart, that slowed instructions add.
    slowed: f64,
}

impl KindCosts {
    fn of(calibration: &Calibration, function: Option<&Function>) -> KindCosts {
        KindCosts {
            function: function.map(|function| function.kind),
            calls: [false, true].map(|from_c| calibration.call(function?, from_c)),
            slowed: function.map_or(0.0, |function| calibration.slowed_share(function)),
        }
    }
}

impl Calibration {
    /// Returns what recording added to the self time of each node of `thread`, one of `trees`,
    /// picoseconds. The process ran in the share `running` of the time in which it could run. A
    /// native span has no event of the interpreter's, hence no cost.
    pub(crate) fn overhead(&self, trees: &Trees, thread: &ThreadTree, running: f64) -> Vec<u64> {
        let nodes = &thread.nodes;
        // Trees have many nodes of few kinds.
        let kinds = 0..trees.kinds.len() as u32;
        let kinds: Vec<_> = kinds
            .map(|kind| KindCosts::of(self, trees.function(kind)))
            .collect();
        let kind = |node: u32| kinds.get(*nodes.kinds().get(node as usize)? as usize);
        let mut overhead = vec![0_u64; nodes.len()];
        let mut add = |node: u32, count: u64, cost: u32| {
            if let Some(overhead) = overhead.get_mut(node as usize) {
                *overhead = overhead.saturating_add(count.saturating_mul(cost.into()));
            }
        };
        let resume = self.cost(CallKind::Resume);
        let counts = nodes.calls().iter().zip(nodes.resumes());
        for ((node, &parent), (&calls, &resumes)) in (0..).zip(nodes.parents()).zip(counts) {
            let caller = kind(parent).and_then(|kind| kind.function);
            let from_c = caller == Some(FunctionKind::Builtin);
            let Some(call) = kind(node).and_then(|kind| kind.calls[usize::from(from_c)]) else {
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
            for ((node, own_ns), overhead) in (0..).zip(nodes.self_times()).zip(&mut overhead) {
                let slowed = kind(node).map_or(0.0, |kind| kind.slowed);
                let rest = own_ns.saturating_mul(1000).saturating_sub(*overhead);
                *overhead = overhead.saturating_add((rest as f64 * slowed * running) as u64);
            }
        }
        overhead
    }

    /// Returns the share of a function's self time, calls apart, that slowed instructions add.
    fn slowed_share(&self, function: &Function) -> f64 {
        if function.kind != FunctionKind::Python {
            return 0.0;
        }
        let share = f64::from(self.slowed_ppm.min(1_000_000)) / 1e6;
        let added = share * function.slowness();
        added / (1.0 - share + added)
    }

    /// Returns the cost of a call of `function`, perhaps by C code.
    fn call(&self, function: &Function, from_c: bool) -> Option<Cost> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NO_PARENT, NodeRow, Process, SLOWNESS_ONE, SLOWNESS_STEP};

    const CALL: Cost = Cost {
        callee: 10_000,
        caller: 40_000,
    };

    /// One process with `nodes` calls of one function below each other, 1 µs each.
    fn chain(nodes: u32, hook: &[u8]) -> Trees {
        let calibration = Calibration::default().with(CallKind::Python, CALL);
        let rows = (0..nodes).map(|node| NodeRow {
            parent: node.checked_sub(1).unwrap_or(NO_PARENT),
            calls: 1,
            total: u64::from(nodes - node) * 1000,
            ..NodeRow::default()
        });
        Trees {
            processes: vec![Process {
                hook: hook.into(),
                calibration: Some(calibration),
                ..Process::default()
            }],
            threads: vec![ThreadTree {
                nodes: rows.collect(),
                ..ThreadTree::default()
            }],
            ..Trees::of_functions(vec![Function {
                kind: FunctionKind::Python,
                ..Function::stand_in("f")
            }])
        }
    }

    fn stated(trees: &Trees, running: f64) -> u64 {
        let mut trees = trees.clone();
        trees.state_cost(running);
        trees.processes[0].recording_ns
    }

    #[test]
    fn calls_nodes_and_the_process_have_a_cost() {
        for (hook, of) in [
            (&b"setprofile"[..], OF_SETPROFILE),
            (b"monitoring", OF_MONITORING),
        ] {
            // A root has no caller, so that the caller's part is dropped.
            let calls = 1000 * 50 - 40;
            let unplaced = (of.process + 1000 * of.node) * 50;
            assert_eq!(stated(&chain(1000, hook), 1.0), calls + unplaced);
        }
    }

    #[test]
    fn a_forked_child_has_not_started() {
        let mut child = chain(1, b"monitoring");
        let whole = stated(&child, 1.0);
        let path = Box::default();
        child.kinds.push(NodeKind::Forked { path });
        assert_eq!(whole - stated(&child, 1.0), OF_MONITORING.process / 2 * 50);
    }

    #[test]
    fn time_of_other_processes_is_not_slowed() {
        let mut slowed = chain(1000, b"setprofile");
        let without = stated(&slowed, 1.0);
        let calibration = slowed.processes[0].calibration.as_mut().unwrap();
        calibration.slowed_ppm = 300_000;
        // Of 1 ms, calls cost 50 us but for the caller's part of the outermost one.
        let rest_ns = 1_000_000 - 50_000 + 40;
        let share = |parts: u64| rest_ns * parts / 10;
        assert!((stated(&slowed, 1.0) - without).abs_diff(share(3)) <= 1);
        assert!((stated(&slowed, 0.5) - without).abs_diff(share(3) / 2) <= 1);
        for function in &mut slowed.functions {
            function.flags = 4 * SLOWNESS_ONE * SLOWNESS_STEP - SLOWNESS_STEP;
        }
        // 255 of 64 parts of 3 of 7 are added.
        let added = 255.0 / 64.0 * 3.0 / 7.0;
        let expected = rest_ns as f64 * added / (1.0 + added);
        let less_for_nodes = 1000 * (OF_SETPROFILE.node - OF_SLOWED.node) * 50;
        let found = stated(&slowed, 1.0) + less_for_nodes - without;
        assert!(found.abs_diff(expected as u64) <= 2);
    }

    #[test]
    fn nothing_is_stated_where_nothing_was_measured() {
        let mut trees = chain(1000, b"setprofile");
        trees.processes[0].calibration = None;
        assert_eq!(stated(&trees, 1.0), 0);
        assert_eq!(
            stated(
                &Trees {
                    processes: vec![Process::default()],
                    ..Trees::default()
                },
                1.0
            ),
            0
        );
    }
}
