//! Recordings that belong to one process, and the way in which it ended.

use edbprof::analysis::processes::Processes;
use edbprof::model::{Ending, Process, ProcessIdentity};

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

/// The same of the process that runs the tests, which has not ended.
fn of_this_process(recordings: &[Process]) -> Vec<Process> {
    let mut recordings = recordings.to_vec();
    for process in &mut recordings {
        process.identity = ProcessIdentity {
            program: process.identity.program,
            ..ProcessIdentity::own()
        };
    }
    recordings
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
    assert_eq!(counts(&of_this_process(&one[1..])), [1, 0, 1]);
    // A process that has ended runs no more, whatever its last recording says.
    assert_eq!(counts(&one[1..]), [1, 0, 0]);
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
    assert_eq!(counts(&of_this_process(&goes_on)), [1, 0, 1]);
    // The same program goes on after one of its recordings.
    let same = [recording(7, 1, 10, Killed), recording(7, 1, 20, Finished)];
    assert_eq!(counts(&same), [1, 1, 0]);
}
