//! The recorder as one would write it without a thought for speed: a stack of open calls and a map
//! from paths to figures. `events.rs` compares the recorder with it through the C ABI.

use std::collections::BTreeMap;

/// Function of the profiler's own, which files omit.
pub(crate) const HIDDEN: u64 = 5;
pub(crate) const FIBERS: usize = 3;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) calls: u64,
    pub(crate) resumes: u64,
    pub(crate) total: u64,
}

impl Figures {
    fn add(&mut self, other: Figures) {
        self.calls += other.calls;
        self.resumes += other.resumes;
        self.total += other.total;
    }
}

/// Returns the figures that a reader sees: by path, without empty ones.
pub(crate) type Visible = BTreeMap<Vec<u64>, Figures>;

#[derive(Clone, Copy)]
struct Call {
    key: u64,
    since: u64,
    /// A span that may outlive the call in which it began.
    outlives: bool,
    /// Open since before the fork.
    is_inherited: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Count {
    Call,
    Resume,
    Nothing,
}

#[derive(Default)]
pub(crate) struct Naive {
    open: Vec<Call>,
    suspended: [Vec<Call>; FIBERS],
    running: usize,
    /// This is a forked child that has entered nothing yet.
    is_fork_pending: bool,
    figures: BTreeMap<Vec<u64>, Figures>,
    /// Time of the latest event.
    latest: u64,
}

impl Naive {
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn innermost(&self) -> Option<u64> {
        self.open.last().map(|call| call.key)
    }

    fn path(&self) -> Vec<u64> {
        // In a forked child, inherited calls stand side by side. Calls of a hidden one are those of
        // the one around it.
        let is_inherited = |call: &Call| call.is_inherited;
        let own = self
            .open
            .iter()
            .rposition(is_inherited)
            .map_or(0, |at| at + 1);
        let (inherited, own) = self.open.split_at(own);
        let around = inherited.iter().rev().find(|call| call.key != HIDDEN);
        around.into_iter().chain(own).map(|call| call.key).collect()
    }

    fn at(&mut self, now: u64) -> u64 {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// The time of an event that the host gives none for.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    fn open(&mut self, key: u64, outlives: bool, count: Count) {
        let since = self.latest;
        self.open.push(Call {
            key,
            since,
            outlives,
            is_inherited: false,
        });
        let figures = self.figures.entry(self.path()).or_default();
        match count {
            Count::Call => figures.calls += 1,
            Count::Resume => figures.resumes += 1,
            Count::Nothing => {}
        }
    }

    fn close_innermost(&mut self) -> Call {
        let path = self.path();
        let call = self.open.pop().unwrap();
        self.figures.entry(path).or_default().total += self.latest - call.since;
        call
    }

    /// Ends calls until `depth` are open. Returns those that ended, the outermost first.
    fn close_to(&mut self, depth: usize) -> Vec<Call> {
        let mut closed = Vec::new();
        while self.open.len() > depth {
            closed.push(self.close_innermost());
        }
        closed.reverse();
        closed
    }

    pub(crate) fn enter(&mut self, key: u64, outlives: bool, count: Count, now: u64) {
        self.at(now);
        self.is_fork_pending = false;
        self.open(key, outlives, count);
    }

    /// Ends a call. Spans that may outlive it continue under its caller, unless it raises or this is
    /// a forked child that has entered nothing yet.
    pub(crate) fn leave(&mut self, key: u64, raises: bool, now: u64) -> bool {
        let Some(place) = self.open.iter().rposition(|call| call.key == key) else {
            return false;
        };
        self.at(now);
        let closed = self.close_to(place);
        for call in &closed[1..] {
            if call.outlives && !raises && !self.is_fork_pending {
                self.open(call.key, true, Count::Nothing);
            }
        }
        true
    }

    /// Ends a span. Calls within it continue under its caller.
    pub(crate) fn end_span(&mut self, key: u64, now: u64) -> bool {
        let Some(place) = self.open.iter().rposition(|call| call.key == key) else {
            return false;
        };
        self.at(now);
        let closed = self.close_to(place);
        for call in &closed[1..] {
            self.open(call.key, call.outlives, Count::Nothing);
        }
        true
    }

    /// The innermost call, which has called nothing, was a resume after all.
    pub(crate) fn leave_unstarted(&mut self) {
        let figures = self.figures.entry(self.path()).or_default();
        figures.calls -= 1;
        figures.resumes += 1;
        self.close_innermost();
    }

    pub(crate) fn leave_all(&mut self) {
        self.close_to(0);
    }

    pub(crate) fn switch(&mut self, to: usize) {
        let closed = self.close_to(0);
        self.suspended[self.running] = closed;
        for call in std::mem::take(&mut self.suspended[to]) {
            self.open(call.key, call.outlives, Count::Nothing);
        }
        self.running = to;
    }

    /// The handle is given back, and a new one has nothing open.
    pub(crate) fn detach(&mut self) {
        self.leave_all();
        self.suspended = Default::default();
        self.running = 0;
        self.latest = 0;
    }

    /// This is a forked child from now on: nothing is counted yet, and open calls are inherited.
    pub(crate) fn fork(&mut self) {
        self.figures.clear();
        self.is_fork_pending = true;
        for call in &mut self.open {
            call.is_inherited = true;
        }
    }

    /// Figures that a file has now: open calls with their time so far, without hidden functions.
    pub(crate) fn visible(&self) -> Visible {
        let mut all = self.figures.clone();
        for depth in 1..=self.open.len() {
            let path = self.open[..depth].iter().map(|call| call.key).collect();
            let since = self.open[depth - 1].since;
            all.entry(path).or_default().total += self.latest - since;
        }
        shown(all)
    }

    /// The same without times, and without what is not counted: for a forked child.
    pub(crate) fn visible_calls(&self) -> Visible {
        without_times(shown(self.figures.clone()))
    }
}

fn shown(all: BTreeMap<Vec<u64>, Figures>) -> Visible {
    let mut visible = Visible::new();
    for (path, figures) in all {
        if path.last() != Some(&HIDDEN) {
            let path = path.into_iter().filter(|&key| key != HIDDEN).collect();
            visible.entry(path).or_default().add(figures);
        }
    }
    visible.retain(|_, figures| *figures != Figures::default());
    visible
}

pub(crate) fn without_times(mut visible: Visible) -> Visible {
    for figures in visible.values_mut() {
        figures.total = 0;
    }
    visible.retain(|_, figures| *figures != Figures::default());
    visible
}
