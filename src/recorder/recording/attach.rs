//! Attaches threads to a recording and detaches them, and lets later threads continue the trees of
//! earlier ones.
//!
//! A thread that ends leaves its tree. The first [`MOST_TREES`] threads of a recording have
//! a tree and a name each. A later one continues the tree of a thread that has ended,
//! preferably of one whose name differs from its own in digits only. So memory and file
//! stay as they are, however many threads a program starts.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use super::handle::Handle;
use super::{Recording, Shared, Thread};
use crate::model::thread_name;
use crate::recorder::live::Record;
use crate::recorder::node::NodeIndex;
use crate::recorder::thread::{ThreadOptions, ThreadShared};

/// Number of trees that a recording has before threads share them.
pub(crate) const MOST_TREES: usize = 256;

/// Name of a tree, which depends on the threads whose calls are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TreeNaming {
    /// The name of its one thread.
    Own,
    /// The name of its threads without digits, because they differ in digits only.
    WithoutDigits,
    /// None of its threads' names, because they have nothing in common.
    Various,
}

/// One thread of the recording. Touched under the recording's lock.
#[derive(Debug)]
pub(crate) struct ThreadEntry {
    /// State that other threads read.
    pub(crate) thread: Arc<ThreadShared>,
    handle: Handle,
    /// Name of the latest thread that recorded in the tree.
    name: Box<[u8]>,
    naming: TreeNaming,
    /// True if the thread has ended, so that another one may continue its tree.
    has_ended: bool,
    /// In a forked child, for the thread that had forked: the number of calls that were open.
    /// Their nodes follow the root, each below the one before it.
    pub(crate) inherited: Option<u32>,
    /// The chunks of the arena that the thread filled, in order. Empty in a forked child
    /// for threads of the parent.
    pub(crate) chunks: Vec<Range<NodeIndex>>,
}

impl ThreadEntry {
    /// The tree's name, however many threads have recorded in it.
    pub(crate) fn tree_name(&self) -> Box<[u8]> {
        match self.naming {
            TreeNaming::Own => self.name.clone(),
            TreeNaming::WithoutDigits => thread_name::without_digits(&self.name),
            TreeNaming::Various => thread_name::VARIOUS.into(),
        }
    }

    /// The live file's record of the tree; `None` for a thread of the parent.
    pub(super) fn record(&self) -> Option<Record> {
        let root = self.chunks.first()?.start;
        Some(Record::thread(root, &self.tree_name(), self.inherited))
    }

    /// The recording's time now, if this is the calling thread's entry.
    pub(crate) fn now_if_current(&self) -> Option<u64> {
        let is_current = self.thread.is_current();
        // SAFETY: the calling thread has attached the handle.
        is_current.then(|| unsafe { self.handle.get() }.now())
    }

    /// Takes the time since the clock's reading `since` out of this entry's, if it is the
    /// calling thread's.
    pub(crate) fn exclude_since_if_current(&self, since: u64) {
        if self.thread.is_current() {
            // SAFETY: the calling thread has attached the handle.
            unsafe { self.handle.get() }.exclude_since(since);
        }
    }

    /// The handle in a forked child.
    ///
    /// # Safety
    /// * Called in the child of a fork, by its only thread.
    pub(crate) unsafe fn handle_in_child(&self) -> &Thread {
        // SAFETY: there is no other thread that could use it.
        unsafe { self.handle.get() }
    }

    /// Address of the handle.
    pub(crate) fn address(&self) -> NonNull<Thread> {
        self.handle.address()
    }

    /// Empties the tree in a forked child. Afterwards, it has the calls of one thread at most.
    pub(crate) fn start_over(&mut self) {
        self.chunks.clear();
        self.inherited = None;
        self.naming = TreeNaming::Own;
    }

    /// Naming of a tree that shows the calls of this thread and of one called `name`.
    fn naming_with(&self, name: &[u8]) -> TreeNaming {
        if self.naming != TreeNaming::Various && thread_name::are_alike(&self.name, name) {
            TreeNaming::WithoutDigits
        } else {
            TreeNaming::Various
        }
    }

    /// Returns a score that is the higher, the less is lost if a thread called `name` continues
    /// this tree.
    fn reuse_score(&self, name: &[u8]) -> u8 {
        match (self.naming, self.naming_with(name)) {
            (TreeNaming::WithoutDigits, TreeNaming::WithoutDigits) => 4,
            (_, TreeNaming::WithoutDigits) => 3,
            (TreeNaming::Various, _) => 2,
            (TreeNaming::Own, _) => 1,
            _ => 0,
        }
    }
}

/// Tree of a new thread.
enum Tree {
    /// One of its own, in the entry at that slot; a new entry if there is none.
    Own(usize),
    /// That of the thread at that slot, which has ended.
    Shared(usize),
}

impl Shared {
    fn choose_tree(&self, name: &[u8]) -> Tree {
        let entries = self.threads.iter().enumerate();
        let ended = || entries.clone().filter(|(_, entry)| entry.has_ended);
        if let Some((slot, _)) = ended().find(|(_, entry)| entry.chunks.is_empty()) {
            return Tree::Own(slot);
        }
        let count = self.threads.len();
        let best = ended().max_by_key(|(_, entry)| entry.reuse_score(name));
        match best.filter(|_| count >= MOST_TREES) {
            Some((slot, _)) => Tree::Shared(slot),
            None => Tree::Own(count),
        }
    }
}

impl Recording {
    /// A handle for the calling thread, called `name` in reports, until
    /// [`Recording::detach`]. Each call makes a new one.
    ///
    /// # Errors
    /// `OutOfMemory` when there is no room for its root.
    pub(crate) fn attach(&self, name: &[u8]) -> io::Result<NonNull<Thread>> {
        let mut shared = self.lock();
        match shared.choose_tree(name) {
            Tree::Own(slot) => self.make_tree(&mut shared, slot, name),
            Tree::Shared(slot) => Ok(shared.continue_tree(slot, name)),
        }
    }

    fn make_tree(
        &self,
        shared: &mut Shared,
        slot: usize,
        name: &[u8],
    ) -> io::Result<NonNull<Thread>> {
        let out_of_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let threads = &mut shared.threads;
        threads.try_reserve(1).map_err(|_| out_of_memory())?;
        let (arena, backing) = (&mut shared.arena, &mut shared.backing);
        let chunk = arena
            .chunk(0, 1, backing)
            .or_else(|| arena.spare_chunk(backing))
            .ok_or_else(out_of_memory)?;
        // SAFETY: a fresh chunk of this recording's arena; the entry goes to `slot` of the
        // threads, and entries live until their thread has ended.
        let thread = unsafe {
            Thread::new(
                NonNull::from(self),
                slot,
                arena.base(),
                chunk.clone(),
                self.epoch,
                ThreadOptions {
                    clock: self.options.clock,
                    waiting: self.options.waiting,
                    history: self.options.history.is_some(),
                },
            )
        };
        let mut entry = ThreadEntry {
            thread: Arc::clone(thread.shared()),
            handle: Handle::new(thread),
            name: name.into(),
            naming: TreeNaming::Own,
            has_ended: false,
            inherited: None,
            chunks: vec![chunk],
        };
        backing.log(|| entry.record());
        if let Some(vacant) = threads.get_mut(slot) {
            // SAFETY: the handle is new, and the entry is that of a thread that has ended.
            unsafe { entry.handle.take_address_of(&mut vacant.handle) };
            *vacant = entry;
        } else {
            threads.push(entry);
        }
        Ok(threads[slot].address())
    }

    /// Hands `thread` over to the thread whose number in the system is `os_thread`; 0 if unknown.
    ///
    /// # Safety
    /// * `thread` is one of this recording's, and was not detached.
    /// * Called by the thread that owns it, and that no longer uses it.
    pub(crate) unsafe fn hand_over(&self, thread: &Thread, os_thread: u32) {
        debug_assert!(std::ptr::eq(thread.recording(), self));
        let _shared = self.lock();
        // SAFETY: by this function's contract.
        unsafe { thread.hand_over(os_thread) };
    }

    /// Makes `thread` the handle of the calling thread. Calls that are open in it stay open.
    ///
    /// # Safety
    /// * `thread` is one of this recording's, and was not detached.
    /// * The thread that owned it no longer uses it.
    pub(crate) unsafe fn adopt(&self, thread: &Thread) {
        debug_assert!(std::ptr::eq(thread.recording(), self));
        let _shared = self.lock();
        // SAFETY: by this function's contract.
        unsafe { thread.adopt() };
    }

    /// Ends the thread's part in the recording, and its handle. Its tree is kept, so that another
    /// thread can continue it.
    ///
    /// # Safety
    /// * `thread` is one of this recording's.
    /// * Called by the thread that attached it, or after all that thread does with it.
    pub(crate) unsafe fn detach(&self, thread: &Thread) {
        debug_assert!(std::ptr::eq(thread.recording(), self));
        let mut shared = self.lock();
        // SAFETY: by this function's contract.
        unsafe { thread.end() };
        let left = thread.leave_block();
        if let Some((history, left)) = shared.history.as_mut().zip(left) {
            history.retire(left, thread.common_tick());
        }
        if let Some(entry) = shared.threads.get_mut(thread.shared().slot()) {
            entry.has_ended = true;
        }
    }
}

impl Shared {
    /// Lets the calling thread, called `name`, continue a tree that another has left.
    fn continue_tree(&mut self, slot: usize, name: &[u8]) -> NonNull<Thread> {
        let entry = &mut self.threads[slot];
        let naming = entry.naming_with(name);
        let is_renamed = naming != entry.naming;
        entry.name = name.into();
        entry.naming = naming;
        entry.has_ended = false;
        // SAFETY: its thread has ended, and its handle is no longer used.
        unsafe { entry.handle.get().take_over() };
        if is_renamed {
            self.backing.log(|| entry.record());
        }
        entry.address()
    }
}
