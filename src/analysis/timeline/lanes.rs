//! Makes slices in ticks of a thread's calls, for code that adds them up in windows of its own.
//!
//! Slices are cut where the recorder took time for itself, so that the ticks of a window are in no
//! call's time twice. Overflow calls have none: their time is their callers'.

use std::io;
use std::ops::ControlFlow;

use super::replay::{Beginning, Call, Ending, ThreadHistory, Visitor, replay};
use crate::format::timeline::TimelineProcess;
use crate::model::timeline::WaitKind;

/// A call, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSlice {
    /// Its node, an index into the process's.
    pub node: u32,
    /// Tick at which it begins.
    pub begin: u64,
    /// Its ticks.
    pub ticks: u64,
    /// Its beginning.
    pub beginning: Beginning,
}

/// A wait of a call: somewhere between two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneWait {
    /// The call's node, an index into the process's.
    pub node: u32,
    /// Tick of the event before.
    pub begin: u64,
    /// Ticks until the event after.
    pub ticks: u64,
    /// Nanoseconds that the thread waited.
    pub ns: u64,
}

/// The slices of a thread.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    /// Slices by their beginnings; of equal ones callers first.
    pub slices: Vec<LaneSlice>,
    /// Waits in their order.
    pub waits: Vec<LaneWait>,
}

/// Returns the slices of a thread that have `min_ticks` or more, and waits of `min_ns`.
///
/// # Errors
/// The system's, where a block can't be read.
pub fn lane(
    process: &TimelineProcess,
    thread: &ThreadHistory,
    min_ticks: u64,
    min_ns: u64,
) -> io::Result<Lane> {
    let mut lanes = Lanes {
        process,
        min_ticks,
        min_ns,
        open: Vec::new(),
        cut: 0,
        waits: Vec::new(),
        lane: Lane::default(),
        depths: Vec::new(),
    };
    let end = process.end.min(process.complete_to);
    replay(process, &thread.blocks, end, &mut lanes)?;
    Ok(lanes.finish())
}

struct Lanes<'p> {
    process: &'p TimelineProcess,
    min_ticks: u64,
    min_ns: u64,
    /// Beginning of the part of each open call, and its kind.
    open: Vec<(u64, Beginning)>,
    /// End of the latest time that the recorder took for itself.
    cut: u64,
    /// Waits since the latest event: tick and nanoseconds.
    waits: Vec<(u64, u64)>,
    lane: Lane,
    /// Depth of each slice.
    depths: Vec<u32>,
}

impl Lanes<'_> {
    fn is_counter(&self, call: &Call) -> bool {
        let node = self.process.nodes.get(call.node as usize);
        node.is_none_or(|node| node.is_counter())
    }

    /// Ends the waits since the latest event, which were in the innermost one of `open`.
    fn place_waits(&mut self, open: &[Call], tick: u64) {
        if self.waits.is_empty() {
            return;
        }
        let in_tree = open.iter().rev().find(|call| !self.is_counter(call));
        let node = in_tree.map(|call| call.node);
        for (begin, ns) in self.waits.drain(..) {
            let Some(node) = node.filter(|_| ns >= self.min_ns) else {
                continue;
            };
            self.lane.waits.push(LaneWait {
                node,
                begin,
                ticks: tick.saturating_sub(begin),
                ns,
            });
        }
    }

    fn push(&mut self, call: &Call, depth: usize, part: (u64, Beginning), end: u64) {
        let ticks = end.saturating_sub(part.0);
        if ticks >= self.min_ticks && !self.is_counter(call) {
            self.depths.push(depth as u32);
            self.lane.slices.push(LaneSlice {
                node: call.node,
                begin: part.0,
                ticks,
                beginning: part.1,
            });
        }
    }

    fn finish(self) -> Lane {
        let Lane { slices, waits } = self.lane;
        let mut order: Vec<u32> = (0..slices.len() as u32).collect();
        order.sort_by_key(|&at| (slices[at as usize].begin, self.depths[at as usize]));
        Lane {
            slices: order.iter().map(|&at| slices[at as usize]).collect(),
            waits,
        }
    }
}

impl Visitor for Lanes<'_> {
    fn begin(&mut self, open: &[Call]) -> ControlFlow<()> {
        let Some((call, callers)) = open.split_last() else {
            return ControlFlow::Continue(());
        };
        self.place_waits(callers, call.began);
        self.open.truncate(callers.len());
        let began = call.began.max(self.cut);
        self.open.push((began, call.beginning));
        ControlFlow::Continue(())
    }

    fn end(&mut self, open: &[Call], tick: u64, _: Ending) -> ControlFlow<()> {
        self.place_waits(open, tick);
        if let (Some(call), Some(part)) = (open.last(), self.open.pop()) {
            self.push(call, open.len(), part, tick);
        }
        ControlFlow::Continue(())
    }

    fn wait(&mut self, _: &[Call], tick: u64, _: WaitKind, ns: u64) -> ControlFlow<()> {
        self.waits.push((tick, ns));
        ControlFlow::Continue(())
    }

    fn exclude(&mut self, open: &[Call], tick: u64, ticks: u64) -> ControlFlow<()> {
        let from = tick.saturating_sub(ticks);
        self.place_waits(open, from);
        self.cut = self.cut.max(tick);
        for (depth, call) in open.iter().enumerate() {
            let Some(&part) = self.open.get(depth) else {
                break;
            };
            self.push(call, depth + 1, part, from);
            if let Some(open) = self.open.get_mut(depth) {
                *open = (tick, Beginning::Cut);
            }
        }
        ControlFlow::Continue(())
    }
}
