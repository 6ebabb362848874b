//! Runs that recordings come from: processes of one start of a program.

use std::collections::HashMap;

use crate::model::{Process, ProcessIdentity};

/// Nanoseconds that may pass between two processes of one run, if neither is the other's parent.
const PAUSE: u64 = 1_000_000_000;

/// Returns the number of the run that each of `processes` belongs to. Runs are numbered by their
/// beginnings.
///
/// A parent and its child are of one run, and so are processes that recorded at the same time.
pub fn runs(processes: &[&Process]) -> Vec<usize> {
    let mut groups = Groups((0..processes.len()).collect());
    let mut by_pid: HashMap<ProcessIdentity, usize> = HashMap::new();
    for (index, process) in processes.iter().enumerate() {
        let first = *by_pid
            .entry(key(process, process.identity.pid))
            .or_insert(index);
        groups.join(first, index);
    }
    for (index, process) in processes.iter().enumerate() {
        let parent = by_pid.get(&key(process, process.parent_pid)).copied();
        // A pid that was used again is of a process that began later.
        if let Some(parent) = parent.filter(|&at| began(processes[at]) <= began(process)) {
            groups.join(parent, index);
        }
    }
    let mut order: Vec<usize> = (0..processes.len()).collect();
    order.sort_by_key(|&index| began(processes[index]));
    // Processes that begin at 0 have no known beginning, and may be of any run.
    let mut end = PAUSE;
    let mut last = None;
    for &index in &order {
        let is_near = |&last: &usize| began(processes[index]) <= end || began(processes[last]) == 0;
        if let Some(last) = last.filter(is_near) {
            groups.join(last, index);
        }
        end = end.max(ended(processes[index]).saturating_add(PAUSE));
        last = Some(index);
    }
    let mut numbers = HashMap::new();
    let mut runs = vec![0; processes.len()];
    for index in order {
        let next = numbers.len();
        runs[index] = *numbers.entry(groups.first(index)).or_insert(next);
    }
    runs
}

/// Returns the moment at which the process had recorded all that it has, Unix time, nanoseconds.
pub fn ended(process: &Process) -> u64 {
    began(process).saturating_add(process.duration_ns)
}

fn began(process: &Process) -> u64 {
    process.start_unix_ns
}

/// Returns the facts that distinguish a process of that pid from others of its system and time.
fn key(process: &Process, pid: u32) -> ProcessIdentity {
    ProcessIdentity {
        pid,
        boot_id: process.identity.boot_id,
        pid_namespace: process.identity.pid_namespace,
        ..ProcessIdentity::default()
    }
}

/// Disjoint sets of indices: each refers to another one of its set, the first to itself.
struct Groups(Vec<usize>);

impl Groups {
    fn first(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process of (pid, parent, beginning and duration in seconds).
    fn process((pid, parent_pid, began, lasted): (u32, u32, u64, u64)) -> Process {
        Process {
            identity: ProcessIdentity {
                pid,
                boot_id: [1; 16],
                pid_namespace: 1,
                ..ProcessIdentity::default()
            },
            parent_pid,
            start_unix_ns: began * PAUSE,
            duration_ns: lasted * PAUSE,
            ..Process::default()
        }
    }

    #[test]
    fn runs_are_told_by_parents_and_times() {
        for (facts, expected) in [
            (&[(1, 9, 100, 5), (2, 1, 300, 1)][..], &[0, 0][..]),
            (&[(2, 9, 300, 5), (1, 9, 100, 5)], &[1, 0]),
            (
                &[(1, 9, 100, 50), (2, 8, 120, 1), (3, 9, 149, 9)],
                &[0, 0, 0],
            ),
            // The pid of a process that has begun before.
            (&[(5, 1, 100, 5), (1, 9, 200, 5)], &[0, 1]),
            (
                &[(1, 9, 1, 1), (2, 9, 10, 1), (3, 2, 20, 1), (4, 9, 30, 1)],
                &[0, 1, 1, 2],
            ),
            (&[(1, 9, 0, 1), (2, 9, 100, 1)], &[0, 0]),
            (&[], &[]),
        ] {
            let processes: Vec<_> = facts.iter().copied().map(process).collect();
            let processes: Vec<_> = processes.iter().collect();
            assert_eq!(runs(&processes), expected, "{facts:?}");
        }
    }
}
