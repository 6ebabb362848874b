//! Live files of processes that continue after the program, or that have ended without saving.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edbprof::format::live::{self, Facts};
use edbprof::model::ProcessIdentity;

use super::endings::Endings;
use crate::input::is_live;

/// Time within which they may end. A forkserver or a resource tracker ends when it notices that its
/// parent has ended.
const LIMIT: Duration = Duration::from_millis(500);
/// Bytes of a live file that name its process.
const HEADER: u64 = 4096;

/// Waits for the end of all processes that record into `directory`, for half a second at most.
/// Returns the ids of those that continue.
pub(super) fn wait_for_survivors(directory: &Path, endings: &mut Endings) -> Vec<u32> {
    let limit = Instant::now() + LIMIT;
    loop {
        endings.look();
        let running = recording_processes(directory);
        let left = limit.saturating_duration_since(Instant::now());
        if running.is_empty() || left.is_zero() {
            return running;
        }
        wait_for_end(&running, endings, left);
    }
}

/// Notes that the program has ended by itself. With `os._exit()`, the recorder could not note it.
pub(super) fn note_exit_of(program: &ProcessIdentity, directory: &Path) {
    for (path, facts) in live_files(directory) {
        // The random number of the program is known only in its process.
        let process = ProcessIdentity {
            program: program.program,
            ..facts.process
        };
        // If the process has saved, it has noted more than this.
        if process == *program && !facts.is_saved {
            if let Ok(file) = File::options().write(true).open(path) {
                let _ = live::note_exit(file);
            }
        }
    }
}

/// Returns the processes that run and record into `directory`.
fn recording_processes(directory: &Path) -> Vec<u32> {
    let running = live_files(directory).filter(|(path, facts)| facts.process.has_mapped(path));
    let mut running: Vec<_> = running.map(|(_, facts)| facts.process.pid).collect();
    running.sort_unstable();
    running.dedup();
    running
}

/// Returns the live files in `directory`, and the facts of their processes.
pub(super) fn live_files(directory: &Path) -> impl Iterator<Item = (PathBuf, Facts)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| is_live(path)).filter_map(|path| {
        let mut header = Vec::new();
        let file = File::open(&path).ok()?;
        file.take(HEADER).read_to_end(&mut header).ok()?;
        Some((path, live::facts(&header).ok()?))
    })
}

/// Waits until one of the processes, or another that recorded, has ended, for at most the time
/// `limit`.
#[cfg(target_os = "linux")]
fn wait_for_end(processes: &[u32], endings: &Endings, limit: Duration) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let mut descriptors = Vec::new();
    for &process in processes {
        let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
        match pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) {
            Some(Ok(descriptor)) => descriptors.push(descriptor),
            // The process has just ended, or the system has no such descriptors.
            _ => return std::thread::sleep(limit.min(Duration::from_millis(5))),
        }
    }
    let mut polled: Vec<_> = descriptors
        .iter()
        .map(|descriptor| PollFd::new(descriptor, PollFlags::IN))
        .collect();
    polled.extend(
        endings
            .as_fd()
            .map(|watch| PollFd::from_borrowed_fd(watch, PollFlags::IN)),
    );
    let limit = Timespec::try_from(limit).ok();
    let _ = poll(&mut polled, limit.as_ref());
}

/// Other systems have no live files, so no processes are known.
#[cfg(not(target_os = "linux"))]
fn wait_for_end(_: &[u32], _: &Endings, limit: Duration) {
    std::thread::sleep(limit);
}
