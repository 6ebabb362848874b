//! The coroutines that are suspended now.
//!
//! A coroutine is identified by the address of its frame, which another coroutine may get once the
//! first is gone. Nearly always, an event has ended the suspension before. Exceptions are
//! coroutines that are closed where no `try` could notice it, or outside of the recording. Such an
//! entry remains until a coroutine at the same address starts, continues or is suspended.

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

use foldhash::fast::FixedState;

use super::LiveBacking;
use super::blocks_of_records::{Blocks, LiveRecord};
use crate::format::live::{SUSPENDED, SUSPENSION, at};
use crate::recorder::node::NodeIndex;

/// Number of coroutines that may be suspended at once: 24 MiB of records.
const MOST: usize = 1 << 20;

/// One suspended coroutine, as stored in the file.
#[derive(Debug, Default)]
#[repr(C)]
struct Record {
    /// 0 in a record that is free. Stored last.
    coroutine: AtomicU64,
    node: AtomicU32,
    function: AtomicU32,
    since: AtomicU64,
}

const _: () = assert!(
    size_of::<Record>() == SUSPENSION
        && std::mem::offset_of!(Record, coroutine) == at::suspension::COROUTINE
        && std::mem::offset_of!(Record, node) == at::suspension::NODE
        && std::mem::offset_of!(Record, since) == at::suspension::SINCE
);

// SAFETY: numbers, all of them atomic.
unsafe impl LiveRecord for Record {
    const SEGMENT: u64 = SUSPENDED;
}

/// A suspension that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspension {
    /// The node in which the coroutine last ran.
    pub(crate) node: NodeIndex,
    /// Its function, which distinguishes a coroutine from an earlier one at the same address.
    pub(crate) function: u32,
    /// Tick at which it was suspended.
    pub(crate) since: u64,
}

/// The suspended coroutines of a recording. Touched under its lock.
#[derive(Debug, Default)]
pub(crate) struct Suspended {
    blocks: Blocks<Record>,
    by_coroutine: HashMap<u64, NonNull<Record>, FixedState>,
    free: Vec<NonNull<Record>>,
    /// In a forked child: all of it is the parent's.
    is_abandoned: bool,
}

// SAFETY: it owns what its pointers point to, and none of it is bound to a thread.
unsafe impl Send for Suspended {}

impl Suspended {
    /// Notes that `coroutine`, which is not 0, is suspended. Does nothing without memory.
    pub(crate) fn insert(&mut self, coroutine: u64, new: Suspension, backing: &mut LiveBacking) {
        if std::mem::take(&mut self.is_abandoned) {
            *self = Suspended::default();
        }
        // An earlier one at the same address never continued.
        let _ = self.take(coroutine);
        let Some(record) = self.free_record(backing) else {
            return;
        };
        self.by_coroutine.insert(coroutine, record);
        // SAFETY: lives as long as the blocks.
        let record = unsafe { record.as_ref() };
        record.node.store(new.node, Relaxed);
        record.function.store(new.function, Relaxed);
        record.since.store(new.since, Relaxed);
        record.coroutine.store(coroutine, Release);
    }

    /// Returns a record that is free, if there is room for it in the other tables too.
    fn free_record(&mut self, backing: &mut LiveBacking) -> Option<NonNull<Record>> {
        if self.by_coroutine.len() >= MOST {
            return None;
        }
        self.by_coroutine.try_reserve(1).ok()?;
        match self.free.pop() {
            Some(record) => Some(record),
            None => {
                // Reserves memory now, so that freeing the record needs none.
                self.free.try_reserve(self.by_coroutine.len() + 1).ok()?;
                self.blocks.take(backing)
            }
        }
    }

    /// Removes the suspension of `coroutine`, if there is one.
    pub(crate) fn take(&mut self, coroutine: u64) -> Option<Suspension> {
        if self.is_abandoned {
            return None;
        }
        let place = self.by_coroutine.remove(&coroutine)?;
        self.free.push(place);
        // SAFETY: lives as long as the blocks.
        let record = unsafe { place.as_ref() };
        record.coroutine.store(0, Release);
        Some(record.suspension())
    }

    /// All suspensions that have not ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Suspension> + '_ {
        let blocks = (!self.is_abandoned).then_some(&self.blocks).into_iter();
        let records = blocks.flat_map(Blocks::iter);
        let taken = records.filter(|record| record.coroutine.load(Relaxed) != 0);
        taken.map(Record::suspension)
    }

    /// In a forked child: forgets everything. Allocates and frees nothing.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
        self.blocks.abandon();
    }
}

impl Record {
    fn suspension(&self) -> Suspension {
        Suspension {
            node: self.node.load(Relaxed),
            function: self.function.load(Relaxed),
            since: self.since.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_coroutines_that_continued_are_used_again() {
        let mut suspended = Suspended::default();
        let mut backing = LiveBacking::default();
        let suspension = |since| Suspension {
            node: 3,
            function: 5,
            since,
        };
        for round in 0..3 {
            for coroutine in 1..=1000 {
                suspended.insert(16 * coroutine, suspension(round), &mut backing);
            }
            // One at the address of another, which never continued.
            suspended.insert(16, suspension(100 + round), &mut backing);
            assert_eq!(suspended.iter().count(), 1000);
            assert_eq!(suspended.take(16), Some(suspension(100 + round)));
            for coroutine in 2..=1000 {
                assert_eq!(suspended.take(16 * coroutine), Some(suspension(round)));
                assert_eq!(suspended.take(16 * coroutine), None);
            }
            assert_eq!(suspended.iter().count(), 0);
        }
        assert!(suspended.blocks.iter().count() <= 1001);
        suspended.insert(32, suspension(7), &mut backing);
        suspended.abandon();
        assert_eq!(suspended.iter().count(), 0);
        assert_eq!(suspended.take(32), None);
        suspended.insert(48, suspension(8), &mut backing);
        assert_eq!(suspended.iter().collect::<Vec<_>>(), [suspension(8)]);
    }
}
