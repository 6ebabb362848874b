//! The command lines of `edbprof attach` and `edbprof dump`.

use clap::Args;

use super::size::size;
use super::{ResultOptions, SelectionOptions};

const ATTACH_AFTER_HELP: &str = "\
Examples:
  edbprof attach 4711                    the next ten seconds of process 4711
  edbprof attach --seconds=60 --timeline 4711
                                         a minute, with every event
  edbprof run --start=off server.py      a program that can be attached to at any time

Python 3.14 and later let edbprof in (sys.remote_exec), which needs the right to trace the process.
Other programs have to open a door: edbprof run --start=off starts them so, and
edbprof_native.listen() does it at any time.";

/// Record a running process for some seconds, then show where the time went
///
/// All threads are recorded, with the calls that are open when recording begins, and Pythons that
/// the process starts meanwhile. Afterwards the process runs as before. Results are those of
/// `edbprof run`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = ATTACH_AFTER_HELP)]
pub(crate) struct AttachOptions {
    #[command(flatten)]
    pub(crate) results: ResultOptions,

    #[command(flatten)]
    pub(crate) selection: SelectionOptions,

    /// Time to record; Ctrl-C ends it earlier
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) seconds: f64,

    /// Keep every event with its time, in at most SIZE bytes for each process [default: 256M]
    #[arg(long, value_name = "SIZE", num_args = 0..=1, require_equals = true,
          default_missing_value = "256M", value_parser = size)]
    pub(crate) timeline: Option<u64>,

    /// Record no functions written in C
    #[arg(long)]
    pub(crate) no_builtins: bool,

    /// Process to record
    #[arg(value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pid: u32,
}

/// Print the stacks of a running process, and since when each call is open
///
/// The times are known only for processes that are recorded. Others are asked through the door that
/// they have opened, or by sys.remote_exec, as by `edbprof attach`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DumpOptions {
    /// Process to look at
    #[arg(value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pid: u32,
}

/// # Errors
///
/// The text is no number of seconds, or is out of range.
fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .filter(|seconds: &f64| *seconds <= 1e6)
        .ok_or("a number of seconds is wanted, more than 0 and at most 1,000,000")
}
