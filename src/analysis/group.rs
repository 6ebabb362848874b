//! Keeping processes and threads apart, and choosing among what was recorded: what a file
//! is taken through before it is merged.
//!
//! Merging joins calls of one path, whoever made them. So what is to stay apart gets a
//! node of its own at the root before, and the merged tree needs nothing else: it can be
//! merged further, by process, by thread or by neither.

use std::fmt;

use super::reshape::{Groups, reshape};
use super::select::Selection;
use crate::format::prof::ProfFile;
use crate::model::{Ending, NodeKind, Process, ThreadTree, Trees};

/// The longest command line that a process is called by, characters.
const LONGEST_COMMAND: usize = 120;

/// What stays apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Processes.
    Process,
    /// Processes, and threads within each.
    Thread,
}

/// What of each file is merged, and what stays apart meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What stays apart; nothing joins all calls of one path.
    pub by: Option<By>,
    /// What is looked at.
    pub selection: Selection,
}

/// Why nothing can be chosen from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unselectable {
    /// It has rows of inputs without call trees.
    Plain,
    /// It is an aggregate, and processes or threads are to be chosen.
    Aggregate,
    /// Other options have chosen a part already, and the rest is gone.
    Part {
        /// These options.
        selection: Box<str>,
    },
}

impl fmt::Display for Unselectable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unselectable::Plain => f.write_str(
                "it has figures without call trees, as cProfile makes them, of which \
                 --only-process, --only-thread, --include and --exclude can choose no part",
            ),
            Unselectable::Aggregate => f.write_str(
                "it is an aggregate, where --only-process and --only-thread can choose no part; \
                 give the files that it was made from",
            ),
            Unselectable::Part { selection } => write!(
                f,
                "it holds only what {} has chosen, of which no other part can be chosen; give \
                 the files that it was made from",
                selection.escape_debug()
            ),
        }
    }
}

impl std::error::Error for Unselectable {}

impl Wanted {
    /// What is wanted of `file`, or `None` if it is another process's. A file that holds
    /// what the same options have chosen has its threads' groups changed alone.
    ///
    /// # Errors
    ///
    /// When nothing can be chosen from it.
    pub fn of<R>(&self, file: ProfFile<R>) -> Result<Option<ProfFile<R>>, Unselectable> {
        let selection = self.selection.text();
        let (mut trees, plain) = match file {
            ProfFile::Exact(trees, plain) => (trees, plain),
            ProfFile::Plain(_) if !selection.is_empty() => return Err(Unselectable::Plain),
            ProfFile::Plain(plain) => return Ok(Some(ProfFile::Plain(plain))),
        };
        let is_part = !trees.selection.is_empty();
        if is_part && !selection.is_empty() && *trees.selection != selection {
            let selection = trees.selection;
            return Err(Unselectable::Part { selection });
        }
        let chooses = !is_part && !selection.is_empty();
        let all = Selection::default();
        let chosen = if chooses { &self.selection } else { &all };
        if chooses {
            if !plain.hashes.is_empty() {
                return Err(Unselectable::Plain);
            }
            let has_joined_processes = trees.recordings.len() > 1;
            if has_joined_processes && !chosen.processes.is_empty()
                || trees.is_merged() && !chosen.threads.is_empty()
            {
                return Err(Unselectable::Aggregate);
            }
            if !trees.processes.iter().any(|p| chosen.has_process(p)) {
                return Ok(None);
            }
        }
        let has_groups = trees.kinds.iter().any(NodeKind::is_group);
        if chooses || self.by.is_some() || has_groups {
            let groups = |thread: &ThreadTree| self.groups(&trees, thread);
            trees = reshape(&trees, chosen, groups);
        }
        if chooses {
            trees.selection = selection.into();
        }
        Ok(Some(ProfFile::Exact(trees, plain)))
    }

    /// What stands at the root of those calls of `thread` that have no group yet.
    fn groups(&self, trees: &Trees, thread: &ThreadTree) -> Groups {
        let Some(by) = self.by else {
            return Groups::default();
        };
        let process = match trees.processes[..] {
            [_] if trees.recordings.len() == 1 => NodeKind::Process(0),
            _ => NodeKind::MergedProcesses,
        };
        let thread = match trees.is_merged() {
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

/// What is worth knowing of a process, in one line; names as they are.
pub fn describe(process: &Process) -> String {
    let command = process.argv.join(&b' ');
    let command = String::from_utf8_lossy(&command);
    let mut short: String = command.chars().take(LONGEST_COMMAND).collect();
    if short.len() < command.len() {
        short.push('…');
    }
    let ending = match process.ending {
        Ending::Running => "still running",
        Ending::Finished => "finished",
        Ending::Killed => "killed",
    };
    format!(
        "process {}: {short} ({}, started {}, {:.3} s, {ending})",
        process.identity.pid,
        String::from_utf8_lossy(&process.host),
        utc(process.start_unix_ns / 1_000_000_000),
        process.duration_ns as f64 / 1e9,
    )
}

/// A moment, in seconds since the Unix epoch, as date and time.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day last: so 153 days are five months
    // from any March or August on, and 146,097 days 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessIdentity;

    #[test]
    fn a_process_is_called_by_its_facts() {
        let process = Process {
            identity: ProcessIdentity {
                pid: 4711,
                ..ProcessIdentity::default()
            },
            argv: [b"python"[..].into(), b"\xffapp.py"[..].into()].into(),
            host: b"CPython 3.11.7"[..].into(),
            start_unix_ns: 1_700_000_000_123_456_789,
            duration_ns: 5_123_456_789,
            ending: Ending::Killed,
            ..Process::default()
        };
        assert_eq!(
            describe(&process),
            "process 4711: python \u{fffd}app.py \
             (CPython 3.11.7, started 2023-11-14 22:13:20 UTC, 5.123 s, killed)"
        );
        let long = Process {
            argv: [b"x".repeat(100_000).into()].into(),
            ..process
        };
        assert!(describe(&long).len() < 300);
    }

    #[test]
    fn moments_are_dates() {
        // date --utc --date=@N
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(utc(seconds), date);
        }
        // The last that a file can hold.
        assert_eq!(utc(u64::MAX / 1_000_000_000), "2554-07-21 23:34:33 UTC");
    }
}
