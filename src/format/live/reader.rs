//! Reading a live file, of a process that is gone or of one that goes on writing.
//!
//! Nothing in the file is trusted: what can't be is left out, and what is left is
//! well formed. Only a header that makes no sense is an error.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::HashMap;

use super::log::{Bytes, Log, unknown_function};
use super::{
    CLOCKS, COUNTER, HEADER, LOG, MAGIC, MOST_COSTS, NO_FUNCTION, NODE, SEGMENTS, VERSION, at,
};
use crate::clock::ClockSample;
use crate::clock::TickRate;
use crate::format::calibration;
use crate::format::read_error::{ReadError, Reason};
use crate::model::{
    Calibration, Ending, Function, MAX_NODES, NO_PARENT, NodeKind, NodeRow, OverflowCalls, Process,
    ProcessIdentity, RecordingId, ThreadTree, Trees,
};

/// What a live file says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The recording.
    pub id: RecordingId,
    /// Who writes or wrote the file.
    pub process: ProcessIdentity,
    /// Whether the recording was saved for the last time.
    pub is_saved: bool,
}

/// What the reader knows that does not stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// The process ran before the file was read: open calls last until now.
    Running,
    /// It was gone before the file was read: open calls lasted until its last event.
    Gone,
}

/// Reads what stands first; the first 4096 bytes are enough.
///
/// # Errors
/// `bytes` begin no live file, or one of a later version.
pub fn facts(bytes: &[u8]) -> Result<Facts, ReadError> {
    let header = Bytes(bytes);
    if bytes.len() < HEADER {
        return Err(ReadError::new(bytes.len(), Reason::Truncated));
    }
    if header.array::<8>(0) != MAGIC {
        return Err(ReadError::invalid(0, "no live file"));
    }
    match header.u32(at::VERSION) {
        1..=VERSION => {}
        later if later > VERSION => {
            return Err(ReadError::new(at::VERSION, Reason::Version(later.into())));
        }
        _ => return Err(ReadError::invalid(at::VERSION, "an unknown format version")),
    }
    Ok(Facts {
        id: header.array(at::ID),
        process: ProcessIdentity {
            pid: header.u32(at::PID),
            boot_id: header.array(at::BOOT_ID),
            pid_namespace: header.u64(at::PID_NAMESPACE),
            start: header.u64(at::PROCESS_START),
            program: header.u64(at::PROGRAM),
        },
        is_saved: header.u32(at::SAVED) == 1,
    })
}

/// Reads a live file.
///
/// # Errors
/// As [`facts`]; or its clock is unknown.
pub fn read(bytes: &[u8], now: Now) -> Result<Trees, ReadError> {
    let facts = facts(bytes)?;
    let header = Bytes(bytes);
    let clock = header.u32(at::CLOCK);
    let Some(clock_name) = CLOCKS.get(clock as usize) else {
        return Err(ReadError::invalid(at::CLOCK, "an unknown clock"));
    };
    let rate = rate(header, clock, &facts);
    let segments = segments(bytes);
    let log = Log::read(&segments);
    // A clock that only its process can read stands at its latest event.
    let readable = now == Now::Running && clock <= 1 && facts.process.is_of_this_boot();
    let latest = readable.then(|| {
        let reading = match clock {
            0 => ClockSample::now().tsc,
            _ => ClockSample::now().monotonic_ns,
        };
        // Before the recording's beginning: the counter has begun anew since.
        (reading.wrapping_sub(header.u64(at::EPOCH)) as i64).max(0) as u64
    });
    let runs = now == Now::Running;
    let calibration = costs(header).if_measured();
    let made = Made::read(
        &segments,
        &log,
        rate,
        latest,
        runs,
        calibration.unwrap_or_default(),
    );
    let resolution = f64::from_bits(header.u64(at::RESOLUTION));
    let process = Process {
        identity: facts.process,
        parent_pid: header.u32(at::PARENT_PID),
        argv: log.argv.into(),
        host: log.host,
        hook: log.hook,
        clock: clock_name.as_bytes().into(),
        clock_resolution_ns: if resolution > 0.0 && resolution.is_finite() {
            resolution
        } else {
            rate.ns_per_tick()
        },
        start_unix_ns: header.u64(at::START_UNIX_NS),
        duration_ns: rate.ns(made.end.saturating_sub(header.u64(at::BEGIN))),
        ending: match now {
            Now::Running => Ending::Running,
            Now::Gone if facts.is_saved => Ending::Finished,
            Now::Gone => Ending::Killed,
        },
        dropped_calls: made.dropped,
        calibration,
    };
    Ok(Trees {
        recordings: vec![facts.id],
        processes: vec![process],
        functions: made.functions,
        kinds: made.kinds,
        threads: made.threads,
        ..Trees::default()
    })
}

/// What recording costs.
fn costs(header: Bytes<'_>) -> Calibration {
    if header.u32(at::VERSION) == 1 {
        let places = [at::COSTS_1, at::MORE_COSTS_1];
        let places = places.map(|at| std::array::from_fn::<_, 6, _>(|number| at + 4 * number));
        let mut numbers = places.into_iter().flatten().map(|at| header.u32(at));
        return calibration::from_version_1(std::array::from_fn(|_| numbers.next().unwrap_or(0)));
    }
    let count = (header.u32(at::COST_COUNT) as usize).min(MOST_COSTS);
    let numbers = (0..count).map(|number| header.u32(at::COSTS + 4 * number));
    calibration::from_numbers(numbers)
}

const MAX_TICK: u64 = i64::MAX as u64;

/// What a tick is: measured since the file's moment where this is the same boot, for
/// no span is longer; else as the process last measured it.
fn rate(header: Bytes<'_>, clock: u32, facts: &Facts) -> TickRate {
    let noted = TickRate::from_bits(header.u64(at::RATE)).unwrap_or(TickRate::NANOSECOND);
    if clock != 0 || !facts.process.is_of_this_boot() {
        return noted;
    }
    let then = ClockSample {
        tsc: header.u64(at::MOMENT_TSC),
        monotonic_ns: header.u64(at::MOMENT_NS),
        suspended_ns: header.u64(at::MOMENT_SUSPENDED),
    };
    let measured = then.tsc_rate();
    // Whatever else may happen to a counter, the process knows what it did when it ran.
    let ratio = measured.ns_per_tick() / noted.ns_per_tick();
    if (0.99..1.01).contains(&ratio) {
        measured
    } else {
        noted
    }
}

/// The file's segments as far as they are in it: whether each is a log, and its
/// bytes. Together no larger than the file.
fn segments(bytes: &[u8]) -> Vec<(bool, &[u8])> {
    let header = Bytes(bytes);
    let mut left = bytes.len();
    let mut segments = Vec::new();
    for entry in 0..SEGMENTS {
        let at = at::DIRECTORY + 16 * entry;
        let (start, length) = (header.u64(at), header.u64(at + 8));
        if length == 0 {
            break;
        }
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let len = usize::try_from(length & !LOG).unwrap_or(usize::MAX);
        let rest = bytes.get(start..).unwrap_or_default();
        let segment = rest.get(..len).unwrap_or(rest);
        if segment.len() > left {
            break;
        }
        left -= segment.len();
        segments.push((length & LOG != 0, segment));
    }
    segments
}

/// What the nodes say.
struct Made {
    functions: Vec<Function>,
    kinds: Vec<NodeKind>,
    threads: Vec<ThreadTree>,
    dropped: u64,
    /// The latest tick of all.
    end: u64,
}

/// Where the children of a node go: a thread and a place in its columns.
#[derive(Clone, Copy)]
struct Place {
    thread: u32,
    node: u32,
}

/// A place of no thread's.
const NOWHERE: Place = Place {
    thread: u32::MAX,
    node: NO_PARENT,
};

impl Made {
    fn read(
        segments: &[(bool, &[u8])],
        log: &Log,
        rate: TickRate,
        now: Option<u64>,
        runs: bool,
        calibration: Calibration,
    ) -> Made {
        let nodes = segments.iter().filter(|(is_log, _)| !is_log);
        let nodes = nodes.flat_map(|(_, segment)| segment.chunks_exact(NODE));
        let mut roots: HashMap<u32, u32> = HashMap::new();
        let mut threads: Vec<(ThreadTree, u64)> = Vec::new();
        for (root, name) in &log.threads {
            let number = *roots.entry(*root).or_insert(threads.len() as u32);
            match threads.get_mut(number as usize) {
                Some((tree, _)) => tree.name = name.clone(),
                None => threads.push((
                    ThreadTree {
                        process: 0,
                        name: name.clone(),
                        ..ThreadTree::default()
                    },
                    0,
                )),
            }
        }
        let mut used = UsedFunctions::new(log);
        let mut places: Vec<Place> = Vec::new();
        let (mut dropped, mut end) = (0_u64, 0);
        // Each may have one for its overflow calls beside it.
        for (index, node) in (0_u32..).zip(nodes.take(MAX_NODES / 2)) {
            let node = Bytes(node);
            let (parent, number) = (node.u32(8), node.u32(12));
            let mut place = NOWHERE;
            let ticks = |at, last: u64| {
                let ticks = node.u64(at) as i64;
                let open_since = if ticks < 0 { last as i64 } else { 0 };
                rate.ns(ticks.saturating_add(open_since).max(0) as u64)
            };
            if parent & COUNTER != 0 {
                let root = places.get((parent & !COUNTER) as usize).copied();
                let thread = threads.get_mut(root.unwrap_or(NOWHERE).thread as usize);
                let known = number != NO_FUNCTION && !(runs && log.is_missing(number));
                let counts = node.u64(0) != 0 && known;
                if let Some((tree, last)) = thread.filter(|_| counts) {
                    tree.overflow.push(OverflowCalls {
                        kind: used.index(number),
                        calls: node.u64(16),
                        resumes: node.u64(24),
                        self_time: ticks(32, *last),
                    });
                }
            } else if parent == index {
                let thread = roots.get(&index).copied();
                if let Some((thread, (tree, last))) =
                    thread.and_then(|thread| Some((thread, threads.get_mut(thread as usize)?)))
                {
                    let latest = node.u64(16).min(MAX_TICK);
                    *last = now.unwrap_or(0).max(latest);
                    end = end.max(*last);
                    dropped = dropped.saturating_add(node.u64(24));
                    tree.threads = number.saturating_add(1);
                    place.thread = thread;
                }
            } else if runs && log.is_missing(number) {
                // Made since the log was read: not before, for functions come first.
            } else if node.u64(0) != 0 {
                place = places.get(parent as usize).copied().unwrap_or(NOWHERE);
                let thread = threads.get_mut(place.thread as usize);
                if let Some((tree, last)) = thread.filter(|_| !log.is_hidden(number)) {
                    place.node = tree.nodes.push(NodeRow {
                        parent: place.node,
                        kind: used.index(number),
                        calls: node.u64(16),
                        resumes: node.u64(24),
                        total: ticks(32, *last),
                    });
                }
            }
            if let Some((tree, last)) = threads.get_mut(place.thread as usize) {
                let overflow = ticks(56, *last);
                if overflow > 0 {
                    tree.nodes.push(NodeRow {
                        parent: place.node,
                        kind: used.overflow(),
                        total: overflow,
                        ..NodeRow::default()
                    });
                }
                if calibration.class_call > 0 {
                    tree.add_class_calls(place.node, node.u32(52));
                }
            }
            places.push(place);
        }
        let threads = threads.into_iter().map(|(mut tree, _)| {
            tree.complete();
            tree
        });
        Made {
            threads: threads.filter(|tree| !tree.is_empty()).collect(),
            functions: used.table,
            kinds: used.kinds,
            dropped,
            end,
        }
    }
}

/// The functions that the nodes refer to, in order of first use.
struct UsedFunctions<'l> {
    log: &'l Log,
    /// By number in the log; the last is for all that are not in there.
    written: Vec<Option<u32>>,
    table: Vec<Function>,
    kinds: Vec<NodeKind>,
    /// Where [`NodeKind::Overflow`] is among them.
    overflow: Option<u32>,
}

impl<'l> UsedFunctions<'l> {
    fn new(log: &'l Log) -> UsedFunctions<'l> {
        UsedFunctions {
            log,
            written: vec![None; log.functions.len() + 1],
            table: Vec::new(),
            kinds: Vec::new(),
            overflow: None,
        }
    }

    fn overflow(&mut self) -> u32 {
        *self.overflow.get_or_insert_with(|| {
            self.kinds.push(NodeKind::Overflow);
            (self.kinds.len() - 1) as u32
        })
    }

    fn index(&mut self, number: u32) -> u32 {
        let unknown = self.log.functions.len();
        let Some(slot) = self.written.get_mut(unknown.min(number as usize)) else {
            return 0;
        };
        *slot.get_or_insert_with(|| {
            let known = self.log.functions.get(number as usize);
            self.kinds.push(NodeKind::Function(self.table.len() as u32));
            self.table
                .push(known.map_or_else(unknown_function, |(function, _)| function.clone()));
            (self.kinds.len() - 1) as u32
        })
    }
}
