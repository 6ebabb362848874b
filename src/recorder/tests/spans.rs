//! Spans that outlive the call in which they began.

use super::{Figures, attach, by_path, define, recording, trees};
use crate::model::timeline::CallEnd;
use crate::recorder::{Outcome, Recording, Step, Thread, Visit};

const CALLER: u64 = 1;
const ENTER: u64 = 2;
const EXIT: u64 = 3;
const BODY: u64 = 4;
const SPAN: u64 = 5;
const OTHER: u64 = 6;

fn defined(recording: &Recording) -> &Thread {
    (CALLER..=OTHER).for_each(|key| define(recording, key, false));
    attach(recording)
}

fn enter(thread: &Thread, key: u64, now: u64) {
    assert_eq!(thread.enter(key, Visit::Start, now), Outcome::Recorded);
}

fn leave(thread: &Thread, key: u64, now: u64) {
    assert_eq!(thread.leave(key, now), Outcome::Recorded);
}

fn figures(calls: u64, resumes: u64, total: u64) -> Figures {
    Figures {
        calls,
        resumes,
        total,
    }
}

#[test]
fn a_span_that_began_in_a_callee_goes_on_below_the_caller() {
    let recording = recording(1000);
    let thread = defined(&recording);
    enter(thread, CALLER, 10);
    enter(thread, ENTER, 20);
    assert_eq!(thread.begin_span(SPAN, 21), Outcome::Recorded);
    leave(thread, ENTER, 22);
    enter(thread, BODY, 30);
    leave(thread, BODY, 40);
    enter(thread, EXIT, 50);
    assert_eq!(thread.end_span(SPAN, 55), Outcome::Recorded);
    leave(thread, EXIT, 57);
    enter(thread, BODY, 60);
    leave(thread, BODY, 70);
    leave(thread, CALLER, 80);
    let trees = trees(&recording);
    let paths = by_path(&trees.threads[0], &trees);
    assert_eq!(paths[&vec![CALLER]], figures(1, 0, 70));
    assert_eq!(paths[&vec![CALLER, ENTER]], figures(1, 0, 2));
    assert_eq!(paths[&vec![CALLER, ENTER, SPAN]], figures(1, 0, 1));
    assert_eq!(paths[&vec![CALLER, SPAN]], figures(0, 0, 33));
    assert_eq!(paths[&vec![CALLER, SPAN, BODY]], figures(1, 0, 10));
    assert_eq!(paths[&vec![CALLER, SPAN, EXIT]], figures(1, 0, 5));
    assert_eq!(paths[&vec![CALLER, EXIT]], figures(0, 0, 2));
    assert_eq!(paths[&vec![CALLER, BODY]], figures(1, 0, 10));
    assert_eq!(paths.len(), 8);
}

#[test]
fn a_call_that_raises_ends_its_spans() {
    let recording = recording(1000);
    let thread = defined(&recording);
    enter(thread, CALLER, 10);
    enter(thread, ENTER, 20);
    assert_eq!(thread.begin_span(SPAN, 21), Outcome::Recorded);
    assert_eq!(
        thread.leave_as(ENTER, CallEnd::Raised, 22),
        Outcome::Recorded
    );
    enter(thread, BODY, 30);
    leave(thread, BODY, 40);
    assert_eq!(thread.end_span(SPAN, 45), Outcome::NotOpen);
    leave(thread, CALLER, 50);
    let trees = trees(&recording);
    let paths = by_path(&trees.threads[0], &trees);
    assert_eq!(paths[&vec![CALLER, BODY]], figures(1, 0, 10));
    assert_eq!(paths.len(), 4);
}

#[test]
fn a_coroutine_takes_its_spans_along() {
    let recording = recording(1000);
    let thread = defined(&recording);
    let step = |key, coroutine, step, now| {
        assert_eq!(
            thread.step_coroutine(key, coroutine, step, now),
            Outcome::Recorded
        );
    };
    step(CALLER, 100, Step::Start, 10);
    assert_eq!(thread.begin_span(SPAN, 20), Outcome::Recorded);
    step(BODY, 101, Step::Start, 30);
    step(BODY, 101, Step::Suspend, 40);
    step(CALLER, 100, Step::Suspend, 50);
    step(OTHER, 102, Step::Start, 60);
    step(OTHER, 102, Step::Suspend, 70);
    step(CALLER, 100, Step::Resume, 80);
    step(BODY, 101, Step::Resume, 90);
    step(BODY, 101, Step::End(CallEnd::Returned), 95);
    assert_eq!(thread.end_span(SPAN, 97), Outcome::Recorded);
    step(CALLER, 100, Step::End(CallEnd::Returned), 99);
    let trees = trees(&recording);
    let paths = by_path(&trees.threads[0], &trees);
    assert_eq!(paths[&vec![CALLER]], figures(1, 1, 59));
    assert_eq!(paths[&vec![CALLER, SPAN]], figures(1, 0, 47));
    assert_eq!(paths[&vec![CALLER, SPAN, BODY]], figures(1, 1, 15));
    assert_eq!(paths[&vec![OTHER]], figures(1, 0, 10));
    assert_eq!(paths.len(), 4);
}

#[test]
fn a_detached_handle_takes_no_events() {
    let recording = recording(1000);
    let thread = defined(&recording);
    enter(thread, CALLER, 10);
    // SAFETY: this thread has attached it, and reports nothing to the tree from here on.
    unsafe { recording.detach(thread) };
    assert_eq!(thread.enter(CALLER, Visit::Start, 20), Outcome::Detached);
    assert_eq!(thread.leave(CALLER, 30), Outcome::Detached);
    let trees = trees(&recording);
    assert_eq!(by_path(&trees.threads[0], &trees)[&vec![CALLER]].calls, 1);
}
