//! Spans that may outlive the call in which they began, such as those of a context manager: its
//! `__enter__` begins the span and its `__exit__` ends it.
//!
//! A node cannot change its parent. When a call ends in which such a span is open, the span's node
//! ends too. The span is then open again, uncounted, in a node below the caller. Calls in which a
//! span ends likewise continue below the span's caller. A call that raises ends the spans that
//! began in it, because no code is left that could end them.
//!
//! A coroutine or fiber that is suspended takes its spans along, because others run until it
//! continues.

use std::cell::Cell;
use std::collections::HashMap;

use super::{Home, Mode, Note, Outcome, Thread};
use crate::model::timeline::CallEnd;
use crate::recorder::node::{Node, NodeIndex, Visit};

/// Largest number of spans that a thread keeps, open ones and suspended ones each, because a host
/// may never end them.
const MOST: usize = 4096;

/// Keys of a thread's spans that may outlive the call in which they began.
#[derive(Default)]
pub(super) struct OpenSpans {
    /// Keys of open spans, the innermost last. Some may have ended with their call.
    open: Cell<Vec<u64>>,
    /// Keys of the spans of each suspended coroutine and fiber, the innermost last.
    suspended: Cell<HashMap<u64, Vec<u64>>>,
    /// Number of `suspended`.
    suspended_count: Cell<usize>,
    open_count: Cell<usize>,
}

impl OpenSpans {
    fn with_open<T>(&self, body: impl FnOnce(&mut Vec<u64>) -> T) -> T {
        let mut open = self.open.take();
        let result = body(&mut open);
        self.open_count.set(open.len());
        self.open.set(open);
        result
    }

    fn with_suspended<T>(&self, body: impl FnOnce(&mut HashMap<u64, Vec<u64>>) -> T) -> T {
        let mut suspended = self.suspended.take();
        let result = body(&mut suspended);
        self.suspended_count.set(suspended.len());
        self.suspended.set(suspended);
        result
    }

    pub(super) fn has_open(&self) -> bool {
        self.open_count.get() > 0
    }

    fn push(&self, key: u64) {
        self.with_open(|open| {
            if open.len() == MOST {
                open.remove(0);
            }
            if open.try_reserve(1).is_ok() {
                open.push(key);
            }
        });
    }

    /// Forgets the innermost span of that key. Returns false if there is none.
    fn remove(&self, key: u64) -> bool {
        self.has_open()
            && self.with_open(|open| {
                let place = open.iter().rposition(|each| *each == key);
                place.map(|place| open.remove(place)).is_some()
            })
    }

    /// Returns the keys of spans among `nodes`, the outermost first. The nodes come from the
    /// innermost outwards.
    fn among<'n>(&self, nodes: impl Iterator<Item = &'n Node>) -> Vec<u64> {
        self.with_open(|open| {
            let mut below = open.len();
            let mut found = Vec::new();
            for node in nodes {
                let place = open
                    .get(..below)
                    .and_then(|open| open.iter().rposition(|key| *key == node.key));
                if let Some(place) = place {
                    below = place;
                    found.push(node.key);
                }
            }
            found.reverse();
            found
        })
    }

    /// Forgets the spans of nodes, which come from the innermost outwards.
    fn remove_among<'n>(&self, nodes: impl Iterator<Item = &'n Node>) {
        self.with_open(|open| {
            let mut below = open.len();
            for node in nodes {
                if let Some(place) = open[..below].iter().rposition(|key| *key == node.key) {
                    below = place;
                    open.remove(place);
                }
            }
        });
    }

    /// Forgets all open spans.
    pub(super) fn clear(&self) {
        if self.has_open() {
            self.with_open(Vec::clear);
        }
    }

    /// Forgets them without freeing their memory, in a forked child without the thread.
    pub(super) fn forget(&self) {
        std::mem::forget(self.open.take());
        std::mem::forget(self.suspended.take());
        self.open_count.set(0);
        self.suspended_count.set(0);
    }
}

/// Key of a fiber among coroutines, whose keys are addresses.
fn key_of_fiber(innermost: NodeIndex) -> u64 {
    !u64::from(innermost)
}

impl<H: Home> Thread<H> {
    /// Begins a span at `now`. The span stays open when the call ends in which it began.
    pub(crate) fn begin_span(&self, key: u64, now: u64) -> Outcome {
        // A guess is not noted in the history.
        let outcome = match !self.has_history() && self.enter_guessed(key, Visit::Start, now) {
            true => Outcome::Recorded,
            false => self.enter_any(key, Visit::Start, now),
        };
        if outcome == Outcome::Recorded && matches!(self.mode.get(), Mode::Tree) {
            self.spans.push(key);
        }
        outcome
    }

    /// Ends a span at `now`. Calls that it has made continue below its caller.
    pub(crate) fn end_span(&self, key: u64, now: u64) -> Outcome {
        if !self.open_nodes().any(|node| node.key == key) && matches!(self.mode.get(), Mode::Tree) {
            return Outcome::NotOpen;
        }
        let is_known = self.spans.remove(key);
        let is_plain = !is_known || self.cursor().key == key;
        if is_plain || !matches!(self.mode.get(), Mode::Tree) {
            return self.leave_as(key, CallEnd::Returned, now);
        }
        let Some(node) = self.open_nodes().find(|node| node.key == key) else {
            return Outcome::NotOpen;
        };
        let within = self.open_nodes().take_while(|each| each.key != key);
        let mut within: Vec<u64> = within.map(|each| each.key).collect();
        within.reverse();
        self.close_up_to(self.node(node.parent).into(), now);
        self.reopen(&within, now);
        Outcome::Recorded
    }

    /// Spans that continue when the call that is open in `node` ends.
    pub(super) fn spans_that_outlive(&self, node: &Node, end: CallEnd) -> Vec<u64> {
        if end == CallEnd::Raised || !matches!(self.mode.get(), Mode::Tree) {
            return Vec::new();
        }
        self.spans.among(self.open_nodes_above(node))
    }

    /// Forgets the spans within the call that is open in `node`, because they end with it.
    pub(super) fn forget_spans_within(&self, node: &Node) {
        if self.spans.has_open() {
            self.spans.remove_among(self.open_nodes_above(node));
        }
    }

    /// Open calls that the one in `node` has made, the innermost first.
    fn open_nodes_above(&self, node: &Node) -> impl Iterator<Item = &Node> {
        self.open_nodes()
            .take_while(move |each| !std::ptr::eq(*each, node))
    }

    /// Opens calls again at `now`, uncounted, below the innermost one. `keys` has the outermost
    /// first.
    pub(super) fn reopen(&self, keys: &[u64], now: u64) {
        let mut path: Vec<NodeIndex> = Vec::new();
        let mut below = self.index_of(self.cursor());
        for &key in keys {
            match self.find_or_make_below(below, key) {
                Ok(node) => path.push(node),
                Err(_) => break,
            }
            below = path.last().copied().unwrap_or(below);
        }
        if path.is_empty() {
            return;
        }
        self.note(Note::SwitchTo(below), now);
        self.happened(now);
        for index in path {
            let node = self.node(index);
            node.open_uncounted(now);
            self.cursor.set(node.into());
        }
    }

    /// Suspends the spans of a coroutine that is about to be suspended in the innermost open call
    /// of `key`.
    pub(super) fn suspend_spans(&self, key: u64, coroutine: u64) {
        if !self.spans.has_open() || !matches!(self.mode.get(), Mode::Tree) {
            return;
        }
        let Some(node) = self.open_nodes().find(|node| node.key == key) else {
            return;
        };
        let spans = self.spans.among(self.open_nodes_above(node));
        if spans.is_empty() {
            return;
        }
        spans.iter().rev().for_each(|key| {
            self.spans.remove(*key);
        });
        self.spans.with_suspended(|suspended| {
            if suspended.len() < MOST && suspended.try_reserve(1).is_ok() {
                suspended.insert(coroutine, spans);
            }
        });
    }

    /// Suspends the spans of the fiber that is suspended in that node.
    pub(super) fn suspend_fiber_spans(&self, innermost: NodeIndex) {
        if !self.spans.has_open() {
            return;
        }
        let spans = self.spans.with_open(std::mem::take);
        self.spans.with_suspended(|suspended| {
            if suspended.len() < MOST && suspended.try_reserve(1).is_ok() {
                suspended.insert(key_of_fiber(innermost), spans);
            }
        });
    }

    /// Resumes the spans of the fiber that continues in that node. They are kept for other fibers
    /// that may be suspended there, whose spans are the same.
    pub(super) fn resume_fiber_spans(&self, innermost: NodeIndex) {
        if self.spans.suspended_count.get() == 0 {
            return;
        }
        let key = key_of_fiber(innermost);
        let spans = self.spans.with_suspended(|all| all.get(&key).cloned());
        spans.iter().flatten().for_each(|key| self.spans.push(*key));
    }

    /// Resumes the spans of the coroutine, which has just been entered.
    pub(super) fn resume_spans(&self, coroutine: u64, now: u64) {
        if self.spans.suspended_count.get() == 0 {
            return;
        }
        let spans = self.spans.with_suspended(|all| all.remove(&coroutine));
        for key in spans.iter().flatten() {
            self.spans.push(*key);
        }
        self.reopen(&spans.unwrap_or_default(), now);
    }
}
