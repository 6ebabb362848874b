//! One node of a call tree, as it is in memory.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `key`: the host's name for the function; 0 in a thread's root |
//! | 8 | 4 | `parent`: index of the caller's node; a root is its own parent |
//! | 12 | 4 | `function`: index in the function table |
//! | 16 | 8 | `calls`: starts |
//! | 24 | 8 | `resumes`: re-entries of a generator or coroutine |
//! | 32 | 8 | `total`: inclusive ticks, signed; negative while the node is open |
//! | 40 | 4 | `latest`: the child that was entered last; 0 for none |
//! | 44 | 8 | `next`: two siblings that were entered after this node lately |
//! | 52 | 4 | `class_calls`: calls of classes made here, which have no node; at most 2^32 - 1 |
//! | 56 | 8 | `overflow`: ticks of overflow calls made here, signed like `total` |
//!
//! A node takes one cache line. It is open at most once in its thread, because recursion makes
//! deeper nodes. So entering subtracts the time from `total` and leaving adds it. The sign says if
//! the node is open, and one store commits a leave.
//!
//! `latest` and `next` are guesses, because children mostly follow each other as they did before,
//! in loops with any number of calls. A new node's `next` are all itself. The first node of the
//! arena has no parent and guesses itself. So a guess is always a node, and its key shows if it is
//! right.
//!
//! *Overflow calls* are those that there was no room for. They count in one node for each
//! function of a thread, a counter: its `parent` is the thread's root with [`COUNTER`] set,
//! its `total` is self time. A counter of [`NO_FUNCTION`] counts nothing.
//!
//! A root is no call, so its fields have other meanings. Readers of the live file need them too:
//!
//! * `calls`: tick of its thread's latest event
//! * `resumes`: number of calls that found no room
//! * `total`: ticks that went to the recorder
//! * `function`: number of threads that have recorded there, besides the first

use std::cell::Cell;
#[cfg(not(edbprof_loom))]
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub(crate) use crate::format::live::{COUNTER, NO_FUNCTION};
#[cfg(not(edbprof_loom))]
use crate::format::live::{NODE, at};
use crate::recorder::atomic::{AtomicU32, AtomicU64};
use crate::recorder::stopwatch::Stopwatch;

/// Index of a node in its recording's arena.
pub(crate) type NodeIndex = u32;

/// See the table in the module's docs.
///
/// `calls`, `resumes`, `total`, `class_calls` and `overflow` are written by the owning thread
/// alone and may be read by any; `key`, `parent` and `function` never change once the node
/// is published. The guesses are the owning thread's alone.
#[repr(C, align(64))]
pub(crate) struct Node {
    pub(crate) key: u64,
    pub(crate) parent: NodeIndex,
    function: AtomicU32,
    calls: AtomicU64,
    resumes: AtomicU64,
    total: Stopwatch,
    latest: Cell<NodeIndex>,
    next: [Cell<NodeIndex>; GUESSES],
    class_calls: AtomicU32,
    overflow: Stopwatch,
}

/// Number of siblings that a node remembers as followers.
pub(crate) const GUESSES: usize = 2;

#[cfg(not(edbprof_loom))]
const _: () = assert!(size_of::<Node>() == NODE);
#[cfg(not(edbprof_loom))]
const _: () = assert!(
    offset_of!(Node, key) == at::node::KEY
        && offset_of!(Node, parent) == at::node::PARENT
        && offset_of!(Node, function) == at::node::FUNCTION
        && offset_of!(Node, calls) == at::node::CALLS
        && offset_of!(Node, resumes) == at::node::RESUMES
        && offset_of!(Node, total) == at::node::TOTAL
        && offset_of!(Node, class_calls) == at::node::CLASS_CALLS
        && offset_of!(Node, overflow) == at::node::OVERFLOW
);

/// Kind of a visit to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Visit {
    /// The function starts.
    Start,
    /// A generator or coroutine continues.
    Resume,
}

impl Node {
    /// A closed node without calls, for the place `index`.
    pub(crate) fn new(index: NodeIndex, key: u64, parent: NodeIndex, function: u32) -> Node {
        Node {
            key,
            parent,
            function: AtomicU32::new(function),
            calls: AtomicU64::new(0),
            resumes: AtomicU64::new(0),
            total: Stopwatch::default(),
            latest: Cell::new(0),
            next: [index; GUESSES].map(Cell::new),
            class_calls: AtomicU32::new(0),
            overflow: Stopwatch::default(),
        }
    }

    /// Stores the node at `place`, the key last, because readers of the live file skip nodes whose
    /// key is 0.
    ///
    /// # Safety
    /// * `place` is committed memory of an arena that only the caller writes to.
    pub(crate) unsafe fn publish(self, place: NonNull<Node>) {
        let key = self.key;
        // SAFETY: by this function's contract; the key is aligned for an atomic.
        unsafe {
            place.write(Node { key: 0, ..self });
            std::sync::atomic::AtomicU64::from_ptr(&raw mut (*place.as_ptr()).key)
                .store(key, Release);
        }
    }

    /// In a root: adds `ticks` that the recorder took, which belong to no call. Owning thread only.
    pub(crate) fn exclude(&self, ticks: u64) {
        // A stopwatch that does not run adds them up.
        self.total.stop(ticks);
    }

    /// In a root: ticks that went to the recorder.
    pub(crate) fn excluded(&self) -> u64 {
        self.total.read(|| 0)
    }

    /// In a root: the tick of the thread's latest event. Owning thread only; others
    /// use [`Node::latest_acquired`].
    #[inline]
    pub(crate) fn latest(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    /// Like [`Node::latest`]; sees all that happened before that event. Any thread.
    pub(crate) fn latest_acquired(&self) -> u64 {
        self.calls.load(Acquire)
    }

    /// In a root: notes that an event happens at tick `now`. Owning thread only.
    #[inline]
    pub(crate) fn set_latest(&self, now: u64) {
        self.calls.store(now, Release);
    }

    /// In a root: counts a call that found no room. Owning thread only.
    pub(crate) fn count_dropped(&self) {
        self.resumes
            .store(self.resumes.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// In a root: calls that found no room. Any thread.
    pub(crate) fn dropped(&self) -> u64 {
        self.resumes.load(Relaxed)
    }

    /// Index in the function table. Any thread.
    #[inline]
    pub(crate) fn function(&self) -> u32 {
        self.function.load(Relaxed)
    }

    /// In a root: counts another thread that continues the tree. Under the recording's lock.
    pub(crate) fn count_thread(&self) {
        self.function.fetch_add(1, Relaxed);
    }

    /// In a root: threads that have recorded in the tree. Any thread.
    pub(crate) fn threads(&self) -> u32 {
        self.function().saturating_add(1)
    }

    /// Counts a visit that begins at tick `now`, which the thread has stored as that
    /// of its latest event before. Owning thread only.
    #[inline]
    pub(crate) fn open(&self, visit: Visit, now: u64) {
        self.count(visit);
        self.total.start(now);
    }

    /// Counts a visit. Owning thread only.
    #[inline]
    pub(crate) fn count(&self, visit: Visit) {
        let counter = match visit {
            Visit::Start => &self.calls,
            Visit::Resume => &self.resumes,
        };
        // Load and store, not fetch_add: one writer, so no locked instruction.
        counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Opens the node at tick `now`, stored before as in [`Node::open`], without
    /// counting. Owning thread only.
    pub(crate) fn open_uncounted(&self, now: u64) {
        self.total.start(now);
    }

    /// Ends the visit at tick `now`, stored before as in [`Node::open`]. Owning
    /// thread only.
    #[inline]
    pub(crate) fn close(&self, now: u64) {
        self.total.stop(now);
    }

    /// Turns the latest start into a resume. Owning thread only.
    pub(crate) fn start_was_resume(&self) {
        self.calls
            .store(self.calls.load(Relaxed).wrapping_sub(1), Relaxed);
        self.resumes
            .store(self.resumes.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Index of the child that was entered last; 0 for none. Owning thread only.
    #[inline]
    pub(crate) fn latest_child(&self) -> NodeIndex {
        self.latest.get()
    }

    /// Notes the child that was entered last. Owning thread only.
    #[inline]
    pub(crate) fn set_latest_child(&self, child: NodeIndex) {
        self.latest.set(child);
    }

    /// Indices of siblings that were entered after this node, the last one first; at
    /// first its own. Owning thread only.
    #[inline]
    pub(crate) fn next_siblings(&self) -> &[Cell<NodeIndex>; GUESSES] {
        &self.next
    }

    /// Adds a sibling that was entered after this node and is not among the followers. Owning
    /// thread only.
    pub(crate) fn add_next_sibling(&self, sibling: NodeIndex) {
        for place in (1..GUESSES).rev() {
            self.next[place].set(self.next[place - 1].get());
        }
        self.next[0].set(sibling);
    }

    /// Starts so far. Any thread.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    /// Re-entries so far. Any thread.
    pub(crate) fn resumes(&self) -> u64 {
        self.resumes.load(Relaxed)
    }

    /// Counts a call that has no node. Owning thread only.
    pub(crate) fn count_class_call(&self) {
        let calls = self.class_calls.load(Relaxed).saturating_add(1);
        self.class_calls.store(calls, Relaxed);
    }

    /// Calls of classes so far. Any thread.
    pub(crate) fn class_calls(&self) -> u32 {
        self.class_calls.load(Relaxed)
    }

    /// Inclusive ticks, an open visit counted up to the tick that `latest` gives:
    /// that of the thread's latest event, or later. Any thread.
    pub(crate) fn total_at(&self, latest: impl Fn() -> u64) -> u64 {
        self.total.read(latest)
    }

    /// Returns true while a call is open here, or in a counter while one runs. Any thread.
    pub(crate) fn is_open(&self) -> bool {
        self.total.is_running()
    }

    /// Runs while calls that are made here overflow.
    pub(crate) fn overflow(&self) -> &Stopwatch {
        &self.overflow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_counted_and_their_time_adds_up() {
        let node = Node::new(0, 1, 0, 0);
        node.open(Visit::Start, 10);
        assert_eq!(node.total_at(|| 25), 15);
        node.close(30);
        assert_eq!(
            (node.calls(), node.resumes(), node.total_at(|| 99)),
            (1, 0, 20)
        );
        node.open(Visit::Resume, 40);
        node.close(45);
        assert_eq!(
            (node.calls(), node.resumes(), node.total_at(|| 99)),
            (1, 1, 25)
        );
    }
}
