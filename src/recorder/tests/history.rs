//! Compares the history with the tree: a replay must find the tree's figures in every node.

use std::collections::HashMap;
use std::fs::File;

use super::{Figures, attach, define, recording_of};
use crate::clock::Clock;
use crate::format::live::Now;
use crate::format::timeline::{
    self, BLOCK, BLOCK_HEADER, Block, HISTORY_HEADER, NO_FUNCTION, Source, TimelineProcess, block,
};
use crate::model::Ending;
use crate::model::timeline::{CallEnd, Happening, WaitKind};
use crate::recorder::node::{COUNTER, Visit};
use crate::recorder::{
    HistoryOptions, Keep, Options, OutputLocation, Recording, Registered, SaveOptions, Thread,
};

pub(super) const SAVE: SaveOptions = SaveOptions {
    ending: Ending::Running,
    sidecar: false,
    remove_live_file: false,
};

pub(super) fn options(bytes: u64, keep: Keep) -> Option<HistoryOptions> {
    Some(HistoryOptions {
        bytes,
        keep,
        only_kept: false,
        disk_floor: None,
        memory_floor: None,
    })
}

/// A recording with a history of its last events, at least.
pub(super) fn recording_with_history(clock: Clock, max_nodes: u32, bytes: u64) -> Registered {
    recording_of(Options {
        history: options(bytes, Keep::Latest),
        ..super::options(clock, max_nodes)
    })
}

/// The history as it is saved; `None` if there is none.
pub(super) fn saved(recording: &Recording) -> Option<TimelineProcess> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.prof");
    recording.save_as(&path, SAVE).unwrap();
    let file = File::open(timeline::beside(&path)).ok()?;
    let mut processes = timeline::read(Source::File(file)).unwrap();
    assert_eq!(processes.len(), 1);
    processes.pop()
}

/// One thread's history, replayed.
#[derive(Debug, Default, PartialEq, Clone)]
struct Replay {
    /// The innermost open node of the tree.
    node: u32,
    /// Counters of overflow calls that are open.
    overflow: Vec<u32>,
    tick: u64,
}

/// Figures of each node, totals in ticks. Blocks of one thread must continue each other.
pub(super) fn replay(of: &TimelineProcess) -> HashMap<u32, Figures> {
    let mut figures: HashMap<u32, Figures> = HashMap::new();
    let mut threads: HashMap<u32, Replay> = HashMap::new();
    for block in &of.blocks {
        let begin = Replay {
            node: block.node,
            overflow: Vec::new(),
            tick: block.start,
        };
        let is_first = !threads.contains_key(&block.thread);
        let state = threads.entry(block.thread).or_insert(begin.clone());
        let before = std::mem::replace(state, begin);
        let after = replay_block(of, block, state, &mut figures);
        if !is_first {
            assert_eq!(before, after, "{block:?}");
        }
    }
    figures
}

/// Replays a block, and returns the state in which it begins.
fn replay_block(
    of: &TimelineProcess,
    block: &Block,
    state: &mut Replay,
    figures: &mut HashMap<u32, Figures>,
) -> Replay {
    let mut words = Vec::new();
    of.read(block, &mut words).unwrap();
    let mut reopened = block.overflow;
    let mut begin = state.clone();
    for event in of.events(block, &words) {
        let passed = match event.what {
            Happening::Excluded(ticks) => event.tick - state.tick - ticks,
            _ => event.tick - state.tick,
        };
        state.tick = event.tick;
        pass(of, state, passed, figures);
        match event.what {
            Happening::Start(node) | Happening::Resume(node) => {
                if of.nodes[node as usize].parent & COUNTER != 0 {
                    state.overflow.push(node);
                } else {
                    assert_eq!(of.nodes[node as usize].parent, state.node);
                    state.node = node;
                }
                if reopened > 0 {
                    reopened -= 1;
                    begin = state.clone();
                    continue;
                }
                let figures = figures.entry(node).or_default();
                match event.what {
                    Happening::Start(_) => figures.calls += 1,
                    _ => figures.resumes += 1,
                }
            }
            Happening::End(_) => {
                if state.overflow.pop().is_none() {
                    assert_ne!(state.node, block.root);
                    state.node = of.nodes[state.node as usize].parent;
                }
            }
            Happening::EndTo(node) | Happening::SwitchTo(node) => {
                state.overflow.clear();
                state.node = node;
            }
            Happening::Waited(..)
            | Happening::Excluded(_)
            | Happening::Coroutine(_)
            | Happening::ClassCall
            | Happening::Mark(_) => {}
        }
    }
    begin
}

/// Lets ticks pass in which nothing happens.
fn pass(of: &TimelineProcess, state: &Replay, ticks: u64, figures: &mut HashMap<u32, Figures>) {
    let mut node = state.node;
    while of.nodes[node as usize].parent != node {
        figures.entry(node).or_default().total += ticks;
        node = of.nodes[node as usize].parent;
    }
    let is_shown = |counter: &&u32| of.nodes[**counter as usize].function != NO_FUNCTION;
    if let Some(counter) = state.overflow.iter().rev().find(is_shown) {
        figures.entry(*counter).or_default().total += ticks;
    }
}

/// Figures of the recording's nodes, those of hidden functions' counters left out.
fn in_nodes(recording: &Recording) -> HashMap<u32, Figures> {
    let shared = recording.lock();
    let threads = shared.threads.iter().enumerate();
    let nodes = threads.flat_map(|(slot, entry)| {
        let last = entry.thread.last();
        shared.nodes(slot).map(move |(index, node)| {
            let figures = Figures {
                calls: node.calls(),
                resumes: node.resumes(),
                total: node.total_at(|| last),
            };
            (index, figures, node)
        })
    });
    let nodes = nodes.filter(|(index, figures, node)| {
        node.parent != *index
            && node.function() != crate::recorder::node::NO_FUNCTION
            && *figures != Figures::default()
    });
    nodes.map(|(index, figures, _)| (index, figures)).collect()
}

/// Checks that the saved history has what the nodes have. If starts were called resumes later
/// on, calls and resumes are the same.
pub(super) fn check(recording: &Recording, are_resumes_calls: bool) {
    let Some(of) = saved(recording) else {
        return;
    };
    assert_eq!((of.complete_from, of.complete_to), (1, u64::MAX));
    let hidden = |node: &u32| {
        let node = of.nodes[*node as usize];
        node.is_counter() && node.function == NO_FUNCTION
    };
    let mut replayed = replay(&of);
    replayed.retain(|node, figures| !hidden(node) && *figures != Figures::default());
    let mut recorded = in_nodes(recording);
    for figures in replayed.values_mut().chain(recorded.values_mut()) {
        if are_resumes_calls {
            figures.calls += std::mem::take(&mut figures.resumes);
        }
    }
    let mut nodes: Vec<_> = replayed.keys().chain(recorded.keys()).collect();
    nodes.sort();
    for node in nodes {
        assert_eq!(replayed.get(node), recorded.get(node), "{node}");
    }
}

fn call(thread: &Thread, key: u64, now: &mut u64) {
    *now += 3;
    thread.enter(key, Visit::Start, *now);
    *now += 5;
    thread.leave(key, *now);
}

#[test]
fn the_latest_events_take_the_place_of_the_oldest() {
    let recording = recording_with_history(Clock::Host, 1000, 1);
    let thread = attach(&recording);
    define(&recording, 1, false);
    define(&recording, 2, false);
    let mut now = 1;
    thread.enter(1, Visit::Start, now);
    for _ in 0..40_000 {
        call(thread, 2, &mut now);
    }
    let of = saved(&recording).unwrap();
    assert_eq!(of.blocks.len(), 4);
    assert_eq!(of.complete_to, u64::MAX);
    assert_eq!(of.end, now);
    assert_eq!(of.complete_from, of.blocks[0].start);
    let figures = replay(&of);
    let since = now - of.complete_from;
    let of_callee = figures.values().find(|of| of.calls > 0).unwrap();
    // The first one may have begun before.
    assert_eq!(of_callee.calls, since / 8);
    assert_eq!(of_callee.total, since.div_ceil(8) * 5);
    let of_caller = figures.values().find(|of| of.calls == 0).unwrap();
    assert_eq!(of_caller.total, since);
}

#[test]
fn the_first_events_are_kept_if_that_is_wanted() {
    let recording = recording_of(Options {
        history: options(1, Keep::First),
        ..super::options(Clock::Host, 1000)
    });
    let thread = attach(&recording);
    define(&recording, 1, false);
    let mut now = 1;
    for _ in 0..40_000 {
        call(thread, 1, &mut now);
    }
    let of = saved(&recording).unwrap();
    assert_eq!((of.blocks.len(), of.complete_from), (4, 1));
    let figures = replay(&of);
    let calls: Vec<_> = figures.values().map(|of| of.calls).collect();
    assert_eq!(calls, [of.complete_to / 8]);
    assert!((16_000..17_000).contains(&calls[0]));
}

#[test]
fn a_thread_that_continues_a_tree_has_a_number_of_its_own() {
    let recording = recording_with_history(Clock::Host, 1000, 1 << 20);
    define(&recording, 1, false);
    let mut now = 1;
    // More than there are trees.
    for _ in 0..300 {
        let thread = attach(&recording);
        call(thread, 1, &mut now);
        // SAFETY: the thread is done with it.
        unsafe { recording.detach(thread) };
    }
    let of = saved(&recording).unwrap();
    let last = of.blocks.last().unwrap();
    assert_eq!(last.thread, 300);
    // One block for each thread, of which so many are kept.
    assert_eq!(of.blocks.len(), 16);
}

#[test]
fn gaps_of_any_length_and_waits_are_kept() {
    let recording = recording_with_history(Clock::Host, 1000, 1 << 20);
    let thread = attach(&recording);
    define(&recording, 1, false);
    thread.enter(1, Visit::Start, 5);
    let long = 1 << 40;
    thread.note_waits([
        (WaitKind::Blocked, 7),
        (WaitKind::Gil, 0),
        (WaitKind::Preempted, 9),
    ]);
    thread.leave(1, long);
    let of = saved(&recording).unwrap();
    let mut words = Vec::new();
    of.read(&of.blocks[0], &mut words).unwrap();
    let events: Vec<_> = of.events(&of.blocks[0], &words).collect();
    assert_eq!(events[1].what, Happening::Waited(WaitKind::Blocked, 7));
    assert_eq!(events[2].what, Happening::Waited(WaitKind::Preempted, 9));
    assert_eq!((events[3].tick, events.len()), (long, 4));
    check(&recording, false);
}

#[test]
fn by_the_counter_the_history_is_that_of_the_tree() {
    let recording = recording_with_history(crate::clock::wall(), 1000, 8 << 20);
    for key in 1..4 {
        define(&recording, key, false);
    }
    let recording: &Recording = &recording;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let thread = attach(recording);
                for round in 0..30_000_u64 {
                    for key in [1, 2 + round % 2] {
                        match thread.now_at_once() {
                            Ok(_) => panic!("taken at once"),
                            Err(now) if thread.enter_noted(key, Visit::Start, now) => {}
                            Err(_) => {
                                thread.enter_any(key, Visit::Start, thread.now_of_event());
                            }
                        }
                    }
                    for key in [2 + round % 2, 1] {
                        match thread.now_at_once() {
                            Ok(_) => panic!("taken at once"),
                            Err(now) if thread.leave_noted(key, CallEnd::Returned, now) => {}
                            Err(_) => {
                                thread.leave(key, thread.now_of_event());
                            }
                        }
                    }
                }
            });
        }
    });
    check(recording, false);
}

#[test]
fn slow_calls_are_kept_until_there_are_too_many_of_them() {
    let mut options = super::options(Clock::Host, 1000);
    options.history = options_of_kept(16);
    let recording = recording_of(options);
    let thread = attach(&recording);
    define(&recording, 1, false);
    let mut now = 1;
    let mut kept = Vec::new();
    let keep = |since, now| {
        let mut shared = recording.lock();
        shared.history.as_mut().unwrap().keep(since, now, 3);
    };
    assert!(saved(&recording).is_none());
    for round in 0..5 {
        let since = now;
        call(thread, 1, &mut now);
        keep(since, now);
        kept.push(since);
        // Far more than there is room for, but for the last.
        for _ in 0..if round < 4 { 100_000 } else { 10 } {
            call(thread, 1, &mut now);
        }
    }
    let of = saved(&recording).unwrap();
    let starts: Vec<_> = of.blocks.iter().map(|block| block.start).collect();
    assert_eq!(starts.len(), 3);
    for (start, since) in starts.into_iter().zip(&kept[2..]) {
        assert!(start <= *since && since - start < 8 * 8200);
    }
    // If a call has too many blocks, the last ones are kept.
    keep(0, now);
    let of = saved(&recording).unwrap();
    assert_eq!(of.blocks.len(), 12);
}

#[test]
fn a_call_is_slow_by_its_nanoseconds_whatever_a_tick_takes() {
    let recording = recording_of(Options {
        history: options_of_kept(16),
        ..super::options(Clock::Tsc, 100)
    });
    let thread = attach(&recording);
    define(&recording, 1, false);
    thread.enter(1, Visit::Start, thread.now_of_event());
    let since = recording.history_now();
    let started = std::time::Instant::now();
    while started.elapsed().as_millis() < 3 {}
    thread.leave(1, thread.now_of_event());
    assert!(recording.keep_history(since, 2_000_000, 3));
    assert!(!recording.keep_history(since, 3_600_000_000_000, 3));
}

fn options_of_kept(blocks: u64) -> Option<HistoryOptions> {
    let options = options(blocks * (64 << 10), Keep::Latest)?;
    Some(HistoryOptions {
        only_kept: true,
        ..options
    })
}

#[test]
fn a_history_leaves_free_what_it_has_to() {
    for (memory_floor, has_history) in [(Some(0), true), (Some(u64::MAX / 2), false)] {
        let history = options(1 << 20, Keep::Latest);
        let history = history.map(|options| HistoryOptions {
            memory_floor,
            ..options
        });
        let recording = recording_of(Options {
            history,
            ..super::options(Clock::Host, 100)
        });
        let thread = attach(&recording);
        define(&recording, 1, false);
        thread.enter(1, Visit::Start, 5);
        thread.leave(1, 9);
        assert_eq!(saved(&recording).is_some(), has_history);
    }
}

/// Bytes of the history file and of the live file of a recording with several blocks.
fn files_of_a_killed_process() -> (Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let recording = recording_of(Options {
        output: Some(OutputLocation {
            directory: directory.path().to_owned(),
            prefix: "a".into(),
            suffix: ".prof".into(),
        }),
        history: options(1 << 20, Keep::Latest),
        ..super::options(Clock::Host, 100)
    });
    define(&recording, 1, false);
    let thread = attach(&recording);
    for tick in 0..20_000 {
        thread.enter(1, Visit::Start, thread.at(2 * tick + 1));
        thread.leave(1, thread.at(2 * tick + 2));
    }
    let bytes = |suffix: &str| {
        let files = std::fs::read_dir(directory.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let is_it = |path: &std::path::PathBuf| path.to_str().unwrap().ends_with(suffix);
        std::fs::read(paths.into_iter().find(is_it).unwrap()).unwrap()
    };
    (bytes("timeline.live"), bytes("prof.live"))
}

/// Reads a history file. Returns the number of its words, and if damage was found.
fn read_all(history: Vec<u8>, live: &[u8], now: Now) -> (usize, bool) {
    let source = Source::Bytes(history);
    let of = timeline::read_recorded(source, live, now).unwrap();
    let (mut words, mut count) = (Vec::new(), 0);
    for block in &of.blocks {
        of.read(block, &mut words).unwrap();
        count += words.len();
    }
    (count, of.file().damage().is_loss())
}

#[test]
fn damaged_bytes_of_a_history_file_are_noticed() {
    const FIRST: usize = HISTORY_HEADER;
    let (history, live) = files_of_a_killed_process();
    let whole = read_all(history.clone(), &live, Now::Gone);
    assert_eq!(whole, (40_000, false));
    let changed = |change: &dyn Fn(&mut [u8]), now| {
        let mut history = history.clone();
        change(&mut history);
        read_all(history, &live, now)
    };
    // All of the header but zeros, and some of the words, of a block that its thread has left.
    let words = (BLOCK_HEADER..BLOCK).step_by(1021);
    for at in (0..block::HEADER_CHECKSUM + 8).chain(words) {
        let (count, is_noticed) = changed(&|bytes| bytes[FIRST + at] ^= 0x10, Now::Gone);
        assert!(is_noticed && count < 40_000, "byte {at}");
    }
    let (_, is_noticed) = changed(&|bytes| bytes[FIRST..FIRST + 4096].fill(0), Now::Gone);
    assert!(is_noticed);
    // A process that goes on may be about to use the block again.
    let (count, is_noticed) = changed(&|bytes| bytes[FIRST + BLOCK_HEADER] ^= 1, Now::Running);
    assert!(!is_noticed && count == 40_000);
}
