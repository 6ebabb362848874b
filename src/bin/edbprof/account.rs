//! How a run went: what was read and what was left out, what the results hold and where
//! they are. For people on stderr, for programs as JSON.

use std::collections::BTreeSet;
use std::path::PathBuf;

use edbprof::report::Figures;
use edbprof::report::summary::path_text;
use serde_json::json;

use crate::discover::Refused;
use crate::exit::{Error, Exit};
use crate::options::{ResultOptions, STDOUT};
use crate::outputs::write_named;
use crate::progress::{Stream, complain};

/// What happened, for people and programs.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) succeeded: usize,
    /// What can't be read.
    pub(crate) unreadable: Vec<Refused>,
    /// What can, but not be used with these options or the other files.
    pub(crate) refused: Vec<Refused>,
    pub(crate) skips: Vec<Refused>,
    pub(crate) outputs: Vec<PathBuf>,
    /// The size of the merged profile; 0 where nothing was merged.
    pub(crate) figures: Figures,
    /// Files of processes that were not chosen.
    pub(crate) other_processes: usize,
    /// Options that choose functions and match none.
    pub(crate) without_match: BTreeSet<String>,
    /// The options that chose a part.
    pub(crate) selection: Box<str>,
}

impl Account {
    /// What was read first is nothing to tell of.
    pub(crate) fn sort(&mut self) {
        for refused in [&mut self.unreadable, &mut self.refused, &mut self.skips] {
            refused.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }

    /// How it ended if all was written.
    pub(crate) fn exit(&self) -> Exit {
        match self.failures() {
            0 => Exit::Success,
            _ => Exit::SomeFailed,
        }
    }

    /// How many files should be in the results and are not.
    pub(crate) fn failures(&self) -> usize {
        self.unreadable.len() + self.refused.len()
    }

    /// Says on stderr what is not in the results, and why; if `quiet` only where that is a
    /// failure.
    pub(crate) fn tell(&self, quiet: bool) {
        for Refused { path, reason } in self.skips.iter().filter(|_| !quiet) {
            complain(&format!("left out {}: {reason}", path_text(path)));
        }
        for Refused { path, reason } in &self.refused {
            complain(&format!("left out {}: {reason}", path_text(path)));
        }
        for Refused { path, reason } in &self.unreadable {
            complain(&format!("can't read {}: {reason}", path_text(path)));
        }
    }

    /// Writes it as `--summary-json` asks for.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(crate) fn write_json(&self, options: &ResultOptions) -> Result<(), Error> {
        let Some(target) = &options.summary_json else {
            return Ok(());
        };
        let list = |lists: [&[Refused]; 2]| -> Vec<_> {
            let entries = lists.into_iter().flatten();
            entries
                .map(|r| json!({ "path": r.path.to_string_lossy(), "reason": r.reason }))
                .collect()
        };
        let outputs: Vec<_> = self
            .outputs
            .iter()
            .map(|path| path.to_string_lossy())
            .collect();
        let figures = &self.figures;
        let mut value = json!({
            "succeeded": self.succeeded,
            "failed": self.failures(),
            "skipped": self.skips.len(),
            "outputs": outputs,
            "failures": list([&self.unreadable, &self.refused]),
            "skips": list([&self.skips, &[]]),
            "processes": figures.processes,
            "killed": figures.killed,
            "folded_calls": figures.overflow_calls,
            "folded_functions": figures.overflow_functions,
            "dropped_calls": figures.dropped_calls,
            // More than 64 bits of calls are beyond what JSON readers take for whole.
            "calls": i64::try_from(figures.calls).unwrap_or(i64::MAX),
            "seconds": figures.seconds,
        });
        if !self.selection.is_empty() {
            value["selection"] = json!(self.selection);
            value["other_processes"] = json!(self.other_processes);
        }
        if let Some(compensated) = figures.compensated {
            value["compensated"] = json!({
                "seconds": compensated.seconds,
                "processes_as_recorded": compensated.processes_as_recorded,
            });
        }
        let text = format!("{value:#}\n");
        let written = match target.to_str() {
            Some(STDOUT) => Stream::Stdout.say(&text),
            _ => write_named(target, text.as_bytes()),
        };
        written.map_err(|error| {
            Error::NotWritten(format!("can't write {}: {error}", path_text(target)))
        })
    }
}
