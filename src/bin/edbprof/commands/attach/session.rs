//! `edbprof attach`: records a running process and writes the results.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::{Duration, Instant};

use edbprof::report::numbers::duration;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::statvfs;

use super::connect;
use super::door::{Door, PATIENCE};
use super::process::Process;
use crate::cli::args::{AggregateOptions, AttachOptions, InputOptions};
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{Stream, warn};
use crate::commands::aggregate::{RunReport, aggregate};
use crate::commands::live::mapped_live_files;
use crate::commands::run::os::{Arrivals, Blocked, SignalSet, take};
use crate::commands::run::{Recordings, RegisteredRun};
use crate::output::targets::Outputs;

/// Time within which another recording must end.
const ENDING: Duration = Duration::from_secs(3);
/// Time between two checks of it.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs `edbprof attach`.
///
/// # Errors
///
/// When nothing was recorded, or no results were written.
pub(crate) fn attach(options: &AttachOptions) -> Result<Exit, Error> {
    Outputs::new(options.results.out.as_deref())?.check_writable()?;
    let process = Process::new(options.pid, "attach")?;
    let pid = options.pid;
    if is_recorded(pid) {
        return Err(Error::Usage(format!(
            "process {pid} is recorded already: edbprof top --live {pid} shows it, and edbprof \
             dump {pid} its stacks"
        )));
    }
    let mut door = connect(&process, PATIENCE)?;
    let recordings = Recordings::new(None)?;
    let directory = recordings
        .path()
        .map_err(|reason| Error::NotWritten(reason.to_owned()))?;
    let settings = settings(options, directory);
    // Ctrl-C ends the recording, but not the writing of the results.
    let blocked = Blocked::all();
    door.ask(&[b"begin\n", settings.as_encoded_bytes()].concat())?;
    // Pythons that the process starts find this entry through their ancestors.
    let children = RegisteredRun::of(&process.identity, &settings);
    if !options.results.quiet {
        let time = duration(options.seconds);
        warn(format_args!(
            "recording process {pid} for {time}; Ctrl-C ends it"
        ));
    }
    let has_ended = wait(&door, Duration::from_secs_f64(options.seconds));
    drop(children);
    if !has_ended {
        if let Err(error) = door.ask(b"end") {
            warn(error);
        }
    }
    drop(door);
    drop(blocked);
    write_results(options, recordings)
}

/// Returns true if the process is recorded. A recording that was begun by a killed `edbprof attach`
/// has a moment to end.
fn is_recorded(pid: u32) -> bool {
    let end = Instant::now() + ENDING;
    loop {
        if mapped_live_files(pid).is_empty() {
            return false;
        }
        if Instant::now() > end {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until the time is over, Ctrl-C is pressed or the process ends. Returns true if it has
/// ended.
fn wait(door: &Door, time: Duration) -> bool {
    let arrivals = Arrivals::new();
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let Some(limit) = Timespec::try_from(left).ok().filter(|_| !left.is_zero()) else {
            return false;
        };
        let mut polled = vec![PollFd::from_borrowed_fd(door.as_fd(), PollFlags::IN)];
        let signals = arrivals.as_fd();
        polled.extend(signals.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let _ = poll(&mut polled, Some(&limit));
        // The process says nothing unless it is asked.
        if polled
            .first()
            .is_some_and(|door| !door.revents().is_empty())
        {
            return true;
        }
        while let Some(signal) = take(&SignalSet::all()) {
            if ![libc::SIGCHLD, libc::SIGWINCH, libc::SIGCONT].contains(&signal.number) {
                return false;
            }
        }
    }
}

fn write_results(options: &AttachOptions, recordings: Recordings) -> Result<Exit, Error> {
    let directory = recordings
        .collected()
        .map_err(|reason| Error::NotWritten(reason.to_owned()))?;
    let merge = AggregateOptions {
        inputs: InputOptions::of_run(directory, &options.selection),
        results: options.results.clone(),
        keeps_apart: true,
    };
    let written = aggregate(&merge, Stream::Stderr, &mut RunReport::default());
    let is_needed = !matches!(written, Ok(Exit::Success) | Err(Error::NothingToRead(_)));
    if recordings.keep_if(is_needed) && is_needed {
        let [directory] = &merge.inputs.paths[..] else {
            return written;
        };
        let directory = edbprof::report::summary::path_text(directory);
        warn(format_args!("the recordings are in {directory}"));
    }
    match written {
        Err(Error::NothingToRead(_)) => Err(Error::NothingToRead(format!(
            "process {} has executed no Python code meanwhile",
            options.pid
        ))),
        written => written,
    }
}

/// Returns settings for `edbprof_native/_startup.py`, in the form that `edbprof run` uses.
fn settings(options: &AttachOptions, directory: &Path) -> OsString {
    let mut lines = format!(
        "run={}\nthreads=1\nbuiltins={}\nwaiting=1\nchildren=1\nclock=wall\nhook=auto\n",
        std::process::id(),
        u8::from(!options.no_builtins),
    );
    if let Some(bytes) = options.timeline {
        let floor = statvfs(directory).map_or(0, |volume| {
            let free = volume.f_bavail.saturating_mul(volume.f_frsize);
            free - free / 4
        });
        lines += &format!("timeline={bytes}\ntimeline_keep=latest\ntimeline_floor={floor}\n");
    }
    lines += "directory=";
    let mut lines = lines.into_bytes();
    lines.extend_from_slice(OsStr::new(directory).as_encoded_bytes());
    OsString::from_vec(lines)
}
