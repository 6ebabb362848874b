//! What happens to recordings when the process forks.
//!
//! The child inherits a copy of every recording. It must not count the parent's
//! calls again, nor write to the parent's file. So before a fork all recordings are
//! locked, and in the child each starts over with nothing but the open calls of the
//! thread that forked; it gets an identity, and with it a file, at its first event.
//!
//! The child may be about to exec, or have forked while another thread was in the
//! allocator: its handler takes no lock, allocates nothing and writes to no file.
//!
//! The locks are the standard library's because a child can use them: all of their
//! state is in the lock. parking_lot keeps its waiting threads in a table of the
//! process, where the child would find threads that it does not have.

use std::io;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::exit;
use super::recording::{Recording, Shared};

struct Registered {
    recording: NonNull<Recording>,
    /// Its lock, held by the thread that forks while it does.
    held: Option<MutexGuard<'static, Shared>>,
}

// SAFETY: a recording is Sync, and it is unregistered before it is dropped. `held`
// is set and taken by one thread, which has the list locked meanwhile.
unsafe impl Send for Registered {}

static RECORDINGS: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

fn recordings() -> MutexGuard<'static, Vec<Registered>> {
    // Nothing that is done under this lock can leave it half done.
    RECORDINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the fork handlers know of a recording, until [`unregister`].
///
/// # Errors
/// `OutOfMemory` when the handlers or the list can't grow.
pub(crate) fn register(recording: NonNull<Recording>) -> io::Result<()> {
    handlers::install()?;
    exit::install();
    let mut recordings = recordings();
    recordings
        .try_reserve(1)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    recordings.push(Registered {
        recording,
        held: None,
    });
    Ok(())
}

/// Calls `body` with every recording, unless a thread that will not go on has the list.
pub(crate) fn each(body: impl Fn(&Recording)) {
    const TRIES: u32 = 10_000;
    for _ in 0..TRIES {
        let list = match RECORDINGS.try_lock() {
            Ok(list) => list,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::thread::yield_now();
                continue;
            }
        };
        for known in list.iter() {
            // SAFETY: recordings on the list are alive, and none can be taken off it.
            body(unsafe { known.recording.as_ref() });
        }
        return;
    }
}

/// Takes a recording off the list; no matter if it is not there.
pub(crate) fn unregister(recording: NonNull<Recording>) {
    recordings().retain(|known| known.recording != recording);
}

mod handlers {
    use std::cell::UnsafeCell;
    use std::io;
    use std::sync::MutexGuard;

    use once_cell::sync::OnceCell;

    use super::{Registered, recordings};

    pub(super) fn install() -> io::Result<()> {
        static INSTALLED: OnceCell<()> = OnceCell::new();
        INSTALLED
            .get_or_try_init(|| {
                // SAFETY: the handlers are functions of this library, which is never
                // unloaded once a recording was made.
                match unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) } {
                    0 => Ok(()),
                    error => Err(io::Error::from_raw_os_error(error)),
                }
            })
            .copied()
    }

    /// The list's lock, while the process forks.
    struct Held(UnsafeCell<Option<MutexGuard<'static, Vec<Registered>>>>);

    // SAFETY: touched only by the thread that has the list locked, between `prepare`
    // and `parent` or `child`.
    unsafe impl Sync for Held {}

    static HELD: Held = Held(UnsafeCell::new(None));

    extern "C" fn prepare() {
        let mut recordings = recordings();
        for known in recordings.iter_mut() {
            // SAFETY: recordings on the list are alive, and none can be taken off it
            // until `parent` or `child` has let go of the list.
            known.held = Some(unsafe { known.recording.as_ref() }.lock());
        }
        // SAFETY: this thread has the list locked.
        unsafe { *HELD.0.get() = Some(recordings) };
    }

    fn held() -> Option<MutexGuard<'static, Vec<Registered>>> {
        // SAFETY: the thread that forked has the list locked since `prepare`; in the
        // child it is the only one.
        unsafe { (*HELD.0.get()).take() }
    }

    extern "C" fn parent() {
        for known in held()
            .iter_mut()
            .flat_map(|recordings| recordings.iter_mut())
        {
            known.held = None;
        }
    }

    extern "C" fn child() {
        for known in held()
            .iter_mut()
            .flat_map(|recordings| recordings.iter_mut())
        {
            // SAFETY: recordings on the list are alive.
            let recording = unsafe { known.recording.as_ref() };
            if let Some(mut shared) = known.held.take() {
                // SAFETY: the child of a fork has one thread, and this is it.
                unsafe { recording.start_over_after_fork(&mut shared) };
            }
        }
    }
}
