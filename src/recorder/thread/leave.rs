//! Ends of calls that are not the innermost one, off the hot path.

use std::ptr::NonNull;

use super::{Home, Mode, Note, Outcome, Thread};
use crate::model::timeline::CallEnd;
use crate::recorder::node::Node;

impl<H: Home> Thread<H> {
    /// Does the part of [`Thread::leave`] that [`Thread::leave_top`] can't do.
    pub(crate) fn leave_below(&self, key: u64, end: CallEnd, now: u64) -> Outcome {
        match self.mode.get() {
            Mode::Overflow { .. } if self.leave_overflow(key, end, now) => {
                return Outcome::Recorded;
            }
            Mode::Detached { .. } => return Outcome::Detached,
            Mode::ForkPending { .. } => {
                return self.with_open_calls(|| self.leave_inherited(key, end, now));
            }
            _ => {}
        }
        let Some(node) = self.open_nodes().find(|node| node.key == key) else {
            return Outcome::NotOpen;
        };
        let spans = match self.spans.has_open() {
            true => self.spans_that_outlive(node, end),
            false => Vec::new(),
        };
        self.close_with_callees(node, now);
        if !spans.is_empty() {
            self.reopen(&spans, now);
        }
        Outcome::Recorded
    }

    /// Ends a call of the parent in a forked child that has entered none of its own. Spans end with
    /// their calls, because the lock is held, so that no node can be made.
    fn leave_inherited(&self, key: u64, end: CallEnd, now: u64) -> Outcome {
        if self.cursor().key == key {
            return self.leave_as(key, end, now);
        }
        let Some(node) = self.open_nodes().find(|node| node.key == key) else {
            return Outcome::NotOpen;
        };
        self.forget_spans_within(node);
        self.close_with_callees(node, now);
        Outcome::Recorded
    }

    fn close_with_callees(&self, node: &Node, now: u64) {
        self.leave_all_overflow(now);
        self.close_up_to(NonNull::from(self.node(node.parent)), now);
    }

    /// Returns true if the innermost open call is one of the function `key`, which is not 0.
    pub(crate) fn is_innermost(&self, key: u64) -> bool {
        debug_assert_ne!(key, 0);
        let overflow = self.overflow.top_key();
        // SAFETY: the innermost node is one of this arena.
        let in_tree = || unsafe { self.innermost().as_ref() }.key;
        overflow.unwrap_or_else(in_tree) == key
    }

    /// The innermost open node of the tree; its root if there is none.
    pub(super) fn innermost(&self) -> NonNull<Node> {
        match self.mode.get() {
            Mode::Tree | Mode::Retired => self.cursor.get(),
            Mode::Detached { .. } => self.root.get(),
            Mode::Overflow { at } | Mode::ForkPending { at } => at,
        }
    }

    /// The open calls that are in the tree, the innermost first.
    pub(super) fn open_nodes(&self) -> impl Iterator<Item = &Node> {
        // SAFETY: between `innermost` and the root there are only nodes of this arena.
        let innermost = unsafe { self.innermost().as_ref() };
        std::iter::successors(Some(innermost), |node| Some(self.node(node.parent)))
            .take_while(|node| NonNull::from(*node) != self.root.get())
    }

    /// Ends every open call of this thread at `now`.
    pub(crate) fn leave_all(&self, now: u64) {
        self.with_open_calls(|| self.close_all(now));
    }

    pub(super) fn close_all(&self, now: u64) {
        self.leave_all_overflow(now);
        self.close_up_to(self.root.get(), now);
    }

    pub(super) fn close_up_to(&self, end: NonNull<Node>, now: u64) {
        if self.cursor.get() != end {
            // SAFETY: a node of the arena.
            let index = self.index_of(unsafe { end.as_ref() });
            self.note(Note::EndTo(index), now);
            self.close_nodes_up_to(end, now);
        }
    }

    /// Closes the nodes from the cursor up to `end`, without noting it in the history.
    pub(super) fn close_nodes_up_to(&self, end: NonNull<Node>, now: u64) {
        self.happened(now);
        while self.cursor.get() != end {
            // `end` is on the way from the cursor to the root.
            let node = self.cursor();
            node.close(now);
            self.step_to_parent(node);
        }
    }

    /// Ends a visit of a generator that never ran a line. Up to Python 3.10, throwing into a
    /// generator that was not started looks like a start. `key` must not be 0.
    pub(crate) fn leave_unstarted(&self, key: u64, now: u64) -> Outcome {
        debug_assert_ne!(key, 0);
        let node = self.counter_of_top(key).unwrap_or(self.cursor());
        if node.key == key {
            node.start_was_resume();
            self.note_that_start_was_resume(self.index_of(node));
        }
        self.leave(key, now)
    }

    /// Number of open calls, overflow calls included.
    pub(crate) fn depth(&self) -> u32 {
        (self.open_nodes().count() + self.overflow.depth()) as u32
    }
}
