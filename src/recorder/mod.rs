//! Records calls in the profiled process, while the program runs.
//!
//! ```text
//! capi ── enter/leave ──▶ thread ── cursor in ──▶ node (in an arena)
//!                           │ first time in a context
//!                           ▼
//!                       recording ── function table, threads, arena, live file
//!                           │ save
//!                           ▼
//!                       snapshot ──▶ model::Trees ──▶ `.prof` file
//! ```
//!
//! From the first event on, nodes, functions and threads are in a [`live`] file that is mapped
//! into memory. It survives any end of the process.
//!
//! A [`Recording`] belongs to one process and is shared by its threads. One lock protects all
//! of it that is not hot. A [`Thread`] is one OS thread's place in it and takes events
//! without lock or allocation. [`fork`] turns the copy that a forked child inherits into an
//! empty one; [`exit`] saves what came late.
//!
//! Each file uses only files above it in this list, as `tests/it/layers.rs` checks:
//!
//! | file | holds |
//! |---|---|
//! | `atomic`, `mutex` | the atomics and the lock that all the following use |
//! | `stopwatch` | ticks that add up, in one word |
//! | `node` | one node of a call tree |
//! | `children` | the table that finds a node's child by key |
//! | `descriptors`, `sigxfsz` | files in programs that have reached a limit of theirs |
//! | `limits` | limits of the process's memory |
//! | `rseq` | if the kernel may have taken a thread off its processor |
//! | `region` | address space that is committed from the front |
//! | `arena` | the nodes of a recording |
//! | `live` | the live file |
//! | `history` | blocks of the call history |
//! | `thread` | one thread's cursor; needs a `Home` for all that takes a lock |
//! | `recording` | the recording, which is that home: functions, threads, saving |
//! | `registry` | the recordings of this process |
//! | `fork`, `exit` | what happens to all of them |

mod arena;
mod atomic;
mod children;
mod descriptors;
mod exit;
mod fork;
mod history;
mod limits;
mod live;
mod mutex;
mod node;
mod recording;
mod region;
mod registry;
mod rseq;
mod sigxfsz;
mod stopwatch;
mod thread;

#[cfg(test)]
mod tests;

use std::io;

pub(crate) use arena::{LARGEST_BUDGET, LEAST_BUDGET};
pub(crate) use exit::announce as announce_exit;
pub(crate) use history::{HistoryOptions, Keep};
pub(crate) use node::Visit;
pub(crate) use recording::{
    AutosaveOutcome, DEFAULT_MAX_NODES, FunctionEntry, LiveFileLocation, Options, OutputLocation,
    Recording, SaveOptions, Thread, errno,
};
pub(crate) use registry::Registered;
pub(crate) use thread::{Fiber, Outcome, Step};

/// Keeps the histories of all recordings of this process as they are now, until histories have been
/// kept `most` more times.
pub(crate) fn keep_histories(most: usize) {
    // If another thread has the list for good, the error can't be reported.
    let _ = registry::each(|recording| {
        recording.keep_history(0, 0, most);
    });
}

/// Makes a recording, which the fork and exit handlers know from now on.
///
/// # Errors
/// `OutOfMemory` and the like if there is no address space even for a few nodes, or the handlers
/// can't be installed.
pub(crate) fn start(options: Options) -> io::Result<Registered> {
    fork::install()?;
    exit::install();
    Registered::new(Recording::new(options)?)
}
