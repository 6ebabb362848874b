//! One OS thread's place in a recording: a cursor in its own call tree.
//!
//! The open calls are the node under the cursor and its parents, so there is no stack. A
//! call is entered by opening a child of that node, and left by closing the node. A warm
//! event allocates nothing, takes no lock and hashes no string:
//!
//! ```text
//! enter(key):
//!     now = rdtsc - epoch, at least root.latest      processors' counters differ a little,
//!                                                    and time must not run backwards
//!     now - root.latest is long: look for a wait     see `waiting`
//!     for guess in followers of cursor.latest:       1. the child after the child that was
//!         if guess.key == key: open(guess)              entered last: no hashing (31
//!                                                       instructions an event, in all)
//!     find (cursor, key) in the children table       2. one probe, mostly; the keys are in
//!         found: remember as a follower; open           the nodes, which are needed anyway
//!     otherwise grow the tree                        3. alone if the function is known and
//!                                                       there is room; else lock, function,
//!                                                       chunk, first event
//!         no room: count by function (overflow)
//!
//! open(node):
//!     root.latest = now                              before the event: whoever sees the
//!                                                    event finds a time it had reached
//!     node.calls += 1                                load and store: there is one writer, so
//!                                                    no locked instruction
//!     node.total -= now                              negative while open: one store commits
//!     cursor = node
//!
//! leave(key):
//!     if cursor.key == key:                          4. calls mostly end in order
//!         root.latest = now
//!         cursor.total += now                        one store commits
//!         cursor = cursor.parent
//!     otherwise look below: not open at all, or calls above it end with it
//! ```
//!
//! These paths don't test for modes other than [`Mode::Tree`], in which the cursor is at a sentinel
//! node. The sentinel has key 0 and no children, so no key matches. Each event then takes the slow
//! path, which tests for the mode.

mod clock_reset;
mod coroutine;
mod ended;
mod excluded;
mod fiber;
mod forked;
mod history;
mod known;
mod leave;
mod nodes;
mod overflow;
mod shared;
mod spans;
mod waiting;

use std::cell::Cell;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{self, Clock, tsc};
use crate::model::Waiting;
use crate::model::timeline::CallEnd;
use crate::recorder::children::Children;
use crate::recorder::node::{Node, NodeIndex, Visit};
use coroutine::CoroutineVisits;
pub(crate) use coroutine::{Step, VisitEnd};
pub(crate) use fiber::Fiber;
use history::{HistoryCursor, Note};
use known::KnownFunctions;
use nodes::Room;
pub(crate) use nodes::made_nodes;
use overflow::OverflowCalls;
pub(crate) use shared::ThreadShared;
use spans::OpenSpans;
pub(crate) use waiting::Wait;
use waiting::Watch;

/// Result of reporting one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The event is in the tree, or counted as an overflow call.
    Recorded,
    /// The key is not defined. The host defines the function and enters again.
    UnknownFunction,
    /// There is no room even for a counter. The call is counted as dropped, and its time
    /// stays in its caller.
    Dropped,
    /// The call that ends was not entered. The event is ignored.
    NotOpen,
    /// The handle was detached, and takes no events.
    Detached,
}

/// Options of a recording that concern its threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadOptions {
    pub(crate) clock: Clock,
    pub(crate) waiting: bool,
    /// True if the recording has a history.
    pub(crate) history: bool,
}

/// Epoch of [`Clock::Cpu`]: one tick before a thread's start, which is its own.
pub(crate) const CPU_EPOCH: u64 = u64::MAX;

/// Services of the recording that a thread belongs to. All of them take its lock.
pub(crate) trait Home: Sized {
    /// Makes the node of `key` under `parent`, or the counter if `parent` has its flag.
    ///
    /// # Errors
    /// `UnknownFunction`, or `Dropped` where there is no room.
    fn grow(
        &self,
        thread: &Thread<Self>,
        parent: NodeIndex,
        key: u64,
    ) -> Result<NodeIndex, Outcome>;

    /// Makes sure that recording has begun, and runs `body` before anyone else has the lock.
    ///
    /// # Errors
    /// `UnknownFunction` for an unknown key; `body` is not run then.
    fn begin_with(
        &self,
        thread: &Thread<Self>,
        key: u64,
        body: impl FnOnce(),
    ) -> Result<(), Outcome>;

    /// Notes that the call that is open in `node`, of the function at that index, has waited.
    /// Returns what it waited for.
    fn waited(&self, node: NodeIndex, function: u32, wait: Wait) -> Waiting;

    /// Gives the thread another block of the history. Returns false if there is none.
    fn renew_block(&self, thread: &Thread<Self>) -> bool;

    /// Notes that a coroutine of that function starts, or that it continues at the tick
    /// `has_continued` of the common axis. Returns false for a hidden function.
    fn coroutine_runs(&self, coroutine: u64, function: u32, has_continued: Option<u64>) -> bool;

    /// Notes that the coroutine ends its visit.
    fn coroutine_stops(&self, coroutine: u64, end: VisitEnd);

    /// Runs `body` under the lock.
    fn locked<T>(&self, body: impl FnOnce() -> T) -> T;
}

/// Position of a thread's cursor.
#[derive(Clone, Copy)]
enum Mode {
    /// In the tree: at the innermost open call, or at the root.
    Tree,
    /// At the sentinel while calls overflow (see [`overflow`]). `at` is the innermost open
    /// node of the tree, below which they are.
    Overflow { at: NonNull<Node> },
    /// At the sentinel, in a forked child that has entered nothing yet (see [`forked`]). `at`
    /// is the innermost open node.
    ForkPending { at: NonNull<Node> },
    /// At the sentinel: the handle was detached, and no thread has taken it over. A fork may have
    /// been pending then.
    Detached { fork_pending: bool },
    /// At the sentinel, which is the root too: the handle has no tree and takes no events,
    /// because its OS thread is not in this process.
    Retired,
}

/// A thread's handle. All of it is the owning thread's alone, except [`ThreadShared`] and what
/// never changes.
#[repr(C)]
pub(crate) struct Thread<H> {
    cursor: Cell<NonNull<Node>>,
    base: Cell<NonNull<Node>>,
    /// Root of the tree. It has the tick of the latest event, up to which open calls are counted.
    root: Cell<NonNull<Node>>,
    /// Subtracted from the clock, so that ticks of this recording begin at 1. Changes when the
    /// clock was reset, and by excluded time.
    epoch: Cell<u64>,
    /// Gap between two events by the counter from which on a wait is looked for; 0 with a history.
    gap_limit: Cell<u64>,
    clock: Clock,
    children: Children,
    chunk_end: Cell<NodeIndex>,
    nodes: Cell<u32>,
    room: Cell<Room>,
    known: KnownFunctions,
    /// Nodes of trees have indices below this one; 0 before the first node.
    budget: Cell<NodeIndex>,
    home: NonNull<H>,
    shared: Arc<ThreadShared>,
    mode: Cell<Mode>,
    overflow: OverflowCalls,
    /// Changes whenever the handle gets another tree: see [`fiber`].
    tree_generation: Cell<u64>,
    /// Tick of the latest event when recording was disabled the last time.
    tick_at_last_disable: Cell<u64>,
    /// True if another thread has taken the handle over, and its host has not given a time yet.
    rebase_next_host_tick: Cell<bool>,
    watch: Watch,
    history: HistoryCursor,
    /// True if the awaiting and the runs of coroutines are recorded.
    follows_coroutines: bool,
    visits: CoroutineVisits,
    spans: OpenSpans,
    /// Place of the cursor in all modes but [`Mode::Tree`].
    sentinel: Node,
}

// SAFETY: nothing in it is bound to an OS thread: its pointers are to the recording, to the
// recording's nodes and to itself. It is not Sync, so one thread at a time uses it; the
// recording's lock orders what one owner does before what the next one does.
unsafe impl<H: Home + Sync> Send for Thread<H> {}

/// Returns a number that distinguishes this OS thread from all others, running or ended. Never 0.
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

impl<H: Home> Thread<H> {
    /// A handle for the calling thread, which is at a new root in `chunk`.
    ///
    /// # Safety
    /// * `base` is the arena of `home`, and `chunk` a chunk of it that nobody else uses,
    ///   with at least one node.
    /// * `home` outlives the handle, which is at `slot` of its threads.
    pub(crate) unsafe fn new(
        home: NonNull<H>,
        slot: usize,
        base: NonNull<Node>,
        chunk: Range<NodeIndex>,
        epoch: u64,
        options: ThreadOptions,
    ) -> Thread<H> {
        debug_assert!(!chunk.is_empty());
        let ThreadOptions {
            clock,
            waiting,
            history,
        } = options;
        let watch = Watch::new(clock, waiting);
        // SAFETY: chunk.start lies in the arena at `base` (contract).
        let root = unsafe { base.add(chunk.start as usize) };
        let node = Node::new(chunk.start, 0, chunk.start, 0);
        node.set_latest(1);
        // SAFETY: committed memory of a chunk that is this thread's own.
        unsafe { node.publish(root) };
        let thread = Thread {
            cursor: Cell::new(root),
            base: Cell::new(base),
            root: Cell::new(root),
            epoch: Cell::new(epoch),
            gap_limit: Cell::new(0),
            clock,
            children: Children::default(),
            chunk_end: Cell::new(chunk.end),
            nodes: Cell::new(1),
            room: Cell::new(Room::ForNodes),
            known: KnownFunctions::default(),
            budget: Cell::new(0),
            home,
            // SAFETY: the recording has the arena and outlives its handles (contract).
            shared: Arc::new(unsafe { ThreadShared::new(slot, root, chunk.start + 1) }),
            mode: Cell::new(Mode::Tree),
            overflow: OverflowCalls::default(),
            tree_generation: Cell::new(fiber::new_generation()),
            tick_at_last_disable: Cell::new(0),
            rebase_next_host_tick: Cell::new(false),
            watch,
            history: HistoryCursor::new(history),
            follows_coroutines: waiting && coroutine::are_followed_by(clock),
            visits: CoroutineVisits::default(),
            spans: OpenSpans::default(),
            sentinel: Node::new(0, 0, 0, 0),
        };
        thread.gap_limit.set(thread.gap_limit_at_once());
        thread.begin_to_watch();
        thread
    }

    /// The recording that the thread belongs to.
    pub(crate) fn home(&self) -> &H {
        // SAFETY: it outlives its threads' handles (contract of `new`).
        unsafe { self.home.as_ref() }
    }

    /// State that other threads read. Any thread.
    pub(crate) fn shared(&self) -> &Arc<ThreadShared> {
        &self.shared
    }

    /// Returns true if this is the calling thread's handle. Any thread.
    pub(crate) fn is_current(&self) -> bool {
        self.shared.is_current()
    }

    /// Returns true if the handle was detached, and no thread has taken it over. Any thread.
    pub(crate) fn is_detached(&self) -> bool {
        self.shared.is_detached()
    }

    /// The recording's time now, in ticks from its beginning.
    pub(crate) fn now(&self) -> u64 {
        self.at(self.clock.now())
    }

    /// Like [`Thread::now_of_event`], if reading the clock takes one instruction and the gap since
    /// the latest event is short. Then there is no wait to look for. A reading before that event
    /// looks like a gap of centuries, so it is not returned here. For other clocks no gap is short.
    ///
    /// # Errors
    /// The reading, which has no meaning for other clocks.
    #[inline]
    pub(crate) fn now_at_once(&self) -> Result<u64, u64> {
        if !clock::HAS_COUNTER {
            return Err(0);
        }
        let now = self.ticks(tsc()) as u64;
        match now.wrapping_sub(self.last()) < self.gap_limit.get() {
            true => Ok(now),
            false => Err(now),
        }
    }

    /// The recording's time for a reading of its clock. Never before the latest event,
    /// because counters of two processors may differ by a little.
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
        // SAFETY: a node of the arena, or the sentinel; both live as long as the handle.
        unsafe { self.root.get().as_ref() }
    }

    #[inline]
    fn cursor(&self) -> &Node {
        // SAFETY: a node of the arena, or the sentinel; both live as long as the handle.
        unsafe { self.cursor.get().as_ref() }
    }

    fn sentinel(&self) -> NonNull<Node> {
        NonNull::from(&self.sentinel)
    }

    /// The node at an index that is 0 or was read from a node of this thread.
    #[inline]
    fn node(&self, index: NodeIndex) -> &Node {
        // SAFETY: indices in nodes are nodes of this arena, which begins with one. In a
        // retired handle `base` is the sentinel, whose indices are 0.
        unsafe { self.base.get().add(index as usize).as_ref() }
    }

    /// Begins or continues a call at `now`. `key` must not be 0.
    #[cfg(test)]
    pub(crate) fn enter(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        let is_guessed = match self.has_history() {
            true => self.enter_noted(key, visit, now),
            false => self.enter_guessed(key, visit, now),
        };
        if is_guessed {
            return Outcome::Recorded;
        }
        self.enter_any(key, visit, now)
    }

    /// Fast path of [`Thread::enter_any`]: succeeds only if the child was guessed. Otherwise
    /// changes nothing and returns false. `key` must not be 0.
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

    /// Begins or continues a call at `now`. `key` must not be 0.
    pub(crate) fn enter_any(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        self.enter_noted_if::<true>(key, visit, now)
    }

    /// Like [`Thread::enter_any`], at a time that [`Thread::now_at_once`] returned, which it does
    /// only without a history.
    pub(crate) fn enter_unnoted(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        self.enter_noted_if::<false>(key, visit, now)
    }

    #[inline(always)]
    fn enter_noted_if<const NOTED: bool>(&self, key: u64, visit: Visit, now: u64) -> Outcome {
        debug_assert_ne!(key, 0);
        let found = match NOTED {
            true => self.find_or_make(key),
            false => self.find_or_make_at_once(key),
        };
        match found {
            Ok(child) => {
                if NOTED {
                    self.note(Note::Enter(child, visit), now);
                }
                // Read only now, because finding the node moves a forked child's cursor back into
                // the tree.
                let caller = self.cursor();
                let latest = caller.latest_child();
                if latest != 0 {
                    self.node(latest).add_next_sibling(child);
                }
                caller.set_latest_child(child);
                self.open(self.node(child), visit, now);
                Outcome::Recorded
            }
            Err(Outcome::Dropped) => self.enter_overflow(key, visit, now),
            Err(outcome) => outcome,
        }
    }

    #[inline]
    fn open(&self, node: &Node, visit: Visit, now: u64) {
        self.happened(now);
        node.open(visit, now);
        self.cursor.set(NonNull::from(node));
    }

    /// Counts a call to a class by the innermost open function. Such calls have no node of
    /// their own.
    pub(crate) fn count_class_call(&self) {
        self.cursor().count_class_call();
        if self.has_history() {
            self.note_class_call();
        }
    }

    /// Ends or suspends a call at `now`. Open calls that it has made end with it; if it is not
    /// open, nothing happens. `key` must not be 0.
    pub(crate) fn leave(&self, key: u64, now: u64) -> Outcome {
        self.leave_as(key, CallEnd::Returned, now)
    }

    /// Like [`Thread::leave`], with the way in which the call ends.
    pub(crate) fn leave_as(&self, key: u64, end: CallEnd, now: u64) -> Outcome {
        if self.cursor().key == key {
            self.note(Note::Leave(end), now);
        }
        if self.leave_top(key, now) {
            return Outcome::Recorded;
        }
        self.leave_below(key, end, now)
    }

    /// Fast path of [`Thread::leave`]: succeeds only if the call is the innermost one.
    /// Otherwise changes nothing and returns false. `key` must not be 0.
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

    /// Stores the time of an event before the event itself. A reader that looks at a node and then
    /// at the time must find a time that the node's visit had reached.
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

    /// Tick of the latest event.
    pub(crate) fn last(&self) -> u64 {
        self.root().latest()
    }
}
