//! Writes a recording's `.prof` file.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use super::one_saver::OneSaver;
use super::snapshot::{snapshot, snapshot_by};
use super::{Recording, Shared, timeline};
use crate::clock::{self, TickRate};
use crate::format::prof::{self, PlainInputs};
use crate::format::timeline::beside as timeline_beside;
use crate::format::{atomic_file, sidecar};
use crate::model::{Ending, Trees, dispatch_counts, rows_of};
use crate::recorder::descriptors::with_descriptor;
use crate::recorder::limits;
use crate::recorder::live::{LiveFile, Saved};
use crate::recorder::node::{Node, NodeIndex};
use crate::recorder::sigxfsz::without_sigxfsz;
use crate::recorder::thread::made_nodes;

/// Options of one save.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaveOptions {
    /// End of the process, as the file shows it.
    pub(crate) ending: Ending,
    /// Writes a `.singledispatch` sidecar beside the file.
    pub(crate) sidecar: bool,
    /// Removes the live file, because nothing more will be recorded.
    pub(crate) remove_live_file: bool,
}

impl SaveOptions {
    /// Options of a save that the host has left to the end of the process.
    const AT_EXIT: SaveOptions = SaveOptions {
        ending: Ending::Finished,
        sidecar: false,
        remove_live_file: false,
    };
}

impl Recording {
    /// Writes the recording to its own file, if it has a location and anything was
    /// recorded. Returns the path. Waits for a save of another thread's.
    ///
    /// At the end of the process, a complete live file beside it is enough, because readers accept
    /// either. The process may have lost the right to make a new file.
    ///
    /// # Errors
    /// The system's, naming the path.
    pub(crate) fn save(&self, options: SaveOptions) -> io::Result<Option<PathBuf>> {
        if self.options.output.is_none() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the recording has no directory of its own: save it to a path",
            ));
        }
        let Some(path) = self.path() else {
            return Ok(None);
        };
        let since = self.options.clock.now();
        let _one = OneSaver::wait(self);
        let (options, events) = {
            let shared = self.lock();
            // A thread may have waited here for the final save, which is not to be undone.
            let options = match shared.saves.final_save {
                Some((known, _)) if options.ending != Ending::Finished => known,
                _ => options,
            };
            (options, shared.events())
        };
        let is_final = options.ending == Ending::Finished;
        let rate = self.rate();
        let written = self.write_trees(&path, options, rate);
        let saved = written.and_then(|()| match is_final {
            true => self.write_timeline(&path, options, rate),
            // While the process runs, its history file is enough.
            false => Ok(()),
        });
        let mut shared = self.lock();
        let is_beside = self.options.has_files_in_one_directory();
        let stands_in = saved.is_err() && is_final && is_beside && shared.backing.is_complete();
        shared.saves.has_failed = saved.is_err();
        if !stands_in {
            if is_final && saved.is_err() {
                shared.note_unsaved_calls();
            }
            saved?;
            shared.backing.set_saved_elsewhere();
        }
        shared.saves.final_save = is_final.then_some((options, events));
        if options.remove_live_file && !stands_in {
            shared.remove_history_file();
        }
        shared.backing.with_file(|file| {
            file.set_saved(match (is_final, stands_in) {
                (false, _) => Saved::NotYet,
                (true, false) => Saved::AtExit,
                (true, true) => Saved::IsResult,
            });
            file.set_rate(self.rate());
            if options.remove_live_file && !stands_in {
                file.remove();
            }
        });
        shared.exclude_since(since);
        Ok(Some(path))
    }

    /// Registers the recording to be saved at the end of the process and of its forked children,
    /// whatever their host does until then.
    pub(crate) fn save_at_exit(&self) {
        self.lock().saves.is_saved_at_exit = true;
    }

    /// Ends the recording with its process. If the recording was saved for that, later events are
    /// saved too, and the live file is removed. Otherwise the live file stays, because its content
    /// was not saved. Only the host can save a recording without a location, so its live file is
    /// removed if the host has announced the end.
    pub(crate) fn end(&self, is_announced: bool) {
        let is_saved = match self.options.output {
            Some(_) => self.save_the_rest(),
            None => is_announced,
        };
        if is_saved {
            self.lock().remove_live_file();
        }
    }

    /// Ends a recording that is to be freed, like [`Recording::end`], but removes the live file
    /// unless saving has failed.
    pub(crate) fn finish(&self) {
        // Freeing reports no errors.
        let _ = self.save_the_rest();
        self.lock().remove_live_file();
    }

    /// Saves what was recorded since the final save. Returns false if there was none and none is
    /// due. Also returns false if the rest can't be saved, which is then in the live file alone.
    fn save_the_rest(&self) -> bool {
        let (options, is_changed) = {
            let shared = self.lock();
            match shared.saves.final_save {
                Some((options, events)) => (options, shared.events() != events),
                None if shared.saves.is_saved_at_exit => (SaveOptions::AT_EXIT, true),
                None => return false,
            }
        };
        !is_changed || self.save(options).is_ok()
    }

    /// Writes the recording to `path`, even if it is empty, and its history beside that. Waits for
    /// a save of another thread's.
    ///
    /// # Errors
    /// The system's, naming the path.
    pub(crate) fn save_as(&self, path: &Path, options: SaveOptions) -> io::Result<()> {
        let rate = self.rate();
        let _one = OneSaver::wait(self);
        self.write_trees(path, options, rate)?;
        self.write_timeline(path, options, rate)
    }

    fn write_timeline(&self, path: &Path, options: SaveOptions, rate: TickRate) -> io::Result<()> {
        let write = || timeline::write_beside(self, path, options.ending, rate);
        let write = || with_descriptor(write);
        without_sigxfsz(write).map_err(|error| not_written(&timeline_beside(path), error))
    }

    fn write_trees(&self, path: &Path, options: SaveOptions, rate: TickRate) -> io::Result<()> {
        let begun = clock::wall().now();
        self.lock()
            .check_memory()
            .map_err(|error| not_written(path, error))?;
        let trees = snapshot_by(self, options.ending, rate).unwrap_or_default();
        let write = || with_descriptor(|| write(path, &trees, options.sidecar));
        let written = without_sigxfsz(write).map_err(|error| not_written(path, error));
        let mut shared = self.lock();
        shared.saves.written_for += clock::wall().now().saturating_sub(begun);
        self.no_save_until
            .store(shared.saves.may_write_from(), Relaxed);
        written
    }

    /// Content of a file that would be written now.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(&snapshot(self, Ending::Running).unwrap_or_default())
    }
}

impl Shared {
    /// Removes the live file, unless it is all that the recording leaves.
    fn remove_live_file(&mut self) {
        if !self.saves.has_failed {
            // The history is removed first, because it can't be read without the live file.
            self.remove_history_file();
            self.backing.with_file(LiveFile::remove);
        }
    }

    fn remove_history_file(&mut self) {
        if let Some(history) = &mut self.history {
            history.remove_file();
        }
    }

    /// Checks that there is memory for writing the recording.
    fn check_memory(&self) -> io::Result<()> {
        /// Bytes of memory for a node and for a function, as measured with room to spare.
        const NODE: usize = 200;
        const FUNCTION: usize = 1500;
        let nodes = self.arena.used() as usize * NODE;
        let functions = self.functions.entries().len() * FUNCTION;
        match limits::have_room_for((1 << 20) + nodes + functions) {
            true => Ok(()),
            false => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }

    /// Notes in the live file how many calls are in none of its nodes.
    fn note_unsaved_calls(&mut self) {
        let Shared {
            arena,
            threads,
            backing,
            ..
        } = self;
        let in_file = |file: &mut LiveFile| {
            let first = (file.nodes() / size_of::<Node>()) as NodeIndex;
            let made = threads.iter().flat_map(|entry| {
                // SAFETY: chunks of the recording's arena, under its lock.
                unsafe { made_nodes(arena.base(), &entry.chunks, entry.thread.next()) }
            });
            let unsaved = made.filter(|(index, _)| *index >= first);
            file.set_unsaved_calls(unsaved.map(|(_, node)| node.calls()).sum());
        };
        backing.with_file(in_file);
    }

    /// A number that changes with every event.
    fn events(&self) -> u64 {
        let threads = self.threads.iter().map(|entry| &entry.thread);
        let numbers = threads.map(|thread| thread.last().wrapping_add(thread.dropped()));
        numbers.fold(0, u64::wrapping_add)
    }
}

/// The system's error, with the file that it is about.
#[derive(Debug)]
struct NotWritten {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl Error for NotWritten {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

fn not_written(path: &Path, error: io::Error) -> io::Error {
    let path = path.to_owned();
    io::Error::new(error.kind(), NotWritten { path, error })
}

/// The C library's number of an error; 0 if the system was not the cause.
pub(crate) fn errno(error: &io::Error) -> i32 {
    let within = error.get_ref().and_then(|error| error.source());
    let within = within.and_then(|error| error.downcast_ref::<io::Error>());
    within.unwrap_or(error).raw_os_error().unwrap_or(0)
}

fn encode(trees: &Trees) -> Vec<u8> {
    prof::encode(&rows_of(trees), trees, &PlainInputs::default())
}

fn write(path: &Path, trees: &Trees, with_sidecar: bool) -> io::Result<()> {
    atomic_file::write(path, &encode(trees))?;
    if with_sidecar {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".singledispatch");
        let counts = dispatch_counts(trees);
        if !counts.is_empty() {
            atomic_file::write(Path::new(&beside), &sidecar::encode(&counts))?;
        }
    }
    Ok(())
}
