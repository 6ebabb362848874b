//! Backs a recording's nodes by a live file as long as that is possible, and reports once
//! when it no longer is. The program goes on in any case, recorded in memory.

#[cfg(target_os = "linux")]
mod blocks_linux;
#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(
    target_os = "linux",
    allow(dead_code, reason = "its test alone uses it")
)]
mod blocks_unsupported;
mod file;
mod header;
mod mapping;
mod records;

use std::io;
use std::path::PathBuf;
use std::ptr::NonNull;

#[cfg(target_os = "linux")]
use blocks_linux as blocks;
#[cfg(not(target_os = "linux"))]
use blocks_unsupported as blocks;

pub(crate) use blocks::SUPPORTED;
pub(crate) use file::LiveFile;
pub(crate) use header::{ClockAnchor, LiveHeader, NodeMemory};
pub(crate) use records::Record;

use crate::recorder::region::Backing;

/// A recording's live file, if it has one.
#[derive(Debug, Default)]
pub(crate) struct LiveBacking {
    file: Option<LiveFile>,
    warning: Option<String>,
}

impl LiveBacking {
    /// Makes the file with all that is known so far, and puts it under the nodes.
    ///
    /// # Safety
    /// * `nodes` is committed memory as it says. While this runs, other threads write there
    ///   through atomics alone, and nothing but ticks that may be lost.
    pub(crate) unsafe fn create(
        &mut self,
        path: PathBuf,
        header: &LiveHeader,
        records: &[Record],
        nodes: NodeMemory,
    ) {
        let text = path.display().to_string();
        // SAFETY: by this function's contract.
        match unsafe { LiveFile::create(path, header, records, nodes) } {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                self.file = None;
                self.warn(&text, &error);
            }
        }
    }

    /// Adds the record that `make` makes, if any, to the log. Without a file none is made.
    pub(crate) fn log(&mut self, make: impl FnOnce() -> Option<Record>) {
        let Some(file) = &mut self.file else {
            return;
        };
        if let Some(Err(error)) = make().map(|record| file.write(&record)) {
            self.warn_of_file(&error);
        }
    }

    /// Calls `body` with the file, if there is one.
    pub(crate) fn with_file(&mut self, body: impl FnOnce(&mut LiveFile)) {
        if let Some(file) = &mut self.file {
            body(file);
        }
    }

    /// Takes the reason why no live file keeps what is recorded, which is to be reported
    /// once.
    pub(crate) fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn warn_of_file(&mut self, error: &io::Error) {
        if let Some(file) = &self.file {
            let path = file.path().display().to_string();
            self.warn(&path, error);
        }
    }

    fn warn(&mut self, path: &str, error: &io::Error) {
        self.warning = Some(format!(
            "{path}: {error}; recording goes on in memory, and what is not saved is lost if \
             the process is killed"
        ));
    }
}

impl Backing for LiveBacking {
    unsafe fn extend(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let Some(file) = &mut self.file else {
            return false;
        };
        // SAFETY: by this function's contract.
        match unsafe { file.extend(start, len) } {
            Ok(is_backed) => is_backed,
            Err(error) => {
                self.warn_of_file(&error);
                false
            }
        }
    }
}
