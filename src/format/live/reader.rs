//! Reads a live file, of a process that has ended or of one that continues to write.
//!
//! Nothing in the file is trusted. Impossible parts are left out, and the rest is well formed. Only
//! an impossible header is an error.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::BTreeSet;

use super::EndTime;
use super::assemble::{Assembled, Assembly, RawNode};
use super::log::{Bytes, Log, ThreadRecord};
use super::open_waits::{EndOfThread, open_waits};
use super::{
    AWAIT, AWAITS, CLOCKS, CONTENT, HEADER, IS_RESULT, MAGIC, MOST_COSTS, NODE, RUN, RUNS,
    SEGMENTS, SUPERSEDED, SUSPENDED, SUSPENSION, VERSION, WAIT, WAITS, at,
};
use crate::clock::ClockSample;
use crate::clock::TickRate;
use crate::format::calibration;
use crate::format::read_error::{ReadError, Reason};
use crate::model::{
    Calibration, Ending, MAX_NODES, Process, ProcessIdentity, RecordingId, Trees, Waiting,
};

/// Facts in the header of a live file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The recording.
    pub id: RecordingId,
    /// The process that writes or wrote the file.
    pub process: ProcessIdentity,
    /// True if the recording was saved for the last time.
    pub is_saved: bool,
    /// True if a `.prof` has all that is in the file, which could not be removed.
    pub is_superseded: bool,
    /// True if the process could not write a `.prof`, and has left the file in its place.
    pub is_result: bool,
}

/// State of the process, which the file does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// The process ran before the file was read: open calls last until now.
    Running,
    /// It was gone before the file was read: open calls lasted until its end was noticed, or at
    /// least until its latest event.
    Gone,
}

/// Reads the head of a live file; its first 4,096 bytes are enough.
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
        is_saved: matches!(header.u32(at::SAVED), 1 | IS_RESULT),
        is_result: header.u32(at::SAVED) == IS_RESULT,
        is_superseded: header.u32(at::SAVED) == SUPERSEDED,
    })
}

/// A live file whose header and log were read.
pub(super) struct Opened<'b> {
    pub(super) header: Bytes<'b>,
    pub(super) facts: Facts,
    pub(super) clock: u32,
    clock_name: &'static str,
    pub(super) rate: TickRate,
    pub(super) segments: Vec<(u64, &'b [u8])>,
    pub(super) log: Log,
    pub(super) end: End,
    now: Now,
}

impl<'b> Opened<'b> {
    /// Reads the header and the log of the file.
    ///
    /// # Errors
    /// Those of [`facts`]; or the clock is unknown.
    pub(super) fn new(bytes: &'b [u8], now: Now) -> Result<Opened<'b>, ReadError> {
        let facts = facts(bytes)?;
        let header = Bytes(bytes);
        let clock = header.u32(at::CLOCK);
        let Some(clock_name) = CLOCKS.get(clock as usize) else {
            return Err(ReadError::invalid(at::CLOCK, "an unknown clock"));
        };
        let segments = segments(bytes);
        Ok(Opened {
            header,
            clock,
            clock_name,
            rate: rate(header, clock, &facts),
            log: Log::read(&segments),
            segments,
            end: End::of(header, clock, now, &facts),
            facts,
            now,
        })
    }

    /// Returns the processor time from the recording's beginning to the process's end; `None` if one
    /// of them is not known, or if waiting was not recorded.
    fn processor_ns_while_recording(&self) -> Option<u64> {
        let is_known = self.end.is_gone && self.end.tick > 0 && self.header.u32(at::VERSION) > 1;
        let [before, all] =
            [at::PROCESSOR_BEFORE_NS, at::PROCESSOR_NS].map(|at| self.header.u64(at));
        (is_known && before > 0)
            .then(|| all.checked_sub(before))
            .flatten()
    }

    /// Returns true if waits were looked for.
    fn has_waiting(&self) -> bool {
        self.header.u32(at::VERSION) > 1
            && self.header.u64(at::PROCESSOR_BEFORE_NS) > 0
            && matches!(self.clock_name, "tsc" | "monotonic")
    }

    fn calibration(&self) -> Option<Calibration> {
        costs(self.header).if_measured()
    }

    /// Returns the facts of the process, whose latest event is at the tick `latest`, and which
    /// dropped so many calls.
    pub(super) fn process(&self, latest: u64, dropped: u64) -> Process {
        let Opened {
            header,
            ref facts,
            rate,
            ref log,
            ..
        } = *self;
        let is_version_1 = header.u32(at::VERSION) == 1;
        let new_u32 = |at| if is_version_1 { 0 } else { header.u32(at) };
        let new_u64 = |at| if is_version_1 { 0 } else { header.u64(at) };
        let resolution = f64::from_bits(header.u64(at::RESOLUTION));
        Process {
            identity: facts.process,
            parent_pid: header.u32(at::PARENT_PID),
            argv: log.argv.clone().into(),
            host: log.host.clone(),
            hook: log.hook.clone(),
            chosen: log.chosen.clone(),
            clock: self.clock_name.as_bytes().into(),
            clock_resolution_ns: if resolution > 0.0 && resolution.is_finite() {
                resolution
            } else {
                rate.ns_per_tick()
            },
            start_unix_ns: header.u64(at::START_UNIX_NS),
            duration_ns: rate.ns(latest.saturating_sub(header.u64(at::BEGIN))),
            processor_ns: new_u64(at::PROCESSOR_NS),
            ending: match self.now {
                Now::Running => Ending::Running,
                Now::Gone if facts.is_saved => Ending::Finished,
                Now::Gone => Ending::Killed,
            },
            dropped_calls: dropped.saturating_add(new_u64(at::UNSAVED_CALLS)),
            unsaved_children: new_u32(at::UNSAVED_CHILDREN),
            lost_spans: 0,
            unnoticed_entries: new_u32(at::UNNOTICED_ENTRIES),
            has_waiting: self.has_waiting(),
            estimated_waits: new_u32(at::ESTIMATED_WAITS),
            calibration: self.calibration(),
            recording_ns: 0,
        }
    }
}

/// Reads a live file.
///
/// # Errors
/// Those of [`facts`]; or the clock is unknown.
pub fn read(bytes: &[u8], now: Now) -> Result<Trees, ReadError> {
    let opened = Opened::new(bytes, now)?;
    let recorded = assemble(&opened);
    let Assembled {
        functions,
        kinds,
        threads,
    } = recorded.assembled;
    let mut trees = Trees {
        recordings: vec![opened.facts.id],
        processes: vec![opened.process(recorded.latest, recorded.dropped)],
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

pub(super) const MAX_TICK: u64 = i64::MAX as u64;

/// Returns the length of a tick. In the boot of the file, measures it since the file's clock
/// sample, because no span is longer. Otherwise returns the process's last measurement.
pub(super) fn rate(header: Bytes<'_>, clock: u32, facts: &Facts) -> TickRate {
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
    // If the two differ, something has happened to the counter since, so the process's own
    // measurement is used.
    let ratio = measured.ns_per_tick() / noted.ns_per_tick();
    if (0.99..1.01).contains(&ratio) {
        measured
    } else {
        noted
    }
}

/// Returns the content and the bytes of each segment, as far as they are in the file. Together they
/// are no larger than the file.
pub(super) fn segments(bytes: &[u8]) -> Vec<(u64, &[u8])> {
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
        let len = usize::try_from(length & !CONTENT).unwrap_or(usize::MAX);
        let rest = bytes.get(start..).unwrap_or_default();
        let segment = rest.get(..len).unwrap_or(rest);
        if segment.len() > left {
            break;
        }
        left -= segment.len();
        segments.push((length & CONTENT, segment));
    }
    segments
}

/// Content of the nodes.
struct Recorded {
    assembled: Assembled,
    dropped: u64,
    /// The latest tick of all threads.
    latest: u64,
}

/// Time until which open calls last.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// Tick at which the process still runs, or has ended; 0 if that is unknown.
    pub(super) tick: u64,
    /// True if all threads have the same clock, so that an event of one shows that all still ran.
    is_shared: bool,
    /// True if the process has ended.
    is_gone: bool,
}

impl End {
    pub(super) fn of(header: Bytes<'_>, clock: u32, now: Now, facts: &Facts) -> End {
        // A clock that only its process can read has the time of its latest event.
        let reading = match now {
            Now::Running if facts.process.is_of_this_boot() => EndTime::now().reading(clock),
            Now::Running => None,
            Now::Gone if header.u32(at::VERSION) == 1 => None,
            Now::Gone => Some(header.u64(at::ENDED)).filter(|&reading| reading != 0),
        };
        // A reading before the recording's beginning shows that the counter was reset since.
        let tick = reading.map(|reading| reading.wrapping_sub(header.u64(at::EPOCH)) as i64);
        let tick = tick.map_or(0, |tick| tick.max(0) as u64);
        End {
            tick,
            is_shared: EndTime::is_of_all(clock),
            is_gone: now == Now::Gone,
        }
    }
}

/// Assembles the nodes of a file. A process that runs may have added nodes since the log was read.
fn assemble(opened: &Opened<'_>) -> Recorded {
    let Opened {
        rate,
        ref segments,
        ref log,
        end,
        ..
    } = *opened;
    let runs = opened.now == Now::Running;
    let calibration = opened.calibration();
    let has_class_calls = calibration.is_some_and(|costs| costs.class_call > 0);
    let nodes = segments.iter().filter(|(content, _)| *content == 0);
    let nodes = nodes.flat_map(|(_, segment)| segment.chunks_exact(NODE));
    let mut assembly = Assembly::new(log, rate, has_class_calls);
    for thread in &log.threads {
        assembly.add_thread(thread.root, &thread.name, thread.inherited);
    }
    let mut ends = Vec::new();
    let mut latest = vec![0; log.threads.len()];
    let mut excluded = vec![0; log.threads.len()];
    for &ThreadRecord { root, .. } in &log.threads {
        let bytes = node_at(segments, root);
        if bytes.u32(at::node::PARENT) != root {
            continue;
        }
        let Some(thread) = assembly.thread_of(root) else {
            continue;
        };
        if let (Some(latest), Some(excluded)) = (latest.get_mut(thread), excluded.get_mut(thread)) {
            *excluded = bytes.u64(at::node::TOTAL).min(MAX_TICK);
            let last = bytes.u64(at::node::CALLS).min(MAX_TICK);
            *latest = (last + *excluded).max(end.tick);
            ends.push(EndOfThread {
                root,
                last,
                end: end.tick.saturating_sub(*excluded),
                excluded: *excluded,
            });
        }
    }
    let latest_of_all = latest.iter().copied().max().unwrap_or(0);
    if end.is_shared {
        latest.fill(latest_of_all);
    }
    let end_is_unknown = end.is_gone && end.tick < latest_of_all;
    // Each thread's ticks leave out what the recorder took in it.
    for (latest, excluded) in latest.iter_mut().zip(excluded) {
        *latest -= excluded.min(*latest);
    }
    // Half of the limit, because each node may get a second one for its overflow calls.
    let nodes = (0_u32..).zip(nodes.take(MAX_NODES / 2).map(Bytes));
    for (index, bytes) in nodes.clone() {
        if bytes.u32(at::node::PARENT) == index {
            let Some(thread) = assembly.thread_of(index) else {
                continue;
            };
            let others = bytes.u32(at::node::FUNCTION);
            assembly.set_threads(thread, others.saturating_add(1));
        } else if bytes.u64(at::node::KEY) == 0 {
            continue;
        } else if runs && !log.knows(bytes.u32(at::node::FUNCTION)) {
            // The node was made after the log was read, because a function's record comes before
            // its nodes.
            continue;
        }
        assembly.add(
            index,
            &FileNode {
                bytes,
                latest: &latest,
                is_unfinished: end_is_unknown && (bytes.u64(at::node::TOTAL) as i64) < 0,
            },
        );
    }
    let mut waited = 0_u64;
    for (_, segment) in segments.iter().filter(|(content, _)| *content == WAITS) {
        for (node, waiting) in waits(segment) {
            waited = waited.saturating_add(waiting.total());
            assembly.add_waiting(node, &waiting);
        }
    }
    if let Some(ran) = opened.processor_ns_while_recording() {
        for (node, blocked) in open_waits(nodes, &ends, rate, ran, waited) {
            let waiting = Waiting {
                blocked,
                ..Waiting::default()
            };
            assembly.add_waiting(node, &waiting);
        }
    }
    add_awaiting(&mut assembly, segments, latest_of_all);
    Recorded {
        assembled: assembly.finish(),
        dropped: dropped_calls(segments, log),
        latest: latest_of_all,
    }
}

/// Returns the number of calls of which only the number is known.
pub(super) fn dropped_calls(segments: &[(u64, &[u8])], log: &Log) -> u64 {
    let roots: BTreeSet<u32> = log.threads.iter().map(|thread| thread.root).collect();
    let dropped = roots.into_iter().map(|root| {
        let node = node_at(segments, root);
        let is_root = node.u32(at::node::PARENT) == root;
        if is_root {
            node.u64(at::node::RESUMES)
        } else {
            0
        }
    });
    dropped.fold(0, u64::saturating_add)
}

/// Returns the latest tick that is known of any thread, plus the time that the recorder took for
/// itself.
pub(super) fn latest_tick(segments: &[(u64, &[u8])], log: &Log, end: End) -> u64 {
    let latest = log.threads.iter().map(|thread| {
        let root = node_at(segments, thread.root);
        let is_root = root.u32(at::node::PARENT) == thread.root;
        let ticks = [at::node::CALLS, at::node::TOTAL].map(|at| root.u64(at).min(MAX_TICK));
        if is_root { ticks.iter().sum() } else { 0 }
    });
    latest.max().unwrap_or(0).max(end.tick)
}

/// Returns the bytes of the node at `index`; none beyond the end.
fn node_at<'b>(segments: &[(u64, &'b [u8])], index: u32) -> Bytes<'b> {
    let mut index = index as usize;
    for (_, segment) in segments.iter().filter(|(content, _)| *content == 0) {
        let nodes = segment.chunks_exact(NODE);
        match index.checked_sub(nodes.len()) {
            Some(rest) => index = rest,
            None => return Bytes(segment.get(index * NODE..).unwrap_or_default()),
        }
    }
    Bytes(&[])
}

/// The records in a segment of waiting.
fn waits(segment: &[u8]) -> impl Iterator<Item = (u32, Waiting)> + '_ {
    let records = segment.chunks_exact(WAIT).map(Bytes);
    let records = records.map(|record| {
        let waiting = Waiting {
            blocked: record.u64(at::wait::BLOCKED),
            gil: record.u64(at::wait::GIL),
            preempted: record.u64(at::wait::PREEMPTED),
        };
        (record.u32(at::wait::NODE), waiting)
    });
    records.take_while(|(node, _)| *node != 0)
}

/// Adds the awaiting and the runs of coroutines. Those that are suspended in the file count as
/// suspended until the tick `latest`.
fn add_awaiting(assembly: &mut Assembly<'_, Log>, segments: &[(u64, &[u8])], latest: u64) {
    let records = |content: u64, size: usize| {
        let of_kind = segments.iter().filter(move |(of, _)| *of == content);
        of_kind.flat_map(move |(_, segment)| segment.chunks_exact(size).map(Bytes))
    };
    for record in records(AWAITS, AWAIT) {
        let awaiting = record.u64(at::awaits::AWAITING).min(MAX_TICK);
        let longest_run = record.u64(at::awaits::LONGEST_RUN).min(MAX_TICK);
        match record.u32(at::awaits::NODE) {
            0 => {}
            node => assembly.add_awaiting(node, awaiting, longest_run),
        }
    }
    for record in records(SUSPENDED, SUSPENSION) {
        if record.u64(at::suspension::COROUTINE) != 0 {
            let ticks = latest.saturating_sub(record.u64(at::suspension::SINCE));
            assembly.add_awaiting(record.u32(at::suspension::NODE), ticks, 0);
        }
    }
    for record in records(RUNS, RUN) {
        let ticks = record.u64(at::run::TICKS).min(MAX_TICK);
        assembly.add_run(record.u32(at::run::NODE), record.u64(at::run::START), ticks);
    }
}

/// A node in a file.
struct FileNode<'n> {
    bytes: Bytes<'n>,
    /// The latest tick of each thread.
    latest: &'n [u64],
    is_unfinished: bool,
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

    fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }
}
