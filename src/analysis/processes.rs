//! Groups recordings by their process, and finds out how each process ended.

use std::collections::BTreeMap;

use crate::model::{Ending, Process, ProcessIdentity};

/// Numbers of processes that have made some recordings, by their ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// Number of processes.
    pub number: usize,
    /// Those that were killed.
    pub killed: usize,
    /// Those that were still running when the latest file of theirs was written or read.
    pub running: usize,
}

impl Processes {
    /// The processes of `recordings`. Recordings of which too little is known count as one process
    /// each.
    pub fn of<'t>(recordings: impl IntoIterator<Item = &'t Process>) -> Processes {
        let mut processes = Processes::default();
        let mut known: BTreeMap<ProcessIdentity, Vec<&Process>> = BTreeMap::new();
        for recording in recordings {
            match recording.identity.is_known() {
                true => {
                    // A process is the same, whichever program it was running.
                    let program = 0;
                    let process = ProcessIdentity {
                        program,
                        ..recording.identity
                    };
                    known.entry(process).or_default().push(recording);
                }
                false => processes.add(&[recording]),
            }
        }
        for recordings in known.values() {
            processes.add(recordings);
        }
        processes
    }

    /// Adds one process. A program that was replaced by another (exec) has left a live file, as if
    /// the process had been killed. So the last recording says how the process ended.
    fn add(&mut self, recordings: &[&Process]) {
        let last = recordings.iter().max_by_key(|r| r.start_unix_ns);
        let is_last =
            |r: &&&Process| last.is_some_and(|l| l.identity.program == r.identity.program);
        let ended = |ending| {
            recordings
                .iter()
                .filter(is_last)
                .any(|r| r.ending == ending)
        };
        let killed = ended(Ending::Killed);
        self.number += 1;
        self.killed += usize::from(killed);
        let is_running = last.is_some_and(|process| process.identity.is_running());
        self.running += usize::from(!killed && is_running && ended(Ending::Running));
    }
}
