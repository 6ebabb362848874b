//! Waiting in the calls that were open when a process ended.
//!
//! No event follows that would count it. But the processor time of the whole process since
//! recording began is known. Closed calls, and closed parts of open calls, have used a known part
//! of it. A thread has run for at most the rest since its latest event, and has waited otherwise.
//! So the figure is never too large because of other threads, and in a deadlock it is exact.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::HashMap;

use super::log::Bytes;
use super::{COUNTER, at};
use crate::clock::TickRate;

/// A thread at the end of its process, in its own ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndOfThread {
    /// Index of its root.
    pub(super) root: u32,
    /// Its latest event.
    pub(super) last: u64,
    /// The end of the process.
    pub(super) end: u64,
    /// Ticks that went to the recorder.
    pub(super) excluded: u64,
}

/// A thread, and its open calls so far.
#[derive(Clone, Copy)]
struct Open {
    thread: EndOfThread,
    innermost: u32,
    /// True if open calls are not below each other, so that the innermost one is unknown.
    is_ambiguous: bool,
}

/// Returns the innermost open call of each thread that waited in it, and for how many nanoseconds.
/// `ran_ns`: processor time of the process since recording began; `waited_ns`: waiting that is
/// known already.
pub(super) fn open_waits<'b>(
    nodes: impl Iterator<Item = (u32, Bytes<'b>)>,
    threads: &[EndOfThread],
    rate: TickRate,
    ran_ns: u64,
    waited_ns: u64,
) -> Vec<(u32, u64)> {
    let mut open: Vec<Open> = threads.iter().copied().map(Open::of).collect();
    let by_root: HashMap<u32, usize> = (0..).zip(threads).map(|(at, of)| (of.root, at)).collect();
    let mut owners: Vec<Option<usize>> = Vec::new();
    let mut closed = 0_u64;
    for (index, bytes) in nodes {
        let parent = bytes.u32(at::node::PARENT);
        let is_call = parent & COUNTER == 0 && bytes.u64(at::node::KEY) != 0;
        let owner = match parent == index {
            true => by_root.get(&index).copied(),
            false if is_call => owners.get(parent as usize).copied().flatten(),
            false => None,
        };
        owners.push(owner);
        let of = owner.and_then(|owner| open.get_mut(owner));
        if let Some(of) = of.filter(|_| parent != index) {
            let ticks = of.add(index, parent, bytes.u64(at::node::TOTAL) as i64);
            closed = closed.saturating_add(ticks);
        }
    }
    let excluded = threads.iter().map(|thread| thread.excluded);
    let explained = excluded.fold(closed, u64::saturating_add);
    let ran_in_closed = rate.ns(explained).saturating_sub(waited_ns);
    let unexplained = ran_ns.saturating_sub(ran_in_closed);
    let waits = open
        .iter()
        .filter(|of| !of.is_ambiguous && of.innermost != of.thread.root);
    let waits = waits.map(|of| {
        let gap = rate.ns(of.thread.end.saturating_sub(of.thread.last));
        (of.innermost, gap.saturating_sub(unexplained))
    });
    waits.filter(|(_, ns)| *ns > 0).collect()
}

impl Open {
    fn of(thread: EndOfThread) -> Open {
        Open {
            thread,
            innermost: thread.root,
            is_ambiguous: false,
        }
    }

    /// Adds a node of the thread. Returns the ticks of an outermost one up to the thread's latest
    /// event.
    fn add(&mut self, index: u32, parent: u32, total: i64) -> u64 {
        if total < 0 {
            self.is_ambiguous |= parent != self.innermost;
            self.innermost = index;
        }
        if parent != self.thread.root {
            return 0;
        }
        let open_until = if total < 0 {
            self.thread.last as i64
        } else {
            0
        };
        total.saturating_add(open_until).max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(parent: u32, key: u64, total: i64) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..8].copy_from_slice(&key.to_le_bytes());
        bytes[8..12].copy_from_slice(&parent.to_le_bytes());
        bytes[32..40].copy_from_slice(&total.to_le_bytes());
        bytes
    }

    fn waits(nodes: &[Vec<u8>], ran_ns: u64, waited_ns: u64) -> Vec<(u32, u64)> {
        let thread = |root, last| EndOfThread {
            root,
            last,
            end: 5000,
            excluded: 10,
        };
        let threads = [thread(0, 1000), thread(3, 400)];
        let nodes = (0..).zip(nodes.iter().map(|bytes| Bytes(bytes)));
        open_waits(nodes, &threads, TickRate::NANOSECOND, ran_ns, waited_ns)
    }

    /// `main` has run from 100 to 1000, and waits in `recv` since; a worker waits in `get` since
    /// 400, as long as it exists.
    fn deadlock() -> Vec<Vec<u8>> {
        vec![
            node(0, 0, 0),
            node(0, 1, -100),
            node(1, 2, -1000),
            node(3, 0, 0),
            node(3, 3, -400),
        ]
    }

    #[test]
    fn threads_that_did_not_run_have_waited() {
        // Of 900 ticks, 300 were waiting, and 20 are the recorder's.
        assert_eq!(waits(&deadlock(), 620, 300), [(2, 4000), (4, 4600)]);
        assert_eq!(waits(&deadlock(), 500, 300), [(2, 4000), (4, 4600)]);
    }

    #[test]
    fn time_that_a_thread_may_have_run_is_no_waiting() {
        assert_eq!(waits(&deadlock(), 1620, 300), [(2, 3000), (4, 3600)]);
        assert_eq!(waits(&deadlock(), 4900, 300), [(4, 320)]);
        assert_eq!(waits(&deadlock(), u64::MAX, 300), []);
    }

    #[test]
    fn nothing_is_said_of_calls_that_are_not_below_each_other() {
        let mut nodes = deadlock();
        nodes.push(node(0, 9, -900));
        assert_eq!(waits(&nodes, 620, 300), [(4, 4600)]);
        // Nor of nodes whose callers are none.
        nodes.push(node(77, 9, -900));
        nodes.push(node(1 << 31, 9, -900));
        assert_eq!(waits(&nodes, 620, 300), [(4, 4600)]);
        assert!(waits(&[], 0, 0).is_empty());
    }
}
