//! The part of a thread's state that other threads read: all of it is atomic.

use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::current_thread_token;
use super::waiting::{LatestReading, SinceReading};
use crate::recorder::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use crate::recorder::node::{Node, NodeIndex};

/// The token of no thread.
const NOBODY: u64 = 0;
/// The token in a handle that is reserved for a thread that has not adopted it yet.
const SOMEBODY: u64 = u64::MAX;

/// State of one thread that is read under the recording's lock, while the thread records.
#[derive(Debug)]
pub(crate) struct ThreadShared {
    /// Null in a forked child that does not have the thread. Changes in forked children only.
    root: AtomicPtr<Node>,
    /// First node of the current chunk that is not made yet.
    next: AtomicU32,
    /// Token of the thread that owns the handle. Changes under the recording's lock.
    owner: AtomicU64,
    /// Position in the recording's list of threads.
    slot: usize,
    /// Latest reading of the clocks that show waits.
    pub(super) reading: LatestReading,
}

impl ThreadShared {
    /// The state of the calling thread, whose nodes begin at `root`.
    ///
    /// # Safety
    /// * The arena of `root`, which is its first node, outlives the result.
    pub(crate) unsafe fn new(slot: usize, root: NonNull<Node>, next: NodeIndex) -> ThreadShared {
        ThreadShared {
            root: AtomicPtr::new(root.as_ptr()),
            next: AtomicU32::new(next),
            owner: AtomicU64::new(current_thread_token()),
            slot,
            reading: LatestReading::default(),
        }
    }

    fn root(&self) -> Option<&Node> {
        // SAFETY: null, or a node of an arena that outlives `self` (contract of `new` and
        // `move_to`).
        unsafe { self.root.load(Acquire).as_ref() }
    }

    /// Replaces the tree by one that begins at `root` and has nodes up to `next`, or by none if
    /// there is no `root`.
    ///
    /// # Safety
    /// * As for [`ThreadShared::new`]; and no other thread uses the old tree meanwhile.
    pub(super) unsafe fn move_to(&self, root: Option<NonNull<Node>>, next: NodeIndex) {
        let root = root.map_or(std::ptr::null_mut(), NonNull::as_ptr);
        self.root.store(root, Release);
        self.set_next(next);
    }

    /// Position in the recording's list of threads.
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    /// Returns true if the calling thread owns the handle.
    pub(crate) fn is_current(&self) -> bool {
        self.owner.load(Relaxed) == current_thread_token()
    }

    /// Returns true if no thread owns the handle, because it was detached.
    pub(super) fn is_detached(&self) -> bool {
        self.owner.load(Relaxed) == NOBODY
    }

    /// Makes the calling thread the owner. Under the recording's lock.
    pub(super) fn own(&self) {
        debug_assert_eq!(self.owner.load(Relaxed), NOBODY);
        self.owner.store(current_thread_token(), Relaxed);
    }

    /// Reserves the handle for a thread that will adopt it. Under the recording's lock.
    pub(super) fn reserve(&self) {
        self.owner.store(SOMEBODY, Relaxed);
    }

    /// Leaves the handle without an owner. Under the recording's lock.
    pub(super) fn disown(&self) {
        self.owner.store(NOBODY, Relaxed);
    }

    /// First node of the current chunk that is not made yet.
    pub(crate) fn next(&self) -> NodeIndex {
        self.next.load(Acquire)
    }

    /// Publishes the nodes before `next`. Owning thread only.
    pub(super) fn set_next(&self, next: NodeIndex) {
        self.next.store(next, Release);
    }

    /// Number of calls that are in no node.
    pub(crate) fn dropped(&self) -> u64 {
        self.root().map_or(0, Node::dropped)
    }

    /// Number of threads that have recorded in this tree.
    pub(crate) fn threads(&self) -> u32 {
        self.root().map_or(1, Node::threads)
    }

    /// The wait that the thread is in, or has been in lately.
    pub(crate) fn wait_under_way(&self) -> Option<SinceReading> {
        self.reading.until_now()
    }

    /// Tick of the latest event.
    pub(crate) fn last(&self) -> u64 {
        self.root().map_or(0, Node::latest_acquired)
    }

    /// Ticks that went to the recorder, which the thread's own ticks exclude.
    pub(crate) fn excluded(&self) -> u64 {
        self.root().map_or(0, Node::excluded)
    }
}
