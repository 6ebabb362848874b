//! Runs the program until its end.

use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use edbprof::format::memory_room::memory_room;
use edbprof::model::ProcessIdentity;
use edbprof::report::summary::path_text;
use rustix::fs::statvfs;
use rustix::process::WaitStatus;

use super::endings::Endings;
use super::group_probe::{self, GroupProbe};
use super::os::{Blocked, Image, close_all_but, environment, spawn};
use super::program::Program;
use super::recordings::Recordings;
use super::registry::RegisteredRun;
use super::wait;
use crate::cli::args::RunOptions;
use crate::cli::exit::Error;

/// Environment variable that makes Python processes record themselves. It has lines `name=value`,
/// which `edbprof_native/_startup.py` reads. If it is empty, a process does not record.
pub(super) const VARIABLE: &str = "EDBPROF_RUN";

/// Program that has ended.
pub(super) struct Ended {
    pub(super) status: WaitStatus,
    /// Identity of its process, if the system gives it.
    pub(super) process: Option<ProcessIdentity>,
}

/// Runs the program until its end.
///
/// # Errors
///
/// When it can't be started.
pub(super) fn execute(
    program: &Program,
    recordings: &Recordings,
    endings: &mut Endings,
    options: &RunOptions,
    blocked: &Blocked,
) -> Result<Ended, Error> {
    let name = path_text(&program.path);
    let not_started = |error: io::Error| Error::NotStarted(format!("can't start {name}: {error}"));
    let settings = recordings.path().ok().map(|path| settings(options, path));
    let _registered = match (&settings, options.no_children) {
        (Some(settings), false) => RegisteredRun::new(settings),
        _ => None,
    };
    let image = image(program, settings).map_err(not_started)?;
    // Without the probe, signals that processes send to the group may arrive twice.
    let (stream, process) = group_probe::connect(&options.command).ok().unzip();
    let probe = process.as_ref();
    let probe = probe.map(|process| |parent| process.run(parent));
    let probe: Option<&dyn Fn(u32)> = probe.as_ref().map(|probe| probe as _);
    let started = spawn(&image, blocked, probe).map_err(not_started)?;
    drop(process);
    let mut probe = stream.and_then(|stream| GroupProbe::new(&started, stream));
    // A summary may go to an open descriptor: `--summary-json=/dev/fd/63`.
    if options.results.summary_json.is_none() {
        let ours = [
            Some(libc::STDERR_FILENO),
            recordings.descriptor(),
            endings.descriptor(),
            probe.as_ref().map(GroupProbe::descriptor),
        ];
        close_all_but(&ours.into_iter().flatten().collect::<Vec<_>>());
    }
    let process = ProcessIdentity::of(started.program.unsigned_abs());
    let status = wait::until_end(started.program, &mut probe, endings)
        .map_err(|error| Error::SomeFailed(format!("can't wait for {name}: {error}")))?;
    Ok(Ended { status, process })
}

fn image(program: &Program, settings: Option<OsString>) -> io::Result<Image> {
    let arguments = program.arguments.iter();
    let arguments: Result<Vec<_>, _> = arguments
        .map(|word| CString::new(word.as_bytes()))
        .collect();
    Ok(Image {
        path: CString::new(program.path.as_os_str().as_bytes())?,
        arguments: arguments?,
        environment: environment(VARIABLE, settings.as_deref()),
    })
}

/// Returns the value of [`VARIABLE`]. The directory comes last, because it may contain any
/// character.
fn settings(options: &RunOptions, directory: &Path) -> OsString {
    // Patterns have no tabs: see RunOptions.
    let patterns = |name, patterns: &[String]| match patterns {
        [] => String::new(),
        _ => format!("{name}={}\n", patterns.join("\t")),
    };
    let mut lines = format!(
        "run={}\nstart={}\nthreads={}\nbuiltins={}\nwaiting={}\nchildren={}\nclock={}\nhook={}\n{}{}",
        std::process::id(),
        options.start,
        u8::from(!options.no_threads),
        u8::from(!options.no_builtins),
        u8::from(!options.no_waiting),
        u8::from(!options.no_children),
        options.clock,
        options.hook,
        patterns("record", &options.record),
        patterns("no_record", &options.no_record),
    );
    let libraries = [("nvtx", options.nvtx), ("itt", options.itt)];
    let names: Vec<_> = libraries
        .iter()
        .filter(|(_, wanted)| *wanted)
        .map(|(name, _)| *name)
        .collect();
    if !names.is_empty() {
        lines += &format!("annotations={}\n", names.join(" "));
    }
    if let Some(bytes) = options.timeline {
        // Each process sees the room that all have taken, so together they leave this much free.
        let floor = |free: u64| free - free / 4;
        let disk = statvfs(directory).map_or(0, |volume| {
            floor(volume.f_bavail.saturating_mul(volume.f_frsize))
        });
        let memory = memory_room().map_or(0, floor);
        let keep = options.timeline_keep;
        lines += &format!(
            "timeline={bytes}\ntimeline_keep={keep}\ntimeline_floor={disk}\n\
             timeline_memory_floor={memory}\n"
        );
    }
    if options.record_types {
        lines += "record_types=1\n";
    }
    lines += "directory=";
    let mut lines = lines.into_bytes();
    lines.extend_from_slice(directory.as_os_str().as_encoded_bytes());
    OsString::from_vec(lines)
}
