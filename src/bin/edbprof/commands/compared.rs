//! Reads and compares two sides, for `edbprof diff` and for the page of `edbprof view`.

use std::path::PathBuf;

use edbprof::analysis::diff::{Diff, PathChanges, RunFigures, Side};
use edbprof::analysis::display_tree::display_tree;
use edbprof::model::Process;
use edbprof::report::page::Page;
use edbprof::report::summary::path_text;

use crate::cli::args::SideOptions;
use crate::cli::exit::{Error, Exit};
use crate::input::read_runs;

/// Two sides and their differences.
pub(crate) struct Compared {
    pub(crate) diff: Diff,
    /// Differences of call paths, if they are asked for.
    pub(crate) changes: Option<PathChanges>,
    /// Processes of both sides.
    processes: Vec<Process>,
    /// Exit status that follows from reading.
    pub(crate) exit: Exit,
}

impl Compared {
    /// Reads and compares the profiles `before` and `after`, with the call paths if `keeps` is
    /// true.
    ///
    /// # Errors
    ///
    /// When a side can't be read.
    pub(crate) fn read(
        [before, after]: [&[PathBuf]; 2],
        inputs: &SideOptions,
        keeps: bool,
    ) -> Result<Compared, Error> {
        let read = |paths: &[PathBuf]| {
            let (mut side, mut trees, mut processes) = (Side::default(), Vec::new(), Vec::new());
            let read = read_runs(paths, inputs, |run| {
                if keeps {
                    trees.push(display_tree(&run));
                    processes.extend_from_slice(&run.trees().processes);
                }
                let figures = RunFigures::of(&run);
                drop(run);
                side.add(figures);
            });
            (side, trees, processes, read)
        };
        let (old, new) = rayon::join(|| read(before), || read(after));
        let old_exit = old.3.warn()?;
        let new_exit = new.3.warn()?;
        let diff = Diff::of([old.0, new.0]);
        let changes = keeps.then(|| PathChanges::new(&diff, [old.1, new.1]));
        let exit = match old_exit {
            Exit::Success => new_exit,
            exit => exit,
        };
        Ok(Compared {
            diff,
            changes,
            processes: [old.2, new.2].concat(),
            exit,
        })
    }

    /// Returns the page that explores the differences.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub(crate) fn page(&self, page: &Page, sides: [&[PathBuf]; 2]) -> Result<Vec<u8>, Error> {
        let [before, after] = sides.map(names_of);
        let none = PathChanges::default();
        let changes = self.changes.as_ref().unwrap_or(&none);
        page.compare(&self.diff, changes, [&before, &after], &self.processes)
            .map_err(|error| Error::NotWritten(format!("can't write the page: {error}")))
    }
}

/// Returns the names of a side's files, as one text.
pub(crate) fn names_of(paths: &[PathBuf]) -> String {
    let names = paths.iter().map(|path| path_text(path));
    names.collect::<Vec<_>>().join(" ")
}
