//! Any sequence of events against the naive way to record it: a stack of open
//! calls and a map from paths to figures.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::node::Visit;
use super::super::thread::{Outcome, Thread};
use super::{Figures, attach, by_path, define, recording, trees};

/// Keys below are functions; this one is not defined.
const UNKNOWN: u64 = 7;
/// A function of the profiler's own.
const HIDDEN: u64 = 6;

#[derive(Clone, Copy, Debug)]
enum Event {
    Enter(u64, Visit),
    /// Leaves a function, open or not.
    Leave(u64),
    /// Leaves the innermost call.
    LeaveTop,
    /// As [`Event::LeaveTop`] if that is a start: it was none.
    LeaveUnstarted,
    LeaveAll,
    /// Enters the same function many times.
    Recurse(u64, u16),
    /// Leaves that many calls, each by name.
    Return(u16),
    /// Looks at what there is so far.
    Look,
}

fn event() -> impl Strategy<Value = Event> {
    let key = || 1..=UNKNOWN;
    let visit = prop_oneof![3 => Just(Visit::Start), 1 => Just(Visit::Resume)];
    prop_oneof![
        30 => (key(), visit).prop_map(|(key, visit)| Event::Enter(key, visit)),
        20 => Just(Event::LeaveTop),
        6 => key().prop_map(Event::Leave),
        2 => Just(Event::LeaveUnstarted),
        1 => Just(Event::LeaveAll),
        2 => (1..UNKNOWN, 1_u16..100).prop_map(|(key, times)| Event::Recurse(key, times)),
        2 => (1_u16..100).prop_map(Event::Return),
        1 => Just(Event::Look),
    ]
}

struct OpenCall {
    key: u64,
    visit: Visit,
    since: u64,
    dropped: bool,
}

/// The recorder as one would write it without a thought for speed.
struct Oracle {
    /// Paths that there is room for.
    room: usize,
    open: Vec<OpenCall>,
    figures: HashMap<Vec<u64>, Figures>,
    dropped: u64,
    /// When something happened last.
    latest: u64,
}

impl Oracle {
    fn path(&self) -> Vec<u64> {
        self.open.iter().map(|call| call.key).collect()
    }

    fn among_dropped(&self) -> bool {
        self.open.last().is_some_and(|call| call.dropped)
    }

    fn enter(&mut self, key: u64, visit: Visit, now: u64) -> Outcome {
        let mut path = self.path();
        path.push(key);
        let mut dropped = self.among_dropped();
        if !dropped && key == UNKNOWN {
            return Outcome::UnknownFunction;
        }
        dropped |= !self.figures.contains_key(&path) && self.figures.len() == self.room;
        self.latest = now;
        self.open.push(OpenCall {
            key,
            visit,
            since: now,
            dropped,
        });
        if dropped {
            self.dropped += 1;
            return Outcome::Dropped;
        }
        let figures = self.figures.entry(path).or_default();
        match visit {
            Visit::Start => figures.calls += 1,
            Visit::Resume => figures.resumes += 1,
        }
        Outcome::Recorded
    }

    fn leave(&mut self, key: u64, now: u64) -> Outcome {
        if !self.open.iter().any(|call| call.key == key) {
            return Outcome::NotOpen;
        }
        loop {
            let left = self.leave_top(now);
            if left.key == key {
                return match left.dropped {
                    true => Outcome::Dropped,
                    false => Outcome::Recorded,
                };
            }
        }
    }

    fn leave_top(&mut self, now: u64) -> OpenCall {
        self.latest = now;
        let path = self.path();
        let call = self.open.pop().unwrap();
        if !call.dropped {
            self.figures.get_mut(&path).unwrap().total += now - call.since;
        }
        call
    }

    /// What is seen from outside now: open calls with their time so far, hidden
    /// functions taken out of the paths.
    fn visible(&self) -> HashMap<Vec<u64>, Figures> {
        let mut all = self.figures.clone();
        let mut path = Vec::new();
        for call in self.open.iter().filter(|call| !call.dropped) {
            path.push(call.key);
            all.get_mut(&path).unwrap().total += self.latest - call.since;
        }
        let mut visible: HashMap<Vec<u64>, Figures> = HashMap::new();
        for (path, figures) in all {
            if path.last() != Some(&HIDDEN) {
                let path = path.into_iter().filter(|&key| key != HIDDEN).collect();
                *visible.entry(path).or_default() += figures;
            }
        }
        visible
    }
}

/// The two side by side.
struct Both<'r> {
    thread: &'r Thread,
    oracle: Oracle,
}

impl Both<'_> {
    fn enter(&mut self, key: u64, visit: Visit, now: u64) {
        let outcome = self.thread.enter(key, visit, self.thread.at(now));
        assert_eq!(outcome, self.oracle.enter(key, visit, now));
    }

    fn leave(&mut self, key: u64, now: u64) {
        let outcome = self.thread.leave(key, self.thread.at(now));
        assert_eq!(outcome, self.oracle.leave(key, now));
    }

    fn leave_top(&mut self, now: u64) {
        if let Some(call) = self.oracle.open.last() {
            self.leave(call.key, now);
        }
    }

    fn take(&mut self, event: Event, now: u64) {
        match event {
            Event::Enter(key, visit) => self.enter(key, visit, now),
            // Which calls were dropped is not kept, only how many: the host has to
            // leave them one by one.
            Event::Leave(key) if !self.oracle.among_dropped() => self.leave(key, now),
            Event::Leave(_) | Event::LeaveTop => self.leave_top(now),
            Event::LeaveUnstarted => {
                let top = self.oracle.open.last();
                let Some(top) = top.filter(|call| !call.dropped && call.visit == Visit::Start)
                else {
                    return;
                };
                let (key, path) = (top.key, self.oracle.path());
                let outcome = self.thread.leave_unstarted(key, self.thread.at(now));
                assert_eq!(outcome, Outcome::Recorded);
                let figures = self.oracle.figures.get_mut(&path).unwrap();
                figures.calls -= 1;
                figures.resumes += 1;
                self.oracle.leave_top(now);
            }
            Event::LeaveAll => {
                self.thread.leave_all(self.thread.at(now));
                self.oracle.latest = now;
                while !self.oracle.open.is_empty() {
                    self.oracle.leave_top(now);
                }
            }
            Event::Recurse(key, times) => {
                for _ in 0..times {
                    self.enter(key, Visit::Start, now);
                }
            }
            Event::Return(times) => {
                for _ in 0..times {
                    self.leave_top(now);
                }
            }
            Event::Look => self.compare(),
        }
        let open = self.oracle.open.iter().filter(|call| !call.dropped).count();
        assert_eq!(self.thread.depth() as usize, open);
    }

    fn compare(&self) {
        let trees = trees(self.thread.recording());
        let seen = match &trees.threads[..] {
            [] => HashMap::new(),
            [thread] => by_path(thread, &trees.functions),
            _ => panic!("one thread"),
        };
        assert_eq!(seen, self.oracle.visible());
        assert_eq!(self.thread.dropped(), self.oracle.dropped);
        assert_eq!(
            trees.processes.iter().map(|p| p.dropped_calls).sum::<u64>(),
            self.oracle.dropped
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_tree_is_what_a_naive_recorder_would_keep(
        events in prop::collection::vec((event(), 0_u64..1000), 0..150),
        max_nodes in prop_oneof![Just(64_u32), Just(100), Just(20_000)],
    ) {
        let recording = recording(max_nodes);
        for key in 1..UNKNOWN {
            define(&recording, key, key == HIDDEN);
        }
        let mut both = Both {
            thread: attach(&recording),
            oracle: Oracle {
                // The root takes one.
                room: max_nodes as usize - 1,
                open: Vec::new(),
                figures: HashMap::new(),
                dropped: 0,
                latest: 0,
            },
        };
        let mut now = 0;
        for (event, later) in events {
            now += later;
            both.take(event, now);
        }
        both.compare();
        both.take(Event::LeaveAll, now + 1);
        both.compare();
    }
}
