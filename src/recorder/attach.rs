//! The threads of a recording: how they come, go, and leave their trees to others.
//!
//! A thread that ends leaves its tree. The first [`MOST_TREES`] threads of a recording
//! have a tree and a name each; one that comes later goes on with the tree of a thread
//! that has ended, best of one whose name differs from its own in digits only. So a
//! program may start threads as long as it likes: memory and file stay as they are.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use super::node::NodeIndex;
use super::recording::{Recording, Shared};
use super::thread::{Thread, ThreadShared};
use crate::model::thread_name;

/// Trees that a recording has before threads share them.
pub(crate) const MOST_TREES: usize = 256;

/// Whose calls are in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// One thread's.
    Alone,
    /// Those of threads whose names differ in digits only.
    Alike,
    /// Those of threads with any names.
    Various,
}

/// Owns a thread's handle, at the address that the host has.
#[derive(Debug)]
struct Handle(NonNull<Thread>);

// SAFETY: owns a `Thread`, which is Send. The lock that it lies behind is no claim to the
// handle: the thread that owns that uses it without the lock (see `Handle::get`).
unsafe impl Send for Handle {}

impl Handle {
    fn new(thread: Thread) -> Handle {
        Handle(NonNull::from(Box::leak(Box::new(thread))))
    }

    /// # Safety
    /// * The calling thread owns the handle, or no thread uses it meanwhile.
    unsafe fn get(&self) -> &Thread {
        // SAFETY: it lives until `drop`, and all that have it share it.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: leaked from a Box in `new`, taken back once; nobody uses the handle of a
        // recording that is freed, or of a thread that has ended.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// One thread of the recording, with what only the lock's holder may touch.
#[derive(Debug)]
pub(crate) struct ThreadEntry {
    /// What any thread may read.
    pub(crate) thread: Arc<ThreadShared>,
    handle: Handle,
    /// Of the thread itself, the latest one.
    name: Box<[u8]>,
    sharing: Sharing,
    /// The thread is over: another one may go on with the tree.
    has_ended: bool,
    /// The chunks of the arena that the thread filled, in order. None in a forked child
    /// for the threads that it has not.
    pub(crate) chunks: Vec<Range<NodeIndex>>,
}

impl ThreadEntry {
    /// What the tree is called, however many threads have recorded in it.
    pub(crate) fn tree_name(&self) -> Box<[u8]> {
        match self.sharing {
            Sharing::Alone => self.name.clone(),
            Sharing::Alike => thread_name::without_digits(&self.name),
            Sharing::Various => thread_name::VARIOUS.into(),
        }
    }

    /// The recording's time now, if this is the calling thread's entry.
    pub(crate) fn now_if_current(&self) -> Option<u64> {
        // SAFETY: the calling thread owns the handle.
        self.thread
            .is_current()
            .then(|| unsafe { self.handle.get() }.now())
    }

    /// Address of the handle.
    pub(crate) fn address(&self) -> NonNull<Thread> {
        self.handle.0
    }

    /// The handle in a forked child.
    ///
    /// # Safety
    /// * Called in the child of a fork, by its only thread.
    pub(crate) unsafe fn handle_in_child(&self) -> &Thread {
        // SAFETY: there is no other thread that could use it.
        unsafe { self.handle.get() }
    }

    /// In a forked child: the tree has the calls of one thread alone, or of none.
    pub(crate) fn forget_others(&mut self) {
        self.sharing = Sharing::Alone;
    }

    /// How a tree that shows the calls of this and a thread called `name` is shared.
    fn sharing_with(&self, name: &[u8]) -> Sharing {
        if self.sharing != Sharing::Various && thread_name::are_alike(&self.name, name) {
            Sharing::Alike
        } else {
            Sharing::Various
        }
    }

    /// The higher, the less is lost if a thread called `name` takes this tree over.
    fn fitness(&self, name: &[u8]) -> u8 {
        match (self.sharing, self.sharing_with(name)) {
            (Sharing::Alike, Sharing::Alike) => 4,
            (_, Sharing::Alike) => 3,
            (Sharing::Various, _) => 2,
            (Sharing::Alone, _) => 1,
            _ => 0,
        }
    }
}

/// Where a new thread records.
enum Slot {
    /// In a tree of its own, in the place of a thread that has none: number.
    Vacant(usize),
    /// In the tree of a thread that has ended: number.
    Shared(usize),
    /// In a tree of its own.
    New,
}

impl Shared {
    fn slot_for(&self, name: &[u8]) -> Slot {
        let ended = || {
            (0..)
                .zip(&self.threads)
                .filter(|(_, entry)| entry.has_ended)
        };
        if let Some((slot, _)) = ended().find(|(_, entry)| entry.chunks.is_empty()) {
            return Slot::Vacant(slot);
        }
        if self.threads.len() < MOST_TREES {
            return Slot::New;
        }
        ended()
            .max_by_key(|(_, entry)| entry.fitness(name))
            .map_or(Slot::New, |(slot, _)| Slot::Shared(slot))
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
        match shared.slot_for(name) {
            Slot::Shared(slot) => Ok(self.share(&mut shared, slot, name)),
            Slot::Vacant(slot) => {
                let entry = self.new_entry(&mut shared, slot, name)?;
                let handle = entry.address();
                shared.durability.add_thread(&entry);
                shared.threads[slot] = entry;
                Ok(handle)
            }
            Slot::New => {
                let slot = shared.threads.len();
                shared
                    .threads
                    .try_reserve(1)
                    .map_err(|_| io::ErrorKind::OutOfMemory)?;
                let entry = self.new_entry(&mut shared, slot, name)?;
                let handle = entry.address();
                shared.durability.add_thread(&entry);
                shared.threads.push(entry);
                Ok(handle)
            }
        }
    }

    fn new_entry(&self, shared: &mut Shared, slot: usize, name: &[u8]) -> io::Result<ThreadEntry> {
        let Shared {
            arena, durability, ..
        } = shared;
        // SAFETY: `commit`, which calls this, gives fresh pages of the reservation.
        let mut back = |start, len| unsafe { durability.back(start, len) };
        let chunk = arena
            .chunk(0, 1, &mut back)
            .or_else(|| arena.spare_chunk(&mut back))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a fresh chunk of this recording's arena; the entry goes to `slot`
        // of the threads, and entries live until their thread has ended.
        let thread = unsafe {
            Thread::new(
                NonNull::from(self),
                slot,
                arena.base(),
                chunk.clone(),
                self.options.clock,
                self.epoch,
            )
        };
        Ok(ThreadEntry {
            thread: Arc::clone(thread.shared()),
            handle: Handle::new(thread),
            name: name.into(),
            sharing: Sharing::Alone,
            has_ended: false,
            chunks: vec![chunk],
        })
    }

    /// Lets the calling thread go on with a tree that another has left.
    fn share(&self, shared: &mut Shared, slot: usize, name: &[u8]) -> NonNull<Thread> {
        let Shared {
            threads,
            durability,
            ..
        } = shared;
        let entry = &mut threads[slot];
        let sharing = entry.sharing_with(name);
        let renamed = sharing != entry.sharing;
        entry.name = name.into();
        entry.sharing = sharing;
        entry.has_ended = false;
        // SAFETY: its thread has ended, and nobody uses its handle any more.
        unsafe { entry.handle.get().take_over() };
        if renamed {
            durability.add_thread(entry);
        }
        entry.address()
    }

    /// The thread is over, its handle too: its tree is kept, for another one to go on
    /// with.
    ///
    /// # Safety
    /// * `thread` is one of this recording's.
    /// * Called by the thread that attached it, or after all that thread does with it.
    pub(crate) unsafe fn detach(&self, thread: &Thread) {
        debug_assert!(std::ptr::eq(thread.recording(), self));
        let mut shared = self.lock();
        // SAFETY: by this function's contract.
        unsafe { thread.end() };
        if let Some(entry) = shared.threads.get_mut(thread.shared().slot()) {
            entry.has_ended = true;
        }
    }
}
