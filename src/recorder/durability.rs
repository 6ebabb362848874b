//! Keeps a recording in its live file as long as that is possible, and says once when
//! it no longer is. The program goes on in any case, recorded in memory.

use std::io;
use std::path::PathBuf;
use std::ptr::NonNull;

use super::arena::Arena;
use super::attach::ThreadEntry;
use super::functions::FunctionTable;
use super::live::{LiveFile, NodeMemory, Origin, Record};
use super::node::Node;
use super::recording::{Identity, Options};
use crate::clock::TickRate;
use crate::model::Calibration;

/// A recording's live file, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Durability {
    file: Option<LiveFile>,
    warning: Option<String>,
}

impl Durability {
    /// Makes the file with all that is known so far, and puts it under the nodes.
    /// Called under the recording's lock, before the first event.
    pub(crate) fn begin(
        &mut self,
        path: PathBuf,
        identity: &Identity,
        origin: &Origin,
        options: &Options,
        (arena, functions, threads): (&Arena, &FunctionTable, &[ThreadEntry]),
    ) {
        let mut records = vec![Record::facts(&options.host, &options.hook)];
        records.extend(functions.entries().iter().map(Record::function));
        records.extend(threads.iter().filter_map(thread));
        let text = path.display().to_string();
        let nodes = NodeMemory {
            base: arena.base().cast(),
            committed: arena.committed(),
            used: arena.used() as usize * size_of::<Node>(),
        };
        // SAFETY: the arena's committed memory. No thread has an open call outside of
        // the lock, so none writes there but the ticks of what is ignored: those that
        // came before have entered nothing, and a forked child's is asleep.
        let made = unsafe { LiveFile::create(path, identity, origin, &records, nodes) };
        match made {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                self.file = None;
                self.warn(&text, &error);
            }
        }
    }

    /// A function was added to the table.
    pub(crate) fn add_function(&mut self, entry: &super::functions::Entry) {
        if self.file.is_some() {
            self.write(&Record::function(entry));
        }
    }

    /// A thread was added, or its tree got another name.
    pub(crate) fn add_thread(&mut self, entry: &ThreadEntry) {
        if let (Some(_), Some(record)) = (&self.file, thread(entry)) {
            self.write(&record);
        }
    }

    fn write(&mut self, record: &Record) {
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.write(record)) {
            self.warn_of_file(&error);
        }
    }

    /// Puts more of the file under the `len` bytes at `start`, if it can.
    ///
    /// # Safety
    /// * They are whole pages of the arena's reservation, not yet in use, and follow
    ///   what is committed.
    pub(crate) unsafe fn back(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let Some(file) = &mut self.file else {
            return false;
        };
        // SAFETY: by this function's contract.
        match unsafe { file.back(start, len) } {
            Ok(backed) => backed,
            Err(error) => {
                self.warn_of_file(&error);
                false
            }
        }
    }

    /// Notes what a tick is, as far as is known.
    pub(crate) fn set_rate(&self, rate: impl FnOnce() -> TickRate) {
        if let Some(file) = &self.file {
            file.set_rate(rate());
        }
    }

    /// Notes whether the recording was saved for the last time.
    pub(crate) fn set_saved(&self, is_saved: bool) {
        if let Some(file) = &self.file {
            file.set_saved(is_saved);
        }
    }

    /// Notes what recording costs.
    pub(crate) fn set_calibration(&self, calibration: Option<Calibration>) {
        if let Some(file) = &self.file {
            file.set_calibration(calibration.unwrap_or_default());
        }
    }

    /// Removes the file: what was recorded is saved, or is to be forgotten.
    pub(crate) fn end(&mut self) {
        if let Some(file) = &mut self.file {
            file.remove();
        }
    }

    /// In a forked child: the file is the parent's. Allocates and frees nothing.
    pub(crate) fn detach(&mut self) {
        if let Some(file) = &mut self.file {
            file.detach();
        }
    }

    /// What is to be told, once.
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

/// The record for a thread that is in use.
fn thread(entry: &ThreadEntry) -> Option<Record> {
    let root = entry.chunks.first()?.start;
    Some(Record::thread(root, &entry.tree_name()))
}
