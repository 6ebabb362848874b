//! Holds signals while the results are being written.
//!
//! A user who has stopped the program, or closed its terminal, still wants its results. So signals
//! that would end this process are held until the results are complete. A second Ctrl-C is meant
//! for edbprof: this process prints the path of the recordings and ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use edbprof::report::summary::path_text;

use super::end::end_by;
use super::os::{Blocked, SignalSet, is_ignored, next_of};
use crate::cli::ui::warn;

/// Signals that end no process, or that a fault of this process raises.
const OTHERS: [i32; 14] = [
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGURG,
    libc::SIGWINCH,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGSYS,
];

/// Writing of the results.
pub(super) struct Writing {
    is_complete: Arc<AtomicBool>,
}

impl Writing {
    /// Holds signals from now on. The recordings are in `directory`, if there are some.
    pub(super) fn begin(blocked: Blocked, directory: Option<&Path>) -> Writing {
        let mut held = SignalSet::all();
        // Signals that this process ignores, such as SIGHUP under nohup, are no request to end.
        let ignored = (1..=libc::SIGSYS).filter(|&number| is_ignored(number));
        OTHERS
            .into_iter()
            .chain(ignored)
            .for_each(|number| held.remove(number));
        let held = blocked.hold(held);
        let is_complete = Arc::<AtomicBool>::default();
        let watched = Watch {
            directory: directory.map(Path::to_owned),
            is_complete: is_complete.clone(),
        };
        // If the thread can't be started, all of them are held.
        let _ = thread::Builder::new().spawn(move || watched.watch(&held));
        Writing { is_complete }
    }

    /// Notes that the results are complete, so that a signal can end this process without a loss.
    pub(super) fn complete(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }
}

struct Watch {
    directory: Option<PathBuf>,
    is_complete: Arc<AtomicBool>,
}

impl Watch {
    fn watch(&self, held: &SignalSet) {
        let mut interrupts = 0;
        while let Ok(signal) = next_of(held) {
            if signal.number != libc::SIGINT || self.is_complete.load(Ordering::Relaxed) {
                continue;
            }
            interrupts += 1;
            if interrupts == 1 {
                warn("still writing the results; Ctrl-C again gives them up");
                continue;
            }
            match &self.directory {
                Some(directory) => {
                    let directory = path_text(directory);
                    warn(format_args!(
                        "gave up writing the results; the recordings are in {directory}; \
                         edbprof --out=DIR {directory} merges them"
                    ));
                }
                None => warn("gave up writing the results"),
            }
            end_by(signal.number);
        }
    }
}
