//! Recordings in a process that forks.
//!
//! The child inherits a copy of every recording. It must not count the parent's calls
//! again, nor write to the parent's file. So before a fork all recordings are locked, and
//! in the child each starts over with nothing but the open calls of the thread that forked.
//! It gets an identity, and with it a file, at its first event.
//!
//! The child may be about to exec, and at the fork another thread may have been in the allocator.
//! So the child's handler takes no lock, allocates nothing and writes to no file.
//!
//! The locks are the standard library's because a child can use them: all of their state is in the
//! lock. parking_lot keeps waiting threads in a table of the process. A child would find threads in
//! it that it does not have.

use std::cell::UnsafeCell;
use std::io;

use once_cell::sync::OnceCell;

use crate::recorder::arena::Arena;
use crate::recorder::mutex::MutexGuard;
use crate::recorder::recording::{Recording, Shared, ThreadEntry};
use crate::recorder::region::Unbacked;
use crate::recorder::registry::{self, Known};

/// Installs the handlers, once.
///
/// # Errors
/// `OutOfMemory` when there is no room for them.
pub(super) fn install() -> io::Result<()> {
    static INSTALLED: OnceCell<()> = OnceCell::new();
    let install = || {
        // SAFETY: the handlers are functions of this library, which is never unloaded once
        // a recording was made.
        match unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    };
    INSTALLED.get_or_try_init(install).copied()
}

/// The list's lock, while the process forks.
struct Held(UnsafeCell<Option<MutexGuard<'static, Vec<Known>>>>);

// SAFETY: touched only by the thread that has the list locked, between `prepare` and
// `parent` or `child`.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

extern "C" fn prepare() {
    let mut list = registry::list();
    list.iter_mut().for_each(Known::lock);
    // SAFETY: this thread has the list locked.
    unsafe { *HELD.0.get() = Some(list) };
}

extern "C" fn parent() {
    unlock_all(|_, _| {});
}

extern "C" fn child() {
    // SAFETY: the child of a fork has one thread, and this is it.
    unlock_all(|recording, shared| unsafe { start_over(recording, shared) });
}

fn unlock_all(body: impl Fn(&Recording, &mut Shared)) {
    // SAFETY: the thread that forked has the list locked since `prepare`; in the child it
    // is the only one.
    let list = unsafe { (*HELD.0.get()).take() };
    if let Some(mut list) = list {
        list.iter_mut().for_each(|known| known.unlock(&body));
    }
}

/// Makes the copy in a forked child a recording of its own: nothing in it but the forking
/// thread's open calls. Takes no lock, allocates nothing.
///
/// # Safety
/// * Called in the child of a fork, by its only thread.
/// * `shared` is the recording's.
pub(super) unsafe fn start_over(recording: &Recording, shared: &mut Shared) {
    let open = |entry: &ThreadEntry| {
        let is_open = entry.thread.is_current();
        // SAFETY: by this function's contract.
        is_open.then(|| unsafe { entry.handle_in_child() }.depth() + 1)
    };
    let all_open = shared.threads.iter().filter_map(open).sum();
    // The parent's open calls take no room from the child's own calls. Calls that overflowed in the
    // parent have nodes here.
    let max_nodes = recording.options.max_nodes.saturating_add(all_open);
    let mut arena = Arena::new(max_nodes).ok();
    shared.identity = None;
    shared.saves = shared.saves.of_child();
    shared.unnoticed_entries = 0;
    shared.lost_spans = 0;
    shared.estimated_waits = 0;
    shared.backing.detach();
    shared.waits.abandon();
    if let Some(history) = &mut shared.history {
        history.abandon();
    }
    shared.awaits.abandon();
    shared.suspended.abandon();
    shared.runs.abandon();
    for entry in &mut shared.threads {
        entry.start_over();
        let room = open(entry).zip(arena.as_mut());
        let chunk = room
            .and_then(|(nodes, arena)| Some((arena.base(), arena.chunk(0, nodes, &mut Unbacked)?)));
        // SAFETY: by this function's contract.
        let thread = unsafe { entry.handle_in_child() };
        let Some((base, chunk)) = chunk else {
            thread.retire();
            continue;
        };
        let find = |key| shared.functions.find(key);
        // SAFETY: the forking thread's handle, in the forking thread; the chunk is fresh;
        // the old arena is dropped only below.
        unsafe { thread.move_open_calls(base, chunk.clone(), find) };
        entry.inherited = Some(thread.nodes().saturating_sub(1));
        // Does not allocate: the room of the first chunk is still there.
        entry.chunks.push(chunk);
    }
    if let Some(arena) = arena {
        shared.arena = arena;
    }
}
