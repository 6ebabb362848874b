//! The part of each file that is merged, and the processes or threads that are kept apart.

use std::fmt;

use super::apply_selection::apply_selection;
use super::group_roots::{Groups, group_roots};
use super::select::{Selection, SelectionId};
use crate::format::prof::ProfFile;
use crate::model::{NodeKind, ThreadTree, Trees};

/// Units that are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Processes.
    Process,
    /// Processes, and threads within each.
    Thread,
}

/// A request to merge a part of each file.
#[derive(Clone, Debug, Default)]
pub struct MergeRequest {
    /// Units that are kept apart; `None` adds up all calls of one path.
    pub by: Option<By>,
    /// The part.
    pub selection: Selection,
}

/// Reason why nothing can be chosen from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectionError {
    /// It has rows of inputs without call trees.
    Plain,
    /// It is an aggregate, and processes or threads are to be chosen.
    Aggregate,
    /// It is a part that another selection has chosen; the rest is gone.
    Part(SelectionId),
}

impl fmt::Display for SelectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SelectionError::Plain => f.write_str(
                "it has figures without call trees, as cProfile makes them, of which \
                 --only-process, --only-thread, --include and --exclude can choose no part",
            ),
            SelectionError::Aggregate => f.write_str(
                "it is an aggregate that does not keep apart what --only-process and \
                 --only-thread choose; give the files that it was made from",
            ),
            SelectionError::Part(selection) => write!(
                f,
                "it holds only what {selection} has chosen, of which no other part can be \
                 chosen; give the files that it was made from",
            ),
        }
    }
}

impl std::error::Error for SelectionError {}

/// Returns two facts of an aggregate: all calls are those of a known process, and of a known
/// thread. Overflow calls have only one row for all of them.
fn apart(trees: &Trees) -> [bool; 2] {
    let mut apart = [true, true];
    for thread in &trees.threads {
        let has_overflow = !thread.overflow.is_empty();
        apart = apart.map(|is_apart| is_apart && !has_overflow);
        let mut known: Vec<[bool; 2]> = Vec::with_capacity(thread.nodes.len());
        for (&parent, &kind) in thread.nodes.parents().iter().zip(thread.nodes.kinds()) {
            let [process, thread] = known.get(parent as usize).copied().unwrap_or([false; 2]);
            let kind = &trees.kinds[kind as usize];
            let here = [
                process || matches!(kind, NodeKind::Process(_)),
                thread || matches!(kind, NodeKind::Thread { .. }),
            ];
            if !kind.is_group() {
                apart = [apart[0] && here[0], apart[1] && here[1]];
            }
            known.push(here);
        }
    }
    apart
}

impl MergeRequest {
    /// Returns the requested part of `file`, or `None` if the file is of another process.
    /// If the same selection has chosen `file` before, only its groups change.
    ///
    /// # Errors
    ///
    /// When nothing can be chosen from it.
    pub fn of<R>(&self, file: ProfFile<R>) -> Result<Option<ProfFile<R>>, SelectionError> {
        let id = self.selection.id();
        let (mut trees, plain) = match file {
            ProfFile::Exact(trees, plain) => (trees, plain),
            ProfFile::Plain(_) if !id.is_whole() => return Err(SelectionError::Plain),
            ProfFile::Plain(plain) => return Ok(Some(ProfFile::Plain(plain))),
        };
        let is_merged = trees.is_merged();
        let chosen_before = SelectionId::of(&trees);
        if !id.is_whole() && chosen_before.is_whole() {
            if plain.inputs() > 0 {
                return Err(SelectionError::Plain);
            }
            self.check_aggregate(&trees)?;
            let mut processes = trees.processes.iter();
            if !processes.any(|process| self.selection.has_process(process)) {
                return Ok(None);
            }
            trees = apply_selection(&trees, &self.selection);
            if trees.recordings.len() > 1 {
                trees.retain_processes(|process| self.selection.has_process(process));
            }
            trees.selection = id.into_text();
        } else if !id.is_whole() && id != chosen_before {
            return Err(SelectionError::Part(chosen_before));
        }
        if self.by.is_some() || trees.kinds.iter().any(NodeKind::is_group) {
            trees = group_roots(&trees, |thread| self.groups(&trees, is_merged, thread));
        }
        Ok(Some(ProfFile::Exact(trees, plain)))
    }

    /// Returns an error if processes or threads are to be chosen from a tree that has merged
    /// several of them.
    fn check_aggregate(&self, trees: &Trees) -> Result<(), SelectionError> {
        let has_several_processes = trees.recordings.len() > 1;
        let wants_processes = has_several_processes && !self.selection.processes.is_empty();
        let wants_threads = trees.is_merged() && !self.selection.threads.is_empty();
        let [processes, threads] = apart(trees);
        if wants_processes && !processes || wants_threads && !threads {
            return Err(SelectionError::Aggregate);
        }
        Ok(())
    }

    /// Returns the groups for those calls of `thread` that have none yet.
    fn groups(&self, trees: &Trees, is_merged: bool, thread: &ThreadTree) -> Groups {
        let Some(by) = self.by else {
            return Groups::default();
        };
        let process = match (trees.recordings.len(), trees.processes.len()) {
            (1, 1) => NodeKind::Process(0),
            _ => NodeKind::MergedProcesses,
        };
        let thread = match is_merged {
            true => NodeKind::MergedThreads,
            false => NodeKind::Thread {
                name: thread.name.clone(),
                threads: thread.threads,
            },
        };
        Groups {
            process: Some(process),
            thread: (by == By::Thread).then_some(thread),
        }
    }
}
