//! Converts a recording to the value that is written: nodes become columns, ticks become
//! nanoseconds, and the profiler's own frames are removed.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use super::{Recording, Shared, ThreadEntry};
use crate::clock::{self, Clock, TickRate};
use crate::format::live::assemble::{Assembled, Assembly, Found, Functions, RawNode};
use crate::model::{Ending, Process, ProcessIdentity, RecordingId, Trees, Waiting};
use crate::recorder::live::Suspension;
use crate::recorder::node::{Node, NodeIndex};
use crate::recorder::thread::{ThreadShared, made_nodes};

/// Returns what `recording` holds now, open calls with their time so far, or `None` if nothing was
/// ever recorded. Other threads may record meanwhile. Each of their calls is either in the snapshot
/// or not.
pub(crate) fn snapshot(recording: &Recording, ending: Ending) -> Option<Trees> {
    snapshot_by(recording, ending, recording.rate())
}

/// Like [`snapshot`], with a rate of the recording's ticks that was measured before.
///
/// The lock is held for as long as it takes to copy the lists of chunks and of records. Nodes are
/// read without the lock, because threads that make nodes would wait for it. If such a thread holds
/// a lock of the host's, all other threads would wait too.
pub(super) fn snapshot_by(recording: &Recording, ending: Ending, rate: TickRate) -> Option<Trees> {
    Some(assemble(
        recording,
        Parts::copy(recording, ending, rate)?,
        rate,
    ))
}

fn assemble(recording: &Recording, parts: Parts, rate: TickRate) -> Trees {
    let costs = parts.process.calibration;
    let has_class_calls = costs.is_some_and(|costs| costs.class_call > 0);
    let mut assembly = Assembly::new(recording, rate, has_class_calls);
    for thread in &parts.threads {
        add_thread(&mut assembly, recording, &parts, thread);
    }
    for (node, waiting) in &parts.waits {
        assembly.add_waiting(*node, waiting);
    }
    add_awaiting(&mut assembly, &parts);
    let Assembled {
        functions,
        kinds,
        threads,
    } = assembly.finish();
    let mut trees = Trees {
        recordings: vec![parts.recording],
        processes: vec![parts.process],
        functions,
        kinds,
        threads,
        ..Trees::default()
    };
    trees.state_cost(running_share().unwrap_or(1.0));
    trees
}

/// Parts of a recording as they are at one moment, except for its nodes.
struct Parts {
    process: Process,
    /// Random id of the recording.
    recording: RecordingId,
    /// Address of node 0.
    base: NonNull<Node>,
    threads: Vec<ThreadPart>,
    /// Latest tick of all threads, at which all of them still ran; 0 if their clock is not a common
    /// one of wall time.
    latest_of_all: u64,
    /// Latest tick of all threads.
    latest: u64,
    waits: Vec<(NodeIndex, Waiting)>,
    awaits: Vec<(NodeIndex, u64, u64)>,
    suspended: Vec<Suspension>,
    runs: Vec<(NodeIndex, u64, u64)>,
}

/// A thread's tree, except for its nodes.
struct ThreadPart {
    thread: Arc<ThreadShared>,
    name: Box<[u8]>,
    inherited: Option<u32>,
    root: NodeIndex,
    chunks: Vec<Range<NodeIndex>>,
    /// First node that is not made yet.
    next: NodeIndex,
    /// Time now, if this is the calling thread.
    now: Option<u64>,
}

impl Parts {
    /// Copies them under the recording's lock. `None` when nothing was ever recorded.
    fn copy(recording: &Recording, ending: Ending, rate: TickRate) -> Option<Parts> {
        let shared = recording.lock();
        let latest = shared.threads.iter().map(latest).max().unwrap_or(0);
        Some(Parts {
            process: process(recording, &shared, rate, ending)?,
            recording: shared.identity.as_ref()?.id,
            base: shared.arena.base(),
            threads: shared.threads.iter().filter_map(ThreadPart::copy).collect(),
            latest_of_all: match recording.options.clock {
                Clock::Tsc | Clock::Monotonic => latest,
                Clock::Cpu | Clock::Host => 0,
            },
            latest,
            waits: shared.waits.iter().collect(),
            awaits: shared.awaits.iter().collect(),
            suspended: shared.suspended.iter().collect(),
            runs: shared.runs.iter().collect(),
        })
    }

    fn nodes<'p>(&self, of: &'p ThreadPart) -> impl Iterator<Item = (NodeIndex, &'p Node)> {
        // SAFETY: the thread's own chunks in the recording's arena, as they were under the lock.
        // Chunks stay where they are for as long as the recording, which the caller borrows. In a
        // forked child, which takes another arena, no thread is here.
        unsafe { made_nodes(self.base, &of.chunks, of.next) }
    }
}

impl ThreadPart {
    /// `None` for a thread that a forked child does not have.
    fn copy(entry: &ThreadEntry) -> Option<ThreadPart> {
        Some(ThreadPart {
            root: entry.chunks.first()?.start,
            thread: Arc::clone(&entry.thread),
            name: entry.tree_name(),
            inherited: entry.inherited,
            chunks: entry.chunks.clone(),
            next: entry.thread.next(),
            now: entry.now_if_current(),
        })
    }
}

/// The latest tick at which the thread is known to run, plus the time that its ticks exclude. All
/// threads have that time axis in common.
fn latest(entry: &ThreadEntry) -> u64 {
    let now = entry.now_if_current();
    let tick = now.unwrap_or_else(|| entry.thread.last());
    tick.saturating_add(entry.thread.excluded())
}

/// Adds the nodes of one thread.
fn add_thread(
    assembly: &mut Assembly<'_, Recording>,
    recording: &Recording,
    parts: &Parts,
    of: &ThreadPart,
) {
    let thread = &*of.thread;
    let number = assembly.add_thread(of.root, &of.name, of.inherited);
    assembly.set_threads(number, thread.threads());
    let latest_of_all = parts.latest_of_all.saturating_sub(thread.excluded());
    let now = of.now.unwrap_or(0).max(latest_of_all);
    let mut innermost = None;
    for (index, node) in parts.nodes(of) {
        assembly.add(index, &MemoryNode { node, thread, now });
        // A callee's node is made after its caller's, so the last open one is the innermost.
        if node.is_open() {
            innermost = Some((index, node.function()));
        }
    }
    let wait = innermost
        .filter(|_| of.now.is_none())
        .zip(thread.wait_under_way());
    if let Some(((index, function), since)) = wait {
        let voluntary = since.waited - since.preempted;
        // A thread that ran for less than a sixteenth of its wait waits for something other than
        // the GIL.
        let is_for_gil =
            since.ran > voluntary / 16 && recording.lock().functions.is_python(function);
        let (blocked, gil) = match is_for_gil {
            true => (0, voluntary),
            false => (voluntary, 0),
        };
        let waiting = Waiting {
            blocked,
            gil,
            preempted: since.preempted,
        };
        assembly.add_waiting(index, &waiting);
    }
}

#[cfg(all(test, edbprof_loom))]
mod interleaved;

/// Adds awaiting. Coroutines that are suspended now count as suspended until the latest tick of all
/// threads.
fn add_awaiting(assembly: &mut Assembly<'_, Recording>, parts: &Parts) {
    for &(node, awaiting, longest_run) in &parts.awaits {
        assembly.add_awaiting(node, awaiting, longest_run);
    }
    for suspension in &parts.suspended {
        let ticks = parts.latest.saturating_sub(suspension.since);
        assembly.add_awaiting(suspension.node, ticks, 0);
    }
    for &(node, start_unix_ns, ticks) in &parts.runs {
        assembly.add_run(node, start_unix_ns, ticks);
    }
}

/// A node of the arena, and the thread that records in it.
struct MemoryNode<'n> {
    node: &'n Node,
    thread: &'n ThreadShared,
    /// A tick at which the thread still ran; 0 if only its events are known.
    now: u64,
}

impl MemoryNode<'_> {
    fn latest(&self) -> u64 {
        self.thread.last().max(self.now)
    }
}

impl RawNode for MemoryNode<'_> {
    fn parent(&self) -> u32 {
        self.node.parent
    }

    fn function(&self) -> u32 {
        self.node.function()
    }

    fn calls(&self) -> u64 {
        self.node.calls()
    }

    fn resumes(&self) -> u64 {
        self.node.resumes()
    }

    fn class_calls(&self) -> u32 {
        self.node.class_calls()
    }

    fn total(&self, _: usize) -> u64 {
        self.node.total_at(|| self.latest())
    }

    fn overflow(&self, _: usize) -> u64 {
        self.node.overflow().read(|| self.latest())
    }
}

impl Functions for Recording {
    fn find(&self, number: u32) -> Found {
        match self.lock().functions.entries().get(number as usize) {
            Some(entry) if entry.hidden => Found::Hidden,
            Some(entry) => Found::Visible(entry.function.clone()),
            None => Found::Unknown,
        }
    }
}

/// Returns the share of its runnable time in which the main thread ran. In the rest, it waited for
/// a processor. Linux counts both.
fn running_share() -> Option<f64> {
    let counters = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let mut numbers = counters.split_whitespace().map(str::parse::<f64>);
    let (ran, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (ran > 0.0).then_some(ran / (ran + waited))
}

/// Facts of the process; `None` when nothing was ever recorded.
pub(super) fn process(
    recording: &Recording,
    shared: &Shared,
    rate: TickRate,
    ending: Ending,
) -> Option<Process> {
    let identity = shared.identity.as_ref()?;
    let options = &recording.options;
    Some(Process {
        identity: ProcessIdentity {
            pid: identity.pid,
            ..ProcessIdentity::own()
        },
        parent_pid: identity.parent_pid,
        argv: std::env::args_os()
            .map(|argument| argument.as_encoded_bytes().into())
            .collect(),
        host: options.host.clone(),
        hook: options.hook.clone(),
        chosen: options.chosen.clone(),
        clock: options.clock.to_string().into_bytes().into(),
        clock_resolution_ns: options.clock.resolution_ns(rate),
        start_unix_ns: identity.start_unix_ns,
        duration_ns: identity.start.elapsed().as_nanos() as u64,
        processor_ns: clock::process_cpu_ns(),
        ending,
        dropped_calls: shared
            .threads
            .iter()
            .map(|entry| entry.thread.dropped())
            .sum(),
        unsaved_children: shared.backing.unsaved_children(),
        unnoticed_entries: shared.unnoticed_entries,
        lost_spans: shared.lost_spans,
        has_waiting: options.waiting && options.clock.tells_waits(),
        estimated_waits: shared.estimated_waits,
        calibration: shared.calibration,
        recording_ns: 0,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a snapshot for which `meanwhile` is called after the lock is free again.
    pub(crate) fn snapshot_beside(recording: &Recording, meanwhile: impl FnOnce()) -> Trees {
        let rate = recording.rate();
        let parts = Parts::copy(recording, Ending::Running, rate).unwrap();
        meanwhile();
        assemble(recording, parts, rate)
    }
}
