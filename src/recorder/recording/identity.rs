//! Identity of a recording, and the names of its files.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::options::{LiveFileLocation, Options, OutputLocation};
use crate::clock;
use crate::format::live::SUFFIX;
use crate::format::timeline::HISTORY_SUFFIX;
use crate::model::RecordingId;

/// Nanoseconds since the Unix epoch.
pub(super) fn unix_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

/// Distinguishes a recording from all others, of this and other processes. Made at the first event.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) id: RecordingId,
    pub(crate) pid: u32,
    /// Parent when recording began; it may end before this process.
    pub(crate) parent_pid: u32,
    pub(crate) start_unix_ns: u64,
    pub(crate) start: Instant,
    /// Processor time of the process when recording began, nanoseconds.
    pub(crate) processor_ns: u64,
}

impl Identity {
    pub(super) fn new() -> Identity {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let pid = std::process::id();
        let start_unix_ns = unix_ns();
        // RandomState is seeded by the system's randomness. A forked child inherits the seed, so
        // pid and time are added.
        let random = RandomState::new();
        let facts = (pid, start_unix_ns, COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut id = [0; 16];
        id[..8].copy_from_slice(&random.hash_one((facts, 0_u8)).to_le_bytes());
        id[8..].copy_from_slice(&random.hash_one((facts, 1_u8)).to_le_bytes());
        Identity {
            id,
            pid,
            parent_pid: std::os::unix::process::parent_id(),
            start_unix_ns,
            start: Instant::now(),
            processor_ns: clock::process_cpu_ns(),
        }
    }

    /// The path of the recording's own file.
    pub(crate) fn output_path(&self, output: &OutputLocation) -> PathBuf {
        let name = self.name(&output.prefix, &output.suffix);
        output.directory.join(name)
    }

    fn name(&self, prefix: &OsStr, suffix: &OsStr) -> OsString {
        let id = u64::from_le_bytes(self.id[..8].try_into().unwrap_or_default());
        let mut name = prefix.to_owned();
        name.push(format!("{}_{id:016x}", self.pid));
        name.push(suffix);
        name
    }

    /// The path of the recording's live file.
    pub(super) fn live_path(&self, options: &Options) -> Option<PathBuf> {
        self.path_beside(options, SUFFIX)
    }

    /// The path of the history file beside the live file.
    pub(super) fn history_path(&self, options: &Options) -> Option<PathBuf> {
        self.path_beside(options, HISTORY_SUFFIX)
    }

    fn path_beside(&self, options: &Options, suffix: &str) -> Option<PathBuf> {
        let output = options.output.as_ref();
        let mut name = match output {
            Some(output) => self.name(&output.prefix, &output.suffix),
            None => self.name("edbprof_".as_ref(), ".prof".as_ref()),
        };
        name.push(suffix);
        match &options.live_file {
            LiveFileLocation::BesideOutput => Some(output?.directory.join(name)),
            LiveFileLocation::In(directory) => Some(directory.join(name)),
            LiveFileLocation::Nowhere => None,
        }
    }
}
