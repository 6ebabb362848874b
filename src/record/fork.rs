//! What happens to recordings when the process forks.
//!
//! The child inherits a copy of every recording. It must not count the parent's
//! calls again, nor write to the parent's file. So before a fork all recordings are
//! locked, and in the child each starts over with nothing but the open calls of the
//! thread that forked; it gets an identity, and with it a file, at its first event.
//!
//! The child may be about to exec, or have forked while another thread was in the
//! allocator: its handler takes no lock, allocates nothing and writes only to
//! memory that it maps itself.

use std::io;
use std::ptr::NonNull;

use parking_lot::Mutex;

use super::recording::Recording;

#[derive(Clone, Copy)]
struct Registered(NonNull<Recording>);

// SAFETY: a recording is Sync, and it is unregistered before it is dropped.
unsafe impl Send for Registered {}

static RECORDINGS: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// Lets the fork handlers know of a recording, until [`unregister`].
///
/// # Errors
/// `OutOfMemory` when the handlers or the list can't grow.
pub(crate) fn register(recording: NonNull<Recording>) -> io::Result<()> {
    handlers::install()?;
    let mut recordings = RECORDINGS.lock();
    recordings
        .try_reserve(1)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    recordings.push(Registered(recording));
    Ok(())
}

/// Takes a recording off the list; no matter if it is not there.
pub(crate) fn unregister(recording: NonNull<Recording>) {
    RECORDINGS.lock().retain(|known| known.0 != recording);
}

#[cfg(unix)]
mod handlers {
    use std::io;

    use once_cell::sync::OnceCell;
    use parking_lot::lock_api::RawMutex as _;
    use parking_lot::{Mutex, RawMutex};

    use super::RECORDINGS;

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

    /// Gives a mutex, held or not, the state of a new one: other threads that
    /// waited for it are not in this process.
    ///
    /// # Safety
    /// * The calling thread is the only one of the process.
    unsafe fn reset<T>(mutex: &Mutex<T>) {
        // SAFETY: the raw mutex is one atomic, so writing through a shared reference
        // is allowed; nobody else looks (contract).
        unsafe {
            let raw = std::ptr::from_ref(mutex.raw()).cast_mut();
            raw.write(RawMutex::INIT);
        }
    }

    extern "C" fn prepare() {
        // SAFETY: unlocked by the same thread in `parent`, made new in `child`.
        unsafe { RECORDINGS.raw() }.lock();
        // SAFETY: the list is locked by this thread.
        for known in unsafe { &*RECORDINGS.data_ptr() } {
            // SAFETY: recordings on the list are alive; unlocked below.
            unsafe { known.0.as_ref().mutex().raw() }.lock();
        }
    }

    extern "C" fn parent() {
        // SAFETY: locked by this thread in `prepare`.
        for known in unsafe { &*RECORDINGS.data_ptr() } {
            // SAFETY: as above.
            unsafe { known.0.as_ref().mutex().force_unlock() };
        }
        // SAFETY: as above.
        unsafe { RECORDINGS.force_unlock() };
    }

    extern "C" fn child() {
        // SAFETY: locked by this thread in `prepare`.
        for known in unsafe { &*RECORDINGS.data_ptr() } {
            // SAFETY: recordings on the list are alive, and their locks are held.
            let recording = unsafe { known.0.as_ref() };
            // SAFETY: the child has one thread, which locked the recording.
            unsafe {
                recording.start_over_after_fork();
                reset(recording.mutex());
            }
        }
        // SAFETY: the child has one thread.
        unsafe { reset(&RECORDINGS) };
    }
}

#[cfg(not(unix))]
mod handlers {
    pub(super) fn install() -> std::io::Result<()> {
        Ok(())
    }
}
