//! The single calls of a function: how long each took, and which were the slowest.
//!
//! Of calls of the function within each other, the outermost count. The [`steps`](super::steps) of
//! a coroutine are one call. A step of a generator counts alone, because a history does not
//! distinguish the generators of one path.

use std::collections::HashSet;
use std::io;
use std::ops::Range;

use rayon::prelude::*;

use super::axis::Axis;
use super::chunks::{chunks, end_of};
use super::durations::Sorted;
use super::found::{Found, place};
use super::replay::Beginning;
use super::search::{CallKinds, OfProcess, search};
use super::single::{Part, SingleCall};
use super::steps::{Step, join, suspended};
use crate::format::timeline::TimelineProcess;
use crate::model::{Function, Pattern, Trees, Waiting};

/// Calls to look for.
#[derive(Clone, Debug)]
pub struct Request<'r> {
    /// The function.
    pub function: &'r Pattern,
    /// Nanoseconds since the run's start in which calls begin.
    pub window: Range<u64>,
    /// Number of the slowest calls to return.
    pub slowest: usize,
    /// Number of the earliest calls to return.
    pub earliest: usize,
}

/// Single calls of a function.
#[derive(Clone, Debug)]
pub struct Calls {
    /// Functions that the pattern matches and that were called.
    pub functions: Vec<Function>,
    /// The durations of all calls.
    pub durations: Sorted,
    /// Waiting in all of them.
    pub waiting: Waiting,
    /// Nanoseconds in which coroutines among them were suspended.
    pub awaiting_ns: u64,
    /// Calls among them that are coroutines.
    pub coroutines: u64,
    /// Calls among them that are steps of generators, or of greenlets that others interrupted.
    pub steps: u64,
    /// Calls that began before the history, which has a part of each.
    pub cut: u64,
    /// Calls that were open when the history ended.
    pub open: u64,
    /// Calls of the function inside of counted ones, which are not counted.
    pub nested: u64,
    /// The slowest ones, the slowest first.
    pub slowest: Vec<SingleCall>,
    /// The earliest ones, the earliest first.
    pub earliest: Vec<SingleCall>,
    /// A call whose duration is nearest to the median, of at least 2,048 or of all.
    pub median: Option<SingleCall>,
    /// The steps of coroutines.
    of_coroutines: Vec<Step>,
}

impl Calls {
    fn of(found: Found, processes: &[TimelineProcess]) -> Calls {
        let durations = found.durations.sorted();
        let median = durations.quantile(500);
        let calls = found.sample.items();
        let nearest = calls.min_by_key(|call| (call.duration_ns.abs_diff(median), place(call)));
        let mut functions: Vec<Function> = Vec::new();
        for (process, function) in found.functions {
            let function = &processes[process].functions[function as usize];
            if !functions.contains(function) {
                functions.push(function.clone());
            }
        }
        Calls {
            functions,
            median: nearest.copied(),
            durations,
            waiting: found.waiting,
            awaiting_ns: found.awaiting_ns,
            coroutines: found.coroutines,
            of_coroutines: found.of_coroutines,
            steps: found.steps,
            cut: found.cut,
            open: found.open,
            nested: found.nested,
            slowest: found.slowest.finish(),
            earliest: found.earliest.finish(),
        }
    }

    /// Returns the parts of one of these calls in the order of time.
    pub(super) fn parts_of(&self, call: &SingleCall) -> Vec<Part> {
        let steps = self.of_coroutines.get(call.steps.0..call.steps.1);
        match steps.unwrap_or_default() {
            [] => vec![Part {
                thread: call.thread,
                node: call.node,
                began: call.began,
                ended: call.ended,
            }],
            steps => steps.iter().map(|step| step.part).collect(),
        }
    }
}

/// Finds the calls of a function in the histories of `processes`, which are on `axis`.
///
/// # Errors
/// The system's, where a block can't be read.
pub fn calls(
    processes: &[TimelineProcess],
    axis: &Axis,
    request: &Request<'_>,
) -> io::Result<Calls> {
    let mut found = find(processes, axis, request, &request.window, CallKinds::All)?;
    // Coroutines that begin in the window may end behind it.
    let later = request.window.end..u64::MAX;
    let suspended = match later.is_empty() {
        true => HashSet::new(),
        false => suspended(&mut found.of_coroutines),
    };
    if !suspended.is_empty() {
        let wanted = CallKinds::Coroutines(&suspended);
        let steps = find(processes, axis, request, &later, wanted)?.of_coroutines;
        found.of_coroutines.extend(steps);
    }
    let ends: Vec<u64> = processes.iter().map(end_of).collect();
    let joined = join(&mut found.of_coroutines, axis, &ends);
    for call in joined {
        let counts = match call.beginning {
            Beginning::Before => request.window.start == 0,
            _ => request.window.contains(&call.start_ns),
        };
        if counts {
            found.add(call);
        }
    }
    Ok(Calls::of(found, processes))
}

/// Finds what begins in `window`, of some kinds; steps of coroutines are not joined yet.
fn find(
    processes: &[TimelineProcess],
    axis: &Axis,
    request: &Request<'_>,
    window: &Range<u64>,
    kind: CallKinds<'_>,
) -> io::Result<Found> {
    let mut parts = Vec::new();
    for (number, process) in processes.iter().enumerate() {
        let of = OfProcess::new(process, number, axis, request.function);
        if of.is_meant.contains(&true) {
            let ticks = axis.ticks(number, window);
            let (threads, chunks) = chunks(process, &ticks);
            parts.push((of, threads, chunks, ticks));
        }
    }
    let works = parts.iter().flat_map(|(of, threads, chunks, ticks)| {
        chunks.iter().map(move |chunk| (of, threads, chunk, ticks))
    });
    let works: Vec<_> = works.collect();
    let none = || Found::of(request.slowest, request.earliest);
    works
        .par_iter()
        .try_fold(none, |mut found, (of, threads, chunk, ticks)| {
            search(&mut found, of, &threads[chunk.thread], chunk, ticks, kind)?;
            Ok::<_, io::Error>(found)
        })
        .try_reduce(none, |a, b| Ok(a.plus(b)))
}

/// Returns the number of calls of the function in `trees` that are within no other one of it,
/// overflow calls included. With `steps`, each resumption counts as a call.
pub fn recorded(trees: &Trees, function: &Pattern, steps: bool) -> u64 {
    let resumes = |resumes: u64| if steps { resumes } else { 0 };
    let is_meant = |kind: u32| {
        trees
            .function(kind)
            .is_some_and(|of| function.is_function(of))
    };
    let kinds: Vec<bool> = (0..trees.kinds.len() as u32).map(is_meant).collect();
    let mut calls = 0_u64;
    for thread in &trees.threads {
        let mut is_within: Vec<bool> = Vec::with_capacity(thread.nodes.len());
        for row in thread.nodes.rows() {
            let is_above = is_within.get(row.parent as usize).copied().unwrap_or(false);
            let is_here = kinds[row.kind as usize];
            if is_here && !is_above {
                calls = calls
                    .saturating_add(row.calls)
                    .saturating_add(resumes(row.resumes));
            }
            is_within.push(is_above || is_here);
        }
        let overflow = thread.overflow.iter().filter(|of| kinds[of.kind as usize]);
        calls = overflow.fold(calls, |sum, of| {
            sum.saturating_add(of.calls)
                .saturating_add(resumes(of.resumes))
        });
    }
    calls
}
