//! Options of a recording.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::clock::{Clock, TickRate};
use crate::recorder::history::HistoryOptions;

/// Number of nodes that a recording may have by default: 256 MiB.
pub(crate) const DEFAULT_MAX_NODES: u32 = 4 << 20;

/// Location of a recording's own `.prof` file: `<directory>/<prefix><pid>_<id><suffix>`.
#[derive(Clone, Debug)]
pub(crate) struct OutputLocation {
    pub(crate) directory: PathBuf,
    pub(crate) prefix: OsString,
    pub(crate) suffix: OsString,
}

/// Location of a recording's live file, named like its own file with `.live` behind it.
#[derive(Clone, Debug)]
pub(crate) enum LiveFileLocation {
    /// Beside the recording's own file; without one there is no live file.
    BesideOutput,
    /// In that directory.
    In(PathBuf),
    /// There is none.
    Nowhere,
}

/// Options of a recording.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) clock: Clock,
    /// Nanoseconds in a tick of [`Clock::Host`]; other clocks know their own.
    pub(crate) host_rate: TickRate,
    /// `None` for a recording that is only saved to paths which the host names.
    pub(crate) output: Option<OutputLocation>,
    pub(crate) live_file: LiveFileLocation,
    pub(crate) max_nodes: u32,
    /// True if time on no processor is counted separately, for which the clock must be one of wall
    /// time.
    pub(crate) waiting: bool,
    /// Options of the history, which has every event with its time; `None` for no history.
    pub(crate) history: Option<HistoryOptions>,
    /// For example `CPython 3.11.7`.
    pub(crate) host: Box<[u8]>,
    /// For example `setprofile`.
    pub(crate) hook: Box<[u8]>,
    /// Choice of the functions that the host reports; empty for all.
    pub(crate) chosen: Box<[u8]>,
}

impl Options {
    /// Returns true if a reader that looks for the recording's own file also finds its live file.
    pub(super) fn has_files_in_one_directory(&self) -> bool {
        match &self.live_file {
            LiveFileLocation::BesideOutput => true,
            LiveFileLocation::In(directory) => {
                let output = self.output.as_ref();
                output.is_some_and(|output| output.directory == *directory)
            }
            LiveFileLocation::Nowhere => false,
        }
    }
}
