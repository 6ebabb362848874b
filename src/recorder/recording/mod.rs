//! A recording: what one process collects for one purpose, over all its threads.

mod attach;
mod autosave;
mod calibration;
mod counts;
mod functions;
mod grow;
mod handle;
mod identity;
mod one_saver;
mod options;
mod save;
mod snapshot;
mod timeline;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};

use crate::clock::{Clock, ClockSample, TickRate};
use crate::model::Calibration;
use crate::recorder::arena::Arena;
use crate::recorder::history::History;
use crate::recorder::live::{
    AwaitTable, LiveBacking, LiveFile, LongRuns, Record, Suspended, WaitTable,
};
use crate::recorder::mutex::{Mutex, MutexGuard};
use crate::recorder::node::{Node, NodeIndex};
use crate::recorder::thread::{self, CPU_EPOCH, made_nodes};
#[cfg(test)]
pub(crate) use attach::MOST_TREES;
pub(crate) use attach::ThreadEntry;
pub(crate) use autosave::{AutosaveOutcome, SavePolicy};
pub(crate) use functions::{FunctionEntry, FunctionTable};
#[cfg(test)]
pub(crate) use grow::{DEFECT_AT, SLOW_AT};
use identity::Identity;
pub(crate) use options::{DEFAULT_MAX_NODES, LiveFileLocation, Options, OutputLocation};
pub(crate) use save::{SaveOptions, errno};
#[cfg(test)]
pub(crate) use snapshot::{snapshot, tests::snapshot_beside};

/// A handle of a recording's.
pub(crate) type Thread = thread::Thread<Recording>;

/// State behind a recording's lock.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) identity: Option<Identity>,
    pub(crate) functions: FunctionTable,
    pub(crate) threads: Vec<ThreadEntry>,
    pub(crate) arena: Arena,
    pub(crate) saves: SavePolicy,
    pub(crate) backing: LiveBacking,
    pub(crate) waits: WaitTable,
    pub(crate) history: Option<History>,
    pub(crate) awaits: AwaitTable,
    pub(crate) suspended: Suspended,
    pub(crate) runs: LongRuns,
    /// Cost of recording in this process, as the host has measured it.
    pub(crate) calibration: Option<Calibration>,
    /// Number of times that threads of C code entered the interpreter unnoticed, as the host
    /// reports.
    pub(crate) unnoticed_entries: u32,
    /// Number of native spans in threads that nothing recorded, as the host reports.
    pub(crate) lost_spans: u32,
    /// Number of waits that were divided by the numbers of switches.
    pub(crate) estimated_waits: u32,
    /// Text of the latest failure, for the host. Here and not behind a lock of its own,
    /// which another thread might hold when the process forks.
    pub(crate) error: String,
    /// The C library's `errno` of that failure; 0 if the failure was not the system's.
    pub(crate) errno: i32,
}

impl Shared {
    /// Takes the time since the clock's reading `since`, which the recorder used, out of the
    /// calling thread's calls.
    pub(crate) fn exclude_since(&self, since: u64) {
        for entry in &self.threads {
            entry.exclude_since_if_current(since);
        }
    }

    /// The nodes of the thread at `slot`, in the order in which they were made.
    pub(crate) fn nodes(&self, slot: usize) -> impl Iterator<Item = (NodeIndex, &Node)> {
        let entry = self.threads.get(slot);
        let (chunks, next) = entry.map_or((&[][..], 0), |entry| {
            (entry.chunks.as_slice(), entry.thread.next())
        });
        // SAFETY: the thread's own chunks in the recording's arena, under the lock that chunks
        // are added under.
        unsafe { made_nodes(self.arena.base(), chunks, next) }
    }

    /// Nodes of a thread without the calls that a forked child continues. No call that the child
    /// makes may find their nodes, which have the time of the parent's calls alone.
    fn nodes_of_own_calls(&self, slot: usize) -> impl Iterator<Item = (NodeIndex, &Node)> {
        let entry = self.threads.get(slot);
        let inherited = entry.and_then(|entry| entry.inherited).unwrap_or(0);
        let has_index = move |index| (1..=inherited).contains(&index);
        let root = entry
            .and_then(|entry| entry.chunks.first())
            .map_or(0, |chunk| chunk.start);
        self.nodes(slot)
            .filter(move |(index, _)| !has_index(index.wrapping_sub(root)))
    }
}

/// See the module's docs. Stays at one address, which its threads' handles have.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) options: Options,
    started: ClockSample,
    epoch: u64,
    /// Tick of the wall clock until which no save can be due. Only [`Recording::save_may_be_due`]
    /// reads it.
    no_save_until: AtomicU64,
    shared: Mutex<Shared>,
}

/// Checks that threads may share a recording without an unsafe impl.
const _: fn() = || {
    fn is_shared_by_threads<T: Send + Sync>() {}
    is_shared_by_threads::<Recording>();
};

impl Recording {
    /// An empty recording.
    ///
    /// # Errors
    /// `OutOfMemory` and the like if there is no address space even for a few nodes.
    pub(crate) fn new(options: Options) -> io::Result<Arc<Recording>> {
        let arena = Arena::new(options.max_nodes)?;
        // The epoch is one tick before now, so that every tick of the recording is at least 1. So
        // the total of an open node is always negative.
        let epoch = match options.clock {
            Clock::Cpu => CPU_EPOCH,
            clock => clock.now().wrapping_sub(1),
        };
        let history = options.history.map(History::new);
        Ok(Arc::new(Recording {
            options,
            started: ClockSample::now(),
            epoch,
            no_save_until: AtomicU64::new(0),
            shared: Mutex::new(Shared {
                identity: None,
                functions: FunctionTable::default(),
                threads: Vec::new(),
                arena,
                saves: SavePolicy::default(),
                backing: LiveBacking::default(),
                waits: WaitTable::default(),
                history,
                awaits: AwaitTable::default(),
                suspended: Suspended::default(),
                runs: LongRuns::default(),
                calibration: None,
                unnoticed_entries: 0,
                lost_spans: 0,
                estimated_waits: 0,
                error: String::new(),
                errno: 0,
            }),
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        // Readers cope with any state that a panic leaves half changed.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the function `key` to the table. Returns false if there is no room for it.
    pub(crate) fn define(&self, key: u64, entry: FunctionEntry) -> bool {
        let since = self.options.clock.now();
        let mut shared = self.lock();
        let Shared {
            functions, backing, ..
        } = &mut *shared;
        let known = functions.entries().len();
        let is_defined = functions.define(key, entry);
        if let Some(new) = functions.entries().get(known) {
            if backing.log(|| Record::function(&new.function, new.hidden)) {
                shared.exclude_since(since);
            }
        }
        is_defined
    }

    /// Index of the function `key`.
    pub(crate) fn function(&self, key: u64) -> Option<u32> {
        self.lock().functions.find(key)
    }

    /// Keeps the number of times that threads of C code entered the interpreter unnoticed.
    pub(crate) fn set_unnoticed_entries(&self, entries: u32) {
        let mut shared = self.lock();
        shared.unnoticed_entries = entries;
        let set = |file: &mut LiveFile| file.set_unnoticed_entries(entries);
        shared.backing.with_file(set);
    }

    /// Keeps the number of native spans that nothing recorded.
    pub(crate) fn set_lost_spans(&self, spans: u32) {
        self.lock().lost_spans = spans;
    }

    /// The path of the recording's own file, once it has a location and an identity.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let output = self.options.output.as_ref()?;
        Some(self.lock().identity.as_ref()?.output_path(output))
    }

    /// Nanoseconds in a tick.
    pub(crate) fn rate(&self) -> TickRate {
        match self.options.clock {
            Clock::Tsc => self.started.or_first_of_process().tsc_rate(),
            Clock::Monotonic | Clock::Cpu => TickRate::NANOSECOND,
            Clock::Host => self.options.host_rate,
        }
    }

    /// The time now, for [`Recording::keep_history`].
    pub(crate) fn history_now(&self) -> u64 {
        self.options.clock.now().wrapping_sub(self.epoch)
    }

    /// Keeps the history since tick `since`, until parts have been kept `most` more times. Returns
    /// false, and keeps nothing, if that tick was less than `least_ns` nanoseconds ago.
    pub(crate) fn keep_history(&self, since: u64, least_ns: u64, most: usize) -> bool {
        let now = self.history_now();
        let ticks = now.saturating_sub(since);
        // Compares ticks first, because measuring their rate takes longer. Ticks of some counters
        // take longer than a nanosecond, but not those of x86-64.
        let is_counter = matches!(self.options.clock, Clock::Tsc);
        let is_fine = !is_counter || cfg!(target_arch = "x86_64");
        if is_fine && ticks < least_ns || self.rate_so_far().ns(ticks) < least_ns {
            return false;
        }
        let mut shared = self.lock();
        if let Some(history) = &mut shared.history {
            history.keep(since, now, most);
        }
        shared.history.is_some()
    }

    /// Nanoseconds in a tick, as exact as is possible without a long wait.
    fn rate_so_far(&self) -> TickRate {
        match self.options.clock {
            Clock::Tsc => self.started.tsc_rate_so_far(),
            _ => self.rate(),
        }
    }
}

impl Thread {
    /// The recording that this is a thread of.
    pub(crate) fn recording(&self) -> &Recording {
        self.home()
    }
}
