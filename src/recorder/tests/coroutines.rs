//! Awaiting of coroutines, and the runs of their tasks, by a clock that the test sets.

use super::{attach, by_path, define, key_of, recording, recording_by, trees};
use crate::clock::Clock;
use crate::model::timeline::CallEnd;
use crate::model::{LongRun, NO_PARENT, ThreadTree, Trees};
use crate::recorder::{Registered, Step, Thread, Visit};

const LOOP: u64 = 1;
const OUTER: u64 = 2;
const INNER: u64 = 3;
const PLAIN: u64 = 4;
const HIDDEN: u64 = 5;

fn defined() -> Registered {
    let recording = recording(1000);
    for key in [LOOP, OUTER, INNER, PLAIN, HIDDEN] {
        define(&recording, key, key == HIDDEN);
    }
    recording
}

/// Awaiting and longest runs of the nodes in which coroutines ran, by path.
fn awaits(trees: &Trees) -> Vec<(Vec<u64>, u64, u64)> {
    let mut found = Vec::new();
    for tree in &trees.threads {
        let path = |node: u32| {
            let parents = |&node: &u32| tree.nodes.parents().get(node as usize).copied();
            let up = std::iter::successors(Some(node), parents);
            let up = up.take_while(|&node| node != NO_PARENT);
            let mut path: Vec<u64> = up
                .map(|node| key_of(trees, tree.nodes.kinds()[node as usize]))
                .collect();
            path.reverse();
            path
        };
        let awaits = tree.awaits.iter();
        found.extend(awaits.map(|(node, of)| (path(node), of.awaiting, of.longest_run)));
    }
    found.sort();
    found
}

/// Durations of the long runs.
fn runs(trees: &Trees) -> Vec<u64> {
    let runs = named_runs(trees);
    runs.into_iter().map(|(_, duration)| duration).collect()
}

/// Long runs, each with the function that took most of it.
fn named_runs(trees: &Trees) -> Vec<(u64, u64)> {
    let named = |tree: &ThreadTree, run: &LongRun| {
        let kind = tree.nodes.kinds()[run.node as usize];
        (key_of(trees, kind), run.duration)
    };
    let threads = trees.threads.iter();
    let runs = threads.flat_map(|tree| tree.awaits.runs().iter().map(|run| named(tree, run)));
    runs.collect()
}

/// Steps of coroutines below a call of the event loop.
struct Tasks<'t>(&'t Thread);

impl Tasks<'_> {
    /// Enters the coroutines, the outermost first, each with its key and its frame.
    fn enter(&self, step: Step, coroutines: &[(u64, u64)], now: u64) {
        self.0.enter(LOOP, Visit::Start, now);
        for &(key, frame) in coroutines {
            self.0.step_coroutine(key, frame, step, now);
        }
    }

    fn leave(&self, step: Step, coroutines: &[(u64, u64)], now: u64) {
        for &(key, frame) in coroutines.iter().rev() {
            self.0.step_coroutine(key, frame, step, now);
        }
        self.0.leave(LOOP, now);
    }
}

#[test]
fn a_suspension_counts_in_every_coroutine_of_the_chain() {
    let recording = defined();
    let tasks = Tasks(attach(&recording));
    let [first, second] = [[(OUTER, 16), (INNER, 32)], [(OUTER, 48), (INNER, 64)]];
    // Two tasks wait at the same time.
    tasks.enter(Step::Start, &first, 10);
    tasks.leave(Step::Suspend, &first, 11);
    tasks.enter(Step::Start, &second, 20);
    tasks.leave(Step::Suspend, &second, 25);
    // The one that came later continues first.
    tasks.enter(Step::Resume, &second, 125);
    tasks.leave(Step::End(CallEnd::Returned), &second, 127);
    tasks.enter(Step::Resume, &first, 211);
    tasks.leave(Step::End(CallEnd::Returned), &first, 212);
    let trees = trees(&recording);
    assert_eq!(
        awaits(&trees),
        [
            (vec![LOOP, OUTER], 300, 5),
            (vec![LOOP, OUTER, INNER], 300, 5),
        ]
    );
    // The outermost coroutine's visits are the runs.
    assert_eq!(runs(&trees), [5, 2, 1, 1]);
    let figures = by_path(&trees.threads[0], &trees);
    let inner = figures[&vec![LOOP, OUTER, INNER]];
    assert_eq!((inner.calls, inner.resumes, inner.total), (2, 2, 9));
}

#[test]
fn a_run_is_told_by_the_coroutine_that_took_most_of_it() {
    let recording = defined();
    let thread = attach(&recording);
    let steps = |visits: &[(u64, u64, Step)]| {
        for &(now, key, step) in visits {
            thread.step_coroutine(key, 16 * key, step, 1000 + now);
        }
    };
    // Half of it in one of two visits of the same coroutine.
    steps(&[
        (0, OUTER, Step::Start),
        (10, INNER, Step::Start),
        (15, INNER, Step::End(CallEnd::Returned)),
        (20, INNER, Step::Start),
        (70, INNER, Step::End(CallEnd::Returned)),
        (100, OUTER, Step::Suspend),
    ]);
    // Less than half.
    steps(&[
        (200, OUTER, Step::Resume),
        (210, INNER, Step::Start),
        (250, INNER, Step::End(CallEnd::Returned)),
        (290, OUTER, Step::End(CallEnd::Returned)),
    ]);
    assert_eq!(named_runs(&trees(&recording)), [(INNER, 100), (OUTER, 90)]);
}

#[test]
fn a_coroutine_that_is_still_suspended_awaits_until_the_latest_event() {
    let recording = defined();
    let thread = attach(&recording);
    let tasks = Tasks(thread);
    tasks.enter(Step::Start, &[(OUTER, 16)], 10);
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 20);
    thread.enter(PLAIN, Visit::Start, 30);
    thread.leave(PLAIN, 70);
    assert_eq!(awaits(&trees(&recording)), [(vec![LOOP, OUTER], 50, 10)]);
    thread.enter(PLAIN, Visit::Start, 90);
    assert_eq!(awaits(&trees(&recording)), [(vec![LOOP, OUTER], 70, 10)]);
}

#[test]
fn an_address_that_is_used_again_is_another_coroutine() {
    let recording = defined();
    let tasks = Tasks(attach(&recording));
    // Closed without an event while it was suspended, and another one starts there.
    tasks.enter(Step::Start, &[(OUTER, 16)], 10);
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 20);
    tasks.enter(Step::Start, &[(OUTER, 16)], 1000);
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 1001);
    tasks.enter(Step::Resume, &[(OUTER, 16)], 1005);
    tasks.leave(Step::End(CallEnd::Returned), &[(OUTER, 16)], 1006);
    // Another coroutine in the same frame has another function, and its start was not recorded.
    tasks.enter(Step::Start, &[(OUTER, 16)], 1010);
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 1020);
    tasks.enter(Step::Resume, &[(INNER, 16)], 2000);
    tasks.leave(Step::End(CallEnd::Returned), &[(INNER, 16)], 2001);
    let expected = [(vec![LOOP, OUTER], 4, 10), (vec![LOOP, INNER], 0, 1)];
    assert_eq!(awaits(&trees(&recording)), expected);
}

#[test]
fn time_goes_to_the_node_in_which_a_coroutine_last_ran() {
    let recording = defined();
    let thread = attach(&recording);
    let tasks = Tasks(thread);
    let chain = [(OUTER, 16), (INNER, 32)];
    tasks.enter(Step::Start, &chain, 10);
    tasks.leave(Step::Suspend, &chain, 11);
    // Python throws into the innermost coroutine directly: the others have no event.
    tasks.enter(Step::Resume, &chain[1..], 61);
    tasks.leave(Step::Suspend, &chain[1..], 63);
    tasks.enter(Step::Resume, &chain[1..], 163);
    tasks.leave(Step::End(CallEnd::Returned), &chain[1..], 164);
    tasks.enter(Step::Resume, &chain[..1], 164);
    tasks.leave(Step::End(CallEnd::Returned), &chain[..1], 165);
    assert_eq!(
        awaits(&trees(&recording)),
        [
            (vec![LOOP, OUTER], 153, 1),
            (vec![LOOP, OUTER, INNER], 50, 1),
            (vec![LOOP, INNER], 100, 2),
        ]
    );
}

#[test]
fn a_visit_whose_end_was_missed_is_over() {
    let recording = defined();
    let thread = attach(&recording);
    let tasks = Tasks(thread);
    tasks.enter(Step::Start, &[(OUTER, 16), (INNER, 32)], 10);
    // Both end with it.
    thread.leave(LOOP, 500);
    tasks.enter(Step::Start, &[(OUTER, 16)], 1000);
    tasks.leave(Step::End(CallEnd::Returned), &[(OUTER, 16)], 1003);
    thread.enter(LOOP, Visit::Start, 1010);
    thread.step_coroutine(OUTER, 16, Step::Start, 1011);
    thread.disable();
    tasks.enter(Step::Start, &[(INNER, 32)], 2000);
    tasks.leave(Step::End(CallEnd::Returned), &[(INNER, 32)], 2007);
    // An end without a beginning.
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 2010);
    assert_eq!(runs(&trees(&recording)), [7, 3]);
}

#[test]
fn the_profilers_own_coroutines_and_clocks_of_a_thread_count_nothing() {
    let hidden = defined();
    let tasks = Tasks(attach(&hidden));
    let chain = [(HIDDEN, 16), (OUTER, 32)];
    tasks.enter(Step::Start, &chain, 10);
    tasks.leave(Step::Suspend, &chain, 15);
    tasks.enter(Step::Resume, &chain, 30);
    tasks.leave(Step::End(CallEnd::Returned), &chain, 31);
    let found = trees(&hidden);
    assert_eq!(awaits(&found), [(vec![LOOP, OUTER], 15, 5)]);
    // The task's run is that of its outermost visible coroutine.
    assert_eq!(runs(&found), [5, 1]);

    let by_cpu = recording_by(Clock::Cpu, 1000);
    for key in [LOOP, OUTER] {
        define(&by_cpu, key, false);
    }
    let tasks = Tasks(attach(&by_cpu));
    tasks.enter(Step::Start, &[(OUTER, 16)], 10);
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 15);
    assert_eq!(awaits(&trees(&by_cpu)), []);
}

#[test]
fn overflow_calls_of_coroutines_have_no_awaiting() {
    let recording = recording(64);
    for key in 1..=100 {
        define(&recording, key, false);
    }
    let thread = attach(&recording);
    for key in 1..=63 {
        thread.enter(100 - key, Visit::Start, 1);
    }
    thread.leave_all(2);
    let tasks = Tasks(thread);
    tasks.enter(Step::Start, &[(OUTER, 16)], 10);
    tasks.leave(Step::Suspend, &[(OUTER, 16)], 15);
    tasks.enter(Step::Resume, &[(OUTER, 16)], 20);
    tasks.leave(Step::End(CallEnd::Returned), &[(OUTER, 16)], 25);
    assert_eq!(awaits(&trees(&recording)), []);
}
