//! Replays the events of a thread as calls that begin and end.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::ControlFlow;

use crate::format::timeline::{Block, NO_FUNCTION, TimelineNode, TimelineProcess};
use crate::model::timeline::{CallEnd, Happening, Mark, WaitKind};

/// Beginning of a call, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It is called.
    Called,
    /// A generator or coroutine continues.
    Resumed,
    /// Its greenlet continues.
    Continued,
    /// It was open when the history begins.
    Before,
    /// It is a call of the parent's, and continues in a forked child.
    Inherited,
    /// It continues after a part that the history lacks, or that the recorder took.
    Cut,
}

/// End of a call, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returns.
    Returned,
    /// It raises an exception.
    Raised,
    /// It is suspended, or another greenlet continues.
    Suspended,
    /// It ends with its caller, or recording is switched off.
    WithCaller,
    /// It is open when the history ends.
    Open,
    /// It continues in a part that the history lacks, or that the recorder took.
    Cut,
}

/// Function of the call that contains all that a forked child does in the thread that had forked.
/// Of the parent's calls, only the innermost one is open in it.
pub const FORKED: u32 = NO_FUNCTION - 1;

/// An open call of a function that is not hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its node, an index into the process's.
    pub node: u32,
    /// Its function, an index into the process's, or [`FORKED`].
    pub function: u32,
    /// Tick at which it begins.
    pub began: u64,
    /// Its beginning.
    pub beginning: Beginning,
    /// Number of its coroutine among those that have not ended; 0 for other calls.
    pub coroutine: u64,
}

/// Takes calls in the order in which they begin and end. Each method may stop the replay.
pub trait Visitor {
    /// The events of a block follow.
    fn block(&mut self, open: &[Call], block: &Block) -> ControlFlow<()> {
        let _ = (open, block);
        ControlFlow::Continue(())
    }

    /// A call begins; it is the innermost one of `open`.
    fn begin(&mut self, open: &[Call]) -> ControlFlow<()> {
        let _ = open;
        ControlFlow::Continue(())
    }

    /// The innermost call of `open` ends at `tick`.
    fn end(&mut self, open: &[Call], tick: u64, ending: Ending) -> ControlFlow<()>;

    /// The thread has waited for `ns` nanoseconds between `tick` and the next event, in the
    /// innermost call of `open`.
    fn wait(&mut self, open: &[Call], tick: u64, kind: WaitKind, ns: u64) -> ControlFlow<()> {
        let _ = (open, tick, kind, ns);
        ControlFlow::Continue(())
    }

    /// A mark is set at `tick`, in the innermost call of `open`.
    fn mark(&mut self, open: &[Call], tick: u64, mark: Mark) -> ControlFlow<()> {
        let _ = (open, tick, mark);
        ControlFlow::Continue(())
    }

    /// The recorder took the last `ticks` up to `tick`; they are in no call's time.
    fn exclude(&mut self, open: &[Call], tick: u64, ticks: u64) -> ControlFlow<()> {
        let _ = (open, tick, ticks);
        ControlFlow::Continue(())
    }

    /// The innermost call of `open` calls a class at `tick`.
    fn class_call(&mut self, open: &[Call], tick: u64) -> ControlFlow<()> {
        let _ = (open, tick);
        ControlFlow::Continue(())
    }
}

/// The blocks of one thread.
#[derive(Clone, Debug)]
pub struct ThreadHistory {
    /// Number of the thread in its process.
    pub thread: u32,
    /// Index of the root of its tree.
    pub root: u32,
    /// Its blocks, in their order.
    pub blocks: Vec<Block>,
}

impl ThreadHistory {
    /// The blocks that have events from tick `from` on and before tick `to`.
    pub fn between(&self, from: u64, to: u64) -> &[Block] {
        let later = self.blocks.partition_point(|block| block.start <= from);
        let end = self.blocks.partition_point(|block| block.start < to);
        let first = later.saturating_sub(1).min(end);
        self.blocks.get(first..end).unwrap_or_default()
    }
}

/// The threads of a process that have a history, by their numbers.
pub fn threads(process: &TimelineProcess) -> Vec<ThreadHistory> {
    let mut threads: BTreeMap<u32, ThreadHistory> = BTreeMap::new();
    for block in &process.blocks {
        let thread = threads.entry(block.thread).or_insert(ThreadHistory {
            thread: block.thread,
            root: block.root,
            blocks: Vec::new(),
        });
        thread.blocks.push(*block);
    }
    threads.into_values().collect()
}

/// Replays `blocks`, which follow each other in a thread's history. Calls that are open at last
/// end at tick `end`.
///
/// # Errors
/// The system's, where a block can't be read.
pub fn replay(
    process: &TimelineProcess,
    blocks: &[Block],
    end: u64,
    visitor: &mut impl Visitor,
) -> io::Result<()> {
    let root = blocks.first().map(|block| block.root);
    let mut replay = Replay {
        process,
        forked: root.and_then(|root| Some((root, process.inherited(root)?))),
        nodes: Vec::new(),
        open: Vec::new(),
        coroutine: 0,
        switched: HashMap::new(),
    };
    let mut words = Vec::new();
    for block in blocks {
        if visitor.block(&replay.open, block).is_break() {
            return Ok(());
        }
        process.read(block, &mut words)?;
        if replay.block(block, &words, visitor).is_break() {
            return Ok(());
        }
    }
    if replay
        .end_above(0, end, Ending::Open, visitor)
        .is_continue()
        && !replay.open.is_empty()
    {
        let _ = visitor.end(&replay.open, end, Ending::Open);
    }
    Ok(())
}

struct Replay<'p> {
    process: &'p TimelineProcess,
    /// Root of a forked child's thread, and the number of nodes behind it that are the parent's.
    forked: Option<(u32, u32)>,
    /// The open nodes, the outermost first. Hidden ones are among them.
    nodes: Vec<u32>,
    /// Their calls without the hidden ones, and of the parent's only the innermost.
    open: Vec<Call>,
    /// Number of the coroutine that begins or continues next; 0 for none.
    coroutine: u64,
    /// Coroutines whose greenlets are to continue, by their nodes.
    switched: HashMap<u32, u64>,
}

impl Replay<'_> {
    fn block(
        &mut self,
        block: &Block,
        words: &[u64],
        visitor: &mut impl Visitor,
    ) -> ControlFlow<()> {
        if let (Some((root, _)), true) = (self.forked, self.open.is_empty()) {
            self.push(root, FORKED, block.start, Beginning::Inherited, 0, visitor)?;
        }
        let beginning = match self.nodes.is_empty() {
            true => Beginning::Before,
            false => Beginning::Cut,
        };
        let was_open = block.overflow as usize;
        // Counters are on no path; those that are open stay so.
        let kept = self.overflow_from();
        if self.path_differs(block.node, kept) {
            self.switch_to(block.node, block.start, beginning, Ending::Cut, visitor)?;
        }
        let is_known = self.nodes.len() - self.overflow_from() == was_open;
        let events = self.process.events(block, words);
        for (index, event) in events.enumerate() {
            if index < was_open {
                if let (Happening::Start(node), false) = (event.what, is_known) {
                    self.begin(node, event.tick, beginning, 0, visitor)?;
                }
                continue;
            }
            match event.what {
                Happening::Start(node) => {
                    let coroutine = std::mem::take(&mut self.coroutine);
                    self.begin(node, event.tick, Beginning::Called, coroutine, visitor)?;
                }
                Happening::Resume(node) => {
                    let coroutine = std::mem::take(&mut self.coroutine);
                    self.begin(node, event.tick, Beginning::Resumed, coroutine, visitor)?;
                }
                Happening::Coroutine(number) => self.coroutine = number,
                Happening::End(how) => {
                    let ending = match how {
                        CallEnd::Returned => Ending::Returned,
                        CallEnd::Raised => Ending::Raised,
                        CallEnd::Suspended => Ending::Suspended,
                    };
                    let innermost = self.nodes.len().saturating_sub(1);
                    self.end_above(innermost, event.tick, ending, visitor)?;
                }
                Happening::EndTo(node) => {
                    let common = self.common(&self.path(node));
                    self.end_above(common, event.tick, Ending::WithCaller, visitor)?;
                }
                Happening::SwitchTo(node) => {
                    let (beginning, ending) = (Beginning::Continued, Ending::Suspended);
                    self.switch_to(node, event.tick, beginning, ending, visitor)?;
                }
                Happening::Waited(kind, ns) => {
                    visitor.wait(&self.open, event.tick, kind, ns)?;
                }
                Happening::Excluded(ticks) => {
                    visitor.exclude(&self.open, event.tick, ticks)?;
                }
                Happening::ClassCall => visitor.class_call(&self.open, event.tick)?,
                Happening::Mark(mark) => visitor.mark(&self.open, event.tick, mark)?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Number of open nodes that are in the tree: counters of overflow calls come after them.
    fn overflow_from(&self) -> usize {
        let is_counter = |&node: &u32| self.node(node).is_some_and(|node| node.is_counter());
        self.nodes
            .iter()
            .position(is_counter)
            .unwrap_or(self.nodes.len())
    }

    fn path_differs(&self, node: u32, len: usize) -> bool {
        let innermost = self.nodes.get(..len).and_then(<[u32]>::last).copied();
        match self.is_root(node) {
            true => innermost.is_some(),
            false => innermost != Some(node),
        }
    }

    fn node(&self, index: u32) -> Option<&TimelineNode> {
        self.process.nodes.get(index as usize)
    }

    fn is_root(&self, index: u32) -> bool {
        self.node(index).is_none_or(|node| node.parent == index)
    }

    /// The nodes that lead to `node`, the outermost first, without the root.
    fn path(&self, mut node: u32) -> Vec<u32> {
        let mut path = Vec::new();
        while !self.is_root(node) {
            let Some(of) = self.node(node).filter(|of| !of.is_counter()) else {
                break;
            };
            path.push(node);
            node = of.parent;
        }
        path.reverse();
        path
    }

    /// Number of open nodes that are on `path`.
    fn common(&self, path: &[u32]) -> usize {
        let pairs = self.nodes.iter().zip(path);
        pairs.take_while(|(open, on_path)| open == on_path).count()
    }

    fn switch_to(
        &mut self,
        node: u32,
        tick: u64,
        beginning: Beginning,
        ending: Ending,
        visitor: &mut impl Visitor,
    ) -> ControlFlow<()> {
        let path = self.path(node);
        let common = self.common(&path);
        let left = self.open.iter().filter(|call| call.coroutine != 0);
        let left = left.filter(|call| !path[..common].contains(&call.node));
        let left: Vec<_> = left.map(|call| (call.node, call.coroutine)).collect();
        self.switched.extend(left);
        self.end_above(common, tick, ending, visitor)?;
        for &node in &path[common..] {
            if self.is_inherited(node) {
                self.nodes.push(node);
                continue;
            }
            self.begin_inherited(tick, visitor)?;
            let coroutine = self.switched.remove(&node).unwrap_or(0);
            self.begin(node, tick, beginning, coroutine, visitor)?;
        }
        self.begin_inherited(tick, visitor)
    }

    /// Returns true for the node of one of the parent's calls.
    fn is_inherited(&self, node: u32) -> bool {
        self.forked.is_some_and(|(root, calls)| {
            let behind = node.checked_sub(root);
            behind.is_some_and(|behind| (1..=calls).contains(&behind))
        })
    }

    /// Begins the innermost of the parent's calls, if nothing else is open and it is not. The one
    /// that was innermost before continues later.
    fn begin_inherited(&mut self, tick: u64, visitor: &mut impl Visitor) -> ControlFlow<()> {
        let is_innermost = self
            .nodes
            .last()
            .is_some_and(|&node| self.is_inherited(node));
        if self.forked.is_none() || !is_innermost {
            return ControlFlow::Continue(());
        }
        let mut inherited = self.nodes.iter().rev();
        let shown = inherited.find_map(|&node| {
            let function = self.node(node)?.function;
            (function != NO_FUNCTION).then_some((node, function))
        });
        let current = self.open.last().map(|call| call.node);
        let Some((node, function)) = shown.filter(|&(node, _)| Some(node) != current) else {
            return ControlFlow::Continue(());
        };
        if current.is_some_and(|current| self.is_inherited(current)) {
            visitor.end(&self.open, tick, Ending::Cut)?;
            self.open.pop();
        }
        self.push(node, function, tick, Beginning::Inherited, 0, visitor)
    }

    fn begin(
        &mut self,
        node: u32,
        tick: u64,
        beginning: Beginning,
        coroutine: u64,
        visitor: &mut impl Visitor,
    ) -> ControlFlow<()> {
        self.nodes.push(node);
        let function = self.node(node).map_or(NO_FUNCTION, |node| node.function);
        if function == NO_FUNCTION {
            return ControlFlow::Continue(());
        }
        self.push(node, function, tick, beginning, coroutine, visitor)
    }

    #[inline]
    fn push(
        &mut self,
        node: u32,
        function: u32,
        began: u64,
        beginning: Beginning,
        coroutine: u64,
        visitor: &mut impl Visitor,
    ) -> ControlFlow<()> {
        self.open.push(Call {
            node,
            function,
            began,
            beginning,
            coroutine,
        });
        visitor.begin(&self.open)
    }

    /// Ends all open calls but the outermost `kept` nodes.
    fn end_above(
        &mut self,
        kept: usize,
        tick: u64,
        ending: Ending,
        visitor: &mut impl Visitor,
    ) -> ControlFlow<()> {
        while self.nodes.len() > kept {
            let node = self.nodes.pop();
            let is_shown = self.open.last().map(|call| call.node) == node;
            // A node is open once at most, but a counter any number of times.
            if is_shown {
                visitor.end(&self.open, tick, ending)?;
                self.open.pop();
            }
        }
        self.begin_inherited(tick, visitor)
    }
}

#[cfg(test)]
mod tests;
