//! Time in which threads were on no processor, by function and as a sum.

use std::collections::HashMap;

use super::display::short_name;
use super::numbers::duration;
use crate::analysis::by_label::waiting_by_label;
use crate::model::{Ending, Label, Process, Rows, Trees, Waiting, rows_of};

/// Waiting of the functions of a profile.
#[derive(Debug, Default)]
pub struct FunctionWaits<'a> {
    by_label: HashMap<&'a Label, Waiting>,
    /// Self time of all nodes, nanoseconds.
    whole: u64,
    /// Waiting of all nodes.
    total: Waiting,
    /// True if it is unknown for some calls that were open at a kill if they waited.
    has_kills: bool,
    /// True if the system of some process does not say for how long threads were ready to run.
    has_estimates: bool,
}

impl<'a> FunctionWaits<'a> {
    /// Adds up the waiting of the nodes of `trees`.
    pub(super) fn of(trees: &'a Trees) -> Self {
        // Of others, the processor time says how long they have waited.
        let is_unknown =
            |process: &Process| process.ending == Ending::Killed && process.processor_ns == 0;
        let has_unfinished = trees.threads.iter().any(|of| !of.unfinished.is_empty());
        let mut waits = FunctionWaits {
            by_label: waiting_by_label(trees),
            has_estimates: trees.processes.iter().any(|of| of.estimated_waits > 0),
            has_kills: has_unfinished || trees.processes.iter().any(is_unknown),
            ..FunctionWaits::default()
        };
        for thread in &trees.threads {
            for (_, waiting) in thread.waits.iter() {
                waits.total.add(&waiting);
            }
            let own = thread.nodes.self_times().into_iter();
            waits.whole = own.fold(waits.whole, u64::saturating_add);
        }
        waits
    }

    /// Returns the waiting in a function's self time.
    pub fn of_function(&self, label: &Label) -> Waiting {
        self.by_label.get(label).copied().unwrap_or_default()
    }

    /// Returns true for a function that was blocked for nearly all of its self time, `own`
    /// nanoseconds. It may be Python code, in which an iteration over a file or a socket waits.
    pub(super) fn is_blocked(&self, label: &Label, own: u64) -> bool {
        is_mostly(&self.of_function(label), own)
    }

    /// Returns true if nothing has waited, or if that was not recorded.
    pub fn is_empty(&self) -> bool {
        self.total.is_none()
    }

    /// The function in which most time was blocked, and the time.
    fn most_blocked(&self) -> Option<(&Label, u64)> {
        let blocked = self.by_label.iter().map(|(&label, of)| (label, of.blocked));
        // Of several with the same time the first by name, so that reports don't vary.
        blocked.max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)))
    }
}

/// Returns true if a function with that `waiting` in its self time, `own`, does nothing but wait. A
/// busy machine preempts it when it continues, which does not count.
pub(super) fn is_mostly(waiting: &Waiting, own: u64) -> bool {
    let could_run = own.saturating_sub(waiting.preempted);
    let blocked = waiting.blocked;
    blocked > 0 && blocked >= could_run - could_run / 10 && blocked >= own / 4
}

/// Returns the parts of the time that `waits` describe: `12.3 s: 4.1 s running, 6.0 s blocked (5.7
/// s in ssl.SSLSocket.read), 1.4 s for the GIL, 0.8 s preempted`. `None` if nothing waited.
pub(super) fn parts(waits: &FunctionWaits<'_>) -> Option<String> {
    let total = waits.total;
    if waits.is_empty() {
        return None;
    }
    let seconds = |ns: u64| duration(ns as f64 / 1e9);
    let or_open = match waits.has_kills {
        true => " or in calls that were open at a kill",
        false => "",
    };
    let running = seconds(waits.whole.saturating_sub(total.total()));
    let mut parts = vec![format!("{running} running{or_open}")];
    if total.blocked > 0 {
        let most = waits.most_blocked().filter(|(_, blocked)| *blocked > 0);
        let most = most.map_or_else(String::new, |(label, blocked)| {
            format!(" ({} in {})", seconds(blocked), short_name(&label.name))
        });
        parts.push(format!("{} blocked{most}", seconds(total.blocked)));
    }
    if total.gil > 0 {
        parts.push(format!("{} for the GIL", seconds(total.gil)));
    }
    if total.preempted > 0 {
        let estimated = match waits.has_estimates {
            true => " (estimated)",
            false => "",
        };
        parts.push(format!("{} preempted{estimated}", seconds(total.preempted)));
    }
    Some(format!("{}: {}", seconds(waits.whole), parts.join(", ")))
}

/// Returns pstats rows in which times are one part of the waiting: self and inclusive, by function,
/// and by caller and callee.
pub(super) fn rows_of_part(trees: &Trees, part: impl Fn(&Waiting) -> u64) -> Rows {
    let mut trees = trees.clone();
    for thread in &mut trees.threads {
        let nodes = 0..thread.nodes.len() as u32;
        let own = nodes.map(|node| part(&thread.waits.get(node)));
        let own = own.collect();
        thread.nodes.set_self_times(own);
        thread.overflow.clear();
    }
    rows_of(&trees)
}
