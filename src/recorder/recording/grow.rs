//! Growth of a recording: its first event, and each new node. Off the hot path, under the
//! recording's lock.

#[cfg(test)]
use std::cell::Cell;
use std::ops::Range;

use super::identity::Identity;
use super::{Recording, Shared, Thread};
use crate::clock::Clock;
use crate::recorder::live::{self, ClockAnchor, LiveFile, LiveHeader, NodeMemory, Record};
use crate::recorder::node::{COUNTER, NO_FUNCTION, Node, NodeIndex};
use crate::recorder::thread::{Home, Outcome};

#[cfg(test)]
thread_local! {
    /// Step at which a test makes a defect strike the calling thread.
    pub(crate) static DEFECT_AT: Cell<Option<&'static str>> = const { Cell::new(None) };
}

#[inline]
fn reached(_step: &str) {
    #[cfg(test)]
    assert_ne!(DEFECT_AT.get(), Some(_step), "on purpose");
}

impl Home for Recording {
    fn grow(&self, thread: &Thread, parent: NodeIndex, key: u64) -> Result<NodeIndex, Outcome> {
        let is_counter = parent & COUNTER != 0;
        let mut shared = self.lock();
        reached("locked");
        let Some(mut function) = shared.functions.find(key) else {
            return Err(Outcome::UnknownFunction);
        };
        if is_counter && shared.functions.is_hidden(function) {
            function = NO_FUNCTION;
        }
        // Before anything is found: after a fork there are nodes but no identity.
        if shared.identity.is_none() {
            thread.untimed(|| self.begin_now(&mut shared));
        }
        let slot = thread.shared().slot();
        if thread.has_small_table() {
            thread.enlarge_table(shared.nodes_of_own_calls(slot))?;
        }
        reached("table");
        let budget = shared.arena.budget();
        if !thread.has_room(if is_counter { NodeIndex::MAX } else { budget }) {
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
        // SAFETY: the thread's chunk, which is committed, has room, and so has its table.
        Ok(unsafe { thread.add_node(parent, key, function) })
    }

    fn begin_with(&self, key: u64, body: impl FnOnce()) -> Result<(), Outcome> {
        let mut shared = self.lock();
        if shared.functions.find(key).is_none() {
            return Err(Outcome::UnknownFunction);
        }
        if shared.identity.is_none() {
            self.begin_now(&mut shared);
        }
        body();
        Ok(())
    }

    fn locked<T>(&self, body: impl FnOnce() -> T) -> T {
        let _held = self.lock();
        body()
    }
}

impl Recording {
    /// Gives the recording an identity and a live file: something is in it now. `shared` is
    /// this recording's.
    #[cold]
    fn begin_now(&self, shared: &mut Shared) {
        let identity = Identity::new();
        shared.saves.begin();
        let live_path = identity.live_path(&self.options);
        if let Some(path) = live_path.filter(|_| live::SUPPORTED) {
            let header = LiveHeader {
                id: identity.id,
                pid: identity.pid,
                start_unix_ns: identity.start_unix_ns,
                anchor: self.anchor(),
            };
            let options = &self.options;
            let mut records = vec![Record::facts(&options.host, &options.hook)];
            let functions = shared.functions.entries().iter();
            records.extend(functions.map(|entry| Record::function(&entry.function, entry.hidden)));
            records.extend(shared.threads.iter().filter_map(|entry| entry.record()));
            let nodes = NodeMemory {
                base: shared.arena.base().cast(),
                committed: shared.arena.committed(),
                used: shared.arena.used() as usize * size_of::<Node>(),
            };
            // SAFETY: the arena's committed memory. No thread has an open call outside of
            // the lock, so none writes there but the ticks of what is ignored: threads that
            // came before have entered nothing, and a forked child's call is pending.
            unsafe { shared.backing.create(path, &header, &records, nodes) };
            let calibration = shared.calibration.unwrap_or_default();
            let set_calibration = |file: &mut LiveFile| file.set_calibration(calibration);
            shared.backing.with_file(set_calibration);
        }
        reached("live file");
        shared.identity = Some(identity);
    }

    fn anchor(&self) -> ClockAnchor {
        let clock = self.options.clock;
        ClockAnchor {
            clock,
            epoch: self.epoch,
            begin: match clock {
                Clock::Tsc | Clock::Monotonic => clock.now().wrapping_sub(self.epoch),
                Clock::Cpu | Clock::Host => 0,
            },
            started: self.started,
            rate: self.rate_so_far(),
        }
    }
}

impl Shared {
    /// Another chunk for the thread at `slot`: for nodes of its tree, of which it has
    /// `owned` so far, or, for `None`, for counters of overflow calls.
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
