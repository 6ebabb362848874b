//! Merges inputs: reads them in parallel, a batch at a time, and adds them up.

use std::collections::HashSet;

use edbprof::analysis::merge::{Merged, Merger, Profile};
use edbprof::analysis::merge_request::MergeRequest;
use rayon::prelude::*;

use super::discover::{dedup_by_inode, finished_beside, is_live};
use super::progress::ReadingBar;
use super::read::{ReadWanted, is_left_live, read_wanted};
use super::{Input, ReadReport, SkippedInput};
use crate::cli::args::SelectionOptions;

/// Limits of a batch, whose files are read in parallel: it keeps all cores busy, but needs little
/// memory.
const BYTES_PER_BATCH: u64 = 4 << 20;
const FILES_PER_BATCH: usize = 128;

/// Reads `inputs` and merges the selected parts. Inputs that are left out are listed in `report`.
pub(crate) fn merge(
    inputs: Vec<Input>,
    options: &SelectionOptions,
    quiet: bool,
    report: &mut ReadReport,
) -> Profile {
    let inputs = in_merge_order(dedup_by_inode(inputs));
    let wanted = wanted(options);
    report.inputs = inputs.len();
    report.searched = inputs.iter().any(|input| !input.named);
    report.without_match = wanted.selection.without_match(&[]);
    let merger = read_all(&inputs, &wanted, quiet, report);
    let live = inputs.iter().filter(|input| is_live(&input.path));
    report.left_live = live.filter(|input| is_left_live(input)).count();
    let Merged {
        profile,
        repeated,
        refused,
    } = merger.finish();
    report.succeeded -= repeated.len() + refused.len();
    // A `.prof` file that a process saved before it was killed needs no warning.
    let before_kill: HashSet<_> = inputs
        .iter()
        .filter_map(|input| finished_beside(&input.path))
        .collect();
    for path in repeated {
        if !before_kill.contains(&path) {
            let reason = "all that is in it is counted already";
            report.skips.push(SkippedInput::new(path, reason));
        }
    }
    for (path, why) in refused {
        report.refused.push(SkippedInput::new(path, why));
    }
    // Sorted, because files are read in any order.
    for skipped in [
        &mut report.unreadable,
        &mut report.refused,
        &mut report.skips,
    ] {
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
    }
    profile
}

/// Orders `inputs` like `pstats.Stats(*inputs)`: the first one, then from the last to the second.
/// Functions appear in this order, and keep it where a table's sort keys are equal. Live files come
/// first, because only the first of two files of one recording counts.
fn in_merge_order(mut inputs: Vec<Input>) -> Vec<Input> {
    if let Some((_, rest)) = inputs.split_first_mut() {
        rest.reverse();
    }
    inputs.sort_by_key(|input| !is_live(&input.path));
    inputs
}

fn wanted(options: &SelectionOptions) -> MergeRequest {
    MergeRequest {
        by: options.by(),
        selection: options.selection(),
    }
}

fn read_all(
    inputs: &[Input],
    wanted: &MergeRequest,
    quiet: bool,
    report: &mut ReadReport,
) -> Merger {
    let bar = ReadingBar::new(inputs, quiet);
    let mut merger = Merger::of_parts(wanted.selection.id());
    let mut rest = inputs;
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(batch_len(rest));
        rest = later;
        let read = |input: &Input| {
            let file = read_wanted(input, wanted, merger.known_labels());
            bar.advance(input);
            file
        };
        let files: Vec<_> = batch.par_iter().map(read).collect();
        let mut readable = Vec::with_capacity(files.len());
        for (input, file) in batch.iter().zip(files) {
            let path = input.path.clone();
            let ReadWanted {
                file,
                sidecar,
                without_match,
                meant,
            } = match file {
                Ok(read) => read,
                Err(why) => {
                    report.unreadable.push(SkippedInput::new(path, why));
                    continue;
                }
            };
            report.unreadable.extend(sidecar.err());
            report.succeeded += usize::from(file.is_ok());
            match file {
                Ok(Some(file)) => {
                    report.without_match = &report.without_match & &without_match;
                    report.meant.extend(meant);
                    readable.push((path, file));
                }
                Ok(None) => report.other_processes += 1,
                Err(why) => report.refused.push(SkippedInput::new(path, why)),
            }
        }
        merger.add_all(readable);
    }
    bar.finish();
    merger
}

/// Returns the number of `inputs`, at least one, in the next batch.
fn batch_len(inputs: &[Input]) -> usize {
    let mut bytes = 0_u64;
    let fitting = inputs.iter().take(FILES_PER_BATCH).take_while(|input| {
        bytes = bytes.saturating_add(input.bytes);
        bytes <= BYTES_PER_BATCH
    });
    let fitting = fitting.count().max(rayon::current_num_threads());
    fitting.min(inputs.len())
}
