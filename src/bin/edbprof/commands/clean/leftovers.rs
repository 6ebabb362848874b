//! Finds leftovers: files and directories whose processes have certainly ended.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use edbprof::analysis::process_text::describe;
use edbprof::format::extent::{profile_goes_on, sidecar_goes_on};
use edbprof::format::live::{self, Now};
use edbprof::format::process::Liveness;
use edbprof::format::prof::{self, ProfFile};
use edbprof::format::{sidecar, timeline};
use edbprof::model::{Ending, Process, ProcessIdentity};

use super::own_file::{Kept, State, check_unused, open};
use crate::cli::args::CleanOptions;
use crate::cli::names::{EXCEPTION_PREFIX, RECORDINGS_PREFIX, STARTED_PREFIX, UNRECORDED_PREFIX};
use crate::input::{Filter, SkippedInput, is_live, matches, sidecar_beside};
use edbprof::format::bounded::{GoesOn, read_bounded};

/// Least age of unfinished files, which don't name their process: writing one takes seconds.
const UNFINISHED: Duration = Duration::from_secs(3600);

/// Something to remove.
#[derive(Debug)]
pub(super) struct Leftover {
    pub(super) path: PathBuf,
    /// `None` for a directory.
    pub(super) state: Option<State>,
    /// Description for the user.
    pub(super) about: String,
    /// True if it may contain calls that are in no other file.
    pub(super) may_be_unsaved: bool,
}

/// Result of the search.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) leftovers: Vec<Leftover>,
    pub(super) kept: Vec<SkippedInput>,
    /// Numbers of files that are kept for reasons that are common.
    pub(super) kept_by_reason: BTreeMap<&'static str, usize>,
}

/// Kind of a file, going by its name alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Live,
    Finished,
    Unfinished,
    Run,
    /// Note in the directory of a run that a process was not recorded.
    Unrecorded,
}

impl Leftover {
    /// Removes it, unless it has changed since it was found.
    pub(super) fn remove(&self) -> Result<(), Kept> {
        let (file, metadata) = open(&self.path)?;
        match self.state {
            None => {
                check_unused(file)?;
                fs::remove_dir(&self.path)?;
            }
            Some(state) if state == State::of(&metadata)? => fs::remove_file(&self.path)?,
            Some(_) => return Err("it has changed meanwhile".into()),
        }
        Ok(())
    }
}

impl Found {
    /// Searches `directory`, which may be that of an `edbprof run`. Returns all names in it.
    pub(super) fn search(
        &mut self,
        directory: &Path,
        options: &CleanOptions,
        is_run: bool,
    ) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name()));
        let mut names = entries.collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        for name in &names {
            let path = directory.join(name);
            let seen = match kind(name, options) {
                // Such a directory may contain one for other users.
                Some(Kind::Run) => self.look_into_run(&path, options),
                None => Ok(()),
                Some(Kind::Unrecorded) if !is_run => Ok(()),
                // Nothing else finds the finished recordings of a run that was killed.
                Some(Kind::Finished) if !options.finished && !is_run => Ok(()),
                Some(kind) => self.look_at(&path, kind, options.older_than, is_run),
            };
            let mut count = |reason| *self.kept_by_reason.entry(reason).or_default() += 1;
            match seen {
                Ok(()) | Err(Kept::Gone) => {}
                Err(Kept::InUse) => count("in use"),
                Err(Kept::Young) => count("changed too lately"),
                Err(reason) => self.kept.push(SkippedInput::new(path, reason)),
            }
        }
        Ok(names)
    }

    fn look_into_run(&mut self, path: &Path, options: &CleanOptions) -> Result<(), Kept> {
        let (directory, metadata) = open(path)?;
        check_unused(directory)?;
        let before = self.leftovers.len();
        let names = self.search(path, options, true)?;
        if names.is_empty() {
            State::of(&metadata)?.check_age(options.older_than.max(UNFINISHED))?;
        }
        let goes = |name: &OsString| {
            let path = path.join(name);
            let mut found = self.leftovers[before..].iter();
            found.any(|leftover| leftover.path == path)
        };
        if names.iter().all(goes) {
            self.leftovers.push(Leftover {
                path: path.to_owned(),
                state: None,
                about: "a directory of edbprof run".to_owned(),
                may_be_unsaved: false,
            });
        }
        Ok(())
    }

    fn look_at(
        &mut self,
        path: &Path,
        kind: Kind,
        older_than: Duration,
        is_run: bool,
    ) -> Result<(), Kept> {
        let (bytes, state) = read(path, profile_goes_on)?;
        let (mut age, mut may_be_unsaved) = (older_than, is_run);
        let about = match (kind, live::facts(&bytes)) {
            (Kind::Finished, _) => describe(&ended_process(&bytes)?),
            (Kind::Unrecorded, _) => {
                may_be_unsaved = false;
                "tells of a process that was not recorded".to_owned()
            }
            (_, Ok(facts)) => {
                check_ended(&facts.process)?;
                may_be_unsaved = true;
                let trees = live::read(&bytes, Now::Gone).ok();
                let process = trees.and_then(|mut trees| trees.processes.pop());
                process.map_or("can't be read".to_owned(), |process| describe(&process))
            }
            (Kind::Live, Err(error)) => return Err(Kept::Because(error.to_string())),
            (_, Err(_)) => {
                (age, may_be_unsaved) = (age.max(UNFINISHED), false);
                "was being written".to_owned()
            }
        };
        state.check_age(age)?;
        let leftover = |path, state, about| Leftover {
            path,
            state: Some(state),
            about,
            may_be_unsaved,
        };
        self.leftovers.push(leftover(path.to_owned(), state, about));
        let timeline = match kind {
            Kind::Live => timeline::history_beside(path).zip(Some(timeline::HISTORY_MAGIC)),
            Kind::Finished => Some((timeline::beside(path), timeline::MAGIC)),
            _ => None,
        };
        if let Some((path, magic)) = timeline {
            let found = begins_with(&path, &magic).ok().flatten();
            let about = "its timeline".to_owned();
            self.leftovers
                .extend(found.map(|state| leftover(path, state, about)));
        }
        if kind == Kind::Finished {
            let sidecar = sidecar_beside(path);
            let content = read(&sidecar, sidecar_goes_on).ok();
            let content = content.filter(|(bytes, _)| sidecar::decode(bytes).is_ok());
            let about = "its singledispatch sidecar".to_owned();
            let found = content.map(|(_, state)| leftover(sidecar, state, about));
            self.leftovers.extend(found);
        }
        Ok(())
    }
}

fn kind(name: &OsStr, options: &CleanOptions) -> Option<Kind> {
    let CleanOptions { prefix, suffix, .. } = options;
    let filter = Filter { prefix, suffix };
    let bytes = name.as_encoded_bytes();
    let is_unfinished = |end: &str, digits: usize| {
        let random = bytes.strip_prefix(b".edbprof-".as_slice());
        let random = random.and_then(|rest| rest.strip_suffix(end.as_bytes()));
        random.is_some_and(|r| r.len() == digits && r.iter().all(u8::is_ascii_hexdigit))
    };
    let is_unfinished_live =
        is_unfinished(".live.tmp", 32) || is_unfinished(".timeline.live.tmp", 32);
    if is_unfinished_live || is_unfinished(".tmp", 16) {
        Some(Kind::Unfinished)
    } else if bytes.starts_with(RECORDINGS_PREFIX.as_bytes()) {
        Some(Kind::Run)
    } else if is_note(bytes) {
        Some(Kind::Unrecorded)
    } else if !matches(name, filter) {
        None
    } else if is_live(name.as_ref()) {
        Some(Kind::Live)
    } else {
        Some(Kind::Finished)
    }
}

/// Returns true if `name` is that of a note that a process has left for `edbprof run`.
fn is_note(name: &[u8]) -> bool {
    let notes = [UNRECORDED_PREFIX, EXCEPTION_PREFIX, STARTED_PREFIX];
    notes.iter().any(|note| name.starts_with(note.as_bytes()))
}

/// Returns the state of the file if it begins with `magic`.
fn begins_with(path: &Path, magic: &[u8]) -> Result<Option<State>, Kept> {
    let (mut file, metadata) = open(path)?;
    let mut begin = vec![0; magic.len()];
    if !metadata.is_file() || file.read_exact(&mut begin).is_err() || begin != magic {
        return Ok(None);
    }
    Ok(Some(State::of(&metadata)?))
}

fn read(path: &Path, goes_on: GoesOn) -> Result<(Vec<u8>, State), Kept> {
    let (file, metadata) = open(path)?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    let bytes = read_bounded(file, metadata.len(), goes_on)?;
    Ok((bytes, State::of(&metadata)?))
}

/// Returns the process that made the only recording in `bytes`, a `.prof` file, and has ended.
fn ended_process(bytes: &[u8]) -> Result<Process, Kept> {
    let file = prof::read(bytes).map_err(|error| Kept::Because(error.to_string()))?;
    let ProfFile::Exact(mut trees, _) = file else {
        return Err("it is another profiler's".into());
    };
    if trees.recordings.len() != 1 || !trees.occurrences.is_empty() {
        return Err("it is a merged profile".into());
    }
    let (Some(process), []) = (trees.processes.pop(), &trees.processes[..]) else {
        return Err("it says nothing of its process".into());
    };
    match (process.ending, process.identity.liveness()) {
        // The process has said so itself.
        (Ending::Finished, Liveness::Unknown) => {}
        _ => check_ended(&process.identity)?,
    }
    Ok(process)
}

fn check_ended(process: &ProcessIdentity) -> Result<(), Kept> {
    match process.liveness() {
        Liveness::Gone => Ok(()),
        Liveness::Running => Err(Kept::InUse),
        Liveness::Unknown => Err(Kept::Because(format!(
            "it can't be told from here whether process {} still runs: if it was in another \
             container, clean there; if it has ended, remove the file yourself",
            process.pid
        ))),
    }
}
