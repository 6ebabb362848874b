//! Finds the calls of a function in a part of a thread's history.

use std::collections::HashSet;
use std::io;
use std::ops::{ControlFlow, Range};

use super::axis::Axis;
use super::chunks::{Chunk, end_of};
use super::found::Found;
use super::replay::{Beginning, Call, Ending, ThreadHistory, Visitor, replay};
use super::single::{Part, SingleCall};
use super::steps::Step;
use super::window::waiting;
use crate::format::timeline::{Block, TimelineProcess};
use crate::model::timeline::WaitKind;
use crate::model::{Pattern, Waiting};

/// A process, and those of its functions that are searched.
pub(super) struct OfProcess<'p> {
    pub(super) process: &'p TimelineProcess,
    number: usize,
    axis: &'p Axis,
    pub(super) is_meant: Vec<bool>,
}

impl<'p> OfProcess<'p> {
    pub(super) fn new(
        process: &'p TimelineProcess,
        number: usize,
        axis: &'p Axis,
        function: &Pattern,
    ) -> Self {
        let functions = process.functions.iter();
        OfProcess {
            process,
            number,
            axis,
            is_meant: functions.map(|of| function.is_function(of)).collect(),
        }
    }
}

/// Calls that are looked for.
#[derive(Clone, Copy)]
pub(super) enum CallKinds<'c> {
    /// All of them.
    All,
    /// Steps of coroutines, by their process and number.
    Coroutines(&'c HashSet<(usize, u64)>),
}

/// Adds the calls that begin in `chunk` to `found`.
///
/// # Errors
/// The system's, where a block can't be read.
pub(super) fn search(
    found: &mut Found,
    of: &OfProcess<'_>,
    thread: &ThreadHistory,
    chunk: &Chunk,
    ticks: &Range<u64>,
    kind: CallKinds<'_>,
) -> io::Result<()> {
    let is_whole = of.process.complete_from <= 1;
    let mut search = Search {
        of,
        thread: chunk.thread,
        next: chunk.next(thread),
        is_past: false,
        counts_cut: chunk.first == 0 && !is_whole && ticks.start == 0,
        ticks: ticks.clone(),
        depth: 0,
        tracked: None,
        excluded: 0,
        last_function: None,
        kind,
        found,
    };
    // Calls that begin in the chunk may end behind it.
    let blocks = &thread.blocks[chunk.first..];
    replay(of.process, blocks, end_of(of.process), &mut search)
}

/// A call that has not ended yet.
struct Tracked {
    call: Call,
    /// Ticks that the thread had excluded when the call began.
    excluded: u64,
    waiting: Waiting,
}

/// Finds calls in a thread's history, from a chunk on.
pub(super) struct Search<'s> {
    of: &'s OfProcess<'s>,
    thread: usize,
    /// Number of the block behind the chunk.
    next: Option<u64>,
    /// True if the replay is past the chunk. Calls that begin there belong to the next one.
    is_past: bool,
    /// True if calls that were open before the chunk count.
    counts_cut: bool,
    ticks: Range<u64>,
    /// Number of open calls of the function.
    depth: usize,
    tracked: Option<Tracked>,
    excluded: u64,
    last_function: Option<u32>,
    kind: CallKinds<'s>,
    found: &'s mut Found,
}

impl Search<'_> {
    fn is_meant(&self, call: &Call) -> bool {
        let is_meant = self.of.is_meant.get(call.function as usize);
        is_meant.copied().unwrap_or(false)
    }

    fn counts(&self, call: &Call) -> bool {
        if let CallKinds::Coroutines(wanted) = self.kind {
            if !wanted.contains(&(self.of.number, call.coroutine)) {
                return false;
            }
        }
        match call.beginning {
            Beginning::Before => self.counts_cut,
            // It is the parent's.
            Beginning::Inherited => false,
            _ => !self.is_past && self.ticks.contains(&call.began),
        }
    }

    /// Breaks if no later call counts.
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
