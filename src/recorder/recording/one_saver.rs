//! One save at a time, whichever threads ask for one.

use std::thread;
use std::time::Duration;

use super::Recording;

/// Time between two looks at a save that another thread has begun.
const PATIENCE: Duration = Duration::from_millis(1);

/// Right to save a recording, until it is dropped.
pub(super) struct OneSaver<'r>(&'r Recording);

impl<'r> OneSaver<'r> {
    /// Waits until no other thread saves. A flag behind the recording's lock and no lock of its
    /// own, which a forked child would find held by a thread that it does not have.
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
