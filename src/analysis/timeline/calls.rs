//! The single calls of a function: how long each took, and which were the slowest.
//!
//! Of calls of the function within each other, the outermost count. What a generator or coroutine
//! does between being called or resumed and being suspended is a *step*: steps can't be joined to
//! calls, because a history does not tell the generators of one path apart.

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

/// One call, or a step of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleCall {
    /// Index of its process.
    pub process: usize,
    /// Index among the process's threads that have a history.
    pub thread: usize,
    /// Its node, an index into the process's.
    pub node: u32,
    /// Tick at which it begins.
    pub began: u64,
    /// Tick at which it ends.
    pub ended: u64,
    /// Nanoseconds since the run's start at which it begins.
    pub start_ns: u64,
    /// Its duration without what the recorder took, nanoseconds.
    pub duration_ns: u64,
    /// Time in it in which its thread used no processor.
    pub waiting: Waiting,
    /// Its beginning: of a call that was open before the history, the duration is of its part in it.
    pub beginning: Beginning,
    /// Its end.
    pub ending: Ending,
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
    /// Calls among them that are steps of generators or coroutines, or of greenlets that others
    /// interrupted.
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
    let mut parts = Vec::new();
    for (number, process) in processes.iter().enumerate() {
        let of = OfProcess::new(process, number, axis, request);
        if of.is_meant.contains(&true) {
            let ticks = axis.ticks(number, &request.window);
            let (threads, chunks) = chunks(process, &ticks);
            parts.push((of, threads, chunks, ticks));
        }
    }
    let works = parts.iter().flat_map(|(of, threads, chunks, ticks)| {
        chunks.iter().map(move |chunk| (of, threads, chunk, ticks))
    });
    let works: Vec<_> = works.collect();
    let found = works
        .par_iter()
        .try_fold(
            || Found::of(request),
            |mut found, (of, threads, chunk, ticks)| {
                found.replay(of, &threads[chunk.thread], chunk, ticks)?;
                Ok::<_, io::Error>(found)
            },
        )
        .try_reduce(|| Found::of(request), |a, b| Ok(a.plus(b)))?;
    Ok(found.finish(processes))
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
        let is_step = call.ending == Ending::Suspended
            || matches!(call.beginning, Beginning::Resumed | Beginning::Continued);
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
        self.found.add(SingleCall {
            process: self.of.number,
            thread: self.thread,
            node: call.node,
            began: call.began,
            ended: tick,
            start_ns: self.of.axis.ns(self.of.number, call.began),
            duration_ns: self.of.process.clock.ns(ticks),
            waiting: tracked.waiting,
            beginning: call.beginning,
            ending,
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
/// overflow calls included.
pub fn recorded(trees: &Trees, function: &Pattern) -> u64 {
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
                calls = calls.saturating_add(row.calls).saturating_add(row.resumes);
            }
            is_within.push(is_above || is_here);
        }
        let overflow = thread.overflow.iter().filter(|of| kinds[of.kind as usize]);
        calls = overflow.fold(calls, |sum, of| {
            sum.saturating_add(of.calls).saturating_add(of.resumes)
        });
    }
    calls
}
