//! Times at which recorded processes ended.
//!
//! A process has its live file mapped as long as it runs the program that records. When it ends in
//! any way, or replaces the program, the system closes the file, and inotify reports this. A
//! descriptor of the process would report only its end, and would have to be opened in time.
//!
//! After the file was closed, the system knows the processor time of the process until its parent
//! has waited for it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use edbprof::format::live::{EndTime, note_end};
use edbprof::model::ProcessIdentity;

use super::os::processor_ns;
use super::survivors::live_files;

/// The ends of processes, by the names of their live files.
#[derive(Default)]
pub(super) struct Endings {
    watch: Option<OwnedFd>,
    ends: HashMap<OsString, End>,
}

/// End of a process.
#[derive(Clone, Copy)]
struct End {
    time: EndTime,
    processor_ns: u64,
}

impl Endings {
    /// Begins to watch a directory of recordings. If the system has no room for another watch,
    /// times stay unknown.
    pub(super) fn watch(directory: &Path) -> Endings {
        Endings {
            watch: watch(directory),
            ends: HashMap::new(),
        }
    }

    /// Also watches another directory, to which recordings have been moved.
    pub(super) fn watch_also(&self, directory: &Path) {
        if let Some(watch) = &self.watch {
            add_directory(watch, directory);
        }
    }

    /// Returns the descriptor that can be read from when a process has ended.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(AsFd::as_fd)
    }

    /// Returns the number of that descriptor.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.watch.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Notes the end of each process that has ended since the last call.
    pub(super) fn look(&mut self) {
        let Some(watch) = &self.watch else {
            return;
        };
        let time = EndTime::now();
        for name in closed_files(watch) {
            // The last one counts: a file that was only opened and closed is closed once more
            // at the end.
            let processor_ns = pid(&name).and_then(processor_ns).unwrap_or(0);
            self.ends.insert(name, End { time, processor_ns });
        }
    }

    /// Writes the ends into the live files in `directory` whose processes have ended
    /// or replaced their programs.
    pub(super) fn write(mut self, directory: &Path) {
        self.look();
        // Writing closes files, too.
        self.watch = None;
        let here = ProcessIdentity::own().pid_namespace;
        for (path, facts) in live_files(directory) {
            let end = path.file_name().and_then(|name| self.ends.get(name));
            if let Some(&end) = end.filter(|_| !facts.process.has_mapped(&path)) {
                // If this fails, open calls last until the latest event.
                let file = File::options().read(true).write(true).open(path);
                let is_here = facts.process.pid_namespace == here;
                let processor_ns = if is_here { end.processor_ns } else { 0 };
                let _ = file.and_then(|file| note_end(file, end.time, processor_ns));
            }
        }
    }
}

/// Returns the process id in the name of a live file.
fn pid(live_file: &OsStr) -> Option<u32> {
    let name = live_file.to_str()?.strip_prefix("edbprof_")?;
    let (pid, rest) = name.split_once('_')?;
    rest.ends_with(".prof.live").then(|| pid.parse().ok())?
}

#[cfg(target_os = "linux")]
fn watch(directory: &Path) -> Option<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, init};

    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
    add_directory(&watch, directory).then_some(watch)
}

/// Returns true if the directory is watched now.
#[cfg(target_os = "linux")]
fn add_directory(watch: &OwnedFd, directory: &Path) -> bool {
    use rustix::fs::inotify::{WatchFlags, add_watch};

    add_watch(watch, directory, WatchFlags::CLOSE_WRITE).is_ok()
}

/// Returns the names of files that were closed.
#[cfg(target_os = "linux")]
fn closed_files(watch: &OwnedFd) -> Vec<OsString> {
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStringExt;

    use rustix::fs::inotify::Reader;

    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(watch, &mut buffer);
    let mut names = Vec::new();
    while let Ok(event) = reader.next() {
        let name = event.file_name().map(|name| name.to_bytes().to_vec());
        names.extend(name.map(OsString::from_vec));
    }
    names
}

/// Other systems have no live files.
#[cfg(not(target_os = "linux"))]
fn watch(_: &Path) -> Option<OwnedFd> {
    None
}

#[cfg(not(target_os = "linux"))]
fn add_directory(_: &OwnedFd, _: &Path) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn closed_files(_: &OwnedFd) -> Vec<OsString> {
    Vec::new()
}
