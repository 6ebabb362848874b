//! Live files of a process that ends regularly.
//!
//! A recording that its host has saved for the last time may have recorded more since: in
//! finalizers, in other threads. So its live file stays until the C library runs its exit handlers,
//! which is the last thing that a process does of its own accord. Then what came since is saved,
//! and the file is removed. It also stays if the host has not saved for the last time, as when a
//! library calls `exit`.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::recorder::registry;

/// Makes sure that recordings are ended when this process ends.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: a function of this library, which is never unloaded once a recording was
        // made. If there is no room for it, live files stay behind.
        unsafe { libc::atexit(at_exit) };
    });
}

/// The process whose host has announced that it ends.
static ANNOUNCED: AtomicU32 = AtomicU32::new(0);

/// Notes that the host ends this process. With `last`, no exit handler will run, so live files of
/// recordings without a location are removed now. Returns false if they can't be, because another
/// thread ends or forks the process and never finishes.
pub(crate) fn announce(last: bool) -> bool {
    ANNOUNCED.store(std::process::id(), Ordering::Relaxed);
    !last
        || registry::each(|recording| {
            if recording.options.output.is_none() {
                recording.end(true);
            }
        })
}

/// The process that may end recordings.
static ENDING: AtomicU32 = AtomicU32::new(0);

extern "C" fn at_exit() {
    let pid = std::process::id();
    // A second thread that exits leaves the work to the first one.
    if ENDING.swap(pid, Ordering::Relaxed) == pid {
        return;
    }
    let is_announced = ANNOUNCED.load(Ordering::Relaxed) == pid;
    let end_all = || registry::each(|recording| recording.end(is_announced));
    // Nobody is left to report to: neither a panic, nor live files that stay because another
    // thread has the list.
    drop(std::panic::catch_unwind(end_all));
}
