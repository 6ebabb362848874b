//! Calls that were found in a part of the history.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::durations::Durations;
use super::kept::{Best, Sample};
use super::replay::{Beginning, Ending};
use super::single::SingleCall;
use super::steps::Step;
use crate::model::Waiting;

/// Findings so far.
pub(super) struct Found {
    pub(super) durations: Durations,
    pub(super) waiting: Waiting,
    pub(super) awaiting_ns: u64,
    pub(super) coroutines: u64,
    pub(super) of_coroutines: Vec<Step>,
    pub(super) steps: u64,
    pub(super) cut: u64,
    pub(super) open: u64,
    pub(super) nested: u64,
    /// Process and function.
    pub(super) functions: BTreeSet<(usize, u32)>,
    pub(super) slowest: Best<(Reverse<u64>, Place), SingleCall>,
    pub(super) earliest: Best<(u64, Place), SingleCall>,
    pub(super) sample: Sample<SingleCall>,
}

/// Identity of a call: process, thread, tick and node.
pub(super) type Place = (u64, usize, usize, u64, u32);

pub(super) fn place(call: &SingleCall) -> Place {
    let SingleCall {
        process,
        thread,
        began,
        node,
        ..
    } = *call;
    (call.start_ns, process, thread, began, node)
}

impl Found {
    /// Begins without calls, of which so many will be kept.
    pub(super) fn of(slowest: usize, earliest: usize) -> Found {
        Found {
            durations: Durations::default(),
            waiting: Waiting::default(),
            awaiting_ns: 0,
            coroutines: 0,
            of_coroutines: Vec::new(),
            steps: 0,
            cut: 0,
            open: 0,
            nested: 0,
            functions: BTreeSet::new(),
            slowest: Best::of(slowest),
            earliest: Best::of(earliest),
            sample: Sample::default(),
        }
    }

    /// Adds a call, whose steps are joined.
    pub(super) fn add(&mut self, call: SingleCall) {
        self.durations.add(call.duration_ns);
        self.waiting.add(&call.waiting);
        self.awaiting_ns = self.awaiting_ns.saturating_add(call.awaiting_ns());
        self.coroutines += u64::from(call.steps() > 0);
        let is_step = call.steps() == 0
            && (call.ending == Ending::Suspended
                || matches!(call.beginning, Beginning::Resumed | Beginning::Continued));
        self.steps += u64::from(is_step);
        let is_cut = matches!(call.beginning, Beginning::Before | Beginning::Cut)
            || call.ending == Ending::Cut;
        self.cut += u64::from(is_cut);
        self.open += u64::from(call.ending == Ending::Open);
        let place = place(&call);
        self.slowest.add((Reverse(call.duration_ns), place), call);
        self.earliest.add((call.start_ns, place), call);
        let number = call.began ^ ((call.thread as u64) << 48) ^ ((call.process as u64) << 32);
        self.sample.add(number, call);
    }

    /// Adds those of another part of the history.
    pub(super) fn plus(mut self, more: Found) -> Found {
        self.durations.add_all(more.durations);
        self.waiting.add(&more.waiting);
        self.of_coroutines.extend(more.of_coroutines);
        self.steps += more.steps;
        self.cut += more.cut;
        self.open += more.open;
        self.nested += more.nested;
        self.functions.extend(more.functions);
        self.slowest.add_all(more.slowest);
        self.earliest.add_all(more.earliest);
        self.sample.add_all(more.sample);
        self
    }
}
