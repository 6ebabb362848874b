//! Writing a recording's `.prof` file, and when that is worth its time.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::exit;
use super::recording::{Recording, Shared};
use super::snapshot::snapshot;
use crate::clock;
use crate::format::prof::{self, PlainInputs};
use crate::format::{atomic_file, sidecar};
use crate::model::{Ending, Trees, dispatch_counts, rows_of};

/// Writing may take a hundredth of the time that was recorded.
const SHARE_OF_TIME: u64 = 100;

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// What the file says of the process.
    pub(crate) ending: Ending,
    /// Whether a `.singledispatch` sidecar is written beside it.
    pub(crate) sidecar: bool,
    /// Whether nothing more will be recorded, so the live file goes.
    pub(crate) last: bool,
}

/// What was done at the end of an outermost call.
#[derive(Debug)]
pub(crate) enum CallEnded {
    /// The file was written.
    Saved,
    /// It was not yet due.
    NotDue,
    /// Either of these, and there is this to tell: why no live file keeps what is recorded.
    InMemoryOnly(String),
}

/// What the decision to save after a call is made from.
#[derive(Debug, Default)]
pub(crate) struct SavePolicy {
    outermost_calls: u64,
    /// By the wall clock's ticks, which are read for each call: when the recording began,
    /// and how long all writing took.
    began: u64,
    written_for: u64,
    /// Of the latest save of the recording's own file, if the process was said to be
    /// at its end then: how it was done, and what had happened.
    final_save: Option<(Manner, u64)>,
}

impl SavePolicy {
    /// The recording begins now.
    pub(crate) fn begin(&mut self) {
        self.began = clock::wall().now();
    }

    fn may_write(&self, now: u64) -> bool {
        let recorded_for = now.saturating_sub(self.began);
        self.written_for.saturating_mul(SHARE_OF_TIME) <= recorded_for
    }
}

impl Recording {
    /// Writes the recording to its own file, if it has a place and anything was
    /// recorded. Returns the path. One thread at a time.
    ///
    /// # Errors
    /// The system's, naming the path.
    pub(crate) fn save(&self, manner: Manner) -> io::Result<Option<PathBuf>> {
        if self.options.place.is_none() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the recording has no directory of its own: save it to a path",
            ));
        }
        let Some(path) = self.path() else {
            return Ok(None);
        };
        let events = self.lock().events();
        self.save_as(&path, manner)?;
        let mut shared = self.lock();
        let is_final = manner.ending == Ending::Finished;
        shared.saves.final_save = is_final.then_some((manner, events));
        shared.durability.set_saved(is_final);
        shared.durability.set_rate(|| self.rate());
        if manner.last {
            shared.durability.end();
        }
        Ok(Some(path))
    }

    /// The process ends, or the recording does: if it was saved for that, what came
    /// since is saved too, and the live file goes. Else it stays: nobody has saved
    /// what is in it.
    pub(crate) fn end(&self) {
        if self.options.place.is_none() {
            if exit::is_announced() {
                self.lock().durability.end();
            }
            return;
        }
        let (manner, since) = {
            let shared = self.lock();
            let Some((manner, events)) = shared.saves.final_save else {
                return;
            };
            (manner, shared.events() != events)
        };
        // What can't be saved is still in the live file.
        if !since || self.save(manner).is_ok() {
            self.lock().durability.end();
        }
    }

    /// Writes the recording to `path`, whatever is in it. One thread at a time.
    ///
    /// # Errors
    /// The system's, naming the path.
    pub(crate) fn save_as(&self, path: &Path, manner: Manner) -> io::Result<()> {
        let begun = clock::wall().now();
        let trees = snapshot(self, manner.ending).unwrap_or_default();
        let written = write(path, &trees, manner.sidecar).map_err(|error| {
            let path = path.to_owned();
            io::Error::new(error.kind(), NotWritten { path, error })
        });
        self.lock().saves.written_for += clock::wall().now().saturating_sub(begun);
        written
    }

    /// What a file written now would hold.
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(&snapshot(self, Ending::Running).unwrap_or_default())
    }

    /// Counts an outermost call that has ended, and writes the recording after
    /// every `every`-th (0: never) as long as all writing took under a hundredth
    /// of the time since the recording began.
    ///
    /// # Errors
    /// As [`Recording::save`].
    pub(crate) fn call_ended(&self, every: u64, manner: Manner) -> io::Result<CallEnded> {
        let mut shared = self.lock();
        shared.saves.outermost_calls += 1;
        if shared.identity.is_none() {
            return Ok(CallEnded::NotDue);
        }
        // Seldom enough that it is asked first: dividing takes longer.
        let due = every != 0
            && shared.saves.may_write(self.time_of_end(&shared))
            && shared.saves.outermost_calls % every == 0;
        if !due {
            let warning = shared.durability.take_warning();
            return Ok(warning.map_or(CallEnded::NotDue, CallEnded::InMemoryOnly));
        }
        drop(shared);
        self.save(manner)?;
        let warning = self.lock().durability.take_warning();
        Ok(warning.map_or(CallEnded::Saved, CallEnded::InMemoryOnly))
    }

    /// Reading of the wall clock when a call ended just now.
    fn time_of_end(&self, shared: &Shared) -> u64 {
        match shared.threads.as_slice() {
            // That was its latest event: reading the clock takes a tenth of a decorated call.
            [only] if self.options.clock == clock::wall() => {
                self.epoch.wrapping_add(only.thread.last())
            }
            _ => clock::wall().now(),
        }
    }
}

impl Shared {
    /// A number that changes with every event.
    fn events(&self) -> u64 {
        let threads = self.threads.iter().map(|entry| &entry.thread);
        let numbers = threads.map(|thread| thread.last().wrapping_add(thread.dropped()));
        numbers.fold(0, u64::wrapping_add)
    }
}

/// The system's error, and of what file.
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

/// The C library's number of what went wrong; 0 where it was not the system.
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
