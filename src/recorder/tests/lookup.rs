//! Trees of the sizes of real programs: deep ones, wide ones.

use super::{attach, define, recording, trees};
use crate::recorder::DEFAULT_MAX_NODES;
use crate::recorder::Outcome;
use crate::recorder::Visit;

#[test]
fn recursion_50_000_deep_is_exact() {
    const DEEP: u64 = 50_000;
    let recording = recording(DEFAULT_MAX_NODES);
    define(&recording, 1, false);
    define(&recording, 2, false);
    let thread = attach(&recording);
    let enter = |key, at| assert_eq!(thread.enter(key, Visit::Start, at), Outcome::Recorded);
    // Down and up again step by step; then down, and up by one leave.
    enter(2, 1);
    for at in 1..=DEEP {
        enter(1, at);
    }
    for at in DEEP + 1..=2 * DEEP {
        assert_eq!(thread.leave(1, at), Outcome::Recorded);
    }
    assert_eq!(thread.leave(1, 2 * DEEP), Outcome::NotOpen);
    let again = 2 * DEEP;
    for _ in 0..DEEP {
        enter(1, again);
    }
    assert_eq!(u64::from(thread.depth()), DEEP + 1);
    assert_eq!(thread.leave(2, again + 1), Outcome::Recorded);

    let trees = trees(&recording);
    let nodes = &trees.threads[0].nodes;
    assert_eq!(nodes.len() as u64, DEEP + 1);
    for depth in 1..=DEEP {
        let node = depth as usize;
        assert_eq!(nodes.parents()[node] as usize, node - 1);
        assert_eq!(nodes.calls()[node], 2);
        // Entered at `depth`, left at `2 * DEEP + 1 - depth`.
        assert_eq!(nodes.totals()[node], 2 * DEEP + 1 - 2 * depth + 1);
    }
}

#[test]
fn each_of_300_000_contexts_has_a_node_of_its_own() {
    const KEYS: u64 = 67;
    const CONTEXTS: u64 = KEYS + KEYS * KEYS + KEYS * KEYS * KEYS;
    let recording = recording(DEFAULT_MAX_NODES);
    // Keys are as far apart as code objects in memory.
    let key = |number: u64| 0x7f00_0000_0000 + number * 0xb0;
    for number in 0..KEYS {
        define(&recording, key(number), false);
    }
    let thread = attach(&recording);
    let enter = |number| {
        assert_eq!(
            thread.enter(key(number), Visit::Start, 1),
            Outcome::Recorded
        )
    };
    let leave = |number| assert_eq!(thread.leave(key(number), 1), Outcome::Recorded);
    // Twice, in another order: what is found must be what was made.
    for round in 0..2 {
        let turned = |number| {
            if round == 0 {
                number
            } else {
                KEYS - 1 - number
            }
        };
        for a in (0..KEYS).map(turned) {
            enter(a);
            for b in (0..KEYS).map(turned) {
                enter(b);
                for c in (0..KEYS).map(turned) {
                    enter(c);
                    leave(c);
                }
                leave(b);
            }
            leave(a);
        }
    }
    const { assert!(CONTEXTS > 300_000) };
    let trees = trees(&recording);
    let nodes = &trees.threads[0].nodes;
    assert_eq!(nodes.len() as u64, CONTEXTS);
    assert!(nodes.calls().iter().all(|&calls| calls == 2));
    let contexts: std::collections::HashSet<_> =
        nodes.parents().iter().zip(nodes.kinds()).collect();
    assert_eq!(contexts.len() as u64, CONTEXTS);
}

#[test]
fn hidden_functions_leave_their_calls_and_time_to_their_callers() {
    let recording = recording(100);
    define(&recording, 1, false);
    define(&recording, 2, true);
    define(&recording, 3, false);
    let thread = attach(&recording);
    // 2 / 1 / 2 / 2 / 3, ten apart.
    for (key, at) in [(2, 10), (1, 20), (2, 30), (2, 40), (3, 50)] {
        thread.enter(key, Visit::Start, at);
    }
    thread.leave_all(100);
    let trees = trees(&recording);
    let nodes = &trees.threads[0].nodes;
    assert_eq!(nodes.totals(), [80, 50]);
    assert_eq!(nodes.self_times(), [30, 50]);
    assert_eq!(nodes.parents(), [super::NO_PARENT, 0]);
    let names: Vec<_> = trees.functions.iter().map(|f| &*f.label.name).collect();
    assert_eq!(names, [b"1", b"3"]);
}

#[test]
fn what_a_loop_calls_is_guessed_once_it_has_begun_anew() {
    const OUTER: u64 = 9;
    // Two of them, called twice in a row, are followed by different ones.
    const LOOP: [u64; 7] = [1, 2, 3, 3, 4, 5, 5];
    let recording = recording(DEFAULT_MAX_NODES);
    for key in LOOP {
        define(&recording, key, false);
    }
    define(&recording, OUTER, false);
    let thread = attach(&recording);
    let rounds = |guessed| {
        thread.enter(OUTER, Visit::Start, 1);
        for (round, key) in (0..10).flat_map(|round| LOOP.map(|key| (round, key))) {
            if round > 1 || guessed {
                assert!(thread.enter_guessed(key, Visit::Start, 1), "{round} {key}");
            } else {
                thread.enter(key, Visit::Start, 1);
            }
            assert!(thread.leave_top(key, 1));
        }
        assert!(!thread.enter_guessed(OUTER, Visit::Start, 1));
        assert!(thread.leave_top(OUTER, 1));
    };
    rounds(false);
    rounds(true);
}
