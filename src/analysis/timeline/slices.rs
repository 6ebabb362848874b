//! The calls of a thread as slices of a window on a time axis, without those that are too short.
//!
//! A call is passed on once it has lasted long enough, so only the open calls are kept.

use std::io;
use std::ops::ControlFlow;

use super::replay::{Beginning, Call, Ending, FORKED, ThreadHistory, Visitor, replay};
use crate::format::timeline::TimelineProcess;
use crate::model::timeline::{Mark, WaitKind};

/// A call, or a part of it. A call has several slices if it was suspended, or if the recorder took
/// time for itself, which belongs to no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Its node, an index into the process's.
    pub node: u32,
    /// Its function, an index into the process's; their number in the slice of a forked child.
    pub function: u32,
    /// Its beginning, nanoseconds on the axis.
    pub begin: u64,
    /// Its beginning.
    pub beginning: Beginning,
}

/// Part of a time axis, and the shortest slice of interest; all in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// Slices that are shorter are left out.
    pub min_duration: u64,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            from: 0,
            to: u64::MAX,
            min_duration: 0,
        }
    }
}

/// Takes slices, which begin and end in the order of time and within each other.
pub trait Sink {
    /// A slice begins.
    ///
    /// # Errors
    /// Those of writing.
    fn begin(&mut self, slice: &Slice) -> io::Result<()>;

    /// The slice that began last among those that have not ended ends at `end`.
    ///
    /// # Errors
    /// Those of writing.
    fn end(&mut self, slice: &Slice, end: u64, ending: Ending) -> io::Result<()>;

    /// The thread has waited from one time to another. Waits are in the order of time, too.
    ///
    /// # Errors
    /// Those of writing.
    fn wait(&mut self, kind: WaitKind, from: u64, to: u64) -> io::Result<()>;

    /// A mark is set. Marks, beginnings and ends of slices are in the order of time. Does nothing
    /// in formats that have no place for marks.
    ///
    /// # Errors
    /// Those of writing.
    fn mark(&mut self, mark: Mark, at: u64) -> io::Result<()> {
        let _ = (mark, at);
        Ok(())
    }
}

/// Passes the slices of a thread within `window` to `sink`. `time` converts a tick of the process
/// to the axis.
///
/// # Errors
/// Those of reading, and of the sink.
pub fn slices(
    process: &TimelineProcess,
    thread: &ThreadHistory,
    time: impl Fn(u64) -> u64,
    window: &Window,
    sink: &mut impl Sink,
) -> io::Result<()> {
    let history_end = process.end.min(process.complete_to);
    let blocks = &thread.blocks;
    let later = blocks.partition_point(|block| time(block.start) <= window.from);
    let end = blocks.partition_point(|block| time(block.start) < window.to);
    let first = later.saturating_sub(1).min(end);
    let mut slicer = Slicer {
        time,
        window,
        floor: window.from,
        at_floor: Beginning::Before,
        forked: process.functions.len() as u32,
        shown: Vec::new(),
        waits: Vec::new(),
        waited_until: 0,
        latest: 0,
        sink,
        result: Ok(()),
    };
    replay(process, &blocks[first..end], history_end, &mut slicer)?;
    let last = (slicer.time)(history_end).min(window.to);
    slicer.result?;
    slicer.result = Ok(());
    slicer.place_waits(last)
}

struct Slicer<'s, T, S> {
    time: T,
    window: &'s Window,
    /// Time before which no slice begins: the window's beginning, or the end of what the recorder
    /// took for itself.
    floor: u64,
    /// Beginning of calls there that were open before.
    at_floor: Beginning,
    /// Function of the slice that a forked child's thread is in.
    forked: u32,
    /// The outermost open calls, which the sink knows.
    shown: Vec<Slice>,
    /// Waits since the latest event.
    waits: Vec<(WaitKind, u64)>,
    /// End of the latest wait that has a place on the axis.
    waited_until: u64,
    /// Time of the latest slice's beginning or end. Damaged files may have earlier ones after it.
    latest: u64,
    sink: &'s mut S,
    /// The first error, which ends the replay.
    result: io::Result<()>,
}

impl<T: Fn(u64) -> u64, S: Sink> Slicer<'_, T, S> {
    /// Passes on all calls that are open at `now` and have lasted long enough.
    fn advance(&mut self, open: &[Call], now: u64) -> io::Result<()> {
        while let Some(call) = open.get(self.shown.len()) {
            let began = (self.time)(call.began);
            let begin = began.max(self.floor).max(self.latest);
            // Nothing is left of a call that ends where the window begins.
            let is_before = began < self.floor && now <= self.floor;
            if is_before || now < begin.saturating_add(self.window.min_duration) {
                break;
            }
            let slice = Slice {
                node: call.node,
                function: match call.function {
                    FORKED => self.forked,
                    function => function,
                },
                begin,
                beginning: match began < self.floor {
                    true => self.at_floor,
                    false => call.beginning,
                },
            };
            self.latest = begin;
            self.shown.push(slice);
            self.sink.begin(&slice)?;
        }
        Ok(())
    }

    /// Gives the waits since the event before their place: they end where the next one is.
    fn place_waits(&mut self, now: u64) -> io::Result<()> {
        if self.waits.is_empty() {
            return Ok(());
        }
        let whole = self.waits.iter().map(|&(_, ns)| ns);
        let whole = whole.fold(0, u64::saturating_add);
        let mut at = now.saturating_sub(whole).max(self.waited_until);
        for (kind, ns) in std::mem::take(&mut self.waits) {
            let until = at.saturating_add(ns).min(now);
            let (from, to) = (at.max(self.window.from), until.min(self.window.to));
            if from < to && to - from >= self.window.min_duration {
                self.sink.wait(kind, from, to)?;
            }
            at = at.max(until);
            self.waited_until = at;
        }
        Ok(())
    }

    /// Ends the calls that are open at a time.
    fn close(&mut self, open: &[Call], end: u64, ending: Ending) -> io::Result<()> {
        let end = end.max(self.latest);
        self.advance(open, end)?;
        while let Some(slice) = self.shown.pop() {
            self.latest = end;
            self.sink.end(&slice, end, ending)?;
        }
        Ok(())
    }

    fn begun(&mut self, open: &[Call]) -> io::Result<ControlFlow<()>> {
        let Some((call, callers)) = open.split_last() else {
            return Ok(ControlFlow::Continue(()));
        };
        let now = (self.time)(call.began).max(self.latest);
        self.place_waits(now)?;
        if now >= self.window.to {
            self.close(callers, self.window.to, Ending::Open)?;
            return Ok(ControlFlow::Break(()));
        }
        self.advance(open, now)?;
        Ok(ControlFlow::Continue(()))
    }

    /// Advances to `tick` and returns its time, or `None` after the end of the window.
    fn reach(&mut self, open: &[Call], tick: u64) -> io::Result<Option<u64>> {
        let now = (self.time)(tick).max(self.latest);
        self.place_waits(now)?;
        if now > self.window.to {
            self.close(open, self.window.to, Ending::Open)?;
            return Ok(None);
        }
        self.advance(open, now)?;
        Ok(Some(now))
    }

    fn ended(&mut self, open: &[Call], tick: u64, ending: Ending) -> io::Result<ControlFlow<()>> {
        let Some(now) = self.reach(open, tick)? else {
            return Ok(ControlFlow::Break(()));
        };
        let slice = match self.shown.len() == open.len() {
            true => self.shown.pop(),
            false => None,
        };
        if let Some(slice) = slice {
            self.latest = now;
            self.sink.end(&slice, now, ending)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Cuts the open calls, because the recorder took the `ticks` before `tick` for itself.
    fn excluded(&mut self, open: &[Call], tick: u64, ticks: u64) -> io::Result<ControlFlow<()>> {
        let from = (self.time)(tick.saturating_sub(ticks));
        let to = (self.time)(tick);
        if from > self.window.to {
            self.close(open, self.window.to, Ending::Open)?;
            return Ok(ControlFlow::Break(()));
        }
        if from < to && to > self.floor {
            self.close(open, from, Ending::Cut)?;
            if from >= self.floor {
                self.at_floor = Beginning::Cut;
            }
            self.floor = to;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Passes on a mark, and before it all calls that have lasted long enough.
    fn marked(&mut self, open: &[Call], tick: u64, mark: Mark) -> io::Result<ControlFlow<()>> {
        let Some(now) = self.reach(open, tick)? else {
            return Ok(ControlFlow::Break(()));
        };
        if now >= self.window.from {
            self.latest = now;
            self.sink.mark(mark, now)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn note(&mut self, flow: io::Result<ControlFlow<()>>) -> ControlFlow<()> {
        flow.unwrap_or_else(|error| {
            self.result = Err(error);
            ControlFlow::Break(())
        })
    }
}

impl<T: Fn(u64) -> u64, S: Sink> Visitor for Slicer<'_, T, S> {
    fn begin(&mut self, open: &[Call]) -> ControlFlow<()> {
        let flow = self.begun(open);
        self.note(flow)
    }

    fn end(&mut self, open: &[Call], tick: u64, ending: Ending) -> ControlFlow<()> {
        let flow = self.ended(open, tick, ending);
        self.note(flow)
    }

    fn wait(&mut self, _: &[Call], _: u64, kind: WaitKind, ns: u64) -> ControlFlow<()> {
        self.waits.push((kind, ns));
        ControlFlow::Continue(())
    }

    fn mark(&mut self, open: &[Call], tick: u64, mark: Mark) -> ControlFlow<()> {
        let flow = self.marked(open, tick, mark);
        self.note(flow)
    }

    fn exclude(&mut self, open: &[Call], tick: u64, ticks: u64) -> ControlFlow<()> {
        let flow = self.excluded(open, tick, ticks);
        self.note(flow)
    }
}
