//! Chooses the recordings of the last run, or of runs in the last hours.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use edbprof::analysis::runs::{ended, runs};
use edbprof::format::extent::profile_goes_on;
use edbprof::format::live::{self, Now};
use edbprof::format::prof::{self, ProfFile};
use edbprof::model::{Process, Trees};
use rayon::prelude::*;

use super::Input;
use super::trust::read_trusted;
use crate::cli::args::Since;

/// Returns those of `inputs` whose run `since` chooses. Inputs of unknown processes are kept,
/// because reading them will tell why these are unknown.
pub(super) fn keep_since(inputs: Vec<Input>, since: Since) -> Vec<Input> {
    let facts: Vec<Vec<Process>> = inputs.par_iter().map(processes).collect();
    let mut is_kept = chosen(&facts, since).into_iter();
    let mut inputs = inputs;
    inputs.retain(|_| is_kept.next().unwrap_or(true));
    inputs
}

/// Returns for each file, given its processes, if `since` chooses it.
pub(super) fn chosen(facts: &[Vec<Process>], since: Since) -> Vec<bool> {
    let all: Vec<&Process> = facts.iter().flatten().collect();
    let numbers = runs(&all);
    let first = match since {
        Since::LastRun => None,
        Since::Age(age) => SystemTime::now().checked_sub(age).map(unix_ns),
    };
    let last_run = numbers.iter().max().copied().unwrap_or(0);
    let is_recent = |run: usize| match first {
        None => run == last_run,
        Some(first) => {
            let mut of_run = numbers
                .iter()
                .zip(&all)
                .filter(|(number, _)| **number == run);
            of_run.any(|(_, process)| ended(process) >= first)
        }
    };
    let is_chosen: Vec<bool> = (0..=last_run).map(is_recent).collect();
    let mut numbers = numbers.into_iter();
    let is_kept = facts.iter().map(|processes| {
        let mut runs = numbers
            .by_ref()
            .take(processes.len())
            .collect::<Vec<_>>()
            .into_iter();
        processes.is_empty() || runs.any(|run| is_chosen[run])
    });
    is_kept.collect()
}

/// Returns the processes of `input`: none if it can't be read. If it has no facts, that is one
/// process that ended when the file was written.
fn processes(input: &Input) -> Vec<Process> {
    let Ok(bytes) = read_trusted(&input.path, input.owners, profile_goes_on) else {
        return Vec::new();
    };
    let trees = match bytes.starts_with(&live::MAGIC) {
        true => live::read(&bytes, Now::Gone).ok(),
        false => match prof::read(&bytes) {
            Ok(ProfFile::Exact(trees, _)) => Some(trees),
            Ok(ProfFile::Plain(_)) => Some(Trees::default()),
            Err(_) => None,
        },
    };
    match trees {
        None => Vec::new(),
        Some(trees) if trees.processes.is_empty() => {
            let written = fs::metadata(&input.path).and_then(|file| file.modified());
            vec![Process {
                start_unix_ns: written.map_or(0, unix_ns),
                ..Process::default()
            }]
        }
        Some(trees) => trees.processes,
    }
}

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
