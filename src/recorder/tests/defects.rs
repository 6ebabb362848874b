//! Defects of the library that strike where nodes are made: they cost the thread its new
//! contexts, and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Figures, attach, by_path, define, recording, trees};
use crate::recorder::recording::DEFECT_AT;
use crate::recorder::{Outcome, Recording, Thread, Visit, fork};

/// Enters `key` while a defect strikes at `step`, and stops the panic as the C ABI does.
#[track_caller]
fn enter_defective(thread: &Thread, key: u64, step: &'static str, at: u64) {
    DEFECT_AT.set(Some(step));
    let outcome = catch_unwind(AssertUnwindSafe(|| thread.enter(key, Visit::Start, at)));
    DEFECT_AT.set(None);
    assert!(outcome.is_err(), "{step}: {outcome:?}");
}

/// One call of `key` from `at` on, which lasts 10 ticks.
fn call(thread: &Thread, key: u64, at: u64) -> Outcome {
    let outcome = thread.enter(key, Visit::Start, at);
    assert_eq!(thread.leave(key, at + 10), Outcome::Recorded);
    outcome
}

fn defined(keys: u64) -> impl std::ops::Deref<Target = Recording> {
    let recording = recording(1000);
    (1..=keys).for_each(|key| define(&recording, key, false));
    recording
}

fn figures(calls: u64, total: u64) -> Figures {
    Figures {
        calls,
        resumes: 0,
        total,
    }
}

#[test]
fn a_defect_costs_a_thread_its_new_contexts() {
    // Fills the first chunk, which has the root already.
    const KNOWN: u64 = 63;
    for step in ["locked", "table", "chunk"] {
        let recording = defined(KNOWN + 2);
        let thread = attach(&recording);
        assert_eq!(thread.enter(1, Visit::Start, 100), Outcome::Recorded);
        for key in 2..=KNOWN {
            assert_eq!(call(thread, key, 100 + 10 * key), Outcome::Recorded);
        }
        enter_defective(thread, KNOWN + 1, step, 1000);
        // It was not entered, so it can't be left.
        assert_eq!(thread.leave(KNOWN + 1, 1010), Outcome::NotOpen);
        assert_eq!(call(thread, 2, 1100), Outcome::Recorded);
        assert_eq!(call(thread, KNOWN + 1, 1200), Outcome::Dropped);
        // Calls made meanwhile overflow, and have no counters.
        assert_eq!(
            thread.enter(KNOWN + 2, Visit::Start, 1300),
            Outcome::Dropped
        );
        assert_eq!(call(thread, 2, 1310), Outcome::Dropped);
        assert_eq!(thread.leave(KNOWN + 2, 1330), Outcome::Recorded);
        assert_eq!(call(thread, 3, 1400), Outcome::Recorded);
        assert_eq!(thread.leave(1, 1500), Outcome::Recorded);

        // Other threads are as before.
        let other = attach(&recording);
        assert_eq!(call(other, KNOWN + 1, 100), Outcome::Recorded);
        let trees = trees(&recording);
        assert_eq!(trees.processes[0].dropped_calls, 3);
        let [tree, others] = &trees.threads[..] else {
            panic!("two threads");
        };
        let found = by_path(tree, &trees);
        assert_eq!(found[&vec![1]], figures(1, 1400));
        assert_eq!(found[&vec![1, 2]], figures(2, 20));
        assert_eq!(found[&vec![1, 3]], figures(2, 20));
        let found = by_path(others, &trees);
        assert_eq!(found, [(vec![KNOWN + 1], figures(1, 10))].into());
        // SAFETY: this thread has made the handle, and uses it no more.
        unsafe { recording.detach(thread) };
    }
}

#[test]
fn a_defect_at_the_first_event_leaves_the_recording_to_other_threads() {
    for step in ["locked", "live file", "table"] {
        let recording = defined(2);
        let (thread, other) = (attach(&recording), attach(&recording));
        enter_defective(thread, 1, step, 10);
        assert_eq!(call(thread, 1, 20), Outcome::Dropped);
        assert_eq!(call(other, 2, 30), Outcome::Recorded);
        let trees = trees(&recording);
        assert_eq!(trees.processes[0].dropped_calls, 1);
        let [tree] = &trees.threads[..] else {
            panic!("one thread has called something");
        };
        let found = by_path(tree, &trees);
        assert_eq!(found, [(vec![2], figures(1, 10))].into());
    }
}

#[test]
fn a_defect_at_the_first_event_of_a_forked_child_retires_the_thread() {
    let recording = defined(2);
    let thread = attach(&recording);
    thread.enter(1, Visit::Start, 10);
    // SAFETY: as in a child, no other thread uses the recording.
    unsafe { fork::start_over(&recording, &mut recording.lock()) };
    enter_defective(thread, 2, "live file", 20);
    assert_eq!(thread.enter(2, Visit::Start, 30), Outcome::Dropped);
    assert_eq!(thread.leave(2, 40), Outcome::NotOpen);
    assert_eq!(thread.leave(1, 40), Outcome::NotOpen);
    thread.disable();
    let other = attach(&recording);
    assert_eq!(call(other, 2, 50), Outcome::Recorded);
    let trees = trees(&recording);
    let [tree] = &trees.threads[..] else {
        panic!("one thread has called something");
    };
    let found = by_path(tree, &trees);
    assert_eq!(found, [(vec![2], figures(1, 10))].into());
    // SAFETY: this thread has made the handle, and uses it no more.
    unsafe { recording.detach(thread) };
}
