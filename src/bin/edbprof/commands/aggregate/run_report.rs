//! Reports on a whole run as JSON, for programs.

use std::path::PathBuf;

use edbprof::analysis::timeline::missing::Missing;
use edbprof::report::Figures;
use edbprof::report::header::Ended;
use edbprof::report::summary::path_text;
use serde_json::{Value, json};

use crate::cli::args::ResultOptions;
use crate::cli::exit::Error;
use crate::cli::names::STDOUT;
use crate::cli::ui::Stream;
use crate::input::{ReadReport, SkippedInput};
use crate::output::targets::write_named;

/// Facts of a run.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    pub(crate) reading: ReadReport,
    /// Files that were written.
    pub(crate) outputs: Vec<PathBuf>,
    /// Figures of the merged profile; 0 where nothing was merged.
    pub(crate) figures: Figures,
    /// Time at which the latest process began, nanoseconds since the Unix epoch.
    pub(crate) latest_start_unix_ns: u64,
    /// Options that selected a part.
    pub(crate) selection: Box<str>,
    /// End of the program of `edbprof run`.
    pub(crate) ended: Ended,
    /// Number of processes of which the timeline was written, and what it lacks.
    pub(crate) timeline: Option<(usize, Missing)>,
    /// Processes of `edbprof run` that were not recorded.
    pub(crate) unrecorded: Vec<Value>,
}

impl RunReport {
    /// Writes the summary that `--summary-json` asks for.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(crate) fn write_json(&self, options: &ResultOptions) -> Result<(), Error> {
        let Some(target) = &options.summary_json else {
            return Ok(());
        };
        let text = format!("{:#}\n", self.json());
        let written = match target.to_str() {
            Some(STDOUT) => Stream::Stdout.print(&text),
            _ => write_named(target, text.as_bytes()),
        };
        written.map_err(|error| {
            Error::NotWritten(format!("can't write {}: {error}", path_text(target)))
        })
    }

    fn json(&self) -> Value {
        let RunReport {
            reading,
            outputs,
            figures,
            latest_start_unix_ns: _,
            selection,
            ended: _,
            timeline,
            unrecorded,
        } = self;
        let outputs = outputs.iter().map(|path| path.to_string_lossy());
        let failures = reading.unreadable.iter().chain(&reading.refused);
        let mut value = json!({
            "succeeded": reading.succeeded,
            "failed": reading.failures(),
            "skipped": reading.skips.len(),
            "outputs": outputs.collect::<Vec<_>>(),
            "failures": failures.map(skipped_json).collect::<Vec<_>>(),
            "skips": reading.skips.iter().map(skipped_json).collect::<Vec<_>>(),
            "processes": figures.processes,
            "killed": figures.killed,
            "overflow_calls": figures.overflow_calls,
            "overflow_functions": figures.overflow_functions,
            "dropped_calls": figures.dropped_calls,
            "unfinished_calls": figures.unfinished_calls,
            // JSON readers accept no more than 64 bits as a whole number.
            "calls": i64::try_from(figures.calls).unwrap_or(i64::MAX),
            "seconds": figures.seconds,
        });
        if !selection.is_empty() {
            value["selection"] = json!(selection);
            value["other_processes"] = json!(reading.other_processes);
        }
        if figures.unsaved_children > 0 {
            value["unsaved_children"] = json!(figures.unsaved_children);
        }
        if figures.unnoticed_entries > 0 {
            value["unnoticed_entries"] = json!(figures.unnoticed_entries);
        }
        if figures.estimated_waits > 0 {
            value["estimated_waits"] = json!(figures.estimated_waits);
        }
        if reading.left_live > 0 {
            value["left_live"] = json!(reading.left_live);
        }
        if !reading.of_others.is_empty() {
            let owners = reading.of_others.iter();
            let owners = owners.map(|(owner, files)| (owner.to_string(), json!(files)));
            value["of_others"] = Value::Object(owners.collect());
        }
        if let Some((processes, missing)) = timeline {
            value["timeline"] = json!({
                "processes": processes,
                "is_complete": missing.is_nothing() && !reading.has_damaged_timelines(),
            });
        }
        if !unrecorded.is_empty() {
            value["unrecorded"] = json!(unrecorded);
        }
        if let Some(compensated) = figures.compensated {
            value["compensated"] = json!({
                "seconds": compensated.seconds,
                "processes_as_recorded": compensated.processes_as_recorded,
            });
        }
        value
    }
}

fn skipped_json(SkippedInput { path, reason }: &SkippedInput) -> Value {
    json!({ "path": path.to_string_lossy(), "reason": reason })
}
