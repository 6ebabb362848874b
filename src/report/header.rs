//! The header of summaries: the command that was run, when, and for how long.

use super::View;
use super::display::printable;
use super::display::short_name;
use super::machinery::is_waiting;
use super::numbers::{counted, duration};
use super::waiting;
use crate::analysis::process_text::{self, utc};
use crate::model::{Label, Process};

/// Least share of the time that is reported as waiting.
pub(super) const LEAST_WAITING: f64 = 0.01;

/// End of the program, which only the process that started it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// `exit status 1` or `killed by signal 11`; nothing where unknown.
    pub text: String,
}

impl From<String> for Ended {
    fn from(text: String) -> Self {
        Ended { text }
    }
}

impl View<'_> {
    /// Returns the lines of the header: the command, then date, times and end. Nothing for files
    /// of other profilers.
    pub fn header(&self, ended: &Ended) -> Vec<String> {
        let processes = &self.profile.trees().processes;
        let first = first_processes(processes);
        let Some(earliest) = first.first() else {
            return Vec::new();
        };
        let mut commands: Vec<_> = first.iter().map(|process| command(process)).collect();
        commands.dedup();
        let more = match commands.len() - 1 {
            0 => String::new(),
            more => format!("  and {}", counted(more, "more command", "more commands")),
        };
        let start = earliest.start_unix_ns;
        let ends = processes
            .iter()
            .map(|p| p.start_unix_ns.saturating_add(p.duration_ns));
        let wall = ends.max().unwrap_or(start).saturating_sub(start);
        let mut facts = vec![utc(start), format!("wall time {}", seconds(wall))];
        facts.extend(processor_time(processes));
        let mut end = Vec::new();
        // Recordings without it know functions that wait by their names. In processor time they
        // do not wait.
        let parts = waiting::parts(self.waits());
        let waiting = self.waiting();
        let is_wall = processes.iter().any(|of| *of.clock != *b"cpu");
        if parts.is_none() && is_wall && waiting > self.figures.seconds * LEAST_WAITING {
            end.push(format!("waiting {}", duration(waiting)));
        }
        if !ended.text.is_empty() {
            end.insert(0, ended.text.clone());
        }
        let mut lines = vec![format!("{}{more}", command(earliest)), facts.join(", ")];
        if !end.is_empty() {
            lines.push(end.join(", "));
        }
        lines.extend(parts);
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// Returns the seconds that threads have waited in functions known for it.
    fn waiting(&self) -> f64 {
        let rows = self.rows.iter();
        let waiting = rows.filter(|(id, _)| waits(self.rows.label(*id)));
        waiting
            .map(|(_, row)| row.counts.tt)
            .filter(|tt| tt.is_finite())
            .fold(0.0, |a, b| a + b)
    }
}

/// Returns true for the label of a builtin in which a thread waits.
pub(super) fn waits(label: &Label) -> bool {
    &*label.file == b"~" && is_waiting(&short_name(&label.name))
}

fn seconds(ns: u64) -> String {
    duration(ns as f64 / 1e9)
}

/// The processes that no other one has started, the earliest first.
fn first_processes(processes: &[Process]) -> Vec<&Process> {
    let is_recorded = |pid: u32| processes.iter().any(|process| process.identity.pid == pid);
    let mut first: Vec<_> = processes
        .iter()
        .filter(|p| !is_recorded(p.parent_pid))
        .collect();
    if first.is_empty() {
        first.extend(processes);
    }
    first.sort_by_key(|process| process.start_unix_ns);
    first.dedup_by_key(|process| process.identity.pid);
    first
}

/// The command line of a process, as a title has it.
pub(super) fn command(process: &Process) -> String {
    printable(&process_text::command(process))
}

/// The processor time of all processes. That of a process that did not save is known if `edbprof
/// run` saw its end in time.
fn processor_time(processes: &[Process]) -> Option<String> {
    // Of several recordings of one process, the latest knows all of its time.
    let mut known: Vec<(_, u64)> = processes
        .iter()
        .map(|p| {
            (
                (p.identity.boot_id, p.identity.pid, p.identity.start),
                p.processor_ns,
            )
        })
        .collect();
    known.sort_unstable();
    known.reverse();
    known.dedup_by_key(|(process, _)| *process);
    let sum = known
        .iter()
        .fold(0_u64, |sum, (_, ns)| sum.saturating_add(*ns));
    let unknown = known.iter().filter(|(_, ns)| *ns == 0).count();
    match (sum, unknown) {
        (0, _) => None,
        (sum, 0) => Some(format!("processor time {}", seconds(sum))),
        (sum, _) => Some(format!("processor time at least {}", seconds(sum))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessIdentity;

    fn process(pid: u32, parent_pid: u32, argv: &[&str], processor_ns: u64) -> Process {
        Process {
            identity: ProcessIdentity {
                pid,
                ..ProcessIdentity::default()
            },
            parent_pid,
            argv: argv.iter().map(|word| word.as_bytes().into()).collect(),
            processor_ns,
            start_unix_ns: u64::from(pid),
            ..Process::default()
        }
    }

    #[test]
    fn commands_are_escaped() {
        let process = process(1, 0, &["/v/bin/python3", "a.py", "x\x1b"], 0);
        assert_eq!(command(&process), "python3 a.py x\\x1b");
    }

    #[test]
    fn children_are_not_commands_of_their_own() {
        let processes = [
            process(3, 2, &["c"], 5),
            process(2, 1, &["a"], 1_000_000_000),
            process(4, 2, &["d"], 0),
        ];
        let first = first_processes(&processes);
        assert_eq!(first, [&processes[1]]);
        assert_eq!(
            processor_time(&processes).as_deref(),
            Some("processor time at least 1.00 s")
        );
        assert_eq!(processor_time(&[]), None);
    }
}
