//! Calls that there is no room for in a thread's tree.
//!
//! They are *folded*: the cursor goes to limbo, and until the first of them ends all
//! that is called counts under its function alone, in one counter for each, whoever
//! called it. Here the thread has what it does without elsewhere, a stack of the open
//! calls' keys. One counter runs at a time, that of the call on top, for as long as the
//! `folded` of the node below them all runs: so self times are exact, and any state
//! between two instructions is readable, as it is in the tree.
//!
//! Functions that are hidden have no counter; while one is on top, its caller's runs.

use std::cell::Cell;

use super::{Home, Outcome, Thread};
use crate::recorder::node::{COUNTER, NO_FUNCTION, Node, NodeIndex, Visit};

/// The folded calls that are open, the innermost last.
#[derive(Default)]
pub(super) struct FoldedCalls(Cell<Vec<OpenCall>>);

#[derive(Clone, Copy)]
struct OpenCall {
    key: u64,
    /// What runs while the call is on top: a counter, or nothing.
    running: Option<NodeIndex>,
}

impl FoldedCalls {
    fn with<T>(&self, body: impl FnOnce(&mut Vec<OpenCall>) -> T) -> T {
        let mut open = self.0.take();
        let result = body(&mut open);
        self.0.set(open);
        result
    }

    /// How many there are.
    pub(super) fn depth(&self) -> usize {
        self.with(|open| open.len())
    }

    fn top(&self) -> Option<OpenCall> {
        self.with(|open| open.last().copied())
    }

    fn running(&self) -> Option<NodeIndex> {
        self.top()?.running
    }

    /// `false` when there is no memory.
    fn push(&self, call: OpenCall) -> bool {
        self.with(|open| {
            let has_room = open.try_reserve(1).is_ok();
            if has_room {
                open.push(call);
            }
            has_room
        })
    }

    /// Takes all of them, the innermost first. Frees nothing.
    pub(super) fn drain(&self, mut take: impl FnMut(u64)) {
        self.with(|open| {
            while let Some(call) = open.pop() {
                take(call.key);
            }
        });
    }

    /// Leaves them as they are for good: their thread is in another process, and may
    /// have been changing them when this one was forked.
    pub(super) fn forget(&self) {
        std::mem::forget(self.0.take());
    }
}

impl<H: Home> Thread<H> {
    /// A call that there is no room for begins or goes on at `now`.
    pub(super) fn enter_folded(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        if self.is_retired() {
            return Outcome::Dropped;
        }
        let counter = self.find_or_make_below(self.index_of(self.root()) | COUNTER, key);
        if counter == Err(Outcome::UnknownFunction) {
            return Outcome::UnknownFunction;
        }
        let before = self.folded.running();
        let own = counter
            .ok()
            .filter(|&counter| self.node(counter).function() != NO_FUNCTION);
        let running = own.or(before);
        self.happened(now);
        let is_open = self.folded.push(OpenCall { key, running });
        if counter.is_err() || !is_open {
            // The time goes on in the call that is open.
            self.root().count_dropped();
        }
        if !is_open {
            return Outcome::Dropped;
        }
        if !self.in_limbo() {
            self.limbo_caller.set(self.cursor.get());
            self.cursor.set(self.limbo());
        }
        if let Some(own) = own {
            self.node(own).count(visit);
        }
        self.run(before, running, now);
        counter.map_or_else(|dropped| dropped, |_| Outcome::Recorded)
    }

    /// Ends a folded call and those above it at `now`; `false` if it is not open.
    pub(super) fn leave_folded(&self, key: u64, now: u64) -> bool {
        let position = |open: &mut Vec<OpenCall>| open.iter().rposition(|call| call.key == key);
        let Some(position) = self.folded.with(position) else {
            return false;
        };
        self.fold_back_to(position, now);
        true
    }

    /// Ends all folded calls at `now`, if there are any.
    pub(super) fn leave_all_folded(&self, now: u64) {
        if self.in_limbo() {
            self.fold_back_to(0, now);
        }
    }

    fn fold_back_to(&self, depth: usize, now: u64) {
        let before = self.folded.running();
        self.folded.with(|open| open.truncate(depth));
        self.happened(now);
        self.run(before, self.folded.running(), now);
        if depth == 0 {
            self.cursor.set(self.limbo_caller.get());
        }
    }

    /// Lets time run for another call from `now` on; `None` stands for the one that
    /// is in the tree.
    fn run(&self, before: Option<NodeIndex>, after: Option<NodeIndex>, now: u64) {
        if before == after {
            return;
        }
        match before {
            Some(counter) => self.node(counter).close(now),
            None => self.folding_node().folded().start(now),
        }
        match after {
            Some(counter) => self.node(counter).open_uncounted(now),
            None => self.folding_node().folded().stop(now),
        }
    }

    fn folding_node(&self) -> &Node {
        // SAFETY: where the cursor was before it came to limbo: a node of the arena.
        unsafe { self.limbo_caller.get().as_ref() }
    }

    /// What has counted the call on top if that is folded and of `key`.
    pub(super) fn counter_of_top(&self, key: u64) -> Option<&Node> {
        let top = self.folded.top().filter(|top| top.key == key)?;
        let counter = self.node(top.running?);
        (counter.key == key).then_some(counter)
    }

    fn is_retired(&self) -> bool {
        self.root.get() == self.limbo()
    }
}
