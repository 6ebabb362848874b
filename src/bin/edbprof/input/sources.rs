//! Source files for `edbprof view --source`.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use edbprof::model::Process;
use edbprof::report::View;
use edbprof::report::page::{NoSource, Sources};

/// Largest file that a page contains, bytes.
const MOST: u64 = 2_000_000;

/// Reads the source files of the functions of `view` that have not changed since the first of the
/// processes began.
pub(crate) fn read(view: &View<'_>) -> Sources {
    let began = began(&view.profile.trees().processes);
    Sources::read(view, |path| read_file(path, began))
}

/// Returns the time at which the first process began; `None` if it is unknown for a process.
fn began(processes: &[Process]) -> Option<SystemTime> {
    let starts = processes.iter().map(|process| process.start_unix_ns);
    let first = starts.min().filter(|&start| start > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(first))
}

/// Reads a source file. Only sources are read, because the path may come from another user's file.
fn read_file(path: &[u8], began: Option<SystemTime>) -> Result<String, NoSource> {
    // A link might lead anywhere, and a pipe would block.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(Path::new(OsStr::from_bytes(path)))?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(NoSource::NotRegular);
    }
    if facts.len() > MOST {
        return Err(NoSource::TooLarge);
    }
    match (facts.modified(), began) {
        (Ok(modified), Some(began)) if modified > began => {
            return Err(NoSource::Changed);
        }
        (Ok(_), Some(_)) => {}
        _ => return Err(NoSource::NoStart),
    }
    Ok(text_of(file)?)
}

fn text_of(file: File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
