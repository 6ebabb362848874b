//! `edbprof run`: profiles a whole program without a change to it.
//!
//! The program starts as it does without edbprof: in the same process group, with the same
//! descriptors and signal dispositions. One variable in its environment says what to record, and
//! into which directory. Every Python process that inherits the variable, the program or any child,
//! finds it at the start and records itself. The `.pth` file that the Python package installs looks
//! for it. A child without the variable finds the run through its ancestors. When the program has
//! ended, the recordings are merged. Then this process ends in the way in which the program ended.
//!
//! | step | modules |
//! |---|---|
//! | choose what to start | [`program`] |
//! | have it record | [`recordings`], the directory; [`shared_place`] in it; [`registry`], for other environments |
//! | run it | [`execute`], [`wait`], [`endings`] |
//! | send it signals | [`group_probe`] |
//! | write the results | [`results`]: [`survivors`], [`unrecorded`], [`started`], [`reasons`], [`writing`] |
//! | say why it failed | [`exception`] |
//! | end as it ended | [`end`] |
//! | run it again | [`repeat`] |
//!
//! [`os`] wraps system calls for which no crate has a safe function.

mod end;
mod endings;
mod exception;
mod execute;
mod group_probe;
#[allow(unsafe_code)]
pub(super) mod os;
mod process_state;
mod program;
mod reasons;
mod recordings;
mod registry;
mod repeat;
mod results;
mod shared_place;
mod started;
mod survivors;
mod unrecorded;
mod wait;
mod writing;

use std::process::ExitCode;

pub(super) use self::end::end_by;
use self::end::end_like;
use self::endings::Endings;
use self::execute::execute;
use self::os::{Blocked, ignore_file_size_limit};
pub(super) use self::recordings::Recordings;
pub(super) use self::registry::RegisteredRun;
pub(super) use self::repeat::end_like as end_like_child;
use self::results::write_results;
use self::writing::Writing;
use crate::cli::args::RunOptions;
use crate::cli::exit::Error;
use crate::output::targets::Outputs;

/// Runs the program and shows where its time went. Returns the program's exit code; if a signal
/// ended the program, the same signal ends this process.
///
/// # Errors
///
/// When the program can't be started.
pub(crate) fn run(options: &RunOptions) -> Result<ExitCode, Error> {
    if options.in_view {
        repeat::end_with_parent();
    }
    match options.repetition {
        Some(number) => {
            repeat::end_with_parent();
            run_once(&repeat::numbered(options, number)?)
        }
        None if options.repeat > 1 => repeat::repeat(options),
        None => run_once(options),
    }
}

fn run_once(options: &RunOptions) -> Result<ExitCode, Error> {
    let blocked = Blocked::all();
    program::check(options)?;
    // Checked now, because the program may run for hours before the results are written.
    Outputs::new(options.results.out.as_deref())?.check_writable()?;
    let program = program::program(options)?;
    let recordings = Recordings::new(options.keep.as_deref())?;
    let mut endings = recordings.path().map(Endings::watch).unwrap_or_default();
    let ended = execute(&program, &recordings, &mut endings, options, &blocked)?;
    ignore_file_size_limit();
    let writing = Writing::begin(blocked, recordings.directory());
    let all_written = write_results(recordings, endings, &writing, options, &program, &ended);
    Ok(end_like(ended.status, all_written))
}
