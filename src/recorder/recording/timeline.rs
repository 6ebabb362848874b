//! Writes a recording's history as a timeline file.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::snapshot::process;
use super::{Recording, Shared};
use crate::clock::{Clock, ClockSample, TickRate};
use crate::format::atomic_file;
use crate::format::timeline::{
    self, NO_FUNCTION, Source, TimelineClock, TimelineFile, TimelineNode, TimelineProcess,
    TimelineThread, TimelineWriter,
};
use crate::model::{Ending, Process};
use crate::recorder::history::History;

/// Writes the history of `recording` beside the `.prof` file at `prof`, if there is any. `rate` is
/// that of the `.prof` file, so that times in both are equal. No thread takes a block or makes a
/// node meanwhile.
///
/// # Errors
/// The system's.
pub(super) fn write_beside(
    recording: &Recording,
    prof: &Path,
    ending: Ending,
    rate: TickRate,
) -> io::Result<()> {
    let shared = recording.lock();
    let Some(history) = &shared.history else {
        return Ok(());
    };
    let blocks = history.blocks();
    let Some(process) = process(recording, &shared, rate, ending).filter(|_| !blocks.is_empty())
    else {
        return Ok(());
    };
    let mut of = timeline(recording, &shared, rate, process);
    of.blocks = blocks.iter().map(|of| of.block).collect();
    atomic_file::write_by(&timeline::beside(prof), |file: &File| {
        let mut writer = TimelineWriter::new(BufWriter::new(file))?;
        let mut blocks = blocks.iter();
        writer.process_with(&of, |_, words| {
            blocks
                .next()
                .into_iter()
                .for_each(|block| block.read(words));
            Ok(())
        })?;
        writer.finish().map(|_| ())
    })
}

/// The history without its blocks.
fn timeline(
    recording: &Recording,
    shared: &Shared,
    rate: TickRate,
    process: Process,
) -> TimelineProcess {
    let now = ClockSample::now();
    let latest = shared.threads.iter().map(|entry| {
        let tick = entry.now_if_current();
        let tick = tick.unwrap_or_else(|| entry.thread.last());
        tick.saturating_add(entry.thread.excluded())
    });
    let history = shared.history.as_ref();
    let (complete_from, complete_to) = history.map_or((1, u64::MAX), |of| of.complete());
    let end = latest.max().unwrap_or(0);
    // If only parts are kept, others are missing between them.
    let is_partial = history.is_some_and(History::is_partial);
    let complete_from = if is_partial { end } else { complete_from };
    TimelineProcess {
        clock: clock(recording, rate, now, process.start_unix_ns),
        process,
        recording: shared.identity.as_ref().map_or([0; 16], |of| of.id),
        end,
        complete_from,
        complete_to,
        suspended_ns: now
            .suspended_ns
            .saturating_sub(recording.started.suspended_ns),
        functions: shared
            .functions
            .entries()
            .iter()
            .map(|entry| entry.function.clone())
            .collect(),
        nodes: nodes(shared),
        threads: threads(shared),
        blocks: Vec::new(),
        file: TimelineFile::new(Source::Bytes(Vec::new())),
    }
}

/// Clocks of the system at tick 0.
fn clock(
    recording: &Recording,
    rate: TickRate,
    now: ClockSample,
    start_unix_ns: u64,
) -> TimelineClock {
    let started = recording.started;
    let zero_monotonic_ns = match recording.options.clock {
        Clock::Tsc => {
            let ticks = started.tsc.saturating_sub(recording.epoch);
            started.monotonic_ns.saturating_sub(rate.ns(ticks))
        }
        Clock::Monotonic => recording.epoch,
        Clock::Cpu | Clock::Host => 0,
    };
    let unix_ns = SystemTime::now().duration_since(UNIX_EPOCH);
    let unix_ns = unix_ns.map_or(0, |since| since.as_nanos() as u64);
    // The system's monotonic clock stops while it is suspended.
    let since_boot = now.monotonic_ns.saturating_add(now.suspended_ns);
    let zero_since_boot = zero_monotonic_ns.saturating_add(started.suspended_ns);
    TimelineClock {
        rate,
        zero_monotonic_ns,
        zero_unix_ns: match zero_monotonic_ns {
            0 => start_unix_ns,
            _ => unix_ns.saturating_sub(since_boot.saturating_sub(zero_since_boot)),
        },
    }
}

/// All nodes by their indices. Indices without a node have a root without a function.
fn nodes(shared: &Shared) -> Vec<TimelineNode> {
    let mut nodes: Vec<_> = (0..shared.arena.used())
        .map(|index| TimelineNode {
            parent: index,
            function: NO_FUNCTION,
        })
        .collect();
    for (index, node) in (0..shared.threads.len()).flat_map(|slot| shared.nodes(slot)) {
        let is_shown = index != node.parent && !shared.functions.is_hidden(node.function());
        if let Some(place) = nodes.get_mut(index as usize) {
            place.parent = node.parent;
            if is_shown {
                place.function = node.function();
            }
        }
    }
    nodes
}

fn threads(shared: &Shared) -> Vec<TimelineThread> {
    let entries = shared.threads.iter();
    let threads = entries.filter_map(|entry| {
        Some(TimelineThread {
            root: entry.chunks.first()?.start,
            name: entry.tree_name(),
            inherited: entry.inherited,
        })
    });
    threads.collect()
}
