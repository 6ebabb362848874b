//! Coroutines: the time in which they are suspended, and their runs without a suspension.
//!
//! For the tree, a coroutine is a generator. Each event of a coroutine takes the recording's lock
//! here; other events do not.
//!
//! A coroutine is *suspended* from the event that says so until it continues. The time is counted
//! in the node in which it last ran. A suspension suspends the coroutines that await, too; each has
//! an event of its own, so that the time is inclusive like a total.
//!
//! A *visit* is the time from an event at which a coroutine starts or continues until it ends or is
//! suspended. The visit of a coroutine that no other one has called is a *run* of its task. The
//! event loop can do nothing else meanwhile. A run is named after the coroutine that took most of
//! it, because the outermost ones are often a framework's. The search begins at the outermost visit
//! and moves to the longest visit within, as long as that is at least half of it.

use std::cell::Cell;

use super::{Home, Mode, Outcome, Thread};
use crate::clock::Clock;
use crate::model::timeline::CallEnd;
use crate::recorder::node::{Node, NodeIndex, Visit};

/// Step of a coroutine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It starts.
    Start,
    /// It continues after a suspension.
    Resume,
    /// It is suspended.
    Suspend,
    /// It returns, raises, or yields an item, whose consumer continues at once.
    End(CallEnd),
}

/// A visit that is under way.
#[derive(Clone, Copy)]
struct CoroutineVisit {
    node: NodeIndex,
    since: u64,
    longest_within: Took,
}

/// A visit that has ended, or none.
#[derive(Clone, Copy, Default)]
struct Took {
    ticks: u64,
    /// The node of the coroutine that took most of it.
    most: NodeIndex,
}

/// The end of a visit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VisitEnd {
    pub(crate) node: NodeIndex,
    pub(crate) function: u32,
    /// Ticks that it took.
    pub(crate) ticks: u64,
    /// If no other coroutine has called this one, the node of the one that took most of the run.
    pub(crate) run: Option<NodeIndex>,
    /// Tick of all threads' axis at which the coroutine is suspended, if it is.
    pub(crate) suspended_at: Option<u64>,
}

/// Visits of a thread that are under way, the innermost last. Those whose node is no longer open
/// have ended without an event of their own.
#[derive(Default)]
pub(super) struct CoroutineVisits(Cell<Vec<CoroutineVisit>>);

impl CoroutineVisits {
    fn with<T>(&self, body: impl FnOnce(&mut Vec<CoroutineVisit>) -> T) -> T {
        let mut visits = self.0.take();
        let result = body(&mut visits);
        self.0.set(visits);
        result
    }

    /// Forgets them without freeing their memory, for a forked child. Their thread may have been
    /// changing them when the parent was forked.
    pub(super) fn forget(&self) {
        std::mem::forget(self.0.take());
    }
}

impl<H: Home> Thread<H> {
    /// Takes a step of a coroutine of the function `key` at `now`. `coroutine` identifies it among
    /// all that are suspended. Neither number is 0.
    pub(crate) fn step_coroutine(&self, key: u64, coroutine: u64, step: Step, now: u64) -> Outcome {
        match step {
            Step::Start => self.enter_coroutine(key, coroutine, Visit::Start, now),
            Step::Resume => self.enter_coroutine(key, coroutine, Visit::Resume, now),
            Step::Suspend => self.leave_coroutine(key, coroutine, CallEnd::Suspended, true, now),
            Step::End(end) => self.leave_coroutine(key, coroutine, end, false, now),
        }
    }

    fn leave_coroutine(
        &self,
        key: u64,
        coroutine: u64,
        end: CallEnd,
        waits: bool,
        now: u64,
    ) -> Outcome {
        if self.follows_coroutines {
            self.end_visit(key, coroutine, waits, now);
        }
        if waits {
            self.suspend_spans(key, coroutine);
        }
        self.leave_as(key, end, now)
    }

    fn enter_coroutine(&self, key: u64, coroutine: u64, visit: Visit, now: u64) -> Outcome {
        // A guess is not noted in the history.
        let outcome = match self.has_history() {
            true => self.of_coroutine(coroutine, || self.enter_any(key, visit, now)),
            false if self.enter_guessed(key, visit, now) => Outcome::Recorded,
            false => self.enter_any(key, visit, now),
        };
        let is_in_tree = matches!(self.mode.get(), Mode::Tree);
        if outcome == Outcome::Recorded && is_in_tree && self.follows_coroutines {
            self.begin_visit(coroutine, visit, now);
        }
        if is_in_tree && visit == Visit::Resume {
            self.resume_spans(coroutine, now);
        }
        outcome
    }

    /// Begins the visit of the coroutine that has just been entered, at `now`.
    fn begin_visit(&self, coroutine: u64, visit: Visit, now: u64) {
        let entered = self.cursor();
        let node = self.index_of(entered);
        let has_continued = (visit == Visit::Resume).then(|| self.on_common_axis(now));
        let is_shown = self
            .home()
            .coroutine_runs(coroutine, entered.function(), has_continued);
        if !is_shown {
            return;
        }
        self.visits.with(|visits| {
            // A node is open at most once, so the visit that had it open before is over.
            let is_over =
                |visit: &CoroutineVisit| visit.node == node || !self.node(visit.node).is_open();
            while visits.last().is_some_and(is_over) {
                visits.pop();
            }
            if visits.try_reserve(1).is_ok() {
                visits.push(CoroutineVisit {
                    node,
                    since: now,
                    longest_within: Took::default(),
                });
            }
        });
    }

    /// Ends the visit of the innermost open call of `key`, which is about to end at `now`.
    fn end_visit(&self, key: u64, coroutine: u64, waits: bool, now: u64) {
        if !matches!(self.mode.get(), Mode::Tree) {
            return;
        }
        let Some(node) = self.open_nodes().find(|node| node.key == key) else {
            return;
        };
        if let Some(end) = self.take_visit(node, waits, now) {
            self.home().coroutine_stops(coroutine, end);
        }
    }

    fn take_visit(&self, node: &Node, waits: bool, now: u64) -> Option<VisitEnd> {
        let index = self.index_of(node);
        self.visits.with(|visits| {
            let place = visits.iter().rposition(|visit| visit.node == index)?;
            let visit = visits.get(place).copied()?;
            visits.truncate(place);
            let ticks = now.saturating_sub(visit.since);
            let within = visit.longest_within;
            let took = match within.ticks >= ticks.div_ceil(2).max(1) {
                true => Took { ticks, ..within },
                false => Took { ticks, most: index },
            };
            if let Some(caller) = visits.last_mut() {
                if ticks > caller.longest_within.ticks {
                    caller.longest_within = took;
                }
            }
            Some(VisitEnd {
                node: index,
                function: node.function(),
                ticks,
                run: visits.is_empty().then_some(took.most),
                suspended_at: waits.then(|| self.on_common_axis(now)),
            })
        })
    }

    /// Converts a tick to the axis that all threads have in common. It includes the time that went
    /// to the recorder, which a thread's own ticks exclude.
    fn on_common_axis(&self, now: u64) -> u64 {
        now.saturating_add(self.root().excluded())
    }
}

/// Returns true for clocks that measure for how long a coroutine is suspended.
pub(super) fn are_followed_by(clock: Clock) -> bool {
    clock != Clock::Cpu
}
