//! A recording: what one process collects for one purpose, over all its threads.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::arena::Arena;
use super::attach::ThreadEntry;
use super::durability::Durability;
use super::fork;
use super::functions::{Entry, FunctionTable};
use super::live::{self, Origin};
use super::node::NodeIndex;
use super::save::SavePolicy;
use crate::clock::ClockSample;
use crate::clock::{Clock, TickRate};
use crate::format::live::SUFFIX;
use crate::model::{Calibration, RecordingId};

/// Nodes that a recording may have unless its maker says otherwise: 256 MiB.
pub(crate) const DEFAULT_MAX_NODES: u32 = 4 << 20;

/// Where a recording's own `.prof` file goes: `<directory>/<prefix><pid>_<id><suffix>`.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) prefix: OsString,
    pub(crate) suffix: OsString,
}

/// Where a recording's live file goes: called as its own file, `.live` behind it.
#[derive(Clone, Debug)]
pub(crate) enum LivePlace {
    /// Beside the recording's own file; without one there is no live file.
    Beside,
    /// In that directory.
    In(PathBuf),
    /// There is none.
    Nowhere,
}

/// What a recording is made with.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) clock: Clock,
    /// Nanoseconds in a tick of [`Clock::Host`]; other clocks know their own.
    pub(crate) host_rate: TickRate,
    /// `None` for a recording that is only saved to paths that are named then.
    pub(crate) place: Option<Place>,
    pub(crate) live_place: LivePlace,
    pub(crate) max_nodes: u32,
    /// For example `CPython 3.11.7`.
    pub(crate) host: Box<[u8]>,
    /// For example `setprofile`.
    pub(crate) hook: Box<[u8]>,
}

/// Which recording of which process this is, known from the first event on.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) id: RecordingId,
    pub(crate) pid: u32,
    pub(crate) start_unix_ns: u64,
    pub(crate) start: Instant,
}

impl Identity {
    pub(super) fn new() -> Identity {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let pid = std::process::id();
        let start_unix_ns = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        // RandomState is seeded by the system's randomness; pid and time tell a
        // forked child, which inherits the seed, from its parent.
        let random = RandomState::new();
        let facts = (pid, start_unix_ns, COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut id = [0; 16];
        id[..8].copy_from_slice(&random.hash_one((facts, 0_u8)).to_le_bytes());
        id[8..].copy_from_slice(&random.hash_one((facts, 1_u8)).to_le_bytes());
        Identity {
            id,
            pid,
            start_unix_ns,
            start: Instant::now(),
        }
    }

    /// The path of the recording's own file.
    pub(crate) fn path(&self, place: &Place) -> PathBuf {
        let name = self.name(&place.prefix, &place.suffix);
        place.directory.join(name)
    }

    fn name(&self, prefix: &OsStr, suffix: &OsStr) -> OsString {
        let id = u64::from_le_bytes(self.id[..8].try_into().unwrap_or_default());
        let mut name = prefix.to_owned();
        name.push(format!("{}_{id:016x}", self.pid));
        name.push(suffix);
        name
    }

    /// The path of the recording's live file.
    fn live_path(&self, options: &Options) -> Option<PathBuf> {
        let mut name = match &options.place {
            Some(place) => self.name(&place.prefix, &place.suffix),
            None => self.name("edbprof_".as_ref(), ".prof".as_ref()),
        };
        name.push(SUFFIX);
        match &options.live_place {
            LivePlace::Beside => Some(options.place.as_ref()?.directory.join(name)),
            LivePlace::In(directory) => Some(directory.join(name)),
            LivePlace::Nowhere => None,
        }
    }
}

/// What lies behind a recording's lock.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) identity: Option<Identity>,
    pub(crate) functions: FunctionTable,
    pub(crate) threads: Vec<ThreadEntry>,
    pub(crate) arena: Arena,
    pub(crate) saves: SavePolicy,
    pub(crate) durability: Durability,
    /// What recording costs in this process, as the host has measured it.
    pub(crate) calibration: Option<Calibration>,
    /// What the host is told of the latest failure. Here and not behind a lock of
    /// its own, which another thread might hold when the process forks.
    pub(crate) error: String,
    /// The C library's number of it; 0 where the system was not asked.
    pub(crate) errno: i32,
}

impl Shared {
    pub(crate) fn chunks(&self, slot: usize) -> &[Range<NodeIndex>] {
        self.threads
            .get(slot)
            .map_or(&[], |entry| entry.chunks.as_slice())
    }

    /// Another chunk for the thread at `slot`, for nodes of its tree if it says how
    /// many it has so far, else for counters of folded calls.
    pub(crate) fn add_chunk(
        &mut self,
        slot: usize,
        owned: Option<u32>,
    ) -> Option<Range<NodeIndex>> {
        let entry = self.threads.get_mut(slot)?;
        entry.chunks.try_reserve(1).ok()?;
        // SAFETY: `commit`, which calls this, gives fresh pages of the reservation.
        let back = |start, len| unsafe { self.durability.back(start, len) };
        let chunk = match owned {
            Some(owned) => self.arena.chunk(owned, 1, back)?,
            None => self.arena.spare_chunk(back)?,
        };
        entry.chunks.push(chunk.clone());
        Some(chunk)
    }
}

/// See the module's docs. Lives at one address as long as any handle into it.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) options: Options,
    pub(crate) started: ClockSample,
    pub(super) epoch: u64,
    shared: Mutex<Shared>,
}

/// All threads of a process share a recording, which its members allow by themselves.
const _: fn() = || {
    fn is_shared_by_threads<T: Send + Sync>() {}
    is_shared_by_threads::<Recording>();
};

impl Recording {
    /// One tick before a thread's start: CPU time is each thread's own.
    pub(crate) const CPU_EPOCH: u64 = u64::MAX;

    /// An empty recording, known to the fork handlers from now on.
    ///
    /// # Errors
    /// `OutOfMemory` and the like when not even a few nodes' address space is to be
    /// had, or the fork handlers can't be installed.
    pub(crate) fn new(options: Options) -> io::Result<Arc<Recording>> {
        let arena = Arena::new(options.max_nodes)?;
        // One tick before now: then every tick of the recording is at least 1, and
        // a node that is open has a negative total without exception.
        let epoch = match options.clock {
            Clock::Cpu => Recording::CPU_EPOCH,
            clock => clock.now().wrapping_sub(1),
        };
        let recording = Arc::new(Recording {
            options,
            started: ClockSample::now(),
            epoch,
            shared: Mutex::new(Shared {
                identity: None,
                functions: FunctionTable::default(),
                threads: Vec::new(),
                arena,
                saves: SavePolicy::default(),
                durability: Durability::default(),
                calibration: None,
                error: String::new(),
                errno: 0,
            }),
        });
        fork::register(NonNull::from(&*recording))?;
        Ok(recording)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        // Whatever a panic leaves half done is a state that readers cope with.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what the function called `key` is. `false` when the table is full.
    pub(crate) fn define(&self, key: u64, entry: Entry) -> bool {
        let mut shared = self.lock();
        let Shared {
            functions,
            durability,
            ..
        } = &mut *shared;
        let known = functions.entries().len();
        let defined = functions.define(key, entry);
        if let Some(new) = functions.entries().get(known) {
            durability.add_function(new);
        }
        defined
    }

    /// Makes sure that the recording has an identity and a live file: something is in
    /// it now. `shared` is this recording's.
    #[inline]
    pub(crate) fn begin(&self, shared: &mut Shared) {
        if shared.identity.is_none() {
            self.begin_now(shared);
        }
    }

    #[cold]
    fn begin_now(&self, shared: &mut Shared) {
        let identity = Identity::new();
        shared.saves.begin();
        let live_path = identity.live_path(&self.options);
        if let Some(path) = live_path.filter(|_| live::SUPPORTED) {
            let clock = self.options.clock;
            let origin = Origin {
                clock,
                epoch: self.epoch,
                begin: match clock {
                    Clock::Tsc | Clock::Monotonic => clock.now().wrapping_sub(self.epoch),
                    Clock::Cpu | Clock::Host => 0,
                },
                started: self.started,
                rate: self.rate_so_far(),
            };
            let Shared {
                arena,
                functions,
                threads,
                durability,
                calibration,
                ..
            } = shared;
            let known = (&*arena, &*functions, threads.as_slice());
            durability.begin(path, &identity, &origin, &self.options, known);
            durability.set_calibration(*calibration);
        }
        shared.identity = Some(identity);
    }

    /// The path of the recording's own file, once it has a place and an identity.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let place = self.options.place.as_ref()?;
        Some(self.lock().identity.as_ref()?.path(place))
    }

    /// What a tick is.
    pub(crate) fn rate(&self) -> TickRate {
        match self.options.clock {
            Clock::Tsc => self.started.tsc_rate(),
            Clock::Monotonic | Clock::Cpu => TickRate::NANOSECOND,
            Clock::Host => self.options.host_rate,
        }
    }

    /// What a tick is, as well as can be said without waiting for long.
    pub(crate) fn rate_so_far(&self) -> TickRate {
        match self.options.clock {
            Clock::Tsc => self.started.tsc_rate_so_far(),
            _ => self.rate(),
        }
    }

    /// Makes the copy in a forked child a recording of its own: nothing in it but
    /// the forking thread's open calls. Takes no lock, allocates nothing.
    ///
    /// # Safety
    /// * Called in the child of a fork, by its only thread.
    /// * `shared` is this recording's.
    pub(crate) unsafe fn start_over_after_fork(&self, shared: &mut Shared) {
        let open = |entry: &ThreadEntry| {
            let is_open = entry.thread.is_current();
            // SAFETY: by this function's contract.
            is_open.then(|| unsafe { entry.handle_in_child() }.depth() + 1)
        };
        let all_open = shared.threads.iter().filter_map(open).sum();
        // What was folded in the parent has a place in the tree here.
        let mut arena = Arena::new(self.options.max_nodes.max(all_open)).ok();
        shared.identity = None;
        shared.saves = SavePolicy::default();
        shared.durability.detach();
        let Shared {
            threads, functions, ..
        } = shared;
        for entry in threads {
            entry.chunks.clear();
            entry.forget_others();
            let room = open(entry).zip(arena.as_mut());
            let chunk = room.and_then(|(nodes, arena)| {
                Some((arena.base(), arena.chunk(0, nodes, |_, _| false)?))
            });
            // SAFETY: by this function's contract.
            let thread = unsafe { entry.handle_in_child() };
            let Some((base, chunk)) = chunk else {
                thread.retire();
                continue;
            };
            // SAFETY: the forking thread's handle, in the forking thread; the chunk is
            // fresh; the old arena is dropped only below.
            unsafe { thread.move_open_calls(base, chunk.clone(), functions) };
            // Does not allocate: `clear` kept the room of the first chunk.
            entry.chunks.push(chunk);
        }
        if let Some(arena) = arena {
            shared.arena = arena;
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        fork::unregister(NonNull::from(&*self));
        self.end();
        self.lock().durability.end();
    }
}
