//! Joins the steps of coroutines to calls.
//!
//! A *step* is the run of a coroutine from its start or resumption until it is suspended or ends. A
//! call is all steps of a coroutine, in any threads. It lasts from the start of the first to the
//! end of the last, with the time in which it was suspended.

use std::collections::HashSet;

use super::axis::Axis;
use super::replay::{Beginning, Ending};
use super::single::{Part, SingleCall};
use crate::model::Waiting;

/// A step of a coroutine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Index of its process.
    pub(super) process: usize,
    /// Number of its coroutine, which another one may have after its end.
    pub(super) coroutine: u64,
    pub(super) part: Part,
    pub(super) beginning: Beginning,
    pub(super) ending: Ending,
    /// Its duration without what the recorder took, nanoseconds.
    pub(super) running_ns: u64,
    pub(super) waiting: Waiting,
}

/// Returns the process and number of each coroutine that was suspended after the last of its
/// `steps`.
pub(super) fn suspended(steps: &mut [Step]) -> HashSet<(usize, u64)> {
    sort(steps);
    let of_each = steps.chunk_by(|a, b| (a.process, a.coroutine) == (b.process, b.coroutine));
    let last = of_each.filter_map(|steps| steps.last());
    let suspended = last.filter(|step| step.ending == Ending::Suspended);
    suspended
        .map(|step| (step.process, step.coroutine))
        .collect()
}

fn sort(steps: &mut [Step]) {
    steps.sort_by_key(|step| (step.process, step.coroutine, step.part.began));
}

/// Returns the calls that `steps` are of, and sorts the steps so that the parts of each call are
/// adjacent. `ends` has the last tick of each process.
pub(super) fn join(steps: &mut [Step], axis: &Axis, ends: &[u64]) -> Vec<SingleCall> {
    sort(steps);
    let mut calls = Vec::new();
    let of = |step: &Step| (step.process, step.coroutine);
    let mut first = 0;
    for next in 1..=steps.len() {
        let before = &steps[next - 1];
        let follows = steps.get(next).filter(|step| of(step) == of(before));
        let continues = follows.is_some_and(|step| {
            step.beginning != Beginning::Called && before.ending == Ending::Suspended
        });
        if !continues {
            let end = ends.get(before.process).filter(|_| follows.is_none());
            calls.extend(call_of(steps, first..next, axis, end.copied()));
            first = next;
        }
    }
    calls
}

/// Returns the call of the steps in `range`. If its coroutine never continued, it is open until
/// `end`.
fn call_of(
    steps: &[Step],
    range: std::ops::Range<usize>,
    axis: &Axis,
    end: Option<u64>,
) -> Option<SingleCall> {
    let of = steps.get(range.clone())?;
    let (first, last) = (of.first()?, of.last()?);
    let (ended, ending) = match (last.ending, end) {
        (Ending::Suspended, Some(end)) => (end.max(last.part.ended), Ending::Open),
        (ending, _) => (last.part.ended, ending),
    };
    let mut waiting = Waiting::default();
    of.iter().for_each(|step| waiting.add(&step.waiting));
    let running = of.iter().map(|step| step.running_ns);
    let running_ns = running.fold(0, u64::saturating_add);
    let start_ns = axis.ns(first.process, first.part.began);
    let lasted = axis.ns(first.process, ended).saturating_sub(start_ns);
    Some(SingleCall {
        process: first.process,
        thread: first.part.thread,
        node: first.part.node,
        began: first.part.began,
        ended,
        start_ns,
        // Time that the recorder took while the coroutine ran is in no call.
        duration_ns: match of.len() {
            1 if ending != Ending::Open => running_ns,
            _ => lasted.max(running_ns),
        },
        running_ns,
        waiting,
        beginning: match first.beginning {
            Beginning::Called => Beginning::Called,
            _ => Beginning::Before,
        },
        ending,
        steps: (range.start, range.end),
    })
}
