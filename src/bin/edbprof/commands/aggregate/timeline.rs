//! The history of a whole run as one file beside the other results.

use std::fs;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};

use edbprof::analysis::timeline::axis::Axis;
use edbprof::analysis::timeline::missing::Missing;
use edbprof::format::atomic_file;
use edbprof::format::timeline::{self, TimelineProcess, TimelineWriter};
use edbprof::report::summary::path_text;

use crate::cli::args::SelectionOptions;
use crate::cli::exit::Error;
use crate::input::{Input, ReadReport, timelines};
use crate::output::overwrite_guard::{overwriting_input, remove_stale, set_apart_only};

/// Bytes that are written at once.
const AT_ONCE: usize = 1 << 20;

/// Timelines beside the inputs, to be one file.
pub(super) struct RunTimeline {
    processes: Vec<TimelineProcess>,
    path: PathBuf,
    /// Part of the run that it lacks.
    pub(super) missing: Missing,
    /// True if the other results have only some of the functions.
    pub(super) has_more_functions: bool,
}

impl RunTimeline {
    /// Opens the timelines beside `inputs`. `path` is the file for the part of them that
    /// `selection` chooses.
    ///
    /// # Errors
    ///
    /// `path` would replace one of them that has something else.
    pub(super) fn open(
        inputs: &[Input],
        selection: &SelectionOptions,
        path: PathBuf,
        report: &mut ReadReport,
    ) -> Result<RunTimeline, Error> {
        let mut files = timelines::beside_all(inputs);
        let replaced = set_apart_only(&mut files, &path);
        let mut processes = timelines::read_all(files, report);
        let old = timelines::read_all(replaced, &mut ReadReport::default());
        let is_kept = |old: &TimelineProcess| {
            let mut kept = processes.iter();
            kept.any(|of| of.recording == old.recording)
        };
        if !old.iter().all(is_kept) {
            return Err(overwriting_input(&path));
        }
        timelines::select(&mut processes, &selection.selection());
        let missing = Missing::of(&processes, &Axis::new(&processes));
        Ok(RunTimeline {
            processes,
            path,
            missing,
            has_more_functions: !selection.include.is_empty() || !selection.exclude.is_empty(),
        })
    }

    /// Number of processes in it.
    pub(super) fn len(&self) -> usize {
        self.processes.len()
    }

    /// Writes the file, a block at a time, or removes that of an earlier run if there is nothing to
    /// write. Returns its path if it was written.
    ///
    /// # Errors
    ///
    /// The file's path, and the system's error.
    pub(super) fn write(&self) -> Result<Option<&Path>, (String, io::Error)> {
        let path = &self.path;
        let failed = |error| (path_text(path), error);
        if self.processes.is_empty() {
            if is_timeline(path) {
                remove_stale(path).map_err(failed)?;
            }
            return Ok(None);
        }
        let written = atomic_file::write_shared_by(path, |file| {
            let mut writer = TimelineWriter::new(BufWriter::with_capacity(AT_ONCE, file))?;
            for process in &self.processes {
                writer.process(process)?;
            }
            writer.finish().map(drop)
        });
        written.map_err(failed)?;
        Ok(Some(path))
    }
}

/// Returns true if `path` is a timeline, which alone is a result of an earlier run.
fn is_timeline(path: &Path) -> bool {
    let mut head = [0; 8];
    let is_file = fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
    let read =
        is_file.then(|| fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)));
    matches!(read, Some(Ok(()))) && timeline::is_timeline(&head)
}
