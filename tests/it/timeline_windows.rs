//! Compares the call trees of any windows with those of a history that is replayed step by step.

use std::collections::BTreeMap;
use std::io::Cursor;

use edbprof::analysis::timeline::axis::Axis;
use edbprof::analysis::timeline::call_tree::compare;
use edbprof::analysis::timeline::calls::{Request, calls};
use edbprof::analysis::timeline::window::trees;
use edbprof::format::timeline::{Block, Source, TimelineWriter, read};
use edbprof::model::Pattern;
use edbprof::model::timeline::{CallEnd, WaitKind};
use edbprof::model::{Calibration, NodeKind, Trees, Waiting};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::timeline::{Program, processes};

/// Something that a thread does after some ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Call(u8),
    Resume(u8),
    Overflow(u8),
    End(CallEnd),
    Wait(WaitKind, u64),
    Exclude(u64),
}

const NAMES: [&str; 5] = ["f", "g", "h", "<hidden>", "main"];

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        Just(CallEnd::Returned),
        Just(CallEnd::Raised),
        Just(CallEnd::Suspended)
    ];
    let kind = prop_oneof![
        Just(WaitKind::Blocked),
        Just(WaitKind::Gil),
        Just(WaitKind::Preempted)
    ];
    prop_oneof![
        6 => (0..5_u8).prop_map(Step::Call),
        1 => (0..3_u8).prop_map(Step::Resume),
        1 => (0..3_u8).prop_map(Step::Overflow),
        6 => end.prop_map(Step::End),
        1 => (kind, 0..9_u64).prop_map(|(kind, ns)| Step::Wait(kind, ns)),
        1 => (0..9_u64).prop_map(Step::Exclude),
    ]
}

/// Path of functions and `<overflow>`; calls, resumes, total and waiting.
type Paths = BTreeMap<String, [u64; 4]>;

/// Recording of a window, tick by tick.
pub(crate) struct Oracle {
    window: std::ops::Range<u64>,
    open: Vec<String>,
    is_overflow: Vec<bool>,
    last: u64,
    paths: Paths,
    /// By function: calls, resumes and self time.
    overflow: BTreeMap<String, [u64; 3]>,
}

impl Oracle {
    fn new(window: std::ops::Range<u64>) -> Oracle {
        Oracle {
            window,
            open: Vec::new(),
            is_overflow: Vec::new(),
            last: 1,
            paths: Paths::new(),
            overflow: BTreeMap::new(),
        }
    }

    /// The path of the innermost call in the tree, and of each of its callers.
    fn in_tree(&self) -> Vec<String> {
        let calls = self.open.iter().zip(&self.is_overflow);
        let calls = calls.filter(|(name, is_overflow)| !**is_overflow && *name != "<hidden>");
        let mut path = String::new();
        calls
            .map(|(name, _)| {
                path = format!("{path}/{name}");
                path.clone()
            })
            .collect()
    }

    fn advance(&mut self, tick: u64, counts: bool) {
        for at in self.last..tick {
            if !counts || !self.window.contains(&at) {
                continue;
            }
            for path in self.in_tree() {
                self.paths.entry(path).or_default()[2] += 1;
            }
            if self.is_overflow.last() == Some(&true) {
                let path = self.in_tree().pop().unwrap_or_default();
                let path = format!("{path}/<overflow>");
                self.paths.entry(path).or_default()[2] += 1;
                let name = self.open.last().unwrap().clone();
                self.overflow.entry(name).or_default()[2] += 1;
            }
        }
        self.last = tick;
    }

    fn begin(&mut self, tick: u64, name: &str, is_resumed: bool, is_overflow: bool) {
        self.advance(tick, true);
        self.open.push(name.to_owned());
        self.is_overflow.push(is_overflow);
        if !self.window.contains(&tick) || name == "<hidden>" {
            return;
        }
        match is_overflow {
            true => self.overflow.entry(name.to_owned()).or_default()[0] += 1,
            // Callers have a node without figures if none of their time is in the window.
            false => {
                let path = self.in_tree();
                for caller in &path {
                    self.paths.entry(caller.clone()).or_default();
                }
                let count = path.last().and_then(|path| self.paths.get_mut(path));
                count.unwrap()[usize::from(is_resumed)] += 1;
            }
        }
    }

    fn end(&mut self, tick: u64) {
        self.advance(tick, true);
        self.open.pop();
        self.is_overflow.pop();
    }
}

/// An event of a history, with its tick.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Begins {
        name: &'static str,
        is_resumed: bool,
    },
    Ends(CallEnd),
    Excluded(u64),
    Waited(u64),
}

/// Does the steps of one thread in a program and in oracles, and tells what happened.
pub(crate) fn run(
    program: &mut Program,
    thread: usize,
    steps: &[(u64, Step)],
    oracles: &mut [Oracle],
) -> Vec<(u64, Told)> {
    let mut tick = 1;
    let mut told = Vec::new();
    let mut overflowing = 0;
    for &(ticks, step) in steps {
        tick += ticks;
        match step {
            // Nothing but overflow calls is called by those.
            Step::Call(name) | Step::Resume(name) if overflowing == 0 => {
                let is_resumed = matches!(step, Step::Resume(_));
                let name = NAMES[name as usize];
                program.begin(thread, tick, name, is_resumed);
                told.push((tick, Told::Begins { name, is_resumed }));
                for oracle in oracles.iter_mut() {
                    oracle.begin(tick, name, is_resumed, false);
                }
            }
            Step::Call(name) | Step::Resume(name) | Step::Overflow(name) => {
                let name = NAMES[name as usize % 3];
                program.overflow(thread, tick, name);
                let is_resumed = false;
                told.push((tick, Told::Begins { name, is_resumed }));
                overflowing += 1;
                for oracle in oracles.iter_mut() {
                    oracle.begin(tick, name, false, true);
                }
            }
            Step::End(how) => {
                if program.depth(thread) == 0 {
                    continue;
                }
                program.end(thread, tick, how);
                told.push((tick, Told::Ends(how)));
                overflowing = usize::saturating_sub(overflowing, 1);
                oracles.iter_mut().for_each(|oracle| oracle.end(tick));
            }
            // A node's waiting is no more than its self time, which overflow calls are none of.
            Step::Wait(..) if overflowing > 0 => {}
            Step::Wait(kind, ns) => {
                program.wait(thread, kind, ns);
                told.push((tick, Told::Waited(ns)));
                tick += ns;
                program.exclude(thread, tick, 0);
            }
            Step::Exclude(ticks) => {
                for oracle in oracles.iter_mut() {
                    oracle.advance(tick, true);
                }
                tick += ticks;
                program.exclude(thread, tick, ticks);
                told.push((tick, Told::Excluded(ticks)));
                for oracle in oracles.iter_mut() {
                    oracle.advance(tick, false);
                }
            }
        }
    }
    told
}

/// The paths of all threads, added up; overflow calls by function.
fn paths(trees: &Trees) -> (Paths, BTreeMap<String, [u64; 3]>) {
    let name = |kind: u32| match &trees.kinds[kind as usize] {
        NodeKind::Function(function) => {
            let function = &trees.functions[*function as usize];
            String::from_utf8_lossy(&function.label.name).into_owned()
        }
        NodeKind::Overflow => "<overflow>".to_owned(),
        other => format!("{other:?}"),
    };
    let mut paths = Paths::new();
    let mut overflow: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for thread in &trees.threads {
        let mut known: Vec<String> = Vec::new();
        for (node, row) in (0_u32..).zip(thread.nodes.rows()) {
            let above = known.get(row.parent as usize).cloned().unwrap_or_default();
            let path = format!("{above}/{}", name(row.kind));
            let waiting = thread.waits.get(node).total();
            let sums = paths.entry(path.clone()).or_default();
            for (sum, more) in sums
                .iter_mut()
                .zip([row.calls, row.resumes, row.total, waiting])
            {
                *sum += more;
            }
            known.push(path);
        }
        for calls in &thread.overflow {
            let sums = overflow.entry(name(calls.kind)).or_default();
            for (sum, more) in sums
                .iter_mut()
                .zip([calls.calls, calls.resumes, calls.self_time])
            {
                *sum += more;
            }
        }
    }
    (paths, overflow)
}

fn without_waiting(mut paths: Paths) -> Paths {
    paths.values_mut().for_each(|figures| figures[3] = 0);
    paths
}

fn plus<const N: usize>(
    mut a: BTreeMap<String, [u64; N]>,
    b: &BTreeMap<String, [u64; N]>,
) -> BTreeMap<String, [u64; N]> {
    for (path, figures) in b {
        let sums = a.entry(path.clone()).or_insert([0; N]);
        for (sum, more) in sums.iter_mut().zip(figures) {
            *sum += more;
        }
    }
    a
}

pub(crate) fn histories() -> impl Strategy<Value = Vec<Vec<(u64, Step)>>> {
    vec(vec((0..6_u64, step()), 0..60), 1..4)
}

proptest! {
    #[test]
    fn a_window_has_what_happened_in_it(
        histories in histories(),
        words_in_block in 1..12_usize,
        from in 0..150_u64,
        len in 0..200_u64,
    ) {
        let window = from..from + len;
        let mut program = Program::new(0, 0);
        program.words_in_block = words_in_block;
        let mut expected = (Paths::new(), BTreeMap::new());
        let mut oracles = Vec::new();
        for steps in &histories {
            let thread = program.thread("t");
            let mut oracle = [Oracle::new(window.clone())];
            run(&mut program, thread, steps, &mut oracle);
            oracles.extend(oracle);
        }
        let end = program.of.end;
        for mut oracle in oracles {
            oracle.advance(end, true);
            expected.0 = plus(expected.0, &oracle.paths);
            expected.1 = plus(expected.1, &oracle.overflow);
        }
        let process = &processes(&[&program])[0];
        let (found, overflow) = paths(&trees(process, window).unwrap());
        prop_assert_eq!(without_waiting(found), expected.0);
        prop_assert_eq!(overflow, expected.1);
    }

    #[test]
    fn windows_beside_each_other_add_up(
        histories in histories(),
        words_in_block in 1..12_usize,
        mut bounds in [0..200_u64, 0..200, 0..200],
    ) {
        bounds.sort_unstable();
        let [a, b, c] = bounds;
        let mut program = Program::new(0, 0);
        program.words_in_block = words_in_block;
        for steps in &histories {
            let thread = program.thread("t");
            run(&mut program, thread, steps, &mut []);
        }
        let process = &processes(&[&program])[0];
        let of = |window| paths(&trees(process, window).unwrap());
        let [first, second, both] = [a..b, b..c, a..c].map(of);
        let sum = plus(first.0, &second.0);
        prop_assert_eq!(without_waiting(sum.clone()), without_waiting(both.0.clone()));
        prop_assert_eq!(sum, both.0);
        prop_assert_eq!(plus(first.1, &second.1), both.1);
    }
}

/// A word of a history as it may be in a damaged file.
fn any_word() -> impl Strategy<Value = u64> {
    let node = (0..8_u64).prop_map(|node| node << 32 | 1);
    let code =
        (0..12_u64, 0..9_u64).prop_map(|(code, ticks)| ((u64::MAX << 32) - (code << 32)) | ticks);
    prop_oneof![node, code, any::<u64>(), 0..9_u64]
}

proptest! {
    #[test]
    fn no_history_makes_its_readers_panic(
        blocks in vec((any::<u64>(), 0..6_u32, vec(any_word(), 0..20)), 0..5),
        window in (any::<u64>(), any::<u64>()),
    ) {
        let mut program = Program::new(0, 0);
        for name in ["a", "b"] {
            let thread = program.thread(name);
            program.call(thread, 1, "f");
            program.call(thread, 2, "g");
            program.overflow(thread, 3, "f");
        }
        let mut of = program.of.clone();
        of.blocks.clear();
        for (number, (start, node, _)) in (1..).zip(&blocks) {
            // Some are small, so that the ticks of words count.
            let start = if number % 2 == 0 { *start } else { start % 100 };
            of.blocks.push(Block::new(number, start, [0, 1, 2, 4, 5, 6][*node as usize], 0, 1));
        }
        let mut writer = TimelineWriter::new(Cursor::new(Vec::new())).unwrap();
        let words = |block: &Block, words: &mut Vec<u64>| {
            words.extend(&blocks[block.number as usize - 1].2);
            Ok(())
        };
        writer.process_with(&of, words).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        // A counter can be no innermost node.
        let Ok(processes) = read(Source::Bytes(bytes)) else { return Ok(()) };
        for window in [window.0..window.1, 0..u64::MAX] {
            trees(&processes[0], window.clone()).unwrap();
            let request = Request {
                function: &Pattern::new("*"),
                window,
                slowest: 2,
                earliest: 2,
            };
            let found = calls(&processes, &Axis::new(&processes), &request).unwrap();
            for call in &found.slowest {
                compare(&processes, &found, [Some(call), found.median.as_ref()]).unwrap();
            }
        }
    }
}

#[test]
fn waiting_is_divided_like_the_time_it_is_in() {
    let mut program = Program::new(0, 0);
    let main = program.thread("MainThread");
    program.call(main, 100, "f");
    program.wait(main, WaitKind::Blocked, 40);
    program.returns(main, 200);
    let process = &processes(&[&program])[0];
    let waits = |window| {
        let trees = trees(process, window).unwrap();
        trees
            .threads
            .first()
            .map_or(0, |thread| thread.waits.get(0).blocked)
    };
    assert_eq!(waits(0..u64::MAX), 40);
    assert_eq!(
        [waits(0..150), waits(150..175), waits(175..900)],
        [20, 10, 10]
    );
}

#[test]
fn a_process_that_did_nothing_in_a_window_is_not_in_it() {
    let mut program = Program::new(0, 0);
    let main = program.thread("MainThread");
    program.call(main, 100, "main");
    program.call(main, 200, "f");
    program.returns(main, 300);
    program.returns(main, 400);
    // The child of a fork in `main`.
    program.of.blocks[0].node = 1;
    let process = &processes(&[&program])[0];
    assert!(trees(process, 500..600).unwrap().threads.is_empty());
    assert_eq!(trees(process, 200..300).unwrap().threads.len(), 1);
}

#[test]
fn a_window_says_what_is_known_of_it() {
    let mut program = Program::new(0, 5_000);
    let main = program.thread("MainThread");
    program.call(main, 100, "f");
    program.returns(main, 900);
    program.of.process.processor_ns = 7;
    let process = &processes(&[&program])[0];
    let trees = trees(process, 300..500).unwrap();
    assert_eq!(trees.recordings, [process.recording]);
    let facts = &trees.processes[0];
    assert_eq!(
        (facts.start_unix_ns, facts.duration_ns, facts.processor_ns),
        (5_300, 200, 0)
    );
    assert_eq!(
        (&*trees.threads[0].name, trees.threads[0].threads),
        (&b"MainThread"[..], 1)
    );
    assert_eq!(trees.threads[0].waits.get(0), Waiting::default());
}

/// A child that was forked in `main > fork`, calls `work` there, and returns to `main`.
fn child() -> edbprof::format::timeline::TimelineProcess {
    let mut program = Program::new(1, 0);
    let thread = program.thread("MainThread");
    program.inherit(thread, &["main", "fork"]);
    program.begin(thread, 11, "work", false);
    program.returns(thread, 31);
    program.returns(thread, 36);
    program.begin(thread, 40, "more", false);
    program.returns(thread, 50);
    program.returns(thread, 51);
    let mut of = processes(&[&program]).remove(0);
    // The parent's history has their beginnings.
    of.complete_from = 5;
    of
}

#[test]
fn calls_of_a_forked_child_are_below_its_node() {
    let of = child();
    let trees = trees(&of, 11..45).unwrap();
    let is_node =
        |kind: &NodeKind| matches!(kind, NodeKind::Forked { path } if &**path == b"main > fork");
    assert!(trees.kinds.iter().any(is_node), "{:?}", trees.kinds);
    let (paths, _) = paths(&trees);
    let times: Vec<_> = paths
        .iter()
        .filter_map(|(path, figures)| Some((path.split_once("}/")?.1, figures[2])))
        .collect();
    let expected = [
        ("fork", 25),
        ("fork/work", 20),
        ("main", 9),
        ("main/more", 5),
    ];
    assert_eq!(times, expected);
}

#[test]
fn class_calls_count_in_their_window() {
    let mut program = Program::new(1, 0);
    program.words_in_block = 3;
    program.of.process.calibration = Some(Calibration {
        class_call: 10,
        ..Calibration::default()
    });
    let thread = program.thread("MainThread");
    program.begin(thread, 1, "main", false);
    for tick in [10, 20, 20, 30] {
        program.begin(thread, tick, "make", false);
        program.class_call(thread, tick);
        program.class_call(thread, tick);
        program.returns(thread, tick);
        program.class_call(thread, tick);
    }
    program.returns(thread, 40);
    let of = &processes(&[&program])[0];
    let class_calls = |window| {
        let trees = trees(of, window).unwrap();
        trees.threads[0].class_calls.clone()
    };
    assert_eq!(class_calls(0..100), [4, 8]);
    assert_eq!(class_calls(11..30), [2, 4]);
    assert_eq!(class_calls(30..100), [1, 2]);
}
