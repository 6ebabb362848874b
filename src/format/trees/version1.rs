//! Call trees of `.prof` files of version 1, in which nodes of all kinds were functions. A function
//! that stood for another kind had a flag, and a name with the facts of its process or thread.

use std::collections::{HashMap, VecDeque};

use crate::model::{Ending, Function, NodeKind, Process, Trees};

const OVERFLOW: u32 = 4;
const PROCESS_GROUP: u32 = 8;
const THREAD_GROUP: u32 = 16;

/// Length of a command line in a process's name, characters; longer ones were cut.
const LONGEST_COMMAND: usize = 120;
const AFTER_DATE: &str = " UTC, ";

/// Converts trees of version 1, in which kinds of nodes are functions, to those of later versions.
pub(in crate::format) fn upgrade(trees: &mut Trees) {
    let mut processes = by_name(&trees.processes);
    let kinds = trees.functions.iter().map(|function| match function.flags {
        flags if flags & OVERFLOW != 0 => NodeKind::Overflow,
        flags if flags & PROCESS_GROUP != 0 => process(function, &mut processes),
        flags if flags & THREAD_GROUP != 0 => thread(function),
        _ if is_stand_in(function, b"<folded calls>") => NodeKind::Overflow,
        _ if is_stand_in(function, b"<excluded>") => NodeKind::Excluded,
        _ => NodeKind::Function(0),
    });
    trees.kinds = kinds.collect();
    // In an aggregate there is one tree, which has no name.
    for thread in &mut trees.threads {
        (thread.name, thread.threads) = without_number(&thread.name);
    }
}

fn is_stand_in(function: &Function, name: &[u8]) -> bool {
    let label = &function.label;
    *label.name == *name && *label.file == *b"~"
}

/// Indices of processes by their names in version 1, without the date of the start. Processes of
/// one name are in the order of their starts, as processes and groups are.
type ByName = HashMap<String, VecDeque<u32>>;

fn by_name(processes: &[Process]) -> ByName {
    let mut by_name = ByName::new();
    for (index, process) in (0..).zip(processes) {
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
        let name = format!(
            "process {}: {short} ({}, started {AFTER_DATE}{:.3} s, {ending})",
            process.identity.pid,
            String::from_utf8_lossy(&process.host),
            process.duration_ns as f64 / 1e9,
        );
        by_name.entry(name).or_default().push_back(index);
    }
    by_name
}

fn process(function: &Function, by_name: &mut ByName) -> NodeKind {
    let name = String::from_utf8_lossy(&function.label.name);
    let without_date = || {
        let end = name.rfind(AFTER_DATE)?;
        let start = end.checked_sub("2026-11-28 19:32:16".len())?;
        Some([name.get(..start)?, name.get(end..)?].concat())
    };
    let process = without_date().and_then(|name| by_name.get_mut(&name)?.pop_front());
    process.map_or(NodeKind::MergedProcesses, NodeKind::Process)
}

fn thread(function: &Function) -> NodeKind {
    match &*function.label.name {
        b"threads that have no name" => NodeKind::Thread {
            name: Box::default(),
            threads: 1,
        },
        b"threads merged without --by=thread" => NodeKind::MergedThreads,
        name => {
            let name = name.strip_prefix(b"thread ").unwrap_or(name);
            let (name, threads) = without_number(name);
            NodeKind::Thread { name, threads }
        }
    }
}

/// Splits a name that version 1 has made for several threads. Returns what their names have in
/// common, which has no digits, and their number.
fn without_number(name: &[u8]) -> (Box<[u8]>, u32) {
    let number = || {
        let name = name.strip_suffix(b" threads")?;
        let end = name.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
        let (name, digits) = name.split_at_checked(end)?;
        let name = name.strip_suffix(b", ")?;
        let threads: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let is_version1s =
            threads > 1 && !digits.starts_with(b"0") && !name.iter().any(u8::is_ascii_digit);
        is_version1s.then(|| (name.into(), threads))
    };
    number().unwrap_or_else(|| (name.into(), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_several_threads_are_taken_apart() {
        let apart = |name: &str| {
            let (name, threads) = without_number(name.as_bytes());
            (String::from_utf8(name.into()).unwrap(), threads)
        };
        assert_eq!(apart("T-#, 12 threads"), ("T-#".to_owned(), 12));
        assert_eq!(apart("various, 2 threads"), ("various".to_owned(), 2));
        for name in [
            "MainThread",
            "T-7, 5 threads",
            "T-#, 1 threads",
            "T-#, 05 threads",
            "T-#,5 threads",
            "T-#, # threads",
            "12 threads",
            ", 4294967296 threads",
            "",
        ] {
            assert_eq!(apart(name), (name.to_owned(), 1));
        }
    }
}
