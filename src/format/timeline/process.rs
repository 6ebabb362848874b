//! One process's part of a timeline, whichever file it is in.

use std::io;
use std::sync::Arc;

use super::checksum;
use super::damage::Damage;
use super::source::{Source, TimelineFile};
use super::word::{Events, is_unfinished, used_words};
use super::{BLOCK, BLOCK_HEADER};
use crate::clock::TickRate;
use crate::format::live::COUNTER;
use crate::model::{Function, Process, forked};

/// Function of a root, and of a node whose function is hidden. Calls that a hidden function makes
/// are its caller's.
pub const NO_FUNCTION: u32 = u32::MAX;

/// The ticks of a process's recording as times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineClock {
    pub(crate) rate: TickRate,
    /// Monotonic clock of the system at tick 0, nanoseconds. It is 0 if the recording's clock is
    /// the processor's or the host's, because such ticks can't be compared with other processes'.
    pub zero_monotonic_ns: u64,
    /// Wall clock at tick 0, nanoseconds since the Unix epoch.
    pub zero_unix_ns: u64,
}

impl TimelineClock {
    /// A clock whose ticks are nanoseconds since the Unix epoch.
    pub fn of_nanoseconds() -> TimelineClock {
        TimelineClock {
            rate: TickRate::NANOSECOND,
            zero_monotonic_ns: 0,
            zero_unix_ns: 0,
        }
    }

    /// Nanoseconds in a tick, times 2^40.
    pub fn rate_bits(&self) -> u64 {
        self.rate.to_bits()
    }

    /// Nanoseconds from tick 0 to `tick`, rounded down.
    pub fn ns(&self, tick: u64) -> u64 {
        self.rate.ns(tick)
    }

    /// First tick that is no earlier than `ns` nanoseconds after tick 0.
    pub fn tick(&self, ns: u64) -> u64 {
        self.rate.ticks(ns)
    }
}

/// A node of a call tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineNode {
    /// Index of the caller's node, which is lower; a root is its own. 2^31 and the index of the
    /// root in a counter of overflow calls, which may be called from any node.
    pub parent: u32,
    /// Index of its function, or [`NO_FUNCTION`].
    pub function: u32,
}

impl TimelineNode {
    /// Returns true for a counter of overflow calls.
    pub fn is_counter(&self) -> bool {
        self.parent & COUNTER != 0
    }
}

/// A thread's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineThread {
    /// Index of its root.
    pub root: u32,
    /// Its name, or what the names of its threads have in common.
    pub name: Box<[u8]>,
    /// Number of nodes behind the root that are calls of the parent's, if it is the thread of a
    /// forked child that had forked.
    pub inherited: Option<u32>,
}

impl TimelineThread {
    /// Returns true if its root and the parent's calls are among so many nodes.
    fn has_nodes(&self, nodes: usize) -> bool {
        let last = self.root.saturating_add(self.inherited.unwrap_or(0));
        (last as usize) < nodes
    }
}

/// A block without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number in the process, from 1 on: blocks that were begun later have higher ones.
    pub number: u64,
    /// Tick at which it begins.
    pub start: u64,
    /// Index of the node that was innermost then.
    pub node: u32,
    /// Index of the root of the thread's tree.
    pub root: u32,
    /// Number of the thread in the process, from 1 on.
    pub thread: u32,
    /// Number of words at the beginning that enter calls which were open before.
    pub overflow: u32,
    /// Number of words, of which the last ones may be zeros.
    pub words: u32,
    /// Offset of the words in the file, bytes.
    pub(crate) offset: u64,
    /// Checksum of the words; a block that a thread still fills has none.
    pub(crate) checksum: Option<u64>,
}

impl Block {
    /// The beginning of a block whose words [`TimelineWriter`](super::TimelineWriter) is given: its
    /// number, tick, innermost node, root and thread.
    pub fn new(number: u64, start: u64, node: u32, root: u32, thread: u32) -> Block {
        Block {
            number,
            start,
            node,
            root,
            thread,
            overflow: 0,
            words: 0,
            offset: 0,
            checksum: None,
        }
    }

    /// Bytes that the block has in a timeline file.
    pub(crate) fn len(&self) -> u64 {
        BLOCK_HEADER as u64 + 8 * u64::from(self.words)
    }
}

/// Words that a block has at most.
pub(crate) const MOST_WORDS: u32 = ((BLOCK - BLOCK_HEADER) / 8) as u32;

/// History of one process.
#[derive(Clone, Debug)]
pub struct TimelineProcess {
    /// Facts of the process.
    pub process: Process,
    /// The recording's random id.
    pub recording: [u8; 16],
    /// Its clock.
    pub clock: TimelineClock,
    /// Tick of its end, or of its latest event.
    pub end: u64,
    /// Tick from which on the history has every event: 1 unless older blocks were given up.
    pub complete_from: u64,
    /// Tick from which on the history has nothing, because there was no room; `u64::MAX` if there
    /// was.
    pub complete_to: u64,
    /// Time that the system was suspended while it was recorded, nanoseconds.
    pub suspended_ns: u64,
    /// Functions of its nodes.
    pub functions: Vec<Function>,
    /// All nodes of its trees.
    pub nodes: Vec<TimelineNode>,
    /// Its trees.
    pub threads: Vec<TimelineThread>,
    /// Its blocks, by number.
    pub blocks: Vec<Block>,
    pub(crate) file: Arc<TimelineFile>,
}

impl TimelineProcess {
    /// A process without calls, with a clock of nanoseconds.
    pub fn new(process: Process, recording: [u8; 16]) -> TimelineProcess {
        TimelineProcess {
            process,
            recording,
            clock: TimelineClock::of_nanoseconds(),
            end: 0,
            complete_from: 1,
            complete_to: u64::MAX,
            suspended_ns: 0,
            functions: Vec::new(),
            nodes: Vec::new(),
            threads: Vec::new(),
            blocks: Vec::new(),
            file: TimelineFile::new(Source::Bytes(Vec::new())),
        }
    }

    /// Name of the thread whose tree has that root; empty if it has none.
    pub fn thread_name(&self, root: u32) -> &[u8] {
        let thread = self.threads.iter().find(|thread| thread.root == root);
        thread.map_or(&[], |thread| &thread.name)
    }

    /// Number of nodes behind the root that are calls of the parent process. `None` unless this is
    /// the root of the thread that forked, in a forked child.
    pub fn inherited(&self, root: u32) -> Option<u32> {
        let thread = self.threads.iter().find(|thread| thread.root == root);
        thread.and_then(|thread| thread.inherited)
    }

    /// Names the calls in which the process was forked; `None` if it was not, or outside of any
    /// thread.
    pub fn forked_in(&self) -> Option<Box<[u8]>> {
        let thread = self
            .threads
            .iter()
            .find(|thread| thread.inherited.is_some())?;
        let first = thread.root as usize + 1;
        let end = first.saturating_add(thread.inherited? as usize);
        let nodes = self.nodes.get(first..end).unwrap_or_default();
        let functions = nodes
            .iter()
            .filter_map(|node| self.functions.get(node.function as usize));
        Some(forked::path(functions))
    }

    /// The file that it is read from.
    pub fn file(&self) -> &Arc<TimelineFile> {
        &self.file
    }

    /// Reads the words of one of the process's blocks into `words`. Leaves out damaged words, which
    /// the [file](Self::file) then names.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self, block: &Block, words: &mut Vec<u64>) -> io::Result<()> {
        words.clear();
        words.resize(block.words.min(MOST_WORDS) as usize, 0);
        self.file.read_words(block.offset, words)?;
        match block.checksum {
            Some(checksum) if checksum != checksum::of_words(words.iter().copied()) => {
                words.clear();
                self.file.damaged(block.offset, Damage::Words);
            }
            // A block of a history file ends with zeros.
            Some(_) if words.last() == Some(&0) => words.truncate(used_words(words)),
            Some(_) => {}
            None => self.leave_out_damaged(block, words),
        }
        Ok(())
    }

    /// Leaves out the words behind the events of a block without a checksum.
    fn leave_out_damaged(&self, block: &Block, words: &mut Vec<u64>) {
        let used = used_words(words);
        if !is_unfinished(words.get(used..).unwrap_or_default()) {
            let offset = block.offset + 8 * used as u64;
            self.file.damaged(offset, Damage::Words);
        }
        words.truncate(used);
    }

    /// The events of a block whose words were read.
    pub fn events<'w>(&self, block: &Block, words: &'w [u64]) -> Events<'w> {
        Events::new(words, block.start)
    }

    /// Leaves out blocks and threads whose nodes are not there. Returns those blocks.
    pub(crate) fn leave_out_unsound(&mut self) -> Vec<Block> {
        let blocks = std::mem::take(&mut self.blocks).into_iter();
        let (sound, unsound) = blocks.partition(|block| self.has_nodes_of(block));
        self.blocks = sound;
        let nodes = self.nodes.len();
        self.threads.retain(|thread| thread.has_nodes(nodes));
        unsound
    }

    fn has_nodes_of(&self, block: &Block) -> bool {
        let node = self.nodes.get(block.node as usize);
        node.is_some_and(|node| !node.is_counter()) && (block.root as usize) < self.nodes.len()
    }

    /// Returns true if nothing is out of its range. Then all indexes but those of nodes in events
    /// can be used unchecked.
    pub(crate) fn is_sound(&self) -> bool {
        let nodes = self.nodes.len();
        let is_function =
            |function| function == NO_FUNCTION || (function as usize) < self.functions.len();
        let is_node = |(index, node): (usize, &TimelineNode)| {
            let parent = (node.parent & !COUNTER) as usize;
            let is_before = parent < index || parent == index && !node.is_counter();
            is_before && is_function(node.function)
        };
        let is_thread = |thread: &TimelineThread| thread.has_nodes(nodes);
        self.nodes.iter().enumerate().all(is_node)
            && self.blocks.iter().all(|block| self.has_nodes_of(block))
            && self.threads.iter().all(is_thread)
    }
}
