//! What happens to live files when the process ends regularly.
//!
//! A recording that its host has saved for the last time may have recorded more since:
//! finalizers, other threads. So its live file stays until the C library runs its exit
//! handlers, the last thing that a process does of its own accord. Then what came since
//! is saved, and the file goes. It also stays where nobody saved for the last time: a
//! library that calls `exit`. A recording without a place is its host's to save, so its
//! file goes if the host has said that it ends.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use super::fork;
use super::recording::Recording;

/// Makes sure that recordings are ended when this process ends.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: a function of this library, which is never unloaded once a recording was
        // made. If there is no room for it, live files stay behind.
        unsafe { libc::atexit(at_exit) };
    });
}

/// The process whose host has said that it ends.
static ANNOUNCED: AtomicU32 = AtomicU32::new(0);

/// The host ends this process. If that is the `last` that is heard of it, live files of
/// recordings without a place go now.
pub(crate) fn announce(last: bool) {
    ANNOUNCED.store(std::process::id(), Ordering::Relaxed);
    if last {
        fork::each(|recording| {
            if recording.options.place.is_none() {
                recording.lock().durability.end();
            }
        });
    }
}

/// Whether the host has said that this process ends.
pub(crate) fn is_announced() -> bool {
    ANNOUNCED.load(Ordering::Relaxed) == std::process::id()
}

/// The process that may end recordings.
static ENDING: AtomicU32 = AtomicU32::new(0);

extern "C" fn at_exit() {
    // A second thread that exits finds the first one at it.
    if ENDING.swap(std::process::id(), Ordering::Relaxed) != std::process::id() {
        let ended = std::panic::catch_unwind(|| fork::each(Recording::end));
        // There is nobody to tell.
        drop(ended);
    }
}
