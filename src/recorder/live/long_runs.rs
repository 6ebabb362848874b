//! The longest runs of a recording's tasks between two suspensions.

use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::LiveBacking;
use super::blocks_of_records::{Blocks, LiveRecord};
use crate::format::live::{RUN, RUNS, at};
use crate::model::MOST_RUNS;
use crate::recorder::node::NodeIndex;

/// One run, as stored in the file.
#[derive(Debug, Default)]
#[repr(C)]
struct Record {
    node: AtomicU32,
    _padding: u32,
    start_unix_ns: AtomicU64,
    /// 0 in an unused record. Stored last.
    ticks: AtomicU64,
}

const _: () = assert!(
    size_of::<Record>() == RUN
        && std::mem::offset_of!(Record, node) == at::run::NODE
        && std::mem::offset_of!(Record, start_unix_ns) == at::run::START
        && std::mem::offset_of!(Record, ticks) == at::run::TICKS
);

// SAFETY: numbers, all of them atomic.
unsafe impl LiveRecord for Record {
    const SEGMENT: u64 = RUNS;
}

/// The [`MOST_RUNS`] longest runs of a recording. Touched under its lock.
#[derive(Debug, Default)]
pub(crate) struct LongRuns {
    blocks: Blocks<Record>,
    records: Vec<NonNull<Record>>,
    /// Ticks of the shortest run, once there are [`MOST_RUNS`]; 0 until then.
    least: u64,
    /// In a forked child: all of it is the parent's.
    is_abandoned: bool,
}

// SAFETY: it owns what its pointers point to, and none of it is bound to a thread.
unsafe impl Send for LongRuns {}

impl LongRuns {
    /// Adds a run of a task in `node`, which took `ticks` and began at the time that
    /// `start_unix_ns` returns.
    pub(crate) fn add(
        &mut self,
        node: NodeIndex,
        ticks: u64,
        start_unix_ns: impl FnOnce() -> u64,
        backing: &mut LiveBacking,
    ) {
        if std::mem::take(&mut self.is_abandoned) {
            *self = LongRuns::default();
        }
        if ticks <= self.least {
            return;
        }
        if self.records.len() < MOST_RUNS {
            let record = match self.records.try_reserve(1) {
                Ok(()) => self.blocks.take(backing),
                Err(_) => None,
            };
            let Some(record) = record else { return };
            self.records.push(record);
        }
        // SAFETY: they live as long as the blocks.
        let records = self.records.iter().map(|place| unsafe { place.as_ref() });
        let shortest = records
            .clone()
            .min_by_key(|record| record.ticks.load(Relaxed));
        if let Some(record) = shortest {
            record.ticks.store(0, Release);
            record.node.store(node, Relaxed);
            record.start_unix_ns.store(start_unix_ns(), Relaxed);
            record.ticks.store(ticks, Release);
        }
        let is_full = self.records.len() == MOST_RUNS;
        let shortest = records.map(|record| record.ticks.load(Relaxed)).min();
        self.least = shortest.filter(|_| is_full).unwrap_or(0);
    }

    /// Node, start and ticks of each run that is kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIndex, u64, u64)> + '_ {
        let blocks = (!self.is_abandoned).then_some(&self.blocks).into_iter();
        let records = blocks.flat_map(Blocks::iter);
        records.map(|record| {
            let start = record.start_unix_ns.load(Relaxed);
            (record.node.load(Relaxed), start, record.ticks.load(Relaxed))
        })
    }

    /// In a forked child: forgets everything. Allocates and frees nothing.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
        self.blocks.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_runs_stay() {
        let mut runs = LongRuns::default();
        let mut backing = LiveBacking::default();
        for ticks in (1..=100).chain(0..50) {
            runs.add(ticks as u32 + 1, ticks, || 1000 + ticks, &mut backing);
        }
        let mut kept: Vec<_> = runs.iter().collect();
        kept.sort_unstable();
        let expected = (91..=100_u64).map(|ticks| (ticks as u32 + 1, 1000 + ticks, ticks));
        assert!(kept.into_iter().eq(expected));
        runs.abandon();
        assert_eq!(runs.iter().count(), 0);
        runs.add(7, 3, || 9, &mut backing);
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(7, 9, 3)]);
    }
}
