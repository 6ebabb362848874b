//! Compares any sequence of events with a naive recorder: a stack of open calls, and a map from
//! paths to figures.

use std::collections::HashMap;

use proptest::prelude::*;

use super::history::{self, recording_with_history};
use super::{Figures, OVERFLOW, attach, by_path, define, overflow_by_key, trees};
use crate::clock::Clock;
use crate::recorder::Visit;
use crate::recorder::{Fiber, Outcome, Thread};

/// Keys below are functions; this one is not defined.
const UNKNOWN: u64 = 7;
/// A function of the profiler's own.
const HIDDEN: u64 = 6;
const FIBERS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Event {
    Enter(u64, Visit),
    /// Leaves a function, open or not.
    Leave(u64),
    /// Leaves the innermost call.
    LeaveTop,
    /// Like [`Event::LeaveTop`], but if the latest visit was a start, it counts as a resume.
    LeaveUnstarted,
    LeaveAll,
    /// Continues with another fiber.
    Switch(usize),
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
        4 => (0..FIBERS).prop_map(Event::Switch),
        2 => (1..UNKNOWN, 1_u16..100).prop_map(|(key, times)| Event::Recurse(key, times)),
        2 => (1_u16..100).prop_map(Event::Return),
        1 => Just(Event::Look),
    ]
}

struct OpenCall {
    key: u64,
    visit: Visit,
    since: u64,
    overflows: bool,
}

/// A recorder that is written to be simple, not fast.
struct Oracle {
    /// Paths that there is room for.
    room: usize,
    open: Vec<OpenCall>,
    /// Open calls of each fiber that is suspended.
    suspended: [Vec<OpenCall>; FIBERS],
    running: usize,
    figures: HashMap<Vec<u64>, Figures>,
    /// Figures of overflow calls, by function, with self time as the total.
    overflow: HashMap<u64, Figures>,
    /// Time of overflow calls, by the path of their last known caller.
    overflow_time: HashMap<Vec<u64>, u64>,
    /// When something happened last.
    latest: u64,
}

impl Oracle {
    fn path(&self) -> Vec<u64> {
        self.open.iter().map(|call| call.key).collect()
    }

    fn is_overflowing(&self) -> bool {
        self.open.last().is_some_and(|call| call.overflows)
    }

    /// Adds the time until `now` to the innermost call.
    fn happened(&mut self, now: u64) {
        let passed = now - self.latest;
        self.latest = now;
        let mut overflow = self.open.iter().rev().take_while(|call| call.overflows);
        if let Some(running) = overflow.find(|call| call.key != HIDDEN) {
            self.overflow.get_mut(&running.key).unwrap().total += passed;
            let above = self.open.iter().take_while(|call| !call.overflows);
            let path = above.map(|call| call.key).collect();
            *self.overflow_time.entry(path).or_default() += passed;
        }
    }

    fn enter(&mut self, key: u64, visit: Visit, now: u64) -> Outcome {
        let mut path = self.path();
        path.push(key);
        if key == UNKNOWN {
            return Outcome::UnknownFunction;
        }
        let is_new = !self.figures.contains_key(&path);
        let overflows = self.is_overflowing() || is_new && self.figures.len() == self.room;
        self.happened(now);
        self.open.push(OpenCall {
            key,
            visit,
            since: now,
            overflows,
        });
        if let Some(figures) = self.counting() {
            match visit {
                Visit::Start => figures.calls += 1,
                Visit::Resume => figures.resumes += 1,
            }
        }
        Outcome::Recorded
    }

    /// The figures that the innermost call counts in.
    fn counting(&mut self) -> Option<&mut Figures> {
        match self.open.last()? {
            OpenCall {
                overflows: false, ..
            } => Some(self.figures.entry(self.path()).or_default()),
            OpenCall { key: HIDDEN, .. } => None,
            OpenCall { key, .. } => Some(self.overflow.entry(*key).or_default()),
        }
    }

    fn leave(&mut self, key: u64, now: u64) -> Outcome {
        if !self.open.iter().any(|call| call.key == key) {
            return Outcome::NotOpen;
        }
        loop {
            let left = self.leave_top(now);
            if left.key == key {
                return Outcome::Recorded;
            }
        }
    }

    fn leave_top(&mut self, now: u64) -> OpenCall {
        self.happened(now);
        let path = self.path();
        let call = self.open.pop().unwrap();
        if !call.overflows {
            self.figures.get_mut(&path).unwrap().total += now - call.since;
        }
        call
    }

    fn switch(&mut self, to: usize, now: u64) {
        let innermost = self.open.iter().rposition(|call| !call.overflows);
        let in_tree = innermost.map_or(0, |at| at + 1);
        while self.open.len() > in_tree {
            self.leave_top(now);
        }
        let (mut path, since) = (Vec::new(), now);
        self.happened(now);
        for call in &self.open {
            path.push(call.key);
            self.figures.get_mut(&path).unwrap().total += now - call.since;
        }
        self.suspended[self.running] = std::mem::take(&mut self.open);
        let resumed = std::mem::take(&mut self.suspended[to]);
        self.open = resumed
            .into_iter()
            .map(|call| OpenCall { since, ..call })
            .collect();
        self.running = to;
    }

    /// Returns the figures that a snapshot has now: open calls have their time so far, and hidden
    /// functions are removed from the paths.
    fn visible(&self) -> HashMap<Vec<u64>, Figures> {
        let mut all = self.figures.clone();
        let mut path = Vec::new();
        for call in self.open.iter().filter(|call| !call.overflows) {
            path.push(call.key);
            all.get_mut(&path).unwrap().total += self.latest - call.since;
        }
        for (path, &total) in self.overflow_time.iter().filter(|(_, total)| **total > 0) {
            let mut path = path.clone();
            path.push(OVERFLOW);
            all.entry(path).or_default().total = total;
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
    suspended: [Fiber; FIBERS],
    oracle: Oracle,
    /// True if a start was turned into a resume later. The history has that only if the call has
    /// called nothing.
    has_restated: bool,
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
            Event::Leave(key) => self.leave(key, now),
            Event::LeaveTop => self.leave_top(now),
            Event::LeaveUnstarted => {
                let top = self.oracle.open.last();
                let Some(top) = top.filter(|call| call.visit == Visit::Start) else {
                    return;
                };
                let outcome = self.thread.leave_unstarted(top.key, self.thread.at(now));
                assert_eq!(outcome, Outcome::Recorded);
                self.has_restated = true;
                if let Some(figures) = self.oracle.counting() {
                    figures.calls -= 1;
                    figures.resumes += 1;
                }
                self.oracle.leave_top(now);
            }
            Event::LeaveAll => {
                self.thread.leave_all(self.thread.at(now));
                self.oracle.happened(now);
                while !self.oracle.open.is_empty() {
                    self.oracle.leave_top(now);
                }
            }
            Event::Switch(to) => {
                let now_there = self.thread.at(now);
                self.suspended[self.oracle.running] = self.thread.suspend(now_there);
                // SAFETY: it was suspended, or is the default.
                assert!(unsafe { self.thread.resume(self.suspended[to], now_there) });
                self.oracle.switch(to, now);
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
        assert_eq!(self.thread.depth() as usize, self.oracle.open.len());
    }

    fn compare(&self) {
        let trees = trees(self.thread.recording());
        let (seen, overflow) = match &trees.threads[..] {
            [] => (HashMap::new(), HashMap::new()),
            [thread] => (by_path(thread, &trees), overflow_by_key(thread, &trees)),
            _ => panic!("one thread"),
        };
        assert_eq!(seen, self.oracle.visible());
        assert_eq!(overflow, self.oracle.overflow);
        assert_eq!(self.thread.shared().dropped(), 0);
        history::check(self.thread.recording(), self.has_restated);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_tree_is_what_a_naive_recorder_would_keep(
        events in prop::collection::vec((event(), 0_u64..1000), 0..150),
        max_nodes in prop_oneof![Just(64_u32), Just(100), Just(20_000)],
    ) {
        let recording = recording_with_history(Clock::Host, max_nodes, 8 << 20);
        for key in 1..UNKNOWN {
            define(&recording, key, key == HIDDEN);
        }
        let mut both = Both {
            thread: attach(&recording),
            suspended: [Fiber::default(); FIBERS],
            has_restated: false,
            oracle: Oracle {
                // The root takes one.
                room: max_nodes as usize - 1,
                open: Vec::new(),
                suspended: Default::default(),
                running: 0,
                figures: HashMap::new(),
                overflow: HashMap::new(),
                overflow_time: HashMap::new(),
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
