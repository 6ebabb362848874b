//! Lets one thread at a time save a recording.

use std::thread;
use std::time::Duration;

use super::Recording;

/// Time between two checks if another thread has finished its save.
const PATIENCE: Duration = Duration::from_millis(1);

/// Right to save a recording, until it is dropped.
pub(super) struct OneSaver<'r>(&'r Recording);

impl<'r> OneSaver<'r> {
    /// Waits until no other thread saves. The flag for that is behind the recording's lock. It is
    /// no lock itself, because a forked child could find it held by a thread that the child does
    /// not have.
    pub(super) fn wait(recording: &'r Recording) -> OneSaver<'r> {
        loop {
            let was_saving = std::mem::replace(&mut recording.lock().saves.is_saving, true);
            if !was_saving {
                return OneSaver(recording);
            }
            thread::sleep(PATIENCE);
        }
    }
}

impl Drop for OneSaver<'_> {
    fn drop(&mut self) {
        self.0.lock().saves.is_saving = false;
    }
}
