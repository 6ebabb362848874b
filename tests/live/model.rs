//! A program of calls that is the same every time, and what must be recorded of it
//! after so many events.

use std::collections::HashMap;

use edbprof::model::{NO_PARENT, NodeKind, Trees};

/// One event: entering a function, or leaving the one entered last.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Enter(u64),
    Leave(u64),
}

/// Deep calls of ever new functions in ever new contexts. Endless.
pub(crate) struct Program {
    state: u64,
    stack: Vec<u64>,
    events: u64,
}

impl Program {
    pub(crate) fn new(seed: u64) -> Program {
        Program {
            state: seed | 1,
            stack: Vec::new(),
            events: 0,
        }
    }

    fn random(&mut self) -> u64 {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33
    }
}

impl Iterator for Program {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.events += 1;
        let deep = self.stack.len() as u64;
        if deep > 0 && self.random() % 100 < 35 + deep {
            return self.stack.pop().map(Event::Leave);
        }
        // One new function every 20 events.
        let functions = 3 + self.events / 20;
        let key = match self.random() % 3 {
            0 => 1 + self.random() % functions,
            _ => 1 + self.random() % 5,
        };
        self.stack.push(key);
        Some(Event::Enter(key))
    }
}

/// The tick of the event of that number, the first being 0.
pub(crate) fn tick(event: u64) -> u64 {
    10 * (event + 1)
}

/// Calls and inclusive ticks by the way from the root.
pub(crate) type Figures = HashMap<Vec<u64>, (u64, u64)>;

/// What `events` events of the program with that seed make.
pub(crate) fn figures_after(seed: u64, events: u64) -> Figures {
    let mut figures = Figures::new();
    let mut open: Vec<u64> = Vec::new();
    let mut began: Vec<u64> = Vec::new();
    let mut now = 0;
    for (number, event) in (0..events).zip(Program::new(seed)) {
        now = tick(number);
        match event {
            Event::Enter(key) => {
                open.push(key);
                began.push(now);
                figures.entry(open.clone()).or_default().0 += 1;
            }
            Event::Leave(_) => {
                figures.get_mut(&open).unwrap().1 += now - began.pop().unwrap();
                open.pop();
            }
        }
    }
    while let Some(began) = began.pop() {
        figures.get_mut(&open).unwrap().1 += now - began;
        open.pop();
    }
    figures
}

/// The same of a file whose functions are called like their keys. The node of a forked child
/// is no part of the way.
pub(crate) fn figures_of(trees: &Trees) -> Figures {
    let mut figures = Figures::new();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        let mut paths: Vec<Vec<u64>> = Vec::new();
        for index in 0..nodes.len() {
            let mut path = match nodes.parents()[index] {
                NO_PARENT => Vec::new(),
                parent => paths[parent as usize].clone(),
            };
            let kind = nodes.kinds()[index];
            if let NodeKind::Forked { .. } = trees.kinds[kind as usize] {
                paths.push(path);
                continue;
            }
            let function = trees.function(kind).unwrap();
            path.push(
                std::str::from_utf8(&function.label.name)
                    .unwrap()
                    .parse()
                    .unwrap(),
            );
            let sum = figures.entry(path.clone()).or_default();
            sum.0 += nodes.calls()[index];
            sum.1 += nodes.totals()[index];
            paths.push(path);
        }
    }
    figures
}

/// Fails unless `found` lies between what `events` events make and what one more
/// makes, of which any part may have happened.
pub(crate) fn check(found: &Figures, seed: u64, events: u64) {
    let least = figures_after(seed, events);
    let most = figures_after(seed, events + 1);
    for (path, &(calls, total)) in found {
        // A node may be there before its first call.
        let most = most.get(path).copied().unwrap_or_default();
        assert!(calls <= most.0, "{path:?}: {calls} {most:?}");
        assert!(total <= most.1, "{path:?}: {total} {most:?}");
    }
    for (path, &(calls, total)) in &least {
        let found = found.get(path).copied().unwrap_or_default();
        assert!(found.0 >= calls, "{path:?}: {found:?} {calls}");
        assert!(found.1 >= total, "{path:?}: {found:?} {total}");
    }
}
