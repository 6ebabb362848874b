//! Counts calls for which a thread's tree has no room.
//!
//! Such calls *overflow*: until the first of them ends, each call counts under its function alone,
//! whichever function called it. Meanwhile the thread needs a stack of the open calls' keys, for
//! which the tree serves otherwise. One counter runs at a time, that of the call on top, for as
//! long as the `overflow` of the tree's innermost open node runs. So self times are exact, and any
//! state between two instructions is readable, as it is in the tree.
//!
//! Functions that are hidden have no counter; while one is on top, its caller's runs.

use std::cell::Cell;

use super::{Home, Mode, Note, Outcome, Thread};
use crate::model::timeline::CallEnd;
use crate::recorder::node::{COUNTER, NO_FUNCTION, Node, NodeIndex, Visit};

/// The overflow calls that are open, the innermost last.
#[derive(Default)]
pub(super) struct OverflowCalls(Cell<Vec<OpenCall>>);

#[derive(Clone, Copy)]
struct OpenCall {
    key: u64,
    /// Runs while the call is on top: a counter, or nothing.
    running: Option<NodeIndex>,
    /// Its counter, if it has one: the history has the call then.
    counter: Option<NodeIndex>,
}

impl OverflowCalls {
    fn with<T>(&self, body: impl FnOnce(&mut Vec<OpenCall>) -> T) -> T {
        let mut open = self.0.take();
        let result = body(&mut open);
        self.0.set(open);
        result
    }

    /// Number of calls.
    pub(super) fn depth(&self) -> usize {
        self.with(|open| open.len())
    }

    /// Number of calls that the history has.
    pub(super) fn noted(&self) -> usize {
        self.with(|open| open.iter().filter(|call| call.counter.is_some()).count())
    }

    /// Calls `body` with the counter of each call that the history has, the outermost first.
    pub(super) fn each_noted(&self, body: impl FnMut(NodeIndex)) {
        self.with(|open| open.iter().filter_map(|call| call.counter).for_each(body));
    }

    fn top(&self) -> Option<OpenCall> {
        self.with(|open| open.last().copied())
    }

    /// Key of the innermost one.
    pub(super) fn top_key(&self) -> Option<u64> {
        Some(self.top()?.key)
    }

    fn running(&self) -> Option<NodeIndex> {
        self.top()?.running
    }

    /// Returns false when there is no memory.
    fn push(&self, call: OpenCall) -> bool {
        self.with(|open| {
            let has_room = open.try_reserve(1).is_ok();
            if has_room {
                open.push(call);
            }
            has_room
        })
    }

    /// Removes all calls, the innermost first, and gives their keys to `take`. Frees nothing.
    pub(super) fn drain(&self, mut take: impl FnMut(u64)) {
        self.with(|open| {
            while let Some(call) = open.pop() {
                take(call.key);
            }
        });
    }

    /// Forgets the calls without freeing their memory. Their thread is in another process, and may
    /// have been changing them when this process was forked.
    pub(super) fn forget(&self) {
        std::mem::forget(self.0.take());
    }
}

impl<H: Home> Thread<H> {
    /// Begins or continues a call for which there is no room, at `now`.
    pub(super) fn enter_overflow(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        if let Mode::Retired = self.mode.get() {
            return Outcome::Dropped;
        }
        let counter = self.find_or_make_below(self.index_of(self.root()) | COUNTER, key);
        if counter == Err(Outcome::UnknownFunction) {
            return Outcome::UnknownFunction;
        }
        let before = self.overflow.running();
        let own = counter
            .ok()
            .filter(|&counter| self.node(counter).function() != NO_FUNCTION);
        let running = own.or(before);
        let counter_of = counter.ok();
        self.note(
            counter_of.map_or(Note::Passes, |counter| Note::Enter(counter, visit)),
            now,
        );
        self.happened(now);
        let is_open = self.overflow.push(OpenCall {
            key,
            running,
            counter: counter_of,
        });
        if !is_open && counter_of.is_some() {
            self.note(Note::Leave(CallEnd::Returned), now);
        }
        if counter.is_err() || !is_open {
            // The time stays in the call that is open.
            self.root().count_dropped();
        }
        if !is_open {
            return Outcome::Dropped;
        }
        if let Mode::Tree = self.mode.get() {
            let at = self.cursor.replace(self.sentinel());
            self.mode.set(Mode::Overflow { at });
        }
        if let Some(own) = own {
            self.node(own).count(visit);
        }
        self.run(before, running, now);
        counter.map_or_else(|dropped| dropped, |_| Outcome::Recorded)
    }

    /// Ends an overflow call and those above it at `now`. Returns false if it is not open.
    pub(super) fn leave_overflow(&self, key: u64, end: CallEnd, now: u64) -> bool {
        let position = |open: &mut Vec<OpenCall>| open.iter().rposition(|call| call.key == key);
        let Some(position) = self.overflow.with(position) else {
            return false;
        };
        self.leave_overflow_down_to(position, end, now);
        true
    }

    /// Ends all overflow calls at `now`, if there are any.
    pub(super) fn leave_all_overflow(&self, now: u64) {
        if let Mode::Overflow { .. } = self.mode.get() {
            self.leave_overflow_down_to(0, CallEnd::Returned, now);
        }
    }

    fn leave_overflow_down_to(&self, depth: usize, end: CallEnd, now: u64) {
        let before = self.overflow.running();
        self.note_overflow_down_to(depth, end, now);
        self.overflow.with(|open| open.truncate(depth));
        self.happened(now);
        self.run(before, self.overflow.running(), now);
        if depth == 0 {
            self.cursor.set(self.innermost());
            self.mode.set(Mode::Tree);
        }
    }

    /// Notes the ends of all overflow calls but the first `depth`.
    fn note_overflow_down_to(&self, depth: usize, end: CallEnd, now: u64) {
        if !self.has_history() {
            return;
        }
        let is_noted = |call: &OpenCall| call.counter.is_some();
        let ends =
            |open: &mut Vec<OpenCall>| open[depth..].iter().filter(|of| is_noted(of)).count();
        match (self.overflow.with(ends), depth) {
            (0, _) => self.note(Note::Passes, now),
            (1, _) => self.note(Note::Leave(end), now),
            (_, 0) => self.note(Note::EndTo(self.index_of_innermost()), now),
            _ => {
                // One by one, because a block that begins meanwhile states the calls that are still
                // open.
                while self.overflow.depth() > depth {
                    if self.overflow.top().is_some_and(|call| is_noted(&call)) {
                        self.note(Note::Leave(end), now);
                        self.happened(now);
                    }
                    self.overflow.with(|open| open.pop());
                }
            }
        }
    }

    /// Stops the time of the call `before` and starts that of the call `after`, at `now`. `None` is
    /// the innermost call in the tree.
    fn run(&self, before: Option<NodeIndex>, after: Option<NodeIndex>, now: u64) {
        if before == after {
            return;
        }
        // SAFETY: a node of the arena, because calls overflow below the root at least.
        let in_tree = unsafe { self.innermost().as_ref() }.overflow();
        match before {
            Some(counter) => self.node(counter).close(now),
            None => in_tree.start(now),
        }
        match after {
            Some(counter) => self.node(counter).open_uncounted(now),
            None => in_tree.stop(now),
        }
    }

    /// The counter of the call on top, if that is an overflow call of `key`.
    pub(super) fn counter_of_top(&self, key: u64) -> Option<&Node> {
        let top = self.overflow.top().filter(|top| top.key == key)?;
        let counter = self.node(top.running?);
        (counter.key == key).then_some(counter)
    }
}
