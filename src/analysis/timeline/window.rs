//! The exact call trees of a window of time.
//!
//! A call counts in the window in which it begins. Calls that are open at the window's beginning
//! have its time and no count, as resumed ones have. So the windows from a to b and from b to c
//! add up to that from a to c.

use std::io;
use std::ops::{ControlFlow, Range};

use rayon::prelude::*;

use super::chunks::{Chunk, chunks, end_of};
use super::replay::{Beginning, Call, Ending, FORKED, ThreadHistory, Visitor, replay};
use crate::format::live::COUNTER;
use crate::format::live::assemble::{Assembled, Assembly, Found, Functions, RawNode};
use crate::format::timeline::{Block, NO_FUNCTION, TimelineNode, TimelineProcess};
use crate::model::timeline::WaitKind;
use crate::model::{NodeWaits, Process, Trees, Waiting};

/// Returns the trees of `process` between two of its ticks: from the first on, before the second.
///
/// # Errors
/// The system's, where a block can't be read.
pub fn trees(process: &TimelineProcess, window: Range<u64>) -> io::Result<Trees> {
    let (threads, chunks) = chunks(process, &window);
    let nodes = process.nodes.len();
    let figures = chunks
        .par_iter()
        .try_fold(
            || Figures::of(nodes),
            |mut figures, chunk| {
                figures.replay(process, &threads[chunk.thread], chunk, &window)?;
                Ok::<_, io::Error>(figures)
            },
        )
        .try_reduce(|| Figures::of(nodes), |a, b| Ok(a.plus(&b)))?;
    Ok(assemble(process, &threads, figures, &window))
}

/// Figures of one node in the window; times in ticks.
#[derive(Clone, Copy, Debug, Default)]
struct Figure {
    calls: u64,
    resumes: u64,
    /// Self ticks, later inclusive ones.
    ticks: u64,
    /// Ticks of overflow calls made here.
    overflow: u64,
    class_calls: u64,
}

/// Figures of all nodes of a process.
#[derive(Debug, Default)]
struct Figures {
    nodes: Vec<Figure>,
    waits: NodeWaits,
}

impl Figures {
    fn of(nodes: usize) -> Figures {
        Figures {
            nodes: vec![Figure::default(); nodes],
            waits: NodeWaits::default(),
        }
    }

    fn replay(
        &mut self,
        process: &TimelineProcess,
        thread: &ThreadHistory,
        chunk: &Chunk,
        window: &Range<u64>,
    ) -> io::Result<()> {
        let mut sums = Sums {
            process,
            root: thread.root,
            window: window.clone(),
            next: chunk.next(thread),
            is_past: false,
            last: 0,
            waits: Vec::new(),
            figures: self,
        };
        let blocks = &thread.blocks[chunk.first..];
        replay(process, blocks, end_of(process), &mut sums)
    }

    fn plus(mut self, more: &Figures) -> Figures {
        for (sum, figure) in self.nodes.iter_mut().zip(&more.nodes) {
            sum.calls = sum.calls.saturating_add(figure.calls);
            sum.resumes = sum.resumes.saturating_add(figure.resumes);
            sum.ticks = sum.ticks.saturating_add(figure.ticks);
            sum.overflow = sum.overflow.saturating_add(figure.overflow);
            sum.class_calls += figure.class_calls;
        }
        for (node, waiting) in more.waits.iter() {
            self.waits.add(node, &waiting);
        }
        self
    }

    /// Turns self ticks into inclusive ones. Returns true for each node that has anything below it.
    fn add_up(&mut self, nodes: &[TimelineNode]) -> Vec<bool> {
        let mut is_seen = vec![false; nodes.len()];
        for (index, node) in nodes.iter().enumerate().rev() {
            let figure = &mut self.nodes[index];
            let parent = node.parent as usize;
            if node.is_counter() {
                is_seen[index] = figure.calls | figure.resumes | figure.ticks > 0;
                let root = (node.parent & !COUNTER) as usize;
                is_seen[root] |= is_seen[index];
                continue;
            }
            figure.ticks = figure.ticks.saturating_add(figure.overflow);
            let Figure {
                calls,
                resumes,
                ticks,
                ..
            } = *figure;
            is_seen[index] |= calls | resumes | ticks > 0;
            if parent < index {
                is_seen[parent] |= is_seen[index];
                let above = &mut self.nodes[parent].ticks;
                *above = above.saturating_add(ticks);
            }
        }
        is_seen
    }
}

/// Adds the calls of one thread to the figures.
struct Sums<'s> {
    process: &'s TimelineProcess,
    root: u32,
    window: Range<u64>,
    /// Number of the block behind the chunk.
    next: Option<u64>,
    /// True if the replay is past the chunk. Then only waiting counts that began in it.
    is_past: bool,
    /// Tick of the event before.
    last: u64,
    /// Waiting from a tick to the next event.
    waits: Vec<(u64, WaitKind, u64)>,
    figures: &'s mut Figures,
}

impl Sums<'_> {
    /// Gives the time since the event before to the innermost one of `open`. Breaks if nothing more
    /// counts.
    #[inline]
    fn advance(&mut self, open: &[Call], tick: u64) -> ControlFlow<()> {
        let part = self.last.max(self.window.start)..tick.min(self.window.end);
        let ticks = part.end.saturating_sub(part.start);
        if ticks > 0 && !self.is_past {
            self.add(open, ticks);
        }
        if !self.waits.is_empty() {
            self.add_waits(open, tick);
        }
        self.last = self.last.max(tick);
        match self.is_past || tick >= self.window.end {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    #[inline]
    fn add(&mut self, open: &[Call], ticks: u64) {
        let call = open.last().filter(|call| call.function != FORKED);
        let Some(call) = call else { return };
        if let Some(figure) = self.figures.nodes.get_mut(call.node as usize) {
            figure.ticks = figure.ticks.saturating_add(ticks);
        }
        if self.is_counter(call) {
            let in_tree = open.iter().rev().find(|call| !self.is_counter(call));
            let node = in_tree.map_or(self.root, |call| call.node);
            if let Some(figure) = self.figures.nodes.get_mut(node as usize) {
                figure.overflow = figure.overflow.saturating_add(ticks);
            }
        }
    }

    #[cold]
    fn add_waits(&mut self, open: &[Call], tick: u64) {
        let in_tree = open.iter().rev().find(|call| !self.is_counter(call));
        for (start, kind, ns) in self.waits.drain(..) {
            if let Some(call) = in_tree {
                let ns = waited(ns, start..tick, &self.window);
                self.figures.waits.add(call.node, &waiting(kind, ns));
            }
        }
    }

    fn is_counter(&self, call: &Call) -> bool {
        let node = self.process.nodes.get(call.node as usize);
        node.is_some_and(|node| node.is_counter())
    }
}

impl Visitor for Sums<'_> {
    fn block(&mut self, open: &[Call], block: &Block) -> ControlFlow<()> {
        if self.next != Some(block.number) {
            return ControlFlow::Continue(());
        }
        if block.start > self.last {
            self.advance(open, block.start)?;
        }
        self.is_past = true;
        match self.waits.is_empty() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    #[inline]
    fn begin(&mut self, open: &[Call]) -> ControlFlow<()> {
        let Some((call, callers)) = open.split_last() else {
            return ControlFlow::Continue(());
        };
        self.advance(callers, call.began)?;
        if call.began < self.window.start {
            return ControlFlow::Continue(());
        }
        if let Some(figure) = self.figures.nodes.get_mut(call.node as usize) {
            match call.beginning {
                Beginning::Called => figure.calls += 1,
                Beginning::Resumed => figure.resumes += 1,
                Beginning::Continued
                | Beginning::Before
                | Beginning::Inherited
                | Beginning::Cut => {}
            }
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn end(&mut self, open: &[Call], tick: u64, _: Ending) -> ControlFlow<()> {
        self.advance(open, tick)
    }

    fn wait(&mut self, _: &[Call], tick: u64, kind: WaitKind, ns: u64) -> ControlFlow<()> {
        if !self.is_past {
            self.waits.push((tick, kind, ns));
        }
        ControlFlow::Continue(())
    }

    fn class_call(&mut self, open: &[Call], tick: u64) -> ControlFlow<()> {
        let in_tree = open.iter().rev().find(|call| !self.is_counter(call));
        if let (Some(call), false) = (in_tree, self.is_past || tick < self.window.start) {
            let figure = self.figures.nodes.get_mut(call.node as usize);
            figure
                .into_iter()
                .for_each(|figure| figure.class_calls += 1);
        }
        ControlFlow::Continue(())
    }

    fn exclude(&mut self, open: &[Call], tick: u64, ticks: u64) -> ControlFlow<()> {
        self.advance(open, tick.saturating_sub(ticks))?;
        self.last = self.last.max(tick);
        match tick >= self.window.end {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Returns the part of `ns` nanoseconds in ticks `whole` that was in the window.
fn waited(ns: u64, whole: Range<u64>, window: &Range<u64>) -> u64 {
    let ticks = whole.end.saturating_sub(whole.start);
    if ticks == 0 {
        return if window.contains(&whole.start) { ns } else { 0 };
    }
    let until = |tick: u64| {
        let tick = tick.clamp(whole.start, whole.end) - whole.start;
        (u128::from(ns) * u128::from(tick) / u128::from(ticks)) as u64
    };
    until(window.end).saturating_sub(until(window.start))
}

/// Waiting of one kind.
pub(super) fn waiting(kind: WaitKind, ns: u64) -> Waiting {
    let mut waiting = Waiting::default();
    match kind {
        WaitKind::Blocked => waiting.blocked = ns,
        WaitKind::Gil => waiting.gil = ns,
        WaitKind::Preempted => waiting.preempted = ns,
    }
    waiting
}

fn assemble(
    process: &TimelineProcess,
    threads: &[ThreadHistory],
    mut figures: Figures,
    window: &Range<u64>,
) -> Trees {
    let is_seen = figures.add_up(&process.nodes);
    let functions = FunctionsOf(process);
    let calibration = process.process.calibration;
    let has_class_calls = calibration.is_some_and(|costs| costs.class_call > 0);
    let mut assembly = Assembly::new(&functions, process.clock.rate, has_class_calls);
    // A thread that did nothing in the window is not in it.
    for thread in threads
        .iter()
        .filter(|thread| is_seen[thread.root as usize])
    {
        let is_known = assembly.thread_of(thread.root).is_some();
        let name = process.thread_name(thread.root);
        let inherited = process.inherited(thread.root);
        let number = assembly.add_thread(thread.root, name, inherited);
        if !is_known {
            let of_root = threads.iter().filter(|other| other.root == thread.root);
            assembly.set_threads(number, of_root.count() as u32);
        }
    }
    for (index, (node, figure)) in process.nodes.iter().zip(&figures.nodes).enumerate() {
        if is_seen[index] {
            assembly.add(index as u32, &WindowNode { node, figure });
        }
    }
    for (node, waiting) in figures.waits.iter() {
        assembly.add_waiting(node, &waiting);
    }
    let Assembled {
        functions,
        kinds,
        threads,
    } = assembly.finish();
    Trees {
        recordings: vec![process.recording],
        processes: vec![facts(process, window)],
        functions,
        kinds,
        threads,
        ..Trees::default()
    }
}

/// The facts of `process`, of which the window has only a part. Facts that are known only for the
/// whole process are left out.
fn facts(process: &TimelineProcess, window: &Range<u64>) -> Process {
    let (start, end) = (window.start.min(process.end), window.end.min(process.end));
    let [start, end] = [start, end].map(|tick| process.clock.ns(tick));
    Process {
        start_unix_ns: process.clock.zero_unix_ns.saturating_add(start),
        duration_ns: end.saturating_sub(start),
        processor_ns: 0,
        recording_ns: 0,
        dropped_calls: 0,
        ..process.process.clone()
    }
}

struct FunctionsOf<'p>(&'p TimelineProcess);

impl Functions for FunctionsOf<'_> {
    fn find(&self, number: u32) -> Found {
        match self.0.functions.get(number as usize) {
            _ if number == NO_FUNCTION => Found::Hidden,
            Some(function) => Found::Visible(function.clone()),
            None => Found::Unknown,
        }
    }
}

struct WindowNode<'n> {
    node: &'n TimelineNode,
    figure: &'n Figure,
}

impl RawNode for WindowNode<'_> {
    fn parent(&self) -> u32 {
        self.node.parent
    }

    fn function(&self) -> u32 {
        self.node.function
    }

    fn calls(&self) -> u64 {
        self.figure.calls
    }

    fn resumes(&self) -> u64 {
        self.figure.resumes
    }

    fn class_calls(&self) -> u32 {
        u32::try_from(self.figure.class_calls).unwrap_or(u32::MAX)
    }

    fn total(&self, _: usize) -> u64 {
        self.figure.ticks
    }

    fn overflow(&self, _: usize) -> u64 {
        self.figure.overflow
    }
}
