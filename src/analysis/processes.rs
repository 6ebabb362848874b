//! Which recordings are of one process, and how it ended.

use std::collections::BTreeMap;

use crate::model::{Ending, Process, ProcessIdentity};

/// How many processes have made some recordings, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// How many there are.
    pub number: usize,
    /// Those that were killed.
    pub killed: usize,
    /// Those that were still running when the latest file of theirs was written or read.
    pub running: usize,
}

impl Processes {
    /// The processes of `recordings`. Those of which too little is known to tell whether
    /// they are of one process are of one each.
    pub fn of<'t>(recordings: impl IntoIterator<Item = &'t Process>) -> Processes {
        let mut processes = Processes::default();
        let mut known: BTreeMap<ProcessIdentity, Vec<&Process>> = BTreeMap::new();
        for recording in recordings {
            match recording.identity.is_known() {
                true => {
                    // Whatever program it was running.
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

    /// Adds one process. A program that was replaced by another (exec) has left a live file
    /// as if it had been killed: the last one says how the process ended.
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
        self.running += usize::from(!killed && ended(Ending::Running));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(pid: u32, program: u64, start_unix_ns: u64, ending: Ending) -> Process {
        Process {
            identity: ProcessIdentity {
                pid,
                boot_id: [1; 16],
                pid_namespace: 2,
                start: 3,
                program,
            },
            start_unix_ns,
            ending,
            ..Process::default()
        }
    }

    fn counts(recordings: &[Process]) -> [usize; 3] {
        let processes = Processes::of(recordings);
        let reversed = Processes::of(recordings.iter().rev());
        assert_eq!(processes, reversed);
        [processes.number, processes.killed, processes.running]
    }

    #[test]
    fn recordings_of_one_process_are_one() {
        use Ending::{Finished, Killed, Running};
        assert_eq!(counts(&[]), [0; 3]);
        let one = [10, 20, 30].map(|start| recording(7, 1, start, Finished));
        assert_eq!(counts(&one), [1, 0, 0]);
        // One that was not saved when the process was killed tells that it was.
        let one = [Killed, Running, Finished].map(|ending| recording(7, 1, 10, ending));
        assert_eq!(counts(&one), [1, 1, 0]);
        assert_eq!(counts(&one[1..]), [1, 0, 1]);
        // Only the identity as a whole tells: in containers all are 1.
        let mut others = vec![recording(1, 1, 10, Killed); 4];
        others[1].identity.pid_namespace = 5;
        others[2].identity.boot_id = [6; 16];
        others[3].identity.start = 7;
        assert_eq!(counts(&others), [4, 4, 0]);
        for other in &mut others {
            other.identity.start = 0;
        }
        assert_eq!(counts(&others), [4, 4, 0]);
    }

    #[test]
    fn a_program_that_was_replaced_was_not_killed() {
        use Ending::{Finished, Killed, Running};
        let replaced = [
            recording(7, 1, 10, Killed),
            recording(7, 2, 20, Killed),
            recording(7, 3, 30, Finished),
            recording(8, 1, 15, Finished),
        ];
        assert_eq!(counts(&replaced), [2, 0, 0]);
        let then_killed = [recording(7, 1, 10, Killed), recording(7, 2, 20, Killed)];
        assert_eq!(counts(&then_killed), [1, 1, 0]);
        let goes_on = [recording(7, 1, 10, Killed), recording(7, 2, 20, Running)];
        assert_eq!(counts(&goes_on), [1, 0, 1]);
        // The same program goes on after one of its recordings.
        let same = [recording(7, 1, 10, Killed), recording(7, 1, 20, Finished)];
        assert_eq!(counts(&same), [1, 1, 0]);
    }
}
