//! Processes of the program that were not recorded, known from their own notes or their parents'.
//!
//! A process that knows that it is not recorded leaves a file `unrecorded_PID_CAUSE` in the
//! directory of recordings. Its content is an error. The name alone is enough, because even a full
//! disk has room for names. For other processes, their parents have noted the start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edbprof::report::display::printable;
use edbprof::report::numbers::counted;
use serde_json::{Value, json};

use super::reasons::ReasonsOfStarted;
use super::started;
use crate::cli::names::UNRECORDED_PREFIX;

/// Number of processes of one cause that are named.
const NAMED: usize = 5;

/// Causes: the names in files, the texts for users, and true if something has failed.
const CAUSES: [(&str, &str, bool); 5] = [
    ("no-site", "started with -S", false),
    (
        "not-installed",
        "edbprof is not installed for that Python",
        false,
    ),
    (
        "no-pth",
        "edbprof_native.pth is not where that Python reads .pth files",
        false,
    ),
    (
        "unknown",
        "ended at once, EDBPROF_RUN was empty, or the recordings could not be reached",
        false,
    ),
    ("failed", "recording failed", true),
];

/// Cause for processes whose subinterpreters were not recorded. The file has a line for each of
/// these; the process itself is recorded.
const INTERPRETER: &str = "interpreter";

/// Process that was not recorded.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Unrecorded {
    pid: u32,
    about: String,
}

/// Processes that were not recorded, by their causes.
#[derive(Debug, Default)]
pub(super) struct UnrecordedProcesses {
    by_cause: BTreeMap<String, Vec<Unrecorded>>,
    files: Vec<PathBuf>,
}

impl UnrecordedProcesses {
    /// Reads the files in `directory`, and asks the Pythons for which there is no note.
    pub(super) fn of(directory: &Path) -> UnrecordedProcesses {
        let mut found = UnrecordedProcesses::read(directory);
        let (started, files) = started::unrecorded(directory);
        found.files.extend(files);
        let mut reasons = ReasonsOfStarted::default();
        for started in started {
            let about = started.command();
            let pid = started.pid;
            if let Some(cause) = reasons.cause(&started).filter(|_| !found.has(pid)) {
                let processes = found.by_cause.entry(cause.to_owned()).or_default();
                processes.push(Unrecorded { pid, about });
            }
        }
        found
    }

    fn has(&self, pid: u32) -> bool {
        let mut processes = self.by_cause.values().flatten();
        processes.any(|process| process.pid == pid)
    }

    /// Reads the files of processes that know that they are not recorded.
    fn read(directory: &Path) -> UnrecordedProcesses {
        let mut found = UnrecordedProcesses::default();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name
                .to_str()
                .and_then(|name| name.strip_prefix(UNRECORDED_PREFIX));
            let Some((pid, cause)) = name.and_then(|name| name.split_once('_')) else {
                continue;
            };
            let Ok(pid) = pid.parse() else {
                continue;
            };
            let about = fs::read(entry.path()).unwrap_or_default();
            let about = match cause {
                INTERPRETER => about.len().max(1).to_string(),
                _ => printable(about.trim_ascii()),
            };
            let processes = found.by_cause.entry(cause.to_owned()).or_default();
            processes.push(Unrecorded { pid, about });
            found.files.push(entry.path());
        }
        for processes in found.by_cause.values_mut() {
            processes.sort();
        }
        found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_cause.is_empty()
    }

    /// Returns true if some should have been recorded.
    pub(super) fn have_failures(&self) -> bool {
        let mut failures = CAUSES.iter().filter(|(_, _, is_failure)| *is_failure);
        failures.any(|(cause, _, _)| self.by_cause.contains_key(*cause))
    }

    /// Removes the files, where the directory stays.
    pub(super) fn remove(&self) {
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }

    /// Returns all of them, for programs.
    pub(super) fn json(&self) -> Vec<Value> {
        let processes = self
            .by_cause
            .iter()
            .flat_map(|(cause, processes)| processes.iter().map(move |process| (cause, process)));
        processes
            .map(|(cause, process)| {
                json!({ "pid": process.pid, "cause": cause, "about": process.about })
            })
            .collect()
    }

    /// Returns a line for each cause: the number of processes, their ids, and the cause.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.by_cause.iter().map(|(cause, processes)| {
            if cause == INTERPRETER {
                return interpreters(processes);
            }
            let known = CAUSES.iter().find(|(known, _, _)| known == cause);
            let cause = known.map_or_else(
                || printable(cause.as_bytes()),
                |(_, text, _)| (*text).to_owned(),
            );
            let list = list(processes);
            let number = counted(processes.len(), "process", "processes");
            let were = match processes.len() {
                1 => "was",
                _ => "were",
            };
            format!("{number} {were} not recorded ({cause}): {list}")
        })
    }
}

fn interpreters(processes: &[Unrecorded]) -> String {
    let number = processes
        .iter()
        .filter_map(|process| process.about.parse::<usize>().ok())
        .sum();
    let number = counted(number, "sub-interpreter", "sub-interpreters");
    let list = list(processes);
    format!("calls in {number} were not recorded (recording failed): {list}")
}

/// Names the first processes and counts the rest.
fn list(processes: &[Unrecorded]) -> String {
    let named = processes.iter().take(NAMED);
    let mut list: Vec<_> = named
        .map(|process| match process.about.as_str() {
            "" => process.pid.to_string(),
            about => format!("{} ({about})", process.pid),
        })
        .collect();
    if processes.len() > NAMED {
        list.push(format!("{} more", processes.len() - NAMED));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("unrecorded_12_failed", "no memory\n");
        write("unrecorded_3_failed", "");
        write("unrecorded_7_of-yesterday", "a\x1b[2Jb");
        write("unrecorded_8_of-tomorrow", "");
        write("unrecorded_x_failed", "");
        write("unrecorded_5_interpreter", "\n\n");
        write("unrecorded_6_interpreter", "");
        write("edbprof_1.prof", "");
        let found = UnrecordedProcesses::read(directory.path());
        assert_eq!(
            found.lines().collect::<Vec<_>>(),
            [
                "2 processes were not recorded (recording failed): 3, 12 (no memory)",
                "calls in 3 sub-interpreters were not recorded \
                 (recording failed): 5 (2), 6 (1)",
                "1 process was not recorded (of-tomorrow): 8",
                "1 process was not recorded (of-yesterday): 7 (a\\x1b[2Jb)",
            ]
        );
        assert!(found.have_failures());
        let first = json!({ "pid": 3, "cause": "failed", "about": "" });
        assert_eq!((found.json().len(), &found.json()[0]), (6, &first));
        found.remove();
        assert!(UnrecordedProcesses::read(directory.path()).is_empty());
        assert!(directory.path().join("edbprof_1.prof").exists());
    }
}
