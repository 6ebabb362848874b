//! Recordings whose nodes are all made.

use super::{Figures, OVERFLOW, attach, by_path, define, overflow_by_key, recording, trees};
use crate::recorder::Visit;
use crate::recorder::{Outcome, Thread};

fn enter(thread: &Thread, key: u64, at: u64) {
    assert_eq!(thread.enter(key, Visit::Start, at), Outcome::Recorded);
}

fn leave(thread: &Thread, key: u64, at: u64) {
    assert_eq!(thread.leave(key, at), Outcome::Recorded);
}

fn figures(calls: u64, total: u64) -> Figures {
    Figures {
        calls,
        resumes: 0,
        total,
    }
}

#[test]
fn a_thread_that_comes_late_overflows_whole() {
    let recording = recording(64);
    for key in 1..=100 {
        define(&recording, key, false);
    }
    let first = attach(&recording);
    for key in 1..=63 {
        enter(first, key, key);
    }
    first.leave_all(64);
    let late = attach(&recording);
    enter(late, 1, 100);
    enter(late, 100, 110);
    leave(late, 100, 125);
    leave(late, 1, 130);
    // A function with a node in the other thread has none here.
    enter(late, 1, 200);
    leave(late, 1, 201);

    let trees = trees(&recording);
    let [before, after] = &trees.threads[..] else {
        panic!("two threads");
    };
    assert_eq!((before.nodes.len(), before.overflow.len()), (63, 0));
    let seen = by_path(after, &trees);
    assert_eq!(seen, [(vec![OVERFLOW], figures(0, 31))].into());
    let overflow = overflow_by_key(after, &trees);
    assert_eq!(
        overflow,
        [(1, figures(2, 16)), (100, figures(1, 15))].into()
    );
    assert_eq!(trees.processes[0].dropped_calls, 0);
}

#[test]
fn more_functions_than_there_are_counters_for_are_dropped() {
    const COUNTERS: u64 = 1 << 16;
    const DROPPED: u64 = 50;
    const CALLER: u64 = 1_000_000;
    let recording = recording(64);
    let thread = attach(&recording);
    for key in 1..=63 {
        define(&recording, key, false);
        enter(thread, key, 1);
    }
    thread.leave_all(1);
    define(&recording, CALLER, false);
    define(&recording, 64, false);
    enter(thread, CALLER, 100);
    enter(thread, 64, 100);
    leave(thread, 64, 100);
    let mut at = 100;
    // The caller and 64 have counters too.
    let end = 65 + COUNTERS - 2;
    for key in 65..end + DROPPED {
        define(&recording, key, false);
        at += 10;
        let outcome = thread.enter(key, Visit::Start, at);
        let expected = match key < end {
            true => Outcome::Recorded,
            false => Outcome::Dropped,
        };
        assert_eq!(outcome, expected, "{key}");
        enter(thread, 64, at + 1);
        leave(thread, key, at + 3);
    }
    leave(thread, CALLER, at + 10);

    let trees = trees(&recording);
    let overflow = overflow_by_key(&trees.threads[0], &trees);
    assert_eq!(overflow.len() as u64, COUNTERS);
    assert_eq!(trees.processes[0].dropped_calls, DROPPED);
    let all = COUNTERS - 2 + DROPPED;
    assert_eq!(overflow[&64], figures(all + 1, all * 2));
    assert_eq!(overflow[&65], figures(1, 1));
    // And what the dropped calls have taken.
    assert_eq!(overflow[&CALLER], figures(1, 10 + all * 7 + DROPPED));
    let whole: u64 = overflow.values().map(|figures| figures.total).sum();
    assert_eq!(whole, at + 10 - 100);
}

#[test]
fn a_function_that_is_met_when_all_nodes_are_made_is_asked_for() {
    let recording = recording(64);
    let thread = attach(&recording);
    define(&recording, 1, false);
    for at in 1..=70 {
        enter(thread, 1, at);
    }
    assert_eq!(thread.enter(2, Visit::Start, 80), Outcome::UnknownFunction);
    define(&recording, 2, false);
    enter(thread, 2, 80);
    assert_eq!(thread.leave(3, 85), Outcome::NotOpen);
    leave(thread, 2, 90);
    // Leaves the overflow calls and a node of the tree.
    for depth in (1..=70).rev() {
        assert_eq!(thread.depth(), depth);
        leave(thread, 1, 100);
    }
    let trees = trees(&recording);
    let overflow = overflow_by_key(&trees.threads[0], &trees);
    assert_eq!(overflow, [(1, figures(7, 26)), (2, figures(1, 10))].into());
}
