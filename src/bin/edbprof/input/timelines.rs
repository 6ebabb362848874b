//! Finds and opens timelines: those in directories, those that are named, and those beside named
//! profiles.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edbprof::analysis::select::Selection;
use edbprof::format::extent::profile_goes_on;
use edbprof::format::timeline::{self, Source, TimelineError, TimelineProcess};
use edbprof::report::summary::path_text;

use super::discover::{Filter, dedup_by_inode, find_files, finished_beside, matches, places_of};
use super::own_result::{own_result, warn_of_search};
use super::read::last_content;
use super::read_error::ReadError;
use super::since::chosen;
use super::trust::{Owners, open_trusted, read_trusted};
use super::{Input, ReadReport, SkippedInput};
use crate::cli::args::InputOptions;
use crate::cli::exit::Error;
use crate::cli::names::{SUFFIX, TIMELINE_RESULT};

/// Opens the timelines that `options` name, those beside profiles, and those in directories.
/// Without a path, these are the user's own result in the current directory, else the recordings in
/// the temporary directory. Returns the selected processes and threads of each recording once, the
/// earliest first.
///
/// # Errors
///
/// When there is none, or a directory can't be listed.
pub(crate) fn open(
    options: &InputOptions,
    report: &mut ReadReport,
) -> Result<Vec<TimelineProcess>, Error> {
    let files = match own_result(options, TIMELINE_RESULT) {
        Some(result) => vec![result],
        None => {
            let found = find_files(options, is_timeline_name, report)?;
            warn_of_search(options, &found, timeline::SUFFIX);
            found
        }
    };
    let mut timelines = Vec::new();
    for file in files {
        if !file.named
            || is_timeline_file(&file)
            || timeline::is_called_so(&file.path) && file.path.exists()
        {
            timelines.push(file);
            continue;
        }
        match beside(&file) {
            found if found.is_empty() => {
                let reason = match file.path.exists() {
                    true => ReadError::NoTimeline,
                    false => ReadError::Gone,
                };
                report.unreadable.push(SkippedInput::new(file.path, reason));
            }
            found => timelines.extend(found),
        }
    }
    let found = timelines.len();
    report.inputs = found + report.unreadable.len();
    let mut processes = read_all(timelines, report);
    report.succeeded = report.inputs - report.unreadable.len();
    if let Some(since) = options.since {
        let facts: Vec<_> = processes
            .iter()
            .map(|of| vec![of.process.clone()])
            .collect();
        let mut is_kept = chosen(&facts, since).into_iter();
        processes.retain(|_| is_kept.next().unwrap_or(true));
    }
    let found = processes.len();
    select(&mut processes, &options.selection.selection());
    report.other_processes = found - processes.len();
    match processes.is_empty() {
        false => Ok(processes),
        true => Err(report.without_timeline(found)),
    }
}

/// Returns the profiles beside the timelines of `options`, and the timelines that are named.
///
/// # Errors
///
/// When a path does not exist, or a directory can't be listed.
pub(crate) fn profiles_of(
    options: &InputOptions,
    report: &mut ReadReport,
) -> Result<Vec<Input>, Error> {
    let files = match own_result(options, TIMELINE_RESULT) {
        Some(result) => vec![result],
        None => find_files(options, matches, report)?,
    };
    let mut profiles = Vec::new();
    for file in files {
        if is_timeline_file(&file) {
            let places = profile_beside(&file.path).into_iter();
            profiles.extend(places.filter(|path| path.exists()).map(|path| Input {
                path,
                ..file.clone()
            }));
        }
        profiles.push(file);
    }
    Ok(profiles)
}

/// Returns the paths that the profile of the timeline `path` may have.
fn profile_beside(path: &Path) -> Vec<PathBuf> {
    if let Some(live) = timeline::live_beside(path) {
        return vec![live];
    }
    let name = path.as_os_str().as_bytes();
    let Some(stem) = name.strip_suffix(timeline::SUFFIX.as_bytes()) else {
        return Vec::new();
    };
    let result = [stem, SUFFIX.as_bytes()].concat();
    [stem, &result]
        .map(|path| OsStr::from_bytes(path).into())
        .into()
}

/// Returns the timelines beside `inputs`.
pub(crate) fn beside_all(inputs: &[Input]) -> Vec<Input> {
    inputs.iter().flat_map(beside).collect()
}

/// Keeps the processes and threads that `selection` chooses.
pub(crate) fn select(processes: &mut Vec<TimelineProcess>, selection: &Selection) {
    processes.retain(|of| selection.has_process(&of.process));
    if selection.threads.is_empty() {
        return;
    }
    for of in processes.iter_mut() {
        let chosen: HashSet<u32> = of
            .threads
            .iter()
            .filter(|thread| selection.has_thread(&thread.name))
            .map(|thread| thread.root)
            .collect();
        of.blocks.retain(|block| chosen.contains(&block.root));
    }
    processes.retain(|of| !of.blocks.is_empty());
}

/// Returns true if one of the paths that `options` name is a timeline.
pub(crate) fn are_named(options: &InputOptions) -> bool {
    let mut paths = options.paths.iter();
    paths.any(|path| {
        let head = read_trusted(path, Owners::Any, |_| false);
        head.is_ok_and(|head| timeline::is_timeline(&head))
    })
}

fn is_timeline_file(input: &Input) -> bool {
    begins(input, timeline::is_timeline)
}

fn is_history_file(input: &Input) -> bool {
    begins(input, |head| head.starts_with(&timeline::HISTORY_MAGIC))
}

fn begins(input: &Input, with: impl Fn(&[u8]) -> bool) -> bool {
    let head = read_trusted(&input.path, input.owners, |_| false);
    head.is_ok_and(|head| with(&head))
}

/// Returns true if `name` is that of a timeline whose profile the filter matches.
fn is_timeline_name(name: &OsStr, filter: Filter<'_>) -> bool {
    let profile = [timeline::HISTORY_SUFFIX, timeline::SUFFIX]
        .into_iter()
        .find_map(|suffix| name.as_bytes().strip_suffix(suffix.as_bytes()));
    profile.is_some_and(|profile| matches(OsStr::from_bytes(profile), filter))
}

/// Returns the timelines that exist beside a profile. A recording's history file comes first,
/// because it contains more.
fn beside(input: &Input) -> Vec<Input> {
    let path = finished_beside(&input.path).unwrap_or_else(|| input.path.clone());
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut places = vec![
        with(&path, timeline::HISTORY_SUFFIX),
        timeline::beside(&path),
    ];
    // The timeline of a result is named like the other results.
    let stem = path.as_os_str().as_bytes().strip_suffix(SUFFIX.as_bytes());
    places.extend(stem.map(|stem| with(Path::new(OsStr::from_bytes(stem)), timeline::SUFFIX)));
    let exists = places.into_iter().filter(|path| path.exists());
    let inputs = exists.map(|path| Input {
        path,
        bytes: 0,
        ..input.clone()
    });
    inputs.collect()
}

/// Opens timelines. Returns each recording once, the earliest first. Files that can't be read are
/// listed in `report`.
pub(crate) fn read_all(mut inputs: Vec<Input>, report: &mut ReadReport) -> Vec<TimelineProcess> {
    let is_history = |input: &Input| {
        let name = input.path.as_os_str().as_bytes();
        name.ends_with(timeline::HISTORY_SUFFIX.as_bytes())
    };
    // Only the first of two files of one recording counts.
    inputs.sort_by_key(|input| !is_history(input));
    let mut known = HashSet::new();
    let mut processes = Vec::new();
    for mut input in dedup_by_inode(inputs) {
        let mut found = read(&input);
        let is_gone = matches!(found, Err(ReadError::Gone)) || !input.path.exists();
        // The process has ended since and has left a timeline.
        if let Some(ended) = ended(&input).filter(|_| is_gone) {
            found = read(&ended);
            input = ended;
        }
        match found {
            Ok(read) => {
                let file = read.first().map(|of| Arc::clone(of.file()));
                report.timelines.extend(file.map(|file| (input.path, file)));
                processes.extend(read.into_iter().filter(|of| known.insert(of.recording)));
            }
            Err(reason) => report
                .unreadable
                .push(SkippedInput::new(input.path, reason)),
        }
    }
    processes.sort_by_key(|of| (of.process.start_unix_ns, of.process.identity, of.recording));
    processes
}

fn read(input: &Input) -> Result<Vec<TimelineProcess>, ReadError> {
    let (file, _) = open_trusted(&input.path, input.owners)?;
    let is_history = timeline::live_beside(&input.path).filter(|_| is_history_file(input));
    let Some(path) = is_history else {
        return Ok(timeline::read(Source::File(file))?);
    };
    let live = Input {
        path,
        ..input.clone()
    };
    let bytes = match read_trusted(&live.path, live.owners, profile_goes_on) {
        Err(_) if !live.path.exists() => return Err(ReadError::Gone),
        read => read?,
    };
    let (bytes, now) = last_content(&live, bytes)?.ok_or(ReadError::Gone)?;
    let process = timeline::read_recorded(Source::File(file), &bytes, now)?;
    Ok(vec![process])
}

/// Returns the timeline that the process of the history file `input` has left.
fn ended(input: &Input) -> Option<Input> {
    let prof = finished_beside(&timeline::live_beside(&input.path)?)?;
    let mut places = places_of(timeline::beside(&prof), input.owners).into_iter();
    let path = places.find(|path| path.exists())?;
    Some(Input {
        path,
        ..input.clone()
    })
}

impl From<TimelineError> for ReadError {
    fn from(error: TimelineError) -> ReadError {
        match error {
            TimelineError::Io(error) => ReadError::System(error),
            TimelineError::Read(error) => ReadError::Content(error),
        }
    }
}

impl ReadReport {
    /// Returns the error of a command that needs timelines. It `found` so many processes, and none
    /// is selected. Warns of files that can't be read.
    fn without_timeline(&self, found: usize) -> Error {
        if found > 0 {
            return Error::NothingToRead(
                "nothing is left of the timelines: no process has the pid, command line or thread \
                 that is selected"
                    .to_owned(),
            );
        }
        match self.unreadable.as_slice() {
            [] => Error::NothingToRead(
                "there is no timeline: edbprof run --timeline PROGRAM records one, and a path \
                 names it"
                    .to_owned(),
            ),
            [only] => Error::SomeFailed(format!(
                "can't read {}: {}",
                path_text(&only.path),
                only.reason
            )),
            [first, ..] => Error::SomeFailed(format!(
                "none of {} timelines can be read; the first is {}: {}",
                self.unreadable.len(),
                path_text(&first.path),
                first.reason
            )),
        }
    }
}
