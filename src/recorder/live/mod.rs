//! Keeps a recording's nodes in a live file as long as that is possible, and reports once when it
//! no longer is. The program runs on in any case, recorded in memory.

mod awaits;
#[cfg(target_os = "linux")]
pub(crate) mod blocks_linux;
mod blocks_of_records;
#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(
    target_os = "linux",
    allow(dead_code, reason = "its test alone uses it")
)]
pub(crate) mod blocks_unsupported;
mod file;
mod header;
mod long_runs;
pub(crate) mod mapping;
mod node_records;
pub(crate) mod place;
mod records;
mod suspended;
mod waits;

use std::io;
use std::path::PathBuf;
use std::ptr::NonNull;

#[cfg(target_os = "linux")]
pub(crate) use blocks_linux as blocks;
#[cfg(not(target_os = "linux"))]
pub(crate) use blocks_unsupported as blocks;

pub(crate) use awaits::AwaitTable;
pub(crate) use blocks::SUPPORTED;
pub(crate) use file::LiveFile;
pub(crate) use header::{ClockAnchor, LiveHeader, NodeMemory, Saved};
pub(crate) use long_runs::LongRuns;
pub(crate) use records::Record;
pub(crate) use suspended::{Suspended, Suspension};
pub(crate) use waits::WaitTable;

use crate::recorder::region::Backing;
use mapping::Mapping;

/// A recording's live file, if it has one.
#[derive(Debug, Default)]
pub(crate) struct LiveBacking {
    /// In a forked child that has none of its own, the parent's.
    file: Option<LiveFile>,
    /// The parent's file counts this process among those without a file.
    is_counted: bool,
    warning: Option<String>,
}

impl LiveBacking {
    /// Makes the file with all that is known so far, and puts it under the nodes.
    ///
    /// # Safety
    /// * `nodes` describes committed memory. While this runs, other threads write there through
    ///   atomics alone, and only ticks that may be lost.
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
                // In a forked child the file is the parent's, which counts those without.
                if let Some(parents) = &self.file {
                    parents.count_unsaved_child(true);
                    self.is_counted = true;
                }
                self.warn(&text, &error);
            }
        }
    }

    /// Notes that all that was recorded is in a file other than the live file.
    pub(crate) fn set_saved_elsewhere(&mut self) {
        if std::mem::take(&mut self.is_counted) {
            self.with_file(|file| file.count_unsaved_child(false));
        }
    }

    /// Gives up the parent's file in a forked child. Allocates and frees nothing.
    pub(crate) fn detach(&mut self) {
        self.is_counted = false;
        self.with_file(LiveFile::detach);
    }

    /// Adds the record that `make` makes to the log. Without a file, none is made. `make` returns
    /// `None` if there is no memory. Returns true if the file has grown.
    pub(crate) fn log(&mut self, make: impl FnOnce() -> Option<Record>) -> bool {
        let Some(file) = &mut self.file else {
            return false;
        };
        file.write(make().as_ref()).unwrap_or_else(|error| {
            self.warn_of_file(&error);
            false
        })
    }

    /// Takes a block for records from the file, if it has one to give: a segment of that content.
    fn record_block(&mut self, len: usize, content: u64) -> Option<Mapping> {
        let taken = self.file.as_mut()?.record_block(len, content);
        taken.unwrap_or_else(|error| {
            self.warn_of_file(&error);
            None
        })
    }

    /// Calls `body` with the file, if there is one.
    pub(crate) fn with_file(&mut self, body: impl FnOnce(&mut LiveFile)) {
        if let Some(file) = &mut self.file {
            body(file);
        }
    }

    /// Returns true if the live file has all that was recorded, and readers find it.
    pub(crate) fn is_complete(&mut self) -> bool {
        self.file.as_mut().is_some_and(LiveFile::is_complete)
    }

    /// Returns true if all that was recorded is in a file of this process's own, even if others
    /// have moved or removed it.
    pub(crate) fn has_everything(&self) -> bool {
        self.file.as_ref().is_some_and(LiveFile::has_everything)
    }

    /// Returns true if there is a file of this process's own.
    pub(crate) fn has_file(&self) -> bool {
        self.file.as_ref().is_some_and(|file| !file.is_detached())
    }

    /// Keeps a warning that is to be reported once, unless there is another one.
    pub(crate) fn warn_of(&mut self, warning: String) {
        self.warning.get_or_insert(warning);
    }

    /// Number of forked children that have no file and have saved nothing.
    pub(crate) fn unsaved_children(&self) -> u32 {
        self.file.as_ref().map_or(0, LiveFile::unsaved_children)
    }

    /// Takes the reason why no live file keeps the recording, which is reported once.
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
    unsafe fn extend(&mut self, start: NonNull<u8>, len: usize) {
        let Some(file) = &mut self.file else {
            return;
        };
        // SAFETY: by this function's contract.
        if let Err(error) = unsafe { file.extend(start, len) } {
            self.warn_of_file(&error);
        }
    }
}
