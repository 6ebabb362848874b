//! What in a directory is left over from processes that are gone, and what only looks so.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use edbprof::analysis::group::describe;
use edbprof::format::live::{self, Now};
use edbprof::format::process::Liveness;
use edbprof::format::prof::{self, ProfFile};
use edbprof::format::sidecar;
use edbprof::model::{Ending, ProcessIdentity, RecordingId, Trees};
use edbprof::report::display::counted;
use edbprof::report::summary::path_text;

use super::directory::{Directory, Lock, OwnFile, Refusal, State};
use crate::cli::exit::Error;
use crate::cli::names::{RECORDINGS_PREFIX, SIDECAR_SUFFIX};
use crate::input::{Filter, SkippedInput, finished_beside as beside_live, is_live, matches};

/// Files without a word about their makers are left over when nobody has written to them
/// for so long: writing one takes seconds.
const WRITING: Duration = Duration::from_secs(3600);
/// The largest file whose calls are counted.
const CHEAP: u64 = 64 << 20;
/// Enough to know a live file by.
const HEAD: u64 = 4096;

/// Something to remove.
#[derive(Debug)]
pub(super) struct Leftover {
    directory: Rc<Directory>,
    name: OsString,
    /// Nothing for a directory.
    state: Option<State>,
    /// What it is, line by line.
    pub(super) about: Vec<String>,
    /// Whether it has calls that are in no other file that we know of.
    pub(super) is_unsaved: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) leftovers: Vec<Leftover>,
    /// Files that stay, and why.
    pub(super) kept: Vec<SkippedInput>,
    /// How many files and directories stay because somebody is using them.
    pub(super) in_use: usize,
    /// How many stay because they were changed lately.
    pub(super) young: usize,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Which names recordings have.
    pub(super) filter: Filter<'a>,
    pub(super) older_than: Duration,
    /// Whether finished recordings are wanted. Those of an `edbprof run` that is gone always
    /// are: nobody else looks for them.
    pub(super) finished: bool,
    /// Whether the directory is that of an `edbprof run`.
    pub(super) is_run: bool,
}

/// What a name says of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Live,
    Finished,
    /// A file before it was whole.
    InMaking,
    /// The directory of an `edbprof run`.
    Run,
    /// None of ours.
    Other,
}

impl Leftover {
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path_of(&self.name)
    }

    /// The directory that it lies in.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its size; nothing for a directory.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.state.map(|state| state.bytes)
    }

    /// Removes it, if it still is what was found.
    ///
    /// # Errors
    ///
    /// Why it could not be removed.
    pub(super) fn remove(&self) -> Result<(), Refusal> {
        match self.state {
            Some(state) => self.directory.remove(&self.name, state),
            None => self.directory.remove_directory(&self.name),
        }
    }
}

impl Found {
    /// Searches a directory that the user has named.
    ///
    /// # Errors
    ///
    /// When it can't be listed.
    pub(super) fn search(&mut self, path: &Path, wanted: Wanted<'_>) -> Result<(), Error> {
        let text = path_text(path);
        let failed = |error| Error::Usage(format!("can't list the directory {text}: {error}"));
        let directory = Rc::new(Directory::open(path).map_err(failed)?);
        for name in directory.names().map_err(failed)? {
            let seen = match named(&name, wanted.filter) {
                Named::Other => Ok(()),
                Named::Run => self.look_into(&directory, &name, wanted),
                kind => self.look_at(&directory, &name, kind, wanted),
            };
            self.note(seen, || directory.path_of(&name));
        }
        Ok(())
    }

    fn note(&mut self, seen: Result<(), Refusal>, path: impl FnOnce() -> PathBuf) {
        if let Err(Refusal::Because(reason)) = seen {
            let path = path();
            self.kept.push(SkippedInput { path, reason });
        }
    }

    /// A directory of an `edbprof run`: what is in it, and itself if nothing else is.
    fn look_into(
        &mut self,
        parent: &Rc<Directory>,
        name: &OsStr,
        wanted: Wanted<'_>,
    ) -> Result<(), Refusal> {
        let directory = Rc::new(parent.below(name)?);
        match directory.lock()? {
            Lock::Free => {}
            Lock::Held => {
                self.in_use += 1;
                return Ok(());
            }
            Lock::Unknown => {
                let reason = "it can't be told whether edbprof run is using it";
                return Err(Refusal::Because(reason.to_owned()));
            }
        }
        let names = directory.names()?;
        let wanted = Wanted {
            is_run: true,
            ..wanted
        };
        let before = self.leftovers.len();
        for name in &names {
            let seen = match named(name, wanted.filter) {
                Named::Other | Named::Run => Ok(()),
                kind => self.look_at(&directory, name, kind, wanted),
            };
            self.note(seen, || directory.path_of(name));
        }
        let all = self.leftovers.len() - before == names.len();
        if names.is_empty() && directory.age()? < wanted.older_than.max(WRITING) {
            self.young += 1;
        } else if all {
            self.leftovers.push(Leftover {
                directory: Rc::clone(parent),
                name: name.to_owned(),
                state: None,
                about: vec!["a directory of edbprof run".to_owned()],
                is_unsaved: false,
            });
        }
        Ok(())
    }

    fn look_at(
        &mut self,
        directory: &Rc<Directory>,
        name: &OsStr,
        kind: Named,
        wanted: Wanted<'_>,
    ) -> Result<(), Refusal> {
        if kind == Named::Finished && !wanted.finished && !wanted.is_run {
            return Ok(());
        }
        let file = directory.file(name)?;
        let mut least = wanted.older_than;
        let mut sidecar = None;
        let (about, is_unsaved) = match kind {
            Named::Finished => {
                let recording = recording(&file)?;
                if in_use(&recording)? {
                    self.in_use += 1;
                    return Ok(());
                }
                sidecar = sidecar_of(directory, name);
                (vec![describe(&recording.processes[0])], wanted.is_run)
            }
            _ => match live::facts(&file.read(HEAD)?) {
                Ok(facts) => {
                    if liveness(&facts.process)? == Liveness::Running {
                        self.in_use += 1;
                        return Ok(());
                    }
                    killed(directory, name, &file)
                }
                Err(error) if kind == Named::Live => {
                    return Err(Refusal::Because(error.to_string()));
                }
                Err(_) => {
                    least = least.max(WRITING);
                    (vec!["was being written".to_owned()], false)
                }
            },
        };
        if file.state.age() < least {
            self.young += 1;
            return Ok(());
        }
        self.leftovers.push(Leftover {
            directory: Rc::clone(directory),
            name: name.to_owned(),
            state: Some(file.state),
            about,
            is_unsaved,
        });
        self.leftovers.extend(sidecar);
        Ok(())
    }
}

/// What `name` is, going by itself alone.
fn named(name: &OsStr, filter: Filter<'_>) -> Named {
    let bytes = name.as_encoded_bytes();
    let between = |start: &str, end: &str| {
        let rest = bytes.strip_prefix(start.as_bytes())?;
        rest.strip_suffix(end.as_bytes())
    };
    let is_random = |text: Option<&[u8]>, digits| {
        text.is_some_and(|text| text.len() == digits && text.iter().all(u8::is_ascii_hexdigit))
    };
    if is_random(between(".edbprof-", ".live.tmp"), 32)
        || is_random(between(".edbprof-", ".tmp"), 16)
    {
        Named::InMaking
    } else if between(RECORDINGS_PREFIX, "").is_some() {
        Named::Run
    } else if !matches(name, filter) {
        Named::Other
    } else if is_live(name.as_ref()) {
        Named::Live
    } else {
        Named::Finished
    }
}

/// What is known of a killed process, and whether some of it is in the live file alone.
fn killed(directory: &Directory, name: &OsStr, file: &OwnFile) -> (Vec<String>, bool) {
    if file.state.bytes > CHEAP {
        return (vec!["too large to count its calls".to_owned()], true);
    }
    let bytes = file.read(CHEAP).unwrap_or_default();
    let Ok(trees) = live::read(&bytes, Now::Gone) else {
        return (vec!["can't be read".to_owned()], false);
    };
    let mut about: Vec<_> = trees.processes.iter().map(describe).collect();
    let beside = beside_live(name.as_ref());
    let saved = beside.and_then(|beside| saved_calls(directory, &beside, &trees.recordings));
    let calls = calls(&trees);
    let unsaved = calls.saturating_sub(saved.unwrap_or(0));
    let text = counted(
        usize::try_from(calls).unwrap_or(usize::MAX),
        "call",
        "calls",
    );
    about.push(match unsaved {
        0 => format!("{text}, all of them in the .prof file beside it"),
        _ if saved.is_none() => format!("{text}; no .prof file beside it has them"),
        _ => format!("{text}, of which the .prof file beside it has fewer"),
    });
    (about, unsaved > 0)
}

/// How many calls of this recording its `.prof` file has.
fn saved_calls(directory: &Directory, name: &Path, id: &[RecordingId]) -> Option<u64> {
    let file = directory.file(name.as_os_str()).ok()?;
    let trees = recording(&file).ok()?;
    (trees.recordings == id).then(|| calls(&trees))
}

fn calls(trees: &Trees) -> u64 {
    let threads = trees.threads.iter();
    let counts = threads.flat_map(|thread| {
        let folded = thread.folded.iter().map(|folded| folded.calls);
        thread.nodes.calls().iter().copied().chain(folded)
    });
    counts.fold(0, u64::saturating_add)
}

/// The one recording that is in a `.prof` file.
fn recording(file: &OwnFile) -> Result<Trees, Refusal> {
    let because = |reason: &str| Refusal::Because(reason.to_owned());
    let read = prof::read(&file.read(u64::MAX)?);
    match read.map_err(|error| because(&error.to_string()))? {
        ProfFile::Plain(_) => Err(because("it is another profiler's")),
        ProfFile::Exact(trees, _) if trees.recordings.len() != 1 || !trees.ran_in.is_empty() => {
            Err(because("it is a merged profile"))
        }
        ProfFile::Exact(trees, _) if trees.processes.len() != 1 => {
            Err(because("it says nothing of its process"))
        }
        ProfFile::Exact(trees, _) => Ok(trees),
    }
}

/// Whether the process that has saved this recording may write it again.
fn in_use(recording: &Trees) -> Result<bool, Refusal> {
    let process = &recording.processes[0];
    match process.ending {
        // It has said so itself.
        Ending::Finished if process.identity.liveness() != Liveness::Running => Ok(false),
        _ => Ok(liveness(&process.identity)? == Liveness::Running),
    }
}

/// # Errors
///
/// When it can't be told.
fn liveness(process: &ProcessIdentity) -> Result<Liveness, Refusal> {
    match process.liveness() {
        Liveness::Unknown => Err(Refusal::Because(format!(
            "it can't be told from here whether process {} still runs: if it was in another \
             container, clean there; if it has ended, remove the file yourself",
            process.pid
        ))),
        known => Ok(known),
    }
}

/// The sidecar of a finished recording.
fn sidecar_of(directory: &Rc<Directory>, name: &OsStr) -> Option<Leftover> {
    let mut name = name.to_owned();
    name.push(SIDECAR_SUFFIX);
    let file = directory.file(&name).ok()?;
    sidecar::decode(&file.read(u64::MAX).ok()?).ok()?;
    Some(Leftover {
        directory: Rc::clone(directory),
        name,
        state: Some(file.state),
        about: Vec::new(),
        is_unsaved: false,
    })
}
