//! The account of reading: how many files were used, and which were left out, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;

use edbprof::analysis::merge::Profile;
use edbprof::report::display::printable;
use edbprof::report::numbers::counted;
use edbprof::report::summary::path_text;

use super::discover::directories;
use crate::cli::args::InputOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::warn;

/// File that is left out, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkippedInput {
    pub(crate) path: PathBuf,
    /// Phrase for the user.
    pub(crate) reason: String,
}

/// Account of reading.
#[derive(Debug, Default)]
pub(crate) struct ReadReport {
    /// Files that were found.
    pub(crate) inputs: usize,
    /// Files that were read and can be used.
    pub(crate) succeeded: usize,
    /// Files that can't be read.
    pub(crate) unreadable: Vec<SkippedInput>,
    /// Files that can be read, but not used with these options or these other files.
    pub(crate) refused: Vec<SkippedInput>,
    /// Files that are left out on purpose.
    pub(crate) skips: Vec<SkippedInput>,
    /// Numbers of files of other users, whom the program of an `edbprof run` became.
    pub(crate) of_others: BTreeMap<u32, usize>,
    /// Live files that their processes have left because they could not write another file.
    pub(crate) left_live: usize,
    /// Files of processes that were not selected.
    pub(crate) other_processes: usize,
    /// Options that select functions and match none.
    pub(crate) without_match: BTreeSet<String>,
}

impl SkippedInput {
    pub(crate) fn new(path: PathBuf, reason: impl Display) -> SkippedInput {
        let reason = reason.to_string();
        SkippedInput { path, reason }
    }
}

impl ReadReport {
    /// Files that should be in the results and are not.
    pub(crate) fn failures(&self) -> usize {
        self.unreadable.len() + self.refused.len()
    }

    /// Exit status of a command that did all the rest.
    pub(crate) fn exit(&self) -> Exit {
        match self.failures() {
            0 => Exit::Success,
            _ => Exit::SomeFailed,
        }
    }

    /// Warns of everything that is not in `profile`; if `quiet` only of failures.
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
        self.warn_of_skipped(quiet);
        if self.inputs == 0 {
            let directories = directories(&options.paths);
            let list: Vec<_> = directories.iter().map(|path| path_text(path)).collect();
            return Err(Error::NothingToRead(format!(
                "nothing to read: no {}*{} in {}; --prefix, --suffix and the directory say where \
                 profiles were saved",
                path_text(options.prefix.as_ref()),
                path_text(options.suffix.as_ref()),
                list.join(", "),
            )));
        }
        if self.succeeded == 0 {
            let message = match self.refused.is_empty() {
                true => {
                    "none of the files could be read, so nothing was written; --prefix and \
                     --suffix say which ones are profiles"
                }
                false => "none of the files could be used, so nothing was written",
            };
            return Err(Error::SomeFailed(message.to_owned()));
        }
        let trees = profile.trees();
        if !trees.selection.is_empty() && trees.threads.is_empty() {
            return Err(Error::NothingToRead(format!(
                "nothing is left of what was read: nothing matches {}; nothing was written",
                printable(trees.selection.as_bytes()),
            )));
        }
        for option in self.without_match.iter().filter(|_| !quiet) {
            let option = printable(option.as_bytes());
            warn(format_args!("no function matches {option}"));
        }
        Ok(())
    }

    fn warn_of_skipped(&self, quiet: bool) {
        let skips = self.skips.iter().filter(|_| !quiet);
        for SkippedInput { path, reason } in skips.chain(&self.refused) {
            warn(format_args!("left out {}: {reason}", path_text(path)));
        }
        for SkippedInput { path, reason } in &self.unreadable {
            warn(format_args!("can't read {}: {reason}", path_text(path)));
        }
        for (owner, &files) in self.of_others.iter().filter(|_| !quiet) {
            let files = counted(files, "recording is", "recordings are");
            warn(format_args!(
                "{files} of user {owner}, whom the program became"
            ));
        }
        if self.left_live > 0 && !quiet {
            let files = counted(
                self.left_live,
                "recording is a live file",
                "recordings are live files",
            );
            warn(format_args!(
                "{files}, complete: the process could not write another file at its end"
            ));
        }
    }
}
