//! From a recording to the value that is written: nodes as columns, ticks as
//! nanoseconds, the profiler's own frames taken out.

use super::functions::FunctionTable;
use super::{Recording, Shared, ThreadEntry};
use crate::clock::{self, Clock, TickRate};
use crate::format::live::assemble::{Assembled, Assembly, Functions, RawNode};
use crate::model::{Ending, Function, Process, ProcessIdentity, Trees, Waiting};
use crate::recorder::node::Node;
use crate::recorder::thread::ThreadShared;

/// Returns what `recording` holds now, open calls with their time so far. `None` when
/// nothing was ever recorded. Other threads may go on recording meanwhile: what
/// they do is in the snapshot or not, call by call.
pub(crate) fn snapshot(recording: &Recording, ending: Ending) -> Option<Trees> {
    snapshot_by(recording, ending, recording.rate())
}

/// Like [`snapshot`], with a rate of the recording's ticks that was measured before.
pub(super) fn snapshot_by(recording: &Recording, ending: Ending, rate: TickRate) -> Option<Trees> {
    let shared = recording.lock();
    let process = process(recording, &shared, rate, ending)?;
    let costs = shared.calibration;
    let has_class_calls = costs.is_some_and(|costs| costs.class_call > 0);
    let mut assembly = Assembly::new(&shared.functions, rate, has_class_calls);
    let latest_of_all = match recording.options.clock {
        Clock::Tsc | Clock::Monotonic => shared.threads.iter().map(latest).max(),
        // A clock of each thread's own says nothing about others.
        Clock::Cpu | Clock::Host => None,
    };
    for entry in &shared.threads {
        add_thread(&mut assembly, &shared, entry, latest_of_all.unwrap_or(0));
    }
    for (node, waiting) in shared.waits.iter() {
        assembly.add_waiting(node, &waiting);
    }
    add_awaiting(&mut assembly, &shared);
    let Assembled {
        functions,
        kinds,
        threads,
    } = assembly.finish();
    let mut trees = Trees {
        recordings: shared.identity.iter().map(|identity| identity.id).collect(),
        processes: vec![process],
        functions,
        kinds,
        threads,
        ..Trees::default()
    };
    trees.state_cost(running_share().unwrap_or(1.0));
    Some(trees)
}

/// The latest tick at which the thread is known to run, with the time that its ticks leave out:
/// threads have that time axis in common.
fn latest(entry: &ThreadEntry) -> u64 {
    let now = entry.now_if_current();
    let tick = now.unwrap_or_else(|| entry.thread.last());
    tick.saturating_add(entry.thread.excluded())
}

/// Adds the nodes of one thread, which still ran at `latest_of_all` on the common time axis.
fn add_thread(
    assembly: &mut Assembly<'_, FunctionTable>,
    shared: &Shared,
    entry: &ThreadEntry,
    latest_of_all: u64,
) {
    let thread = &entry.thread;
    let Some(first) = entry.chunks.first() else {
        return; // A thread that a forked child has not.
    };
    let number = assembly.add_thread(first.start, &entry.tree_name(), entry.inherited);
    assembly.set_threads(number, thread.threads());
    let latest_of_all = latest_of_all.saturating_sub(thread.excluded());
    let now = match entry.now_if_current() {
        Some(now) => now.max(latest_of_all),
        None => latest_of_all,
    };
    let mut innermost = None;
    for (index, node) in shared.nodes(thread.slot()) {
        assembly.add(index, &MemoryNode { node, thread, now });
        // A callee's node is made after its caller's.
        if node.is_open() {
            innermost = Some((index, node.function()));
        }
    }
    let wait = innermost
        .filter(|_| !thread.is_current())
        .zip(thread.wait_under_way());
    if let Some(((index, function), (ran, waited))) = wait {
        // What has no processor for most of the time waits for something.
        let is_for_gil = shared.functions.is_python(function) && ran > waited / 16;
        let (blocked, gil) = match is_for_gil {
            true => (0, waited),
            false => (waited, 0),
        };
        let waiting = Waiting {
            blocked,
            gil,
            preempted: 0,
        };
        assembly.add_waiting(index, &waiting);
    }
}

#[cfg(all(test, edbprof_loom))]
mod interleaved;
/// Adds awaiting. Coroutines that are suspended are so until the latest tick of all threads.
fn add_awaiting(assembly: &mut Assembly<'_, FunctionTable>, shared: &Shared) {
    for (node, awaiting, longest_run) in shared.awaits.iter() {
        assembly.add_awaiting(node, awaiting, longest_run);
    }
    let latest = shared.threads.iter().map(latest).max().unwrap_or(0);
    for suspension in shared.suspended.iter() {
        let ticks = latest.saturating_sub(suspension.since);
        assembly.add_awaiting(suspension.node, ticks, 0);
    }
    for (node, start_unix_ns, ticks) in shared.runs.iter() {
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

impl Functions for FunctionTable {
    fn get(&self, number: u32) -> Option<(&Function, bool)> {
        let entry = self.entries().get(number as usize)?;
        Some((&entry.function, entry.hidden))
    }
}

/// Returns the share of the time in which the main thread could run that it ran. The rest is
/// other processes': Linux counts both.
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
        estimated_waits: shared.estimated_waits,
        calibration: shared.calibration,
        recording_ns: 0,
    })
}
