//! One OS thread's place in a recording: a cursor in its own call tree.
//!
//! The open stack is the cursor plus the parent links. Entering finds the child
//! under the cursor and opens it; leaving closes the node and steps to its parent.
//! A warm event allocates nothing, takes no lock and hashes no string.
//!
//! When there is no room for another node the call is [`folded`].

mod ended;
mod fiber;
mod folded;
mod forked;
mod nodes;
mod restarted;

use std::cell::Cell;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::children::Children;
use super::fixed::Fixed;
use super::node::{Node, NodeIndex, Visit};
use super::recording::Recording;
use crate::clock::{Clock, tsc};
pub(crate) use fiber::Fiber;
use folded::FoldedCalls;
pub(crate) use nodes::made_nodes;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the tree, or folded.
    Recorded,
    /// The key is not defined: the host says what it is and enters again.
    UnknownFunction,
    /// There is no room even for a counter; the call is counted as dropped, and its
    /// time stays in its caller.
    Dropped,
    /// A leave of what was not entered, ignored.
    NotOpen,
}

/// A thread's handle. All of it is the owning thread's alone but for what is atomic
/// and `root`, which any thread may read: it changes in a forked child only.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Thread {
    cursor: Cell<NonNull<Node>>,
    base: Cell<NonNull<Node>>,
    /// Has the tick of the latest event: what open calls are counted up to.
    root: Cell<NonNull<Node>>,
    /// Subtracted from the clock, so that ticks of this recording begin at 1. Changes
    /// where the clock has begun anew.
    epoch: Cell<u64>,
    clock: Clock,
    children: Children,
    /// First node of the current chunk that is not made yet.
    next: AtomicU32,
    chunk_end: Cell<NodeIndex>,
    nodes: Cell<u32>,
    recording: NonNull<Recording>,
    /// Position in the recording's list of threads.
    slot: usize,
    /// Token of the thread that uses it; changes under the recording's lock only.
    owner: Cell<u64>,
    /// Where the cursor stands while calls are folded: it has no key and no children,
    /// so every event takes the slow way.
    limbo: Fixed<Node>,
    /// Where the cursor was before.
    limbo_caller: Cell<NonNull<Node>>,
    folded: FoldedCalls,
    /// Another one whenever the handle gets another tree: see [`fiber`].
    tree: Cell<u64>,
    /// There is no room for another node in the tree, and there won't be any.
    is_full: Cell<bool>,
    /// In a forked child that has entered nothing yet: the cursor is in limbo too, and
    /// what ends, ends under the lock. So another thread may put the child's live file
    /// under the nodes meanwhile.
    is_asleep: Cell<bool>,
    /// Tick of the latest event when recording was switched off the last time.
    switched_off: Cell<u64>,
    /// Another thread has taken it over and the host has not told it the time yet.
    is_told_anew: Cell<bool>,
}

/// What tells this OS thread from all others, dead or alive. Never 0.
pub(crate) fn current_thread_token() -> u64 {
    static TOKENS: AtomicU64 = AtomicU64::new(0);
    thread_local!(static HERE: Cell<u64> = const { Cell::new(0) });
    HERE.with(|here| {
        if here.get() == 0 {
            here.set(TOKENS.fetch_add(1, Ordering::Relaxed) + 1);
        }
        here.get()
    })
}

impl Thread {
    /// A handle for the calling thread, which stands at a new root in `chunk`.
    ///
    /// # Safety
    /// * `base` is the arena of `recording`, and `chunk` a chunk of it that nobody
    ///   else uses, with at least one node.
    /// * `recording` outlives the handle, which is at `slot` of its threads.
    pub(crate) unsafe fn new(
        recording: NonNull<Recording>,
        slot: usize,
        base: NonNull<Node>,
        chunk: Range<NodeIndex>,
        clock: Clock,
        epoch: u64,
    ) -> Thread {
        debug_assert!(!chunk.is_empty());
        let limbo = Fixed::new(Node::new(0, 0, 0, 0));
        let limbo_node = limbo.address();
        // SAFETY: chunk.start lies in the arena at `base` (contract).
        let root = unsafe { base.add(chunk.start as usize) };
        let node = Node::new(chunk.start, 0, chunk.start, 0);
        node.set_latest(1);
        // SAFETY: committed memory of a chunk that is this thread's own.
        unsafe { node.publish(root) };
        Thread {
            cursor: Cell::new(root),
            base: Cell::new(base),
            root: Cell::new(root),
            epoch: Cell::new(epoch),
            clock,
            children: Children::default(),
            next: AtomicU32::new(chunk.start + 1),
            chunk_end: Cell::new(chunk.end),
            nodes: Cell::new(1),
            recording,
            slot,
            owner: Cell::new(current_thread_token()),
            limbo,
            limbo_caller: Cell::new(limbo_node),
            folded: FoldedCalls::default(),
            tree: Cell::new(fiber::new_tree()),
            is_full: Cell::new(false),
            is_asleep: Cell::new(false),
            switched_off: Cell::new(0),
            is_told_anew: Cell::new(false),
        }
    }

    /// The recording that this is a thread of.
    pub(crate) fn recording(&self) -> &Recording {
        // SAFETY: the recording outlives its threads' handles (contract of `new`).
        unsafe { self.recording.as_ref() }
    }

    /// Whether this is the calling thread's handle.
    pub(crate) fn is_current(&self) -> bool {
        self.owner.get() == current_thread_token()
    }

    /// Position in the recording's list of threads.
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    /// The recording's time now, in ticks from its beginning.
    pub(crate) fn now(&self) -> u64 {
        self.at(self.clock.now())
    }

    /// As [`Thread::now`] where that is a matter of one instruction.
    #[inline]
    pub(crate) fn now_at_once(&self) -> Option<u64> {
        (self.clock == Clock::Tsc).then(|| self.at(tsc()))
    }

    /// The recording's time for a reading of its clock. Never before the latest
    /// event: counters of two processors may differ by a little.
    #[inline]
    pub(crate) fn at(&self, reading: u64) -> u64 {
        self.ticks(reading).max(self.root().latest() as i64) as u64
    }

    #[inline]
    fn ticks(&self, reading: u64) -> i64 {
        reading.wrapping_sub(self.epoch.get()) as i64
    }

    #[inline]
    fn root(&self) -> &Node {
        // SAFETY: a node of the arena, or limbo in a retired handle; both live as long
        // as the handle.
        unsafe { self.root.get().as_ref() }
    }

    /// A call begins or goes on at `now`. `key` must not be 0.
    #[cfg(test)]
    pub(crate) fn enter(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        if self.enter_guessed(key, visit, now) {
            return Outcome::Recorded;
        }
        self.enter_any(key, visit, now)
    }

    /// As [`Thread::enter_any`] if the call is of a child that was guessed; else
    /// does nothing and returns `false`. `key` must not be 0.
    #[inline]
    pub(crate) fn enter_guessed(&self, key: u64, visit: Visit, now: u64) -> bool {
        debug_assert_ne!(key, 0);
        let caller = self.cursor();
        for next in self.node(caller.latest_child()).next_siblings() {
            let guess = self.node(next.get());
            if guess.key == key {
                caller.set_latest_child(next.get());
                self.open(guess, visit, now);
                return true;
            }
        }
        false
    }

    /// A call begins or goes on at `now`. `key` must not be 0.
    pub(crate) fn enter_any(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        debug_assert_ne!(key, 0);
        match self.find_or_make(self.cursor(), key) {
            Ok(child) => {
                // Not the caller from before: a forked child has just gone back to it.
                let caller = self.cursor();
                let latest = caller.latest_child();
                if latest != 0 {
                    self.node(latest).add_next_sibling(child);
                }
                caller.set_latest_child(child);
                self.open(self.node(child), visit, now);
                Outcome::Recorded
            }
            Err(Outcome::Dropped) => self.enter_folded(key, visit, now),
            Err(outcome) => outcome,
        }
    }

    #[inline]
    fn open(&self, node: &Node, visit: Visit, now: u64) {
        self.happened(now);
        node.open(visit, now);
        self.cursor.set(NonNull::from(node));
    }

    /// What is open calls a class, which has no node.
    pub(crate) fn count_class_call(&self) {
        self.cursor().count_class_call();
    }

    /// A call ends or is suspended at `now`. Calls above it that are still open end
    /// with it; if it is not open, nothing happens. `key` must not be 0.
    pub(crate) fn leave(&self, key: u64, now: u64) -> Outcome {
        if self.leave_top(key, now) {
            return Outcome::Recorded;
        }
        self.leave_below(key, now)
    }

    /// As [`Thread::leave`] if the call is the one that began last; else does nothing
    /// and returns `false`. `key` must not be 0.
    #[inline]
    pub(crate) fn leave_top(&self, key: u64, now: u64) -> bool {
        debug_assert_ne!(key, 0);
        let node = self.cursor();
        if node.key != key {
            return false;
        }
        self.happened(now);
        node.close(now);
        self.step_to_parent(node);
        true
    }

    #[inline]
    fn cursor(&self) -> &Node {
        // SAFETY: the cursor is a node of the arena or `limbo`; both live as long as
        // the handle.
        unsafe { self.cursor.get().as_ref() }
    }

    /// The node at an index that is 0 or was read from a node of this thread.
    #[inline]
    fn node(&self, index: NodeIndex) -> &Node {
        // SAFETY: indices in nodes are nodes of this arena, which starts with one. In a
        // retired handle `base` is `limbo`, whose indices are 0.
        unsafe { self.base.get().add(index as usize).as_ref() }
    }

    /// Stores the time of an event, before the event itself: whoever looks at a node
    /// and then at the time must find one that the node's visit had reached.
    #[inline]
    fn happened(&self, now: u64) {
        self.root().set_latest(now);
    }

    #[inline]
    fn step_to_parent(&self, node: &Node) {
        // SAFETY: a node's parent is a node of the same arena.
        let parent = unsafe { self.base.get().add(node.parent as usize) };
        self.cursor.set(parent);
    }

    /// [`Thread::leave`] for all that [`Thread::leave_top`] does not do.
    pub(crate) fn leave_below(&self, key: u64, now: u64) -> Outcome {
        if self.in_limbo() {
            if self.is_asleep.get() {
                return self.asleep(|| self.leave(key, now));
            }
            if self.leave_folded(key, now) {
                return Outcome::Recorded;
            }
        }
        let Some(node) = self.open_nodes().find(|node| node.key == key) else {
            return Outcome::NotOpen;
        };
        self.leave_all_folded(now);
        self.close_up_to(NonNull::from(self.node(node.parent)), now);
        Outcome::Recorded
    }

    /// The open calls that are in the tree, the innermost first.
    fn open_nodes(&self) -> impl Iterator<Item = &Node> {
        let top = if self.in_limbo() {
            self.limbo_caller.get()
        } else {
            self.cursor.get()
        };
        // SAFETY: between the cursor and the root there are only nodes of this arena.
        let top = unsafe { top.as_ref() };
        std::iter::successors(Some(top), |node| Some(self.node(node.parent)))
            .take_while(|node| NonNull::from(*node) != self.root.get())
    }

    /// Ends every open call of this thread at `now`.
    pub(crate) fn leave_all(&self, now: u64) {
        self.awake(|| {
            self.leave_all_folded(now);
            self.close_up_to(self.root.get(), now);
        });
    }

    fn close_up_to(&self, end: NonNull<Node>, now: u64) {
        if self.cursor.get() == end {
            return;
        }
        self.happened(now);
        while self.cursor.get() != end {
            // SAFETY: `end` is on the way from the cursor to the root, so nodes of
            // this arena lie between.
            let node = unsafe { self.cursor.get().as_ref() };
            node.close(now);
            self.step_to_parent(node);
        }
    }

    /// Ends a generator's visit that never ran a line of it: throwing into a
    /// generator that was not started looks like a start up to Python 3.10. `key` must
    /// not be 0.
    pub(crate) fn leave_unstarted(&self, key: u64, now: u64) -> Outcome {
        debug_assert_ne!(key, 0);
        let node = self.counter_of_top(key).unwrap_or(self.cursor());
        if node.key == key {
            node.start_was_resume();
        }
        self.leave(key, now)
    }

    fn in_limbo(&self) -> bool {
        self.cursor.get() == self.limbo.address()
    }

    /// First node of the current chunk that is not made yet. Any thread.
    pub(crate) fn next(&self) -> NodeIndex {
        self.next.load(Ordering::Acquire)
    }

    /// Calls that are in no node. Any thread.
    pub(crate) fn dropped(&self) -> u64 {
        self.root().dropped()
    }

    /// Threads that have recorded in this tree. Any thread.
    pub(crate) fn threads(&self) -> u32 {
        self.root().threads()
    }

    /// Tick of the latest event. Any thread.
    pub(crate) fn last(&self) -> u64 {
        self.root().latest_acquired()
    }

    /// How many calls are open, folded ones too. Owning thread only.
    pub(crate) fn depth(&self) -> u32 {
        (self.open_nodes().count() + self.folded.depth()) as u32
    }
}
