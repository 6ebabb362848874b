//! Reports on reading: the number of files that were used, and the files that were left out, with
//! reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use edbprof::analysis::merge::Profile;
use edbprof::analysis::process_text::beginning;
use edbprof::analysis::runs::runs;
use edbprof::format::timeline::TimelineFile;
use edbprof::model::Process;
use edbprof::report::calls::damage_text;
use edbprof::report::display::printable;
use edbprof::report::hints::quoted;
use edbprof::report::numbers::counted;
use edbprof::report::summary::path_text;

use super::discover::directories;
use crate::cli::args::InputOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::names::{PREFIX, RESULT, SUFFIX};
use crate::cli::ui::{own_command, warn};

/// Number of files of one kind that are named.
const NAMED: usize = 100;

/// File that is left out, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkippedInput {
    pub(crate) path: PathBuf,
    /// Phrase for the user.
    pub(crate) reason: String,
}

/// Report on reading.
#[derive(Debug, Default)]
pub(crate) struct ReadReport {
    /// Files that were found.
    pub(crate) inputs: usize,
    /// True if some of them were found in a directory.
    pub(crate) searched: bool,
    /// Files that were read and can be used.
    pub(crate) succeeded: usize,
    /// Files that can't be read.
    pub(crate) unreadable: Vec<SkippedInput>,
    /// Files that can be read, but can't be used with these options or the other files.
    pub(crate) refused: Vec<SkippedInput>,
    /// Files that are left out on purpose.
    pub(crate) skips: Vec<SkippedInput>,
    /// Numbers of files of other users that the program of an `edbprof run` became, by user.
    pub(crate) of_others: BTreeMap<u32, usize>,
    /// Live files that their processes have left because they could not write another file.
    pub(crate) left_live: usize,
    /// Files of processes that were not selected.
    pub(crate) other_processes: usize,
    /// Options that select functions and match none.
    pub(crate) without_match: BTreeSet<String>,
    /// For some of these options, the function with a similar name.
    pub(crate) meant: BTreeMap<String, String>,
    /// Timelines that were opened.
    pub(crate) timelines: Vec<(PathBuf, Arc<TimelineFile>)>,
}

/// Returns advice for `directories` that have no recordings: to read the other profiles there, if
/// there are any.
fn other_profiles(directories: &[PathBuf]) -> String {
    let profiles_in = |directory: &PathBuf| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|suffix| suffix == "prof"))
            .collect();
        paths.sort_by_key(|path| (path.file_name() != Some(RESULT.as_ref()), path.clone()));
        paths
    };
    let profiles: Vec<_> = directories.iter().flat_map(profiles_in).collect();
    match profiles.first() {
        Some(first) => format!(
            "there {} {}, named otherwise: {} tree {} shows one",
            if profiles.len() == 1 { "is" } else { "are" },
            counted(profiles.len(), "profile", "profiles"),
            quoted(&own_command()),
            quoted(&path_text(first)),
        ),
        None => "--prefix, --suffix and the directory say where profiles were saved".to_owned(),
    }
}

/// Returns the command `words` of this program, with the inputs that `options` name.
fn command(words: &str, options: &InputOptions) -> String {
    let mut command = format!("{} {words}", quoted(&own_command()));
    for (option, value, default) in [
        ("prefix", &options.prefix, PREFIX),
        ("suffix", &options.suffix, SUFFIX),
    ] {
        if **value != *default {
            let value = quoted(&path_text(value.as_ref()));
            command.push_str(&format!(" --{option}={value}"));
        }
    }
    for path in &options.paths {
        command.push_str(&format!(" {}", quoted(&path_text(path))));
    }
    command
}

impl SkippedInput {
    pub(crate) fn new(path: PathBuf, reason: impl Display) -> SkippedInput {
        let reason = reason.to_string();
        SkippedInput { path, reason }
    }
}

impl ReadReport {
    /// Returns the number of files that should be in the results, but are not.
    pub(crate) fn failures(&self) -> usize {
        self.unreadable.len() + self.refused.len()
    }

    /// Returns the exit status of a command for which everything else has succeeded.
    pub(crate) fn exit(&self) -> Exit {
        match self.failures() {
            0 if !self.has_damaged_timelines() => Exit::Success,
            _ => Exit::SomeFailed,
        }
    }

    /// Returns true if a part of a timeline could not be used.
    pub(crate) fn has_damaged_timelines(&self) -> bool {
        let mut timelines = self.timelines.iter();
        timelines.any(|(_, file)| file.damage().is_loss())
    }

    /// Returns warnings of damaged timelines. Damage is known only in blocks that were read.
    pub(crate) fn damaged_timelines(&self) -> Vec<String> {
        let timelines = self.timelines.iter();
        let warnings = timelines.flat_map(|(path, file)| {
            let texts = damage_text(&file.damage()).into_iter();
            texts.map(move |text| format!("{}: {text}", path_text(path)))
        });
        warnings.collect()
    }

    /// Warns of everything that is not in `profile`; if `quiet` is true, only of failures.
    ///
    /// # Errors
    ///
    /// When `profile` is empty, because nothing was found, usable or selected.
    pub(crate) fn check(
        &self,
        profile: &Profile,
        options: &InputOptions,
        quiet: bool,
    ) -> Result<(), Error> {
        let (warnings, result) = self.checked(profile, options, quiet);
        warnings.iter().for_each(warn);
        result
    }

    /// Returns the warnings and the result of [`check`](Self::check).
    pub(crate) fn checked(
        &self,
        profile: &Profile,
        options: &InputOptions,
        quiet: bool,
    ) -> (Vec<String>, Result<(), Error>) {
        let mut warnings = self.skipped(quiet);
        let result = self.usable(profile, options);
        if result.is_ok() && !quiet {
            if options.since.is_none() && self.searched {
                warnings.extend(self.several_runs(&profile.trees().processes));
            }
            let without_match = self.without_match.iter();
            warnings.extend(without_match.map(|option| self.no_function(option)));
        }
        (warnings, result)
    }

    /// Returns an error if `profile` is empty.
    fn usable(&self, profile: &Profile, options: &InputOptions) -> Result<(), Error> {
        if self.inputs == 0 {
            let directories = directories(&options.paths);
            let list: Vec<_> = directories.iter().map(|path| path_text(path)).collect();
            let since = match options.since {
                Some(_) => " of the time that --since chooses",
                None => "",
            };
            return Err(Error::NothingToRead(format!(
                "nothing to read: no {}*{}{since} in {}; {}",
                path_text(options.prefix.as_ref()),
                path_text(options.suffix.as_ref()),
                list.join(", "),
                other_profiles(&directories),
            )));
        }
        if self.succeeded == 0 {
            let message = match self.refused.is_empty() {
                true if self.searched => {
                    "none of the files could be read; --prefix and --suffix say which ones are \
                     profiles"
                }
                true => "none of the files could be read",
                false => "none of the files could be used",
            };
            return Err(Error::SomeFailed(message.to_owned()));
        }
        let trees = profile.trees();
        if !trees.selection.is_empty() && trees.threads.is_empty() {
            let message = self.nothing_left(options, &trees.selection);
            return Err(Error::NothingToRead(message));
        }
        Ok(())
    }

    /// Returns a message that says which of the options in `selection` leave nothing, and which
    /// command lists the choices.
    fn nothing_left(&self, options: &InputOptions, selection: &str) -> String {
        let include = |option: &&String| option.starts_with("--include=");
        let mut without_match = self.without_match.iter().filter(include);
        if let Some(option) = without_match.next() {
            let names = command("top --limit=0", options);
            return format!("{}; {names} lists all names", self.no_function(option));
        }
        let selection = printable(selection.as_bytes());
        let chosen = &options.selection;
        let has_several = selection.contains(" --");
        let (unit, by) = match (chosen.only_process.len(), chosen.only_thread.len()) {
            (0, 0) => return format!("nothing is left of what was read: {selection} hides all"),
            (_, 0) if !has_several => ("no process matches", "process"),
            (0, _) if !has_several => ("no thread matches", "thread"),
            (_, 0) => ("nothing matches", "process"),
            _ => ("nothing matches", "thread"),
        };
        let shown = command(&format!("tree --by={by}"), options);
        format!("{unit} {selection}; {shown} lists all")
    }

    /// Returns a message that `option`, of a selection, matches no function.
    fn no_function(&self, option: &str) -> String {
        let shown = printable(option.as_bytes());
        let meant = self.meant.get(option);
        let meant = meant.map_or(String::new(), |name| format!("; did you mean {name}?"));
        format!("no function matches {shown}{meant}")
    }

    /// Returns a warning if recordings of several runs were found and merged, because that may be a
    /// mistake.
    fn several_runs(&self, processes: &[Process]) -> Option<String> {
        let processes: Vec<_> = processes.iter().collect();
        let numbers = runs(&processes);
        let number = numbers.iter().max().map_or(0, |last| last + 1);
        let of_last = |(run, _): &(usize, _)| run + 1 == number;
        let mut last = numbers.into_iter().zip(processes).filter(of_last);
        let last = last.next().map_or(String::new(), |(_, process)| {
            printable(beginning(process).as_bytes())
        });
        (number > 1).then(|| {
            format!(
                "{} of {number} runs are merged; --since=last-run takes the last alone: {last}",
                counted(self.succeeded, "file", "files"),
            )
        })
    }

    /// Returns warnings of files that are left out; if `quiet` is true, only of failures.
    pub(crate) fn skipped(&self, quiet: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        let skips = match quiet {
            true => &[][..],
            false => &self.skips,
        };
        for (what, files) in [
            ("left out", skips),
            ("left out", &self.refused),
            ("can't read", &self.unreadable),
        ] {
            for SkippedInput { path, reason } in files.iter().take(NAMED) {
                warnings.push(format!("{what} {}: {reason}", path_text(path)));
            }
            let more = files.len().saturating_sub(NAMED);
            if more > 0 {
                let more = counted(more, "more file", "more files");
                warnings.push(format!("{what} {more}; --summary-json=- lists all of them"));
            }
        }
        for (owner, &files) in self.of_others.iter().filter(|_| !quiet) {
            let files = counted(files, "recording is", "recordings are");
            warnings.push(format!("{files} of user {owner}, whom the program became"));
        }
        if self.left_live > 0 && !quiet {
            let files = counted(
                self.left_live,
                "recording is a live file",
                "recordings are live files",
            );
            warnings.push(format!(
                "{files}, complete: the process could not write another file at its end"
            ));
        }
        warnings
    }
}
