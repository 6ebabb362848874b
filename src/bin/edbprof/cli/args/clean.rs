//! The command line of `edbprof clean`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::since::age;
use crate::cli::names::{PREFIX, SUFFIX};

const AFTER_HELP: &str = "\
Examples:
  edbprof clean                      lists what killed processes left in /tmp, and asks
  edbprof clean -n                   lists it
  edbprof clean -y --older-than 2d   removes files that were not changed for two days
  edbprof clean --finished           all recordings there, to start afresh

Exit status:
  0  everything was removed or listed, or there was nothing, or the answer was no
  1  something could not be removed; it is named on stderr
  2  wrong usage, or no terminal to ask on; nothing was removed
  4  stdout could not be written to";

/// Remove files that processes left behind
///
/// These are live files of killed processes, which contain their recordings; files that were being
/// written during a kill; and directories of `edbprof run`. The command lists them and asks first.
/// Files of processes that run, or may still run, are kept. So are files of other users, links, and
/// files that edbprof did not make.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct CleanOptions {
    /// Directories to clean, without their subdirectories
    ///
    /// The default is the one where `edbprof` looks for recordings.
    #[arg(value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,

    /// Beginning of the names of recordings
    #[arg(long, default_value = PREFIX)]
    pub(crate) prefix: OsString,

    /// End of the names of recordings
    #[arg(long, default_value = SUFFIX)]
    pub(crate) suffix: OsString,

    /// Only files that were not changed for this time: 90s, 15m, 1h, 2d, 3w
    #[arg(long, value_name = "AGE", value_parser = age, default_value = "0s")]
    #[arg(hide_default_value = true)]
    pub(crate) older_than: Duration,

    /// Recordings of processes that have ended regularly, too
    ///
    /// The .prof files that `edbprof` reads, and their .singledispatch sidecars. Merged profiles
    /// and those of other profilers are kept.
    #[arg(long)]
    pub(crate) finished: bool,

    /// List only, and remove nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,

    /// Remove without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}
