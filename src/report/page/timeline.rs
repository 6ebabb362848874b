//! The calls of a history, which the page adds up in windows of its reader's choice.
//!
//! Slices name nodes of the timeline, and these the nodes of the page. So a window has figures for
//! the page's nodes, by the rules of `analysis::timeline::window`: ticks are added up, and become
//! nanoseconds at the end.

use std::collections::HashMap;
use std::io;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::columns::Columns;
use super::functions::Functions;
use super::varint::{push, push_signed};
use crate::analysis::process_text::describe;
use crate::analysis::timeline::axis::Axis;
use crate::analysis::timeline::fit::{Costs, Fit, SizeSink, Sizes};
use crate::analysis::timeline::lanes::{Lane, lane};
use crate::analysis::timeline::missing::Missing;
use crate::analysis::timeline::replay::{Beginning, ThreadHistory, threads};
use crate::analysis::timeline::slices::{Window, slices};
use crate::format::timeline::{NO_FUNCTION, TimelineProcess};
use crate::model::generics::is_wrapper;
use crate::model::{Label, NO_PARENT, NodeKind, Process};
use crate::report::View;
use crate::report::calls::missing_text;
use crate::report::display::printable;
use crate::report::numbers::{count, duration};

/// Bytes that a slice and a wait take in a page, compressed and in base64.
const SLICE_BYTES: u64 = 10;
const WAIT_BYTES: u64 = 12;

/// The histories of the processes of a profile.
#[derive(Debug)]
pub struct PageTimeline {
    processes: Vec<TimelineProcess>,
    axis: Axis,
    threads: Vec<Vec<ThreadHistory>>,
    sizes: Sizes,
}

impl PageTimeline {
    /// Reads the lengths of the calls of `processes`.
    ///
    /// # Errors
    ///
    /// The system's, where a block can't be read.
    pub fn new(processes: Vec<TimelineProcess>) -> io::Result<PageTimeline> {
        let axis = Axis::new(&processes);
        let threads: Vec<_> = processes.iter().map(threads).collect();
        let all = processes.iter().enumerate().zip(&threads);
        let all = all.flat_map(|(process, threads)| threads.iter().map(move |of| (process, of)));
        let all: Vec<_> = all.collect();
        let sizes = all.par_iter().map(|((number, process), thread)| {
            let functions = process.functions.len();
            let costs = Costs {
                calls: vec![SLICE_BYTES; functions],
                functions: vec![0; functions],
                mark: 0,
                wait: WAIT_BYTES,
            };
            let mut sink = SizeSink::new(&costs);
            let time = |tick| axis.ns(*number, tick);
            slices(process, thread, time, &Window::default(), &mut sink)?;
            Ok::<_, io::Error>(sink.finish())
        });
        let sizes = sizes.try_reduce(Sizes::default, |mut one, other| {
            one.add(&other);
            Ok(one)
        })?;
        Ok(PageTimeline {
            processes,
            axis,
            threads,
            sizes,
        })
    }

    /// Encodes as many of the longest calls as `room` bytes have room for.
    pub(super) fn encode(
        &self,
        view: &View<'_>,
        functions: &Functions,
        columns: &Columns,
        room: u64,
    ) -> io::Result<EncodedTimeline> {
        let fit = self.sizes.fit(0, room);
        let places = Places::of(view);
        let processes = self.processes.par_iter().enumerate().map(|(at, process)| {
            let min_ticks = process.clock.tick(fit.min_duration);
            let lanes = self.threads[at].par_iter();
            let lanes = lanes.map(|thread| lane(process, thread, min_ticks, fit.min_duration));
            let lanes: Vec<Lane> = lanes.collect::<io::Result<_>>()?;
            let mut encoder = Encoder {
                process,
                view,
                functions,
                columns,
                bytes: Vec::new(),
            };
            let nodes = encoder.nodes(&places, &lanes);
            let threads: Vec<Value> = self.threads[at]
                .iter()
                .zip(&lanes)
                .map(|(thread, lane)| encoder.lane(thread, lane, &nodes))
                .collect();
            let header = json!({
                "name": describe(&process.process),
                // Numbers that may be too large for the page's.
                "zero": self.axis.zero_ns(at).to_string(),
                "rate": process.clock.rate_bits().to_string(),
                "nodes": nodes.used,
                "threads": threads,
            });
            Ok::<_, io::Error>((header, encoder.bytes))
        });
        let processes: Vec<_> = processes.collect::<io::Result<_>>()?;
        let (headers, bytes): (Vec<_>, Vec<_>) = processes.into_iter().unzip();
        let remarks = [self.left_out(&fit), self.missing()];
        let remarks: Vec<String> = remarks.into_iter().flatten().collect();
        Ok(EncodedTimeline {
            header: json!({
                "end": self.axis.end(),
                "minDuration": fit.min_duration,
                "remarks": remarks,
                "processes": headers,
            }),
            bytes: bytes.concat(),
        })
    }

    fn left_out(&self, fit: &Fit) -> Option<String> {
        (fit.left_out > 0).then(|| {
            format!(
                "{} of {} calls and waits of the timeline are left out, all shorter than {}: \
                 otherwise the page would be too large (--max-size). Profiles of ranges count \
                 their time as their callers'.",
                count(fit.left_out.into()),
                count(fit.all.into()),
                duration(fit.min_duration as f64 / 1e9),
            )
        })
    }

    fn missing(&self) -> Option<String> {
        missing_text(&Missing::of(&self.processes, &self.axis))
    }
}

/// The part of a timeline that the page has.
#[derive(Default)]
pub(super) struct EncodedTimeline {
    pub(super) header: Value,
    pub(super) bytes: Vec<u8>,
}

/// The nodes of the view's tree, by their callers and functions.
struct Places<'a, 'v> {
    view: &'a View<'v>,
    calls: HashMap<(u32, &'a Label), u32>,
    /// Nodes of processes, and of threads by their names. Those that were merged have none.
    processes: HashMap<Option<u32>, u32>,
    threads: HashMap<(u32, Option<&'a [u8]>), u32>,
}

impl<'a, 'v> Places<'a, 'v> {
    fn of(view: &'a View<'v>) -> Places<'a, 'v> {
        let tree = view.tree();
        let trees = view.profile.shown_trees();
        let mut places = Places {
            view,
            calls: HashMap::new(),
            processes: HashMap::new(),
            threads: HashMap::new(),
        };
        for (node, row) in (0..).zip(tree.nodes.rows()) {
            match trees.kinds.get(row.kind as usize) {
                Some(&NodeKind::Process(process)) => {
                    places.processes.insert(Some(process), node);
                }
                Some(NodeKind::MergedProcesses) => {
                    places.processes.insert(None, node);
                }
                Some(NodeKind::Thread { name, .. }) => {
                    places.threads.insert((row.parent, Some(name)), node);
                }
                Some(NodeKind::MergedThreads) => {
                    places.threads.insert((row.parent, None), node);
                }
                _ => {
                    let label = &tree.functions[row.kind as usize].label;
                    places.calls.entry((row.parent, label)).or_insert(node);
                }
            }
        }
        places
    }

    /// Returns the node of the thread whose tree has that `root`.
    fn thread(&self, process: &TimelineProcess, root: u32) -> u32 {
        let processes = &self.view.profile.shown_trees().processes;
        let is_same = |other: &Process| other.identity == process.process.identity;
        let known = processes.iter().position(is_same);
        let node = known.and_then(|known| self.processes.get(&Some(known as u32)));
        let node = node.or_else(|| self.processes.get(&None));
        let Some(&node) = node else { return NO_PARENT };
        let thread = self
            .threads
            .get(&(node, Some(process.thread_name(root))))
            .or_else(|| self.threads.get(&(node, None)));
        thread.copied().unwrap_or(node)
    }
}

/// Numbers that the nodes of a timeline have in the page.
struct PageNodes {
    numbers: Vec<u32>,
    used: u32,
}

struct Encoder<'e, 'v> {
    process: &'e TimelineProcess,
    view: &'e View<'v>,
    functions: &'e Functions,
    columns: &'e Columns,
    bytes: Vec<u8>,
}

impl Encoder<'_, '_> {
    /// Encodes the nodes that `lanes` name, with their callers.
    fn nodes(&mut self, places: &Places<'_, '_>, lanes: &[Lane]) -> PageNodes {
        let nodes = &self.process.nodes;
        let mut is_used = vec![false; nodes.len()];
        for lane in lanes {
            let slices = lane.slices.iter().map(|slice| slice.node);
            for node in slices.chain(lane.waits.iter().map(|wait| wait.node)) {
                is_used[node as usize] = true;
            }
        }
        for index in (0..nodes.len()).rev() {
            let above = nodes[index].parent as usize;
            if is_used[index] && above < index {
                is_used[above] = true;
            }
        }
        let by_label = self.by_label();
        let mut numbers = vec![u32::MAX; nodes.len()];
        // Nodes of the view's tree for each: of its own time, and the caller of its callees.
        // Below a wrapper of a generic function they differ, because its callee has its caller.
        let mut in_tree = vec![NO_PARENT; nodes.len()];
        let mut under = vec![NO_PARENT; nodes.len()];
        let mut used = 0;
        let mut rows: Vec<[u64; 3]> = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            if !is_used[index] || node.is_counter() {
                continue;
            }
            let above = node.parent as usize;
            let is_root = above == index;
            let mut function = u64::from(self.functions.collapsed());
            let mut counts = 0;
            in_tree[index] = match is_root {
                true => places.thread(self.process, index as u32),
                false => in_tree[above],
            };
            under[index] = match is_root {
                true => in_tree[index],
                false => under[above],
            };
            let of = self.process.functions.get(node.function as usize);
            let of = of.filter(|_| node.function != NO_FUNCTION && !is_root);
            if let Some(of) = of {
                let callers = [in_tree[above], under[above]];
                let mut found = callers.iter().map(|&caller| (caller, &of.label));
                if let Some(&place) = found.find_map(|path| places.calls.get(&path)) {
                    in_tree[index] = place;
                    if !is_wrapper(of) {
                        under[index] = place;
                    }
                    counts = 1;
                }
                function = by_label.get(&of.label).map_or(function, |&at| at.into());
            }
            let place = in_tree[index];
            let place = (place != NO_PARENT).then(|| self.columns.place(place) + 1);
            numbers[index] = used;
            let parent = match is_root {
                true => 0,
                false => used - numbers[above],
            };
            // A call of a hidden function is none.
            let is_call = u64::from(of.is_some());
            rows.push([
                parent.into(),
                function << 2 | is_call << 1 | counts,
                place.unwrap_or(0).into(),
            ]);
            used += 1;
        }
        for column in 0..3 {
            for row in &rows {
                push(&mut self.bytes, row[column]);
            }
        }
        PageNodes { numbers, used }
    }

    fn by_label(&self) -> HashMap<&Label, u32> {
        let functions = self.view.tree().functions.iter().enumerate();
        let labels = functions.map(|(at, function)| {
            let index = self.functions.index(at as u32);
            (&function.label, index)
        });
        labels.collect()
    }

    /// Encodes the slices of a thread, and returns its header.
    fn lane(&mut self, thread: &ThreadHistory, lane: &Lane, nodes: &PageNodes) -> Value {
        let Lane { slices, waits } = lane;
        let number = |node: u32| nodes.numbers[node as usize];
        self.increasing(slices.iter().map(|slice| slice.begin));
        for slice in slices {
            // The numbers of `Beginning` in page/src/data/timeline.ts.
            let beginning = match slice.beginning {
                Beginning::Cut => 0,
                Beginning::Called => 1,
                Beginning::Resumed => 2,
                Beginning::Continued | Beginning::Before | Beginning::Inherited => 3,
            };
            push(&mut self.bytes, slice.ticks << 2 | beginning);
        }
        self.differences(slices.iter().map(|slice| number(slice.node)));
        self.increasing(waits.iter().map(|wait| wait.begin));
        for wait in waits {
            push(&mut self.bytes, wait.ticks);
        }
        for wait in waits {
            push(&mut self.bytes, wait.ns);
        }
        self.differences(waits.iter().map(|wait| number(wait.node)));
        json!({
            "name": printable(self.process.thread_name(thread.root)),
            "slices": slices.len(),
            "waits": waits.len(),
        })
    }

    fn increasing(&mut self, values: impl Iterator<Item = u64>) {
        let mut last = 0;
        for value in values {
            push(&mut self.bytes, value.saturating_sub(last));
            last = value.max(last);
        }
    }

    /// Encodes differences to the value before; the lowest bit is their sign.
    fn differences(&mut self, values: impl Iterator<Item = u32>) {
        let mut last = 0_i64;
        for value in values {
            let value = i64::from(value);
            push_signed(&mut self.bytes, value - last);
            last = value;
        }
    }
}
