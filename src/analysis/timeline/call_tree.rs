//! Makes the call tree of a single call, and compares those of two calls.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;

use super::calls::Calls;
use super::chunks::end_of;
use super::replay::{Call, Ending, Visitor, replay, threads};
use super::single::{Part, SingleCall};
use super::window::waiting;
use crate::format::timeline::TimelineProcess;
use crate::model::timeline::WaitKind;
use crate::model::{Function, Waiting};

/// Figures of all calls of one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathFigures {
    /// Number of calls, with resumed and continued ones.
    pub calls: u64,
    /// Inclusive time, nanoseconds.
    pub total_ns: u64,
    /// Waiting in the path's own time.
    pub waiting: Waiting,
}

/// A path below two calls of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Index of the caller's path; the first path is the call itself.
    pub parent: Option<usize>,
    /// The function.
    pub function: Function,
    /// Its figures in the first call and in the second.
    pub sides: [PathFigures; 2],
}

/// Returns the paths of two of `calls`, with the figures of both; a caller comes before its
/// callees. Calls of a function by itself are on its own path.
///
/// # Errors
/// The system's, where a block can't be read.
pub fn compare(
    processes: &[TimelineProcess],
    calls: &Calls,
    sides: [Option<&SingleCall>; 2],
) -> io::Result<Vec<Path>> {
    let mut paths: Vec<Path> = Vec::new();
    let mut known: HashMap<(Option<usize>, Function), usize> = HashMap::new();
    for (side, call) in sides.into_iter().enumerate() {
        let Some(call) = call else { continue };
        let process = &processes[call.process];
        let mut places: Vec<usize> = Vec::new();
        for of_call in paths_of(process, &calls.parts_of(call))? {
            // Both are calls of the function, though the pattern may match several.
            let parent = of_call.parent.map(|parent| places[parent]);
            let function = &process.functions[of_call.function as usize];
            let new = paths.len();
            let key = (parent, function.clone());
            let place = match parent {
                None if new > 0 => 0,
                _ => *known.entry(key).or_insert(new),
            };
            if place == new {
                paths.push(Path {
                    parent,
                    function: function.clone(),
                    sides: Default::default(),
                });
            }
            let sum = &mut paths[place].sides[side];
            sum.calls += of_call.calls;
            let total_ns = process.clock.ns(of_call.ticks);
            sum.total_ns = sum.total_ns.saturating_add(total_ns);
            sum.waiting.add(&of_call.waiting);
            places.push(place);
        }
    }
    Ok(paths)
}

/// A path in one process's numbers.
struct PathOfCall {
    parent: Option<usize>,
    function: u32,
    calls: u64,
    /// Inclusive ticks.
    ticks: u64,
    waiting: Waiting,
}

/// Returns the paths below the parts of a call, which are in the order of time.
fn paths_of(process: &TimelineProcess, parts: &[Part]) -> io::Result<Vec<PathOfCall>> {
    let threads = threads(process);
    let mut paths = Vec::new();
    let mut known = HashMap::new();
    for (number, thread) in threads.iter().enumerate() {
        let of_thread = parts.iter().filter(|part| part.thread == number);
        let parts: Vec<Part> = of_thread.copied().collect();
        let Some(first) = parts.first() else { continue };
        // It may begin with the last event of a block that ends where the next one starts.
        let begun = thread
            .blocks
            .partition_point(|block| block.start < first.began);
        let blocks = &thread.blocks[begun.saturating_sub(1)..];
        let mut below = Below {
            parts: &parts,
            open: Vec::new(),
            entered: Vec::new(),
            known,
            paths,
            last: 0,
            outside: 0,
        };
        replay(process, blocks, end_of(process), &mut below)?;
        (known, paths) = (below.known, below.paths);
    }
    for index in (1..paths.len()).rev() {
        if let Some(parent) = paths[index].parent {
            paths[parent].ticks = paths[parent].ticks.saturating_add(paths[index].ticks);
        }
    }
    Ok(paths)
}

/// Collects the paths below the parts of a call that one thread has run.
struct Below<'p> {
    /// Those that have not ended.
    parts: &'p [Part],
    /// Paths that are open, the call's first.
    open: Vec<usize>,
    /// Paths of calls that began within the part.
    entered: Vec<usize>,
    known: HashMap<(Option<usize>, u32), usize>,
    paths: Vec<PathOfCall>,
    last: u64,
    /// Number of calls that are open above the call.
    outside: usize,
}

impl Below<'_> {
    /// Gives the time since the event before to the innermost path.
    fn advance(&mut self, tick: u64) {
        if let Some(&path) = self.open.last() {
            let ticks = &mut self.paths[path].ticks;
            *ticks = ticks.saturating_add(tick.saturating_sub(self.last));
        }
        self.last = tick;
    }
}

impl Visitor for Below<'_> {
    fn begin(&mut self, open: &[Call]) -> ControlFlow<()> {
        let Some(call) = open.last() else {
            return ControlFlow::Continue(());
        };
        self.advance(call.began);
        if self.open.is_empty() {
            let is_part = |part: &Part| call.node == part.node && call.began == part.began;
            if !self.parts.first().is_some_and(is_part) {
                return ControlFlow::Continue(());
            }
            self.outside = open.len() - 1;
            // Several calls began at that tick. Another one was taken for it, which took no time.
            for path in self.entered.drain(..) {
                self.paths[path].calls -= 1;
            }
        }
        let new = self.paths.len();
        let parent = self.open.last().copied();
        let is_recursive = parent.is_some_and(|path| self.paths[path].function == call.function);
        let path = match parent.filter(|_| is_recursive) {
            Some(path) => path,
            None => *self.known.entry((parent, call.function)).or_insert(new),
        };
        if path == new {
            self.paths.push(PathOfCall {
                parent,
                function: call.function,
                calls: 0,
                ticks: 0,
                waiting: Waiting::default(),
            });
        }
        self.paths[path].calls += 1;
        self.entered.push(path);
        self.open.push(path);
        ControlFlow::Continue(())
    }

    fn end(&mut self, open: &[Call], tick: u64, _: Ending) -> ControlFlow<()> {
        if self.open.is_empty() {
            return ControlFlow::Continue(());
        }
        self.advance(tick);
        self.open.pop();
        let Some((part, later)) = self.parts.split_first() else {
            return ControlFlow::Break(());
        };
        if open.len() == self.outside + 1 && tick >= part.ended {
            self.entered.clear();
            self.parts = later;
        }
        match self.parts.is_empty() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn wait(&mut self, _: &[Call], _: u64, kind: WaitKind, ns: u64) -> ControlFlow<()> {
        if let Some(&path) = self.open.last() {
            self.paths[path].waiting.add(&waiting(kind, ns));
        }
        ControlFlow::Continue(())
    }

    fn exclude(&mut self, _: &[Call], tick: u64, ticks: u64) -> ControlFlow<()> {
        self.advance(tick.saturating_sub(ticks));
        self.last = tick;
        ControlFlow::Continue(())
    }
}
