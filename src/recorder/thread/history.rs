//! A thread's events in the call history: one word each, in the thread's block.
//!
//! With a history, [`Thread::now_at_once`] never returns a time, so that the fast path without a
//! history needs no test for one. The fast path with a history, [`Thread::enter_noted`] and
//! [`Thread::leave_noted`], is tried next. It needs a short gap and room in the block. All other
//! events are noted by [`Thread::note`], which may take another block.
//!
//! The words behind `end` are for records that must not take a block: the end of the thread, and
//! time that the recorder takes.

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::{Home, Mode, Thread};
use crate::format::timeline::word::{MOST_TICKS, code, code_of_mark, word};
use crate::model::timeline::{CallEnd, Mark, WaitKind};
use crate::recorder::history::{BlockName, BlockStart, NewBlock, WORDS};
use crate::recorder::node::{NodeIndex, Visit};

/// Words at the end of a block for records that must not take another one.
const RESERVED: usize = 16;
/// Words of an event at most: a gap, a coroutine, and its start.
const MOST_OF_EVENT: usize = 5;
/// Overflow calls that may be open when a block begins.
const MOST_OVERFLOW: usize = WORDS / 2;

/// State of a thread's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No history is wanted, or it has ended.
    Off,
    /// It begins with the next call that is entered.
    Pending,
    /// It is in a block.
    On,
}

/// Place of a thread's next word.
#[derive(Debug)]
pub(super) struct HistoryCursor {
    next: Cell<*mut AtomicU64>,
    /// First of the reserved words.
    end: Cell<*mut AtomicU64>,
    /// Gap from which on an event is not noted at once; 0 without a block.
    gap_limit: Cell<u64>,
    state: Cell<State>,
    block: Cell<BlockName>,
    is_wanted: bool,
    /// Number of the thread; 0 if it has none yet.
    thread: Cell<u32>,
    /// Second word of the latest time that went to the recorder.
    excluded: Cell<*mut AtomicU64>,
    /// Number of the coroutine that the next event starts or continues; 0 for no coroutine.
    coroutine: Cell<u64>,
    /// True while the recording's lock is held, so that no block can be taken.
    is_locked: Cell<bool>,
}

impl HistoryCursor {
    pub(super) fn new(is_wanted: bool) -> HistoryCursor {
        HistoryCursor {
            next: Cell::new(null_mut()),
            end: Cell::new(null_mut()),
            gap_limit: Cell::new(0),
            state: Cell::new(if is_wanted {
                State::Pending
            } else {
                State::Off
            }),
            block: Cell::default(),
            is_wanted,
            thread: Cell::new(0),
            excluded: Cell::new(null_mut()),
            coroutine: Cell::new(0),
            is_locked: Cell::new(false),
        }
    }

    /// Returns true if there is room for an event, and its word has room for the gap.
    #[inline]
    fn has_room_at_once(&self, gap: u64) -> bool {
        gap < self.gap_limit.get() && self.next.get() < self.end.get()
    }

    /// Notes an event. There is room.
    #[inline]
    fn put(&self, code: u32, ticks: u64) {
        let next = self.next.get();
        // SAFETY: a place in the thread's block, which stays mapped as long as the thread has it.
        unsafe {
            (*next).store(word(code, ticks), Release);
            self.next.set(next.add(1));
        }
    }

    /// Notes an event of two words, the second one first. There is room.
    fn put_two(&self, code: u32, ticks: u64, second: u64) {
        let next = self.next.get();
        // SAFETY: places in the thread's block, which stays mapped as long as the thread has it.
        unsafe {
            (*next.add(1)).store(second, Release);
            (*next).store(word(code, ticks), Release);
            self.next.set(next.add(2));
        }
    }

    /// Notes a mark of three words, the first one last. There is room.
    fn put_mark(&self, mark: Mark, ticks: u64) {
        let next = self.next.get();
        // SAFETY: a place in the thread's block, which stays mapped as long as the thread has it.
        unsafe { (*next.add(2)).store(mark.value, Release) };
        self.put_two(code_of_mark(mark.kind), ticks, mark.function.into());
        // SAFETY: the place of the third word is in the block.
        self.next.set(unsafe { next.add(3) });
    }

    /// Leaves the block, if there is one.
    fn leave_block(&self, state: State) -> Option<BlockName> {
        let is_on = self.state.replace(state) == State::On;
        self.next.set(null_mut());
        self.end.set(null_mut());
        self.gap_limit.set(0);
        self.excluded.set(null_mut());
        is_on.then(|| self.block.get())
    }
}

/// An event as a word describes it.
#[derive(Clone, Copy)]
pub(super) enum Note {
    /// A call begins or continues in a node, or in a counter.
    Enter(NodeIndex, Visit),
    /// The innermost call ends.
    Leave(CallEnd),
    /// All calls end that are not on the path to a node.
    EndTo(NodeIndex),
    /// The calls on the path to a node take the place of those that are open.
    SwitchTo(NodeIndex),
    /// A mark is set.
    Mark(Mark),
    /// Only time passes.
    Passes,
}

#[inline]
fn code_of(end: CallEnd) -> u32 {
    match end {
        CallEnd::Returned => code::RETURN,
        CallEnd::Raised => code::RAISE,
        CallEnd::Suspended => code::SUSPEND,
    }
}

impl Visit {
    #[inline]
    fn code(self, node: NodeIndex) -> u32 {
        match self {
            Visit::Start => node,
            Visit::Resume => code::RESUMED | node,
        }
    }
}

impl<H: Home> Thread<H> {
    /// Like [`Thread::enter_guessed`], with a history. Fails also if the event can't be noted at
    /// once.
    #[inline]
    pub(crate) fn enter_noted(&self, key: u64, visit: Visit, now: u64) -> bool {
        debug_assert_ne!(key, 0);
        let gap = now.wrapping_sub(self.last());
        if !self.history.has_room_at_once(gap) {
            return false;
        }
        let caller = self.cursor();
        for next in self.node(caller.latest_child()).next_siblings() {
            let guess = self.node(next.get());
            if guess.key == key {
                self.history.put(visit.code(next.get()), gap);
                caller.set_latest_child(next.get());
                self.open(guess, visit, now);
                return true;
            }
        }
        false
    }

    /// Like [`Thread::leave_top`], with a history. Fails also if the event can't be noted at
    /// once.
    #[inline]
    pub(crate) fn leave_noted(&self, key: u64, end: CallEnd, now: u64) -> bool {
        debug_assert_ne!(key, 0);
        let gap = now.wrapping_sub(self.last());
        if self.cursor().key != key || !self.history.has_room_at_once(gap) {
            return false;
        }
        self.history.put(code_of(end), gap);
        self.leave_top(key, now)
    }

    /// Returns true if events are noted.
    pub(crate) fn has_history(&self) -> bool {
        self.history.state.get() != State::Off
    }

    /// Notes an event at `now`, before the tree has it. The first note of a history is that of a
    /// call which is entered.
    #[inline]
    pub(super) fn note(&self, note: Note, now: u64) {
        if self.has_history() {
            self.note_event(note, now);
        }
    }

    #[cold]
    fn note_event(&self, note: Note, now: u64) {
        let is_enter = matches!(note, Note::Enter(..) | Note::Mark(_));
        if !self.make_room(is_enter) {
            return;
        }
        let history = &self.history;
        let mut gap = now.saturating_sub(self.last());
        if gap > MOST_TICKS || matches!(note, Note::Passes) {
            history.put_two(code::LATER, 0, gap);
            gap = 0;
        }
        match note {
            Note::Enter(node, visit) => {
                let coroutine = history.coroutine.take();
                if coroutine != 0 {
                    history.put_two(code::COROUTINE, 0, coroutine);
                }
                history.put(visit.code(node), gap);
            }
            Note::Leave(end) => history.put(code_of(end), gap),
            Note::EndTo(node) => history.put_two(code::END_TO, gap, node.into()),
            Note::SwitchTo(node) => history.put_two(code::SWITCH_TO, gap, node.into()),
            Note::Mark(mark) => history.put_mark(mark, gap),
            Note::Passes => {}
        }
    }

    /// Sets a mark at `now`, if events are noted and the thread is in its tree.
    pub(crate) fn mark(&self, mark: Mark, now: u64) {
        if self.has_history() && matches!(self.mode.get(), Mode::Tree) {
            self.note(Note::Mark(mark), now);
            self.happened(now);
        }
    }

    /// Runs `enter`, which enters the coroutine with that number.
    pub(super) fn of_coroutine<T>(&self, coroutine: u64, enter: impl FnOnce() -> T) -> T {
        self.history.coroutine.set(coroutine);
        let result = enter();
        self.history.coroutine.set(0);
        result
    }

    /// Notes that the innermost call has called a class, once its history has begun.
    #[cold]
    pub(super) fn note_class_call(&self) {
        let is_begun = self.history.state.get() == State::On;
        if is_begun && self.make_room(false) {
            self.history.put(code::CLASS_CALL, 0);
        }
    }

    /// Notes that the thread has waited since its latest event, `ns` nanoseconds for each kind.
    pub(crate) fn note_waits(&self, waits: [(WaitKind, u64); 3]) {
        for (kind, ns) in waits.into_iter().filter(|(_, ns)| *ns > 0) {
            if self.has_history() && self.make_room(false) {
                let code = match kind {
                    WaitKind::Blocked => code::BLOCKED,
                    WaitKind::Gil => code::GIL,
                    WaitKind::Preempted => code::PREEMPTED,
                };
                self.history.put_two(code, 0, ns);
            }
        }
    }

    /// Turns the latest start into a resume, if the call has noted nothing since.
    pub(super) fn note_that_start_was_resume(&self, node: NodeIndex) {
        let history = &self.history;
        if history.state.get() != State::On {
            return;
        }
        let resumed = u64::from(code::RESUMED) << 32;
        // SAFETY: the word before is in the block, of which it may be the header's last.
        let latest = unsafe { &*history.next.get().sub(1) };
        let word = latest.load(Relaxed);
        if word >> 32 == u64::from(node) {
            latest.store(word | resumed, Release);
        }
    }

    /// Notes `ticks` that went to the recorder, which the thread's own ticks exclude.
    pub(super) fn note_excluded(&self, ticks: u64) {
        let history = &self.history;
        if history.state.get() != State::On {
            return;
        }
        if history.excluded.get().wrapping_add(1) == history.next.get() {
            // SAFETY: the word before the next one, which is in the thread's block.
            let before = unsafe { &*history.excluded.get() };
            before.store(before.load(Relaxed).saturating_add(ticks), Release);
            return;
        }
        if self.has_reserved_room() {
            // SAFETY: there is room for two words.
            history.excluded.set(unsafe { history.next.get().add(1) });
            history.put_two(code::EXCLUDED, 0, ticks);
        }
    }

    /// Runs `body`, in which no block is taken because the recording's lock is held.
    pub(super) fn with_lock_held<T>(&self, body: impl FnOnce() -> T) -> T {
        self.history.is_locked.set(true);
        let result = body();
        self.history.is_locked.set(false);
        result
    }

    /// Makes room for an event, its gap included. The history begins only with a call that is
    /// entered. Returns false if nothing can be noted.
    fn make_room(&self, is_enter: bool) -> bool {
        let history = &self.history;
        match history.state.get() {
            State::Off => false,
            State::On if history.next.get() < history.end.get() => true,
            State::On if history.is_locked.get() => self.has_reserved_room(),
            State::Pending if !is_enter || history.is_locked.get() => false,
            State::On | State::Pending => {
                if self.home().renew_block(self) {
                    return true;
                }
                // From now on, this thread uses the fast path without a history.
                history.state.set(State::Off);
                self.gap_limit.set(self.gap_limit_at_once());
                false
            }
        }
    }

    /// Returns true if there is room for an event and its gap among the reserved words.
    fn has_reserved_room(&self) -> bool {
        let history = &self.history;
        // SAFETY: `end` is followed by the reserved words.
        history.next.get() <= unsafe { history.end.get().add(RESERVED - MOST_OF_EVENT) }
    }

    /// Tick of the latest event on the axis that all threads have in common.
    pub(crate) fn common_tick(&self) -> u64 {
        self.last().saturating_add(self.root().excluded())
    }

    /// Leaves the thread's block, because the block is full or the thread has ended. The next one
    /// begins with the next call that is entered. Under the recording's lock.
    pub(crate) fn leave_block(&self) -> Option<BlockName> {
        let next = match self.history.state.get() {
            State::Off => State::Off,
            State::Pending | State::On => State::Pending,
        };
        self.history.leave_block(next)
    }

    /// Forgets the thread's number in the history, because the handle's next block is another
    /// thread's.
    pub(super) fn begin_history_of_this_thread(&self) {
        self.history.thread.set(0);
    }

    /// Leaves the parent's block in a forked child, whose own history is to begin.
    pub(super) fn forget_block(&self) {
        self.begin_history_of_this_thread();
        let state = match self.history.is_wanted {
            true => State::Pending,
            false => State::Off,
        };
        let _ = self.history.leave_block(state);
        self.gap_limit.set(self.gap_limit_at_once());
    }

    /// Gap from which on an event is not taken at once; 0 with a history, because then no event is.
    pub(super) fn gap_limit_at_once(&self) -> u64 {
        match self.has_history() {
            true => 0,
            false => self.watch.gap_limit(self.clock),
        }
    }

    /// Ends the history of a handle without a tree.
    pub(super) fn end_history(&self) {
        let _ = self.history.leave_block(State::Off);
    }

    /// Gives the thread a number in its process, unless it has one.
    pub(crate) fn number_in_history(&self, number: impl FnOnce() -> u32) {
        if self.history.thread.get() == 0 {
            self.history.thread.set(number());
        }
    }

    /// Continues in a new block of zeros. Returns false if too many overflow calls are open. Under
    /// the recording's lock, after the block before was left.
    pub(crate) fn begin_block(&self, block: &NewBlock) -> bool {
        let history = &self.history;
        let overflow = self.overflow.noted();
        if overflow > MOST_OVERFLOW {
            return false;
        }
        let start = block.begin(&BlockStart {
            tick: self.common_tick(),
            node: self.index_of_innermost(),
            root: self.index_of(self.root()),
            thread: history.thread.get(),
            overflow: overflow as u32,
        });
        history.next.set(start.as_ptr());
        // SAFETY: the block has room for so many words.
        let end = unsafe { start.add(WORDS - RESERVED) };
        history.end.set(NonNull::as_ptr(end));
        history.block.set(block.name());
        history.state.set(State::On);
        let limit = self.watch.gap_limit(self.clock).min(MOST_TICKS + 1);
        history.gap_limit.set(limit);
        self.overflow.each_noted(|counter| history.put(counter, 0));
        true
    }

    /// Index of the innermost node of the tree that is open, or of its root.
    pub(super) fn index_of_innermost(&self) -> NodeIndex {
        // SAFETY: a node of the arena; the sentinel, of a retired handle, has no history.
        self.index_of(unsafe { self.innermost().as_ref() })
    }
}
