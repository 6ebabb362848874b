//! The single calls of a function: how long each took, and which were the slowest.
//!
//! Of calls of the function within each other, the outermost count. The [`steps`](super::steps) of
//! a coroutine are one call. A step of a generator counts alone: a history does not tell the
//! generators of one path apart.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::ops::{ControlFlow, Range};

use rayon::prelude::*;

use super::axis::Axis;
use super::chunks::{Chunk, chunks, end_of};
use super::durations::{Durations, Sorted};
use super::kept::{Best, Sample};
use super::replay::{Beginning, Call, Ending, ThreadHistory, Visitor, replay};
use super::steps::{Step, join};
use super::window::waiting;
use crate::format::timeline::{Block, TimelineProcess};
use crate::model::Pattern;
use crate::model::timeline::WaitKind;
use crate::model::{Function, Trees, Waiting};

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

/// A time in which one thread ran a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Index among the process's threads that have a history.
    pub thread: usize,
    /// The call's node, an index into the process's.
    pub node: u32,
    /// Tick at which it begins.
    pub began: u64,
    /// Tick at which it ends.
    pub ended: u64,
}

/// One call, or a step of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleCall {
    /// Index of its process.
    pub process: usize,
    /// Index among the process's threads that have a history: the first that ran it.
    pub thread: usize,
    /// Its node, an index into the process's: the first of several.
    pub node: u32,
    /// Tick at which it begins.
    pub began: u64,
    /// Tick at which it ends.
    pub ended: u64,
    /// Nanoseconds since the run's start at which it begins.
    pub start_ns: u64,
    /// Its duration without what the recorder took, nanoseconds; for a coroutine with the time in
    /// which it was suspended.
    pub duration_ns: u64,
    /// The part of it in which it was not suspended, nanoseconds.
    pub running_ns: u64,
    /// Time in it in which its thread used no processor.
    pub waiting: Waiting,
    /// Its beginning: of a call that was open before the history, the duration is of its part in it.
    pub beginning: Beginning,
    /// Its end.
    pub ending: Ending,
    /// For a coroutine, the first of its steps and the one behind the last; else equal numbers.
    pub(super) steps: (usize, usize),
}

impl SingleCall {
    /// Number of the steps of a coroutine; 0 for other calls.
    pub fn steps(&self) -> usize {
        self.steps.1 - self.steps.0
    }

    /// Nanoseconds in which a coroutine was suspended.
    pub fn awaiting_ns(&self) -> u64 {
        self.duration_ns.saturating_sub(self.running_ns)
    }
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
    /// Calls of the function inside of these, which are not counted.
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
    let mut found = search(processes, axis, request, &request.window)?;
    let all = 0..u64::MAX;
    if !found.of_coroutines.is_empty() && request.window != all {
        // Coroutines that begin in the window may end behind it.
        found.of_coroutines = search(processes, axis, request, &all)?.of_coroutines;
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
    Ok(found.finish(processes))
}

/// Finds what begins in `window`; steps of coroutines are not joined yet.
fn search(
    processes: &[TimelineProcess],
    axis: &Axis,
    request: &Request<'_>,
    window: &Range<u64>,
) -> io::Result<Found> {
    let mut parts = Vec::new();
    for (number, process) in processes.iter().enumerate() {
        let of = OfProcess::new(process, number, axis, request);
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
    works
        .par_iter()
        .try_fold(
            || Found::of(request),
            |mut found, (of, threads, chunk, ticks)| {
                found.replay(of, &threads[chunk.thread], chunk, ticks)?;
                Ok::<_, io::Error>(found)
            },
        )
        .try_reduce(|| Found::of(request), |a, b| Ok(a.plus(b)))
}

/// A process, and which of its functions are meant.
struct OfProcess<'p> {
    process: &'p TimelineProcess,
    number: usize,
    axis: &'p Axis,
    is_meant: Vec<bool>,
}

impl<'p> OfProcess<'p> {
    fn new(
        process: &'p TimelineProcess,
        number: usize,
        axis: &'p Axis,
        request: &Request<'_>,
    ) -> Self {
        let functions = process.functions.iter();
        OfProcess {
            process,
            number,
            axis,
            is_meant: functions
                .map(|function| request.function.is_function(function))
                .collect(),
        }
    }
}

/// Findings so far.
struct Found {
    durations: Durations,
    waiting: Waiting,
    awaiting_ns: u64,
    coroutines: u64,
    of_coroutines: Vec<Step>,
    steps: u64,
    cut: u64,
    open: u64,
    nested: u64,
    /// Process and function.
    functions: BTreeSet<(usize, u32)>,
    slowest: Best<(Reverse<u64>, Place), SingleCall>,
    earliest: Best<(u64, Place), SingleCall>,
    sample: Sample<SingleCall>,
}

/// Tells calls apart: process, thread, tick and node.
type Place = (u64, usize, usize, u64, u32);

fn place(call: &SingleCall) -> Place {
    let SingleCall {
        process,
        thread,
        began,
        node,
        ..
    } = *call;
    (call.start_ns, process, thread, began, node)
}

impl Found {
    fn of(request: &Request<'_>) -> Found {
        Found {
            durations: Durations::default(),
            waiting: Waiting::default(),
            awaiting_ns: 0,
            coroutines: 0,
            of_coroutines: Vec::new(),
            steps: 0,
            cut: 0,
            open: 0,
            nested: 0,
            functions: BTreeSet::new(),
            slowest: Best::of(request.slowest),
            earliest: Best::of(request.earliest),
            sample: Sample::default(),
        }
    }

    fn replay(
        &mut self,
        of: &OfProcess<'_>,
        thread: &ThreadHistory,
        chunk: &Chunk,
        ticks: &Range<u64>,
    ) -> io::Result<()> {
        let is_whole = of.process.complete_from <= 1;
        let mut search = Search {
            of,
            thread: chunk.thread,
            next: chunk.next(thread),
            is_past: false,
            // What was open at a fork is the parent's.
            counts_cut: chunk.first == 0 && !is_whole && ticks.start == 0,
            ticks: ticks.clone(),
            depth: 0,
            tracked: None,
            excluded: 0,
            last_function: None,
            found: self,
        };
        // Calls that begin in the chunk may end behind it.
        let blocks = &thread.blocks[chunk.first..];
        replay(of.process, blocks, end_of(of.process), &mut search)
    }

    fn add(&mut self, call: SingleCall) {
        self.durations.add(call.duration_ns);
        self.waiting.add(&call.waiting);
        self.awaiting_ns = self.awaiting_ns.saturating_add(call.awaiting_ns());
        self.coroutines += u64::from(call.steps() > 0);
        let is_step = call.steps() == 0
            && (call.ending == Ending::Suspended
                || matches!(call.beginning, Beginning::Resumed | Beginning::Continued));
        self.steps += u64::from(is_step);
        self.cut += u64::from(call.beginning == Beginning::Before);
        self.open += u64::from(call.ending == Ending::Open);
        let place = place(&call);
        self.slowest.add((Reverse(call.duration_ns), place), call);
        self.earliest.add((call.start_ns, place), call);
        let number = call.began ^ ((call.thread as u64) << 48) ^ ((call.process as u64) << 32);
        self.sample.add(number, call);
    }

    fn plus(mut self, more: Found) -> Found {
        self.durations.add_all(more.durations);
        self.waiting.add(&more.waiting);
        self.of_coroutines.extend(more.of_coroutines);
        self.steps += more.steps;
        self.cut += more.cut;
        self.open += more.open;
        self.nested += more.nested;
        self.functions.extend(more.functions);
        self.slowest.add_all(more.slowest);
        self.earliest.add_all(more.earliest);
        self.sample.add_all(more.sample);
        self
    }

    fn finish(self, processes: &[TimelineProcess]) -> Calls {
        let durations = self.durations.sorted();
        let median = durations.quantile(500);
        let calls = self.sample.items();
        let nearest = calls.min_by_key(|call| (call.duration_ns.abs_diff(median), place(call)));
        let mut functions: Vec<Function> = Vec::new();
        for (process, function) in self.functions {
            let function = &processes[process].functions[function as usize];
            if !functions.contains(function) {
                functions.push(function.clone());
            }
        }
        Calls {
            functions,
            median: nearest.copied(),
            durations,
            waiting: self.waiting,
            awaiting_ns: self.awaiting_ns,
            coroutines: self.coroutines,
            of_coroutines: self.of_coroutines,
            steps: self.steps,
            cut: self.cut,
            open: self.open,
            nested: self.nested,
            slowest: self.slowest.finish(),
            earliest: self.earliest.finish(),
        }
    }
}

/// A call that has not ended yet.
struct Tracked {
    call: Call,
    /// Ticks that the thread had excluded when the call began.
    excluded: u64,
    waiting: Waiting,
}

/// Finds calls in a thread's history, from a chunk on.
struct Search<'s> {
    of: &'s OfProcess<'s>,
    thread: usize,
    /// Number of the block behind the chunk.
    next: Option<u64>,
    /// The replay is past the chunk: what begins there is the next one's.
    is_past: bool,
    /// Calls that were open before count.
    counts_cut: bool,
    ticks: Range<u64>,
    /// Number of open calls of the function.
    depth: usize,
    tracked: Option<Tracked>,
    excluded: u64,
    last_function: Option<u32>,
    found: &'s mut Found,
}

impl Search<'_> {
    fn is_meant(&self, call: &Call) -> bool {
        let is_meant = self.of.is_meant.get(call.function as usize);
        is_meant.copied().unwrap_or(false)
    }

    fn counts(&self, call: &Call) -> bool {
        match call.beginning {
            Beginning::Before => self.counts_cut,
            _ => !self.is_past && self.ticks.contains(&call.began),
        }
    }

    /// Breaks if nothing that follows counts.
    fn go_on(&self, tick: u64) -> ControlFlow<()> {
        let is_over = self.is_past || tick >= self.ticks.end;
        match is_over && self.tracked.is_none() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, tracked: &Tracked, tick: u64, ending: Ending) {
        let call = &tracked.call;
        if self.last_function != Some(call.function) {
            self.last_function = Some(call.function);
            let function = (self.of.number, call.function);
            self.found.functions.insert(function);
        }
        let excluded = self.excluded - tracked.excluded;
        let ticks = tick.saturating_sub(call.began).saturating_sub(excluded);
        let running_ns = self.of.process.clock.ns(ticks);
        let part = Part {
            thread: self.thread,
            node: call.node,
            began: call.began,
            ended: tick,
        };
        if call.coroutine != 0 {
            self.found.of_coroutines.push(Step {
                process: self.of.number,
                coroutine: call.coroutine,
                part,
                beginning: call.beginning,
                ending,
                running_ns,
                waiting: tracked.waiting,
            });
            return;
        }
        self.found.add(SingleCall {
            process: self.of.number,
            thread: part.thread,
            node: part.node,
            began: part.began,
            ended: part.ended,
            start_ns: self.of.axis.ns(self.of.number, call.began),
            duration_ns: running_ns,
            running_ns,
            waiting: tracked.waiting,
            beginning: call.beginning,
            ending,
            steps: (0, 0),
        });
    }
}

impl Visitor for Search<'_> {
    fn block(&mut self, _: &[Call], block: &Block) -> ControlFlow<()> {
        self.is_past |= self.next == Some(block.number);
        self.go_on(block.start)
    }

    #[inline]
    fn begin(&mut self, open: &[Call]) -> ControlFlow<()> {
        let Some(call) = open.last() else {
            return ControlFlow::Continue(());
        };
        if self.is_meant(call) {
            self.depth += 1;
            if self.depth > 1 {
                let is_nested = self.tracked.is_some() && call.beginning == Beginning::Called;
                self.found.nested += u64::from(is_nested);
            } else if self.counts(call) {
                self.tracked = Some(Tracked {
                    call: *call,
                    excluded: self.excluded,
                    waiting: Waiting::default(),
                });
            }
        }
        self.go_on(call.began)
    }

    #[inline]
    fn end(&mut self, open: &[Call], tick: u64, ending: Ending) -> ControlFlow<()> {
        if open.last().is_some_and(|call| self.is_meant(call)) {
            self.depth = self.depth.saturating_sub(1);
            if let (0, Some(tracked)) = (self.depth, self.tracked.take_if(|_| self.depth == 0)) {
                self.finish(&tracked, tick, ending);
            }
        }
        self.go_on(tick)
    }

    fn wait(&mut self, _: &[Call], _: u64, kind: WaitKind, ns: u64) -> ControlFlow<()> {
        if let Some(tracked) = &mut self.tracked {
            tracked.waiting.add(&waiting(kind, ns));
        }
        ControlFlow::Continue(())
    }

    fn exclude(&mut self, _: &[Call], _: u64, ticks: u64) -> ControlFlow<()> {
        self.excluded = self.excluded.saturating_add(ticks);
        ControlFlow::Continue(())
    }
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
