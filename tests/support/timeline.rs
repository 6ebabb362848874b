//! Histories of programs that are made up, as a recorder writes them.

#![allow(dead_code)]

use std::collections::HashMap;
use std::io::Cursor;

use edbprof::format::timeline::{
    Block, NO_FUNCTION, Source, TimelineNode, TimelineProcess, TimelineThread, TimelineWriter,
    encode, read,
};
use edbprof::model::timeline::{CallEnd, Happening, WaitKind};
use edbprof::model::{Function, FunctionKind, Label, Process, ProcessIdentity};

/// Mark of a counter of overflow calls.
const COUNTER: u32 = 1 << 31;

/// A process that runs, call by call, and its history.
pub(crate) struct Program {
    pub of: TimelineProcess,
    words: HashMap<u64, Vec<u64>>,
    nodes: HashMap<(u32, u32), u32>,
    threads: Vec<Thread>,
    /// Words after which a block ends.
    pub words_in_block: usize,
}

/// A thread of it.
struct Thread {
    root: u32,
    open: Vec<u32>,
    tick: u64,
    /// Number of its block, once it has one.
    block: Option<u64>,
}

/// Returns a Python function of that name.
pub(crate) fn function(name: &str) -> Function {
    Function {
        kind: FunctionKind::Python,
        flags: 0,
        label: Label {
            file: (*b"/srv/app.py").into(),
            line: 1,
            name: name.as_bytes().into(),
        },
        qualified_name: name.as_bytes().into(),
        module: (*b"app").into(),
        generic: None,
    }
}

impl Program {
    /// A process of that number, which begins at `start_ns` after the Unix epoch.
    pub(crate) fn new(number: u32, start_ns: u64) -> Program {
        let process = Process {
            identity: ProcessIdentity {
                pid: 1000 + number,
                ..ProcessIdentity::default()
            },
            argv: ["python", "app.py"]
                .map(|word| word.as_bytes().into())
                .into(),
            clock: (*b"monotonic").into(),
            start_unix_ns: start_ns,
            ..Process::default()
        };
        let mut recording = [0; 16];
        recording[..4].copy_from_slice(&(number + 1).to_le_bytes());
        let mut of = TimelineProcess::new(process, recording);
        of.clock.zero_unix_ns = start_ns;
        Program {
            of,
            words: HashMap::new(),
            nodes: HashMap::new(),
            threads: Vec::new(),
            words_in_block: 1000,
        }
    }

    /// Begins a thread and returns its number, by which it is known here.
    pub(crate) fn thread(&mut self, name: &str) -> usize {
        let root = self.of.nodes.len() as u32;
        self.of.nodes.push(TimelineNode {
            parent: root,
            function: NO_FUNCTION,
        });
        self.of.threads.push(TimelineThread {
            root,
            name: name.as_bytes().into(),
            inherited: None,
        });
        self.threads.push(Thread {
            root,
            open: Vec::new(),
            tick: 1,
            block: None,
        });
        self.threads.len() - 1
    }

    fn function_number(&mut self, name: &str) -> u32 {
        if name == "<hidden>" {
            return NO_FUNCTION;
        }
        let functions = &mut self.of.functions;
        let is_it = |function: &Function| *function.label.name == *name.as_bytes();
        let known = functions.iter().position(is_it);
        known.unwrap_or_else(|| {
            functions.push(function(name));
            functions.len() - 1
        }) as u32
    }

    fn node(&mut self, parent: u32, name: &str) -> u32 {
        let function = self.function_number(name);
        let nodes = &mut self.of.nodes;
        *self.nodes.entry((parent, function)).or_insert_with(|| {
            nodes.push(TimelineNode { parent, function });
            nodes.len() as u32 - 1
        })
    }

    fn innermost(&self, thread: usize) -> u32 {
        let thread = &self.threads[thread];
        let in_tree = |node: &&u32| self.of.nodes[**node as usize].parent & COUNTER == 0;
        thread
            .open
            .iter()
            .rev()
            .find(in_tree)
            .copied()
            .unwrap_or(thread.root)
    }

    fn event(&mut self, number: usize, tick: u64, what: Happening) {
        let thread = &self.threads[number];
        let is_full = thread
            .block
            .is_some_and(|block| self.words[&block].len() >= self.words_in_block);
        if thread.block.is_none() || is_full {
            let block = self.of.blocks.len() as u64 + 1;
            let (start, root) = (thread.tick, thread.root);
            let innermost = self.innermost(number);
            let mut words = Vec::new();
            let open = self.threads[number].open.iter().copied();
            let counters: Vec<u32> = open
                .filter(|node| self.of.nodes[*node as usize].parent & COUNTER != 0)
                .collect();
            for &counter in &counters {
                encode(Happening::Start(counter), 0, &mut words);
            }
            let mut header = Block::new(block, start, innermost, root, number as u32 + 1);
            header.overflow = counters.len() as u32;
            self.of.blocks.push(header);
            self.words.insert(block, words);
            self.threads[number].block = Some(block);
        }
        let thread = &mut self.threads[number];
        let words = thread.block.and_then(|block| self.words.get_mut(&block));
        encode(what, tick - thread.tick, words.unwrap());
        thread.tick = tick;
        self.of.end = self.of.end.max(tick);
    }

    /// The process was forked by these calls of a thread, in which nothing has happened.
    pub(crate) fn inherit(&mut self, thread: usize, names: &[&str]) {
        for name in names {
            let node = self.node(self.innermost(thread), name);
            self.threads[thread].open.push(node);
        }
        self.of.threads[thread].inherited = Some(names.len() as u32);
    }

    /// Calls a function in a thread, or resumes it, at a tick.
    pub(crate) fn begin(&mut self, thread: usize, tick: u64, name: &str, is_resumed: bool) {
        let parent = self.innermost(thread);
        let node = self.node(parent, name);
        let what = match is_resumed {
            true => Happening::Resume(node),
            false => Happening::Start(node),
        };
        self.event(thread, tick, what);
        self.threads[thread].open.push(node);
    }

    /// Starts the coroutine of that number, or resumes it.
    pub(crate) fn step(&mut self, thread: usize, tick: u64, name: &str, of: (u64, bool)) {
        let (coroutine, is_resumed) = of;
        self.event(thread, tick, Happening::Coroutine(coroutine));
        self.begin(thread, tick, name, is_resumed);
    }

    /// Calls a function.
    pub(crate) fn call(&mut self, thread: usize, tick: u64, name: &str) {
        self.begin(thread, tick, name, false);
    }

    /// Calls a function for which there is no room in the tree.
    pub(crate) fn overflow(&mut self, thread: usize, tick: u64, name: &str) {
        let node = self.node(COUNTER | self.threads[thread].root, name);
        self.event(thread, tick, Happening::Start(node));
        self.threads[thread].open.push(node);
    }

    /// Ends the innermost call.
    pub(crate) fn end(&mut self, thread: usize, tick: u64, how: CallEnd) {
        self.event(thread, tick, Happening::End(how));
        self.threads[thread].open.pop();
    }

    /// Ends the innermost call regularly.
    pub(crate) fn returns(&mut self, thread: usize, tick: u64) {
        self.end(thread, tick, CallEnd::Returned);
    }

    /// Says that the thread waits from its latest event to the next one.
    pub(crate) fn wait(&mut self, thread: usize, kind: WaitKind, ns: u64) {
        let tick = self.threads[thread].tick;
        self.event(thread, tick, Happening::Waited(kind, ns));
    }

    /// The innermost call calls a class.
    pub(crate) fn class_call(&mut self, thread: usize, tick: u64) {
        self.event(thread, tick, Happening::ClassCall);
    }

    /// Says that the recorder took `ticks` up to a tick.
    pub(crate) fn exclude(&mut self, thread: usize, tick: u64, ticks: u64) {
        self.event(thread, tick, Happening::Excluded(ticks));
    }

    /// Number of calls that are open in a thread, overflow calls included.
    pub(crate) fn depth(&self, thread: usize) -> usize {
        self.threads[thread].open.len()
    }

    /// Adds the history to a file.
    pub(crate) fn write<W: std::io::Write + std::io::Seek>(&self, writer: &mut TimelineWriter<W>) {
        let words = |block: &Block, words: &mut Vec<u64>| {
            words.extend(&self.words[&block.number]);
            Ok(())
        };
        writer.process_with(&self.of, words).unwrap();
    }
}

/// The bytes of the timeline of some programs.
pub(crate) fn bytes(programs: &[&Program]) -> Vec<u8> {
    let mut writer = TimelineWriter::new(Cursor::new(Vec::new())).unwrap();
    for program in programs {
        program.write(&mut writer);
    }
    writer.finish().unwrap().into_inner()
}

/// The histories of some programs, read from a file's bytes.
pub(crate) fn processes(programs: &[&Program]) -> Vec<TimelineProcess> {
    read(Source::Bytes(bytes(programs))).unwrap()
}
