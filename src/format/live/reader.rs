//! Reading a live file, of a process that is gone or of one that goes on writing.
//!
//! Nothing in the file is trusted: what can't be is left out, and what is left is
//! well formed. Only a header that makes no sense is an error.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::assemble::{Assembled, Assembly, Functions, RawNode};
use super::log::{Bytes, Log};
use super::{CLOCKS, HEADER, LOG, MAGIC, MOST_COSTS, NODE, SEGMENTS, VERSION, at};
use crate::clock::ClockSample;
use crate::clock::TickRate;
use crate::format::calibration;
use crate::format::read_error::{ReadError, Reason};
use crate::model::{Calibration, Ending, MAX_NODES, Process, ProcessIdentity, RecordingId, Trees};

/// Facts in the header of a live file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The recording.
    pub id: RecordingId,
    /// The process that writes or wrote the file.
    pub process: ProcessIdentity,
    /// True if the recording was saved for the last time.
    pub is_saved: bool,
}

/// State of the process, which the file does not say.
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
/// Those of [`facts`]; or the clock is unknown.
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
    let has_class_calls = calibration.is_some_and(|costs| costs.class_call > 0);
    let recorded = assemble(&segments, &log, rate, has_class_calls, latest, runs);
    let Assembled {
        functions,
        kinds,
        threads,
    } = recorded.assembled;
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
        duration_ns: rate.ns(recorded.end.saturating_sub(header.u64(at::BEGIN))),
        ending: match now {
            Now::Running => Ending::Running,
            Now::Gone if facts.is_saved => Ending::Finished,
            Now::Gone => Ending::Killed,
        },
        dropped_calls: recorded.dropped,
        calibration,
        recording_ns: 0,
    };
    let mut trees = Trees {
        recordings: vec![facts.id],
        processes: vec![process],
        functions,
        kinds,
        threads,
        ..Trees::default()
    };
    trees.state_cost(1.0);
    Ok(trees)
}

/// Returns the costs of recording; zeros if they are unknown.
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

/// Returns the length of a tick: measured since the file's moment in the same boot, for
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

/// Content of the nodes.
struct Recorded {
    assembled: Assembled,
    dropped: u64,
    /// The latest tick of all.
    end: u64,
}

/// Assembles the nodes of `segments`. `readable_now` is the clock's reading, if it can be
/// read; a process that `runs` may have added nodes since the log was read.
fn assemble(
    segments: &[(bool, &[u8])],
    log: &Log,
    rate: TickRate,
    has_class_calls: bool,
    readable_now: Option<u64>,
    runs: bool,
) -> Recorded {
    let nodes = segments.iter().filter(|(is_log, _)| !is_log);
    let nodes = nodes.flat_map(|(_, segment)| segment.chunks_exact(NODE));
    let mut assembly = Assembly::new(log, rate, has_class_calls);
    for thread in &log.threads {
        assembly.add_thread(thread.root, &thread.name, thread.inherited);
    }
    let mut latest = vec![0; log.threads.len()];
    let (mut dropped, mut end) = (0_u64, 0);
    // Each may have one for its overflow calls beside it.
    for (index, bytes) in (0_u32..).zip(nodes.take(MAX_NODES / 2)) {
        let bytes = Bytes(bytes);
        if bytes.u32(at::node::PARENT) == index {
            let Some(thread) = assembly.thread_of(index) else {
                continue;
            };
            let last = bytes.u64(at::node::CALLS).min(MAX_TICK);
            let last = readable_now.unwrap_or(0).max(last);
            if let Some(slot) = latest.get_mut(thread) {
                *slot = last;
            }
            end = end.max(last);
            dropped = dropped.saturating_add(bytes.u64(at::node::RESUMES));
            let others = bytes.u32(at::node::FUNCTION);
            assembly.set_threads(thread, others.saturating_add(1));
        } else if bytes.u64(at::node::KEY) == 0 {
            continue;
        } else if runs && log.get(bytes.u32(at::node::FUNCTION)).is_none() {
            // Made since the log was read: not before, for functions come first.
            continue;
        }
        let latest = &latest;
        assembly.add(index, &FileNode { bytes, latest });
    }
    Recorded {
        assembled: assembly.finish(),
        dropped,
        end,
    }
}

/// A node in a file.
struct FileNode<'n> {
    bytes: Bytes<'n>,
    /// The latest tick of each thread.
    latest: &'n [u64],
}

impl FileNode<'_> {
    fn ticks(&self, at: usize, thread: usize) -> u64 {
        let ticks = self.bytes.u64(at) as i64;
        let latest = self.latest.get(thread).copied().unwrap_or(0);
        let open_since = if ticks < 0 { latest as i64 } else { 0 };
        ticks.saturating_add(open_since).max(0) as u64
    }
}

impl RawNode for FileNode<'_> {
    fn parent(&self) -> u32 {
        self.bytes.u32(at::node::PARENT)
    }

    fn function(&self) -> u32 {
        self.bytes.u32(at::node::FUNCTION)
    }

    fn calls(&self) -> u64 {
        self.bytes.u64(at::node::CALLS)
    }

    fn resumes(&self) -> u64 {
        self.bytes.u64(at::node::RESUMES)
    }

    fn class_calls(&self) -> u32 {
        self.bytes.u32(at::node::CLASS_CALLS)
    }

    fn total(&self, thread: usize) -> u64 {
        self.ticks(at::node::TOTAL, thread)
    }

    fn overflow(&self, thread: usize) -> u64 {
        self.ticks(at::node::OVERFLOW, thread)
    }
}
