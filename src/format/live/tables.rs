//! Reads nodes, functions and clock of a live file for the history file beside it, which has events
//! alone.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::log::{Bytes, Log};
use super::reader::{MAX_TICK, Now, Opened, dropped_calls, latest_tick};
use super::{NO_FUNCTION, NODE, at};
use crate::clock::TickRate;
use crate::format::read_error::ReadError;
use crate::model::{Function, MAX_NODES, Process, RecordingId};

/// A node: index of its caller's and of its function, or [`NO_FUNCTION`].
pub(crate) type TableNode = (u32, u32);

/// A tree: its root and the name of its threads. In a forked child, also the number of nodes behind
/// the root that are calls of the parent process.
pub(crate) type TableThread = (u32, Box<[u8]>, Option<u32>);

/// Content of a live file without what was counted.
pub(crate) struct Tables {
    pub(crate) id: RecordingId,
    pub(crate) process: Process,
    pub(crate) rate: TickRate,
    /// Monotonic clock of the system at tick 0; 0 if ticks are not real time.
    pub(crate) zero_monotonic_ns: u64,
    /// Wall clock at tick 0.
    pub(crate) zero_unix_ns: u64,
    /// Tick of the end, plus the time that the recorder took for itself.
    pub(crate) end: u64,
    pub(crate) functions: Vec<Function>,
    /// Each node comes after its caller's; a node that does not is a root.
    pub(crate) nodes: Vec<TableNode>,
    pub(crate) threads: Vec<TableThread>,
}

/// Reads a live file.
///
/// # Errors
/// Those of [`read`](super::read).
pub(crate) fn tables(bytes: &[u8], now: Now) -> Result<Tables, ReadError> {
    let opened = Opened::new(bytes, now)?;
    let Opened {
        header,
        clock,
        rate,
        ref segments,
        ref log,
        end,
        ..
    } = opened;
    let latest = latest_tick(segments, log, end);
    let process = opened.process(latest, dropped_calls(segments, log));
    let nodes = segments.iter().filter(|(flags, _)| *flags == 0);
    let nodes = nodes.flat_map(|(_, segment)| segment.chunks_exact(NODE));
    let nodes = (0_u32..).zip(nodes.take(MAX_NODES / 2));
    let nodes = nodes.map(|(index, bytes)| node(index, Bytes(bytes), log));
    let nodes = nodes.collect();
    let (zero_monotonic_ns, zero_unix_ns) = zero(header, clock, rate);
    let log = opened.log;
    let threads = log.threads.into_iter();
    Ok(Tables {
        id: opened.facts.id,
        rate,
        zero_monotonic_ns,
        zero_unix_ns,
        end: latest,
        nodes,
        threads: threads
            .map(|thread| (thread.root, thread.name, thread.inherited))
            .collect(),
        functions: log.functions.into_iter().map(|(of, _)| of).collect(),
        process,
    })
}

fn node(index: u32, bytes: Bytes<'_>, log: &Log) -> TableNode {
    let parent = bytes.u32(at::node::PARENT);
    let root = (index, NO_FUNCTION);
    if bytes.u64(at::node::KEY) == 0 || (parent & !super::COUNTER) >= index {
        return root;
    }
    let function = bytes.u32(at::node::FUNCTION);
    match log.functions.get(function as usize) {
        Some((_, false)) => (parent, function),
        _ => (parent, NO_FUNCTION),
    }
}

/// The system's clocks at tick 0: the monotonic one and the wall clock.
fn zero(header: Bytes<'_>, clock: u32, rate: TickRate) -> (u64, u64) {
    let epoch = header.u64(at::EPOCH);
    let start = header.u64(at::START_UNIX_NS);
    let begin = rate.ns(header.u64(at::BEGIN).min(MAX_TICK));
    match clock {
        0 => {
            let ticks = header
                .u64(at::MOMENT_TSC)
                .saturating_sub(epoch)
                .min(MAX_TICK);
            let monotonic = header.u64(at::MOMENT_NS).saturating_sub(rate.ns(ticks));
            (monotonic, start.saturating_sub(begin))
        }
        1 => (epoch, start.saturating_sub(begin)),
        _ => (0, start),
    }
}
