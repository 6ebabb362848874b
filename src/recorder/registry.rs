//! Lists the recordings of this process, because a fork or the end of the process affects all of
//! them.

use std::io;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::Duration;

use crate::recorder::mutex::{Mutex, MutexGuard};
use crate::recorder::recording::{Recording, Shared};

/// A recording that the fork and exit handlers know. Dropping it ends the recording.
#[derive(Debug)]
pub(crate) struct Registered(Arc<Recording>);

impl Registered {
    /// Puts a recording on the list.
    ///
    /// # Errors
    /// `OutOfMemory` when the list can't grow.
    pub(super) fn new(recording: Arc<Recording>) -> io::Result<Registered> {
        let mut list = list();
        let reserved = list.try_reserve(1);
        reserved.map_err(|_| io::ErrorKind::OutOfMemory)?;
        list.push(Known {
            held: None,
            recording: Arc::clone(&recording),
        });
        Ok(Registered(recording))
    }
}

impl Deref for Registered {
    type Target = Recording;

    fn deref(&self) -> &Recording {
        &self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        list().retain(|known| !Arc::ptr_eq(&known.recording, &self.0));
        self.finish();
    }
}

/// A recording on the list.
pub(super) struct Known {
    /// Its lock, which a thread holds while it forks. Before `recording`, so that it is dropped
    /// first.
    held: Option<MutexGuard<'static, Shared>>,
    recording: Arc<Recording>,
}

// SAFETY: a recording is Send and Sync. `held` is set and taken by one thread, which has the
// list locked meanwhile.
unsafe impl Send for Known {}

impl Known {
    /// Locks the recording until [`Known::unlock`].
    pub(super) fn lock(&mut self) {
        // SAFETY: `self` keeps the recording as long as `held`.
        let recording: &'static Recording = unsafe { &*Arc::as_ptr(&self.recording) };
        self.held = Some(recording.lock());
    }

    /// Unlocks the recording, after `body` with what its lock protects.
    pub(super) fn unlock(&mut self, body: impl FnOnce(&Recording, &mut Shared)) {
        if let Some(mut shared) = self.held.take() {
            body(&self.recording, &mut shared);
        }
    }
}

static LIST: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// The list, which stays as it is until the result is dropped.
pub(super) fn list() -> MutexGuard<'static, Vec<Known>> {
    // No code under this lock can leave the list half changed.
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `body` with every recording. Gives up and returns false, without a call, if another thread
/// keeps the list locked, because that thread may never continue.
#[must_use]
pub(super) fn each(body: impl Fn(&Recording)) -> bool {
    // A thread that is preempted on a busy machine continues within milliseconds.
    const YIELDS: u32 = 1_000;
    const PAUSES: u32 = 300;
    for tried in 0..YIELDS + PAUSES {
        let list = match LIST.try_lock() {
            Ok(list) => list,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                match tried < YIELDS {
                    true => std::thread::yield_now(),
                    false => std::thread::sleep(Duration::from_millis(1)),
                }
                continue;
            }
        };
        list.iter().for_each(|known| body(&known.recording));
        return true;
    }
    false
}
