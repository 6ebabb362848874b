//! Tests whole recordings by the values that are saved.

mod clocks;
mod coroutines;
mod defects;
mod ended;
mod excluded;
#[cfg(target_os = "linux")]
mod fork;
mod history;
mod lookup;
mod oracle;
mod overflow;
mod spans;
mod threads;

use std::collections::HashMap;

use super::recording::snapshot;
use super::{FunctionEntry, LiveFileLocation, Options, Recording, Registered, Thread, start};
use crate::clock::{Clock, TickRate};
use crate::model::{Ending, Function, FunctionKind, Label, NO_PARENT, NodeKind, ThreadTree, Trees};

/// A recording that is told the time in nanoseconds.
fn recording(max_nodes: u32) -> Registered {
    recording_by(Clock::Host, max_nodes)
}

fn recording_by(clock: Clock, max_nodes: u32) -> Registered {
    recording_of(options(clock, max_nodes))
}

fn recording_of(options: Options) -> Registered {
    start(options).unwrap()
}

fn options(clock: Clock, max_nodes: u32) -> Options {
    Options {
        clock,
        host_rate: TickRate::NANOSECOND,
        output: None,
        live_file: LiveFileLocation::BesideOutput,
        max_nodes,
        waiting: true,
        history: None,
        host: [].into(),
        hook: [].into(),
        chosen: [].into(),
    }
}

/// A handle for the calling thread, which must be done with it before `recording`
/// is dropped.
fn attach(recording: &Recording) -> &Thread {
    attach_as(recording, "test")
}

fn attach_as<'r>(recording: &'r Recording, name: &str) -> &'r Thread {
    let thread = recording.attach(name.as_bytes()).unwrap();
    // SAFETY: the handle lives as long as the recording.
    unsafe { thread.as_ref() }
}

/// Makes `key` a function of that name.
fn define(recording: &Recording, key: u64, hidden: bool) {
    let function = Function {
        kind: FunctionKind::Native,
        flags: 0,
        label: Label {
            file: [].into(),
            line: 0,
            name: key.to_string().into_bytes().into(),
        },
        qualified_name: [].into(),
        module: [].into(),
        generic: None,
    };
    assert!(recording.define(key, FunctionEntry { function, hidden }));
}

/// Returns everything that was recorded so far.
fn trees(recording: &Recording) -> Trees {
    let trees = snapshot(recording, Ending::Running).unwrap_or_default();
    for thread in &trees.threads {
        check_form(thread);
    }
    trees
}

/// Checks that a parent comes before its children, and lasts at least as long as they do together.
/// So the self times add up to the duration of the roots.
fn check_form(tree: &ThreadTree) {
    let nodes = &tree.nodes;
    let mut below = vec![0; nodes.len()];
    let mut roots = 0;
    for (index, &parent) in nodes.parents().iter().enumerate() {
        if parent == NO_PARENT {
            roots += nodes.totals()[index];
        } else {
            assert!((parent as usize) < index);
            below[parent as usize] += nodes.totals()[index];
        }
    }
    for (total, below) in nodes.totals().iter().zip(below) {
        assert!(*total >= below);
    }
    assert_eq!(nodes.self_times().iter().sum::<u64>(), roots);
}

/// Calls, resumes and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Figures {
    calls: u64,
    resumes: u64,
    total: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Figures) {
        self.calls += other.calls;
        self.resumes += other.resumes;
        self.total += other.total;
    }
}

/// The key that stands for overflow calls below; no function has it.
const OVERFLOW: u64 = 0;

/// The key of a function that [`define`] has made.
fn key_of(trees: &Trees, kind: u32) -> u64 {
    let Some(function) = trees.function(kind) else {
        assert_eq!(trees.kinds[kind as usize], NodeKind::Overflow);
        return OVERFLOW;
    };
    std::str::from_utf8(&function.label.name)
        .unwrap()
        .parse()
        .unwrap()
}

/// Returns the figures of each function's overflow calls, with their self time as the total.
fn overflow_by_key(tree: &ThreadTree, trees: &Trees) -> HashMap<u64, Figures> {
    let mut figures = HashMap::new();
    for calls in &tree.overflow {
        let known = Figures {
            calls: calls.calls,
            resumes: calls.resumes,
            total: calls.self_time,
        };
        let key = key_of(trees, calls.kind);
        assert_eq!(figures.insert(key, known), None);
    }
    figures
}

/// A tree as a map from the keys on the way from the root.
fn by_path(tree: &ThreadTree, trees: &Trees) -> HashMap<Vec<u64>, Figures> {
    let nodes = &tree.nodes;
    let mut paths: Vec<Vec<u64>> = Vec::new();
    let mut figures: HashMap<Vec<u64>, Figures> = HashMap::new();
    for index in 0..nodes.len() {
        let key = key_of(trees, nodes.kinds()[index]);
        let mut path = match nodes.parents()[index] {
            NO_PARENT => Vec::new(),
            parent => paths[parent as usize].clone(),
        };
        path.push(key);
        *figures.entry(path.clone()).or_default() += Figures {
            calls: nodes.calls()[index],
            resumes: nodes.resumes()[index],
            total: nodes.totals()[index],
        };
        paths.push(path);
    }
    figures
}
