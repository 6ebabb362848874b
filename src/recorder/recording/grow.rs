//! Growth of a recording: its first event, and new nodes that a thread can't make alone. Off the
//! hot path, under the recording's lock.

#[cfg(test)]
use std::cell::Cell;
use std::ops::Range;
use std::sync::TryLockError;

use super::identity::{Identity, unix_ns};
use super::{Options, Recording, Shared, Thread};
use crate::clock::Clock;
use crate::model::Waiting;
use crate::recorder::live::{
    self, ClockAnchor, LiveFile, LiveHeader, NodeMemory, Record, Suspension,
};
use crate::recorder::mutex::MutexGuard;
use crate::recorder::node::{COUNTER, NO_FUNCTION, Node, NodeIndex};
use crate::recorder::thread::{Home, Outcome, VisitEnd, Wait};

#[cfg(test)]
thread_local! {
    /// Step at which a test makes a defect strike the calling thread.
    pub(crate) static DEFECT_AT: Cell<Option<&'static str>> = const { Cell::new(None) };
}

#[cfg(test)]
thread_local! {
    /// Step at which a test makes the calling thread wait, and how long.
    pub(crate) static SLOW_AT: Cell<Option<(&'static str, std::time::Duration)>> =
        const { Cell::new(None) };
}

#[inline]
fn reached(_step: &str) {
    #[cfg(test)]
    assert_ne!(DEFECT_AT.get(), Some(_step), "on purpose");
    #[cfg(test)]
    if let Some((step, time)) = SLOW_AT.get() {
        if step == _step {
            std::thread::sleep(time);
        }
    }
}

impl Home for Recording {
    fn grow(&self, thread: &Thread, parent: NodeIndex, key: u64) -> Result<NodeIndex, Outcome> {
        let since = thread.reading();
        let (mut shared, has_waited) = self.lock_or_wait();
        reached("locked");
        let mut is_slow = has_waited;
        let made = self.make_node(thread, &mut shared, parent, key, &mut is_slow);
        if is_slow {
            thread.exclude_since(since);
        }
        made
    }

    fn begin_with(&self, thread: &Thread, key: u64, body: impl FnOnce()) -> Result<(), Outcome> {
        let since = thread.reading();
        let mut shared = self.lock();
        if shared.functions.find(key).is_none() {
            return Err(Outcome::UnknownFunction);
        }
        self.begin(thread, &mut shared);
        body();
        thread.exclude_since(since);
        Ok(())
    }

    fn waited(&self, node: NodeIndex, function: u32, wait: Wait) -> Waiting {
        let mut shared = self.lock();
        let is_python = shared.functions.is_python(function);
        let (blocked, gil) = match is_python && wait.others_ran {
            true => (0, wait.voluntary),
            false => (wait.voluntary, 0),
        };
        let waiting = Waiting {
            blocked,
            gil,
            preempted: wait.preempted,
        };
        if wait.is_estimated {
            shared.estimated_waits = shared.estimated_waits.saturating_add(1);
            let waits = shared.estimated_waits;
            shared
                .backing
                .with_file(|file| file.set_estimated_waits(waits));
        }
        let Shared { waits, backing, .. } = &mut *shared;
        waits.add(node, &waiting, backing);
        waiting
    }

    fn renew_block(&self, thread: &Thread) -> bool {
        let since = thread.reading();
        let (mut shared, has_waited) = self.lock_or_wait();
        let mut is_slow = has_waited;
        let is_renewed = shared.renew_block(&self.options, thread, &mut is_slow);
        if is_slow {
            thread.exclude_since(since);
        }
        is_renewed
    }

    fn coroutine_runs(&self, coroutine: u64, function: u32, has_continued: Option<u64>) -> bool {
        let mut shared = self.lock();
        let Shared {
            functions,
            suspended,
            awaits,
            backing,
            ..
        } = &mut *shared;
        if functions.is_hidden(function) {
            return false;
        }
        // A coroutine that starts is not the one that was suspended at its address.
        if let (Some(suspension), Some(now)) = (suspended.take(coroutine), has_continued) {
            if suspension.function == function {
                let ticks = now.saturating_sub(suspension.since);
                awaits.add(suspension.node, ticks, backing);
            }
        }
        true
    }

    fn coroutine_stops(&self, coroutine: u64, end: VisitEnd) {
        let mut shared = self.lock();
        let Shared {
            suspended,
            awaits,
            runs,
            backing,
            ..
        } = &mut *shared;
        awaits.has_run(end.node, end.ticks, backing);
        if let Some(node) = end.run {
            let start = || unix_ns().saturating_sub(self.rate_so_far().ns(end.ticks));
            runs.add(node, end.ticks, start, backing);
        }
        if let Some(since) = end.suspended_at {
            let suspension = Suspension {
                node: end.node,
                function: end.function,
                since,
            };
            suspended.insert(coroutine, suspension, backing);
        }
    }

    fn locked<T>(&self, body: impl FnOnce() -> T) -> T {
        let _held = self.lock();
        body()
    }
}

impl Recording {
    /// Returns the lock, and true if another thread had it.
    fn lock_or_wait(&self) -> (MutexGuard<'_, Shared>, bool) {
        match self.shared.try_lock() {
            Ok(shared) => (shared, false),
            Err(TryLockError::Poisoned(poisoned)) => (poisoned.into_inner(), false),
            Err(TryLockError::WouldBlock) => (self.lock(), true),
        }
    }

    /// See [`Home::grow`]. Sets `is_slow` if it takes longer than making a node does.
    fn make_node(
        &self,
        thread: &Thread,
        shared: &mut Shared,
        parent: NodeIndex,
        key: u64,
        is_slow: &mut bool,
    ) -> Result<NodeIndex, Outcome> {
        let is_counter = parent & COUNTER != 0;
        let Some(mut function) = shared.functions.find(key) else {
            return Err(Outcome::UnknownFunction);
        };
        if is_counter && shared.functions.is_hidden(function) {
            function = NO_FUNCTION;
        }
        // Begins before any node is looked up, because after a fork there are nodes but no
        // identity.
        *is_slow |= self.begin(thread, shared);
        let slot = thread.shared().slot();
        if thread.has_small_table() {
            *is_slow = true;
            thread.enlarge_table(shared.nodes_of_own_calls(slot))?;
        }
        reached("table");
        let budget = shared.arena.budget();
        if !thread.has_room(if is_counter { NodeIndex::MAX } else { budget }) {
            *is_slow = true;
            let owned = (!is_counter).then(|| thread.nodes());
            let Some(chunk) = shared.add_chunk(slot, owned) else {
                if shared.arena.used() >= budget {
                    thread.set_full();
                }
                return Err(Outcome::Dropped);
            };
            reached("chunk");
            thread.set_chunk(chunk);
            let set_rate = |file: &mut LiveFile| file.set_rate(self.rate_so_far());
            shared.backing.with_file(set_rate);
        }
        if !is_counter {
            thread.note_known(key, function, budget);
        }
        // SAFETY: the thread's chunk, which is committed, has room, and so has its table.
        Ok(unsafe { thread.add_node(parent, key, function) })
    }

    /// Makes sure that the recording has an identity and a live file, because something is recorded
    /// now. `shared` is this recording's. Returns true if it had none before.
    #[inline]
    fn begin(&self, thread: &Thread, shared: &mut Shared) -> bool {
        let is_new = shared.identity.is_none();
        if is_new {
            self.begin_now(thread, shared);
        }
        is_new
    }

    #[cold]
    fn begin_now(&self, thread: &Thread, shared: &mut Shared) {
        let identity = Identity::new();
        shared.saves.begin();
        let live_path = identity.live_path(&self.options);
        if let Some(path) = live_path.filter(|_| live::SUPPORTED) {
            let header = LiveHeader {
                id: identity.id,
                pid: identity.pid,
                start_unix_ns: identity.start_unix_ns,
                processor_before_ns: match self.options.waiting {
                    true => identity.processor_ns.max(1),
                    false => 0,
                },
                anchor: self.anchor(thread),
            };
            let options = &self.options;
            let mut records = vec![Record::facts(&options.host, &options.hook, &options.chosen)];
            let functions = shared.functions.entries().iter();
            // A function for which there is no memory ends the log.
            records.extend(
                functions.map_while(|entry| Record::function(&entry.function, entry.hidden)),
            );
            records.extend(shared.threads.iter().filter_map(|entry| entry.record()));
            let nodes = NodeMemory {
                base: shared.arena.base().cast(),
                committed: shared.arena.committed(),
                used: shared.arena.used() as usize * size_of::<Node>(),
            };
            // SAFETY: the arena's committed memory. No thread has an open call outside of the lock,
            // so others write there only the ticks of ignored events. Earlier threads have entered
            // nothing, and a forked child's call is pending.
            unsafe { shared.backing.create(path, &header, &records, nodes) };
            let calibration = shared.calibration.unwrap_or_default();
            let set_calibration = |file: &mut LiveFile| file.set_calibration(calibration);
            shared.backing.with_file(set_calibration);
        }
        reached("live file");
        shared.identity = Some(identity);
    }

    fn anchor(&self, thread: &Thread) -> ClockAnchor {
        let clock = self.options.clock;
        ClockAnchor {
            clock,
            epoch: self.epoch,
            begin: match clock {
                Clock::Tsc | Clock::Monotonic => thread.now(),
                Clock::Cpu | Clock::Host => 0,
            },
            started: self.started,
            rate: self.rate_so_far(),
        }
    }
}

impl Shared {
    /// See [`Home::renew_block`]. Sets `is_slow` if it takes longer than usual.
    fn renew_block(&mut self, options: &Options, thread: &Thread, is_slow: &mut bool) -> bool {
        let Shared {
            identity: Some(identity),
            history: Some(history),
            backing,
            ..
        } = self
        else {
            return false;
        };
        let tick = thread.common_tick();
        if let Some(left) = thread.leave_block() {
            history.retire(left, tick);
        }
        let file = || match backing.has_file() {
            true => identity.history_path(options),
            false => None,
        };
        let block = match history.take(file, identity.id, tick) {
            Ok(Some(block)) => block,
            Ok(None) => return false,
            Err(error) => {
                backing.warn_of(format!(
                    "the timeline of process {} can't be kept: {error}; recording goes on \
                     without it",
                    identity.pid
                ));
                return false;
            }
        };
        *is_slow |= block.is_slow;
        thread.number_in_history(|| history.number_thread());
        let has_begun = thread.begin_block(&block);
        if !has_begun {
            history.retire(block.name(), tick);
            history.end_at(tick);
        }
        has_begun
    }

    /// Adds a chunk for the thread at `slot`. It is for nodes of its tree, of which the thread has
    /// `owned` so far, or, with `None`, for counters of overflow calls.
    fn add_chunk(&mut self, slot: usize, owned: Option<u32>) -> Option<Range<NodeIndex>> {
        let entry = self.threads.get_mut(slot)?;
        entry.chunks.try_reserve(1).ok()?;
        let chunk = match owned {
            Some(owned) => self.arena.chunk(owned, 1, &mut self.backing)?,
            None => self.arena.spare_chunk(&mut self.backing)?,
        };
        entry.chunks.push(chunk.clone());
        Some(chunk)
    }
}
