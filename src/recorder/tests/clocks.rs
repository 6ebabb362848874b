//! Clocks that go back, or are reset.

use super::{attach, by_path, define, recording, recording_by, trees};
use crate::clock::{self, Clock};
use crate::recorder::Visit;

/// A thread that switches between two processors whose counters differ.
#[test]
fn a_counter_that_is_behind_on_another_processor_takes_no_time_back() {
    const BEHIND: u64 = 70;
    let recording = recording(1000);
    for key in 1..=3 {
        define(&recording, key, false);
    }
    let thread = attach(&recording);
    // Readings of each event's processor, and the ticks that are taken for them.
    let (mut real, mut latest) = (1000, 0);
    let (mut open, mut expected) = (Vec::new(), [0_u64; 4]);
    for event in 0..3000_u64 {
        real += event * 31 % 50;
        let shown = real - if event / 3 % 2 == 0 { 0 } else { BEHIND };
        let now = thread.at(shown);
        assert!(now >= latest && now <= latest.max(shown + 1));
        latest = now;
        if open.len() < 3 && event % 7 != 6 && event % 5 != 4 {
            let key = open.len() as u64 + 1;
            thread.enter(key, Visit::Start, now);
            open.push(now);
        } else if let Some(since) = open.pop() {
            expected[open.len() + 1] += now - since;
            thread.leave(open.len() as u64 + 1, now);
        }
    }
    for (depth, since) in open.into_iter().enumerate() {
        expected[depth + 1] += latest - since;
    }
    let trees = trees(&recording);
    let figures = by_path(&trees.threads[0], &trees);
    for depth in 1..=3 {
        let path: Vec<u64> = (1..=depth).collect();
        assert_eq!(figures[&path].total, expected[depth as usize], "{path:?}");
    }
}

#[test]
fn time_goes_on_after_the_counter_was_reset() {
    if clock::wall() != Clock::Tsc {
        return;
    }
    let recording = recording_by(Clock::Tsc, 1000);
    for key in 1..=2 {
        define(&recording, key, false);
    }
    let thread = attach(&recording);
    // Before the reset the counter was far ahead of what it is now.
    let before = thread.now() + (1 << 50);
    thread.enter(1, Visit::Start, before);
    assert_eq!(thread.now(), before);
    assert_eq!(thread.now(), before);
    // A new context is where it is noticed.
    thread.enter(2, Visit::Start, thread.now());
    thread.leave(2, thread.now());
    let since = thread.now();
    assert!((before + 1..before + (1 << 40)).contains(&since), "{since}");
    thread.leave(1, since);
    let trees = trees(&recording);
    let figures = by_path(&trees.threads[0], &trees);
    let rate = recording.rate();
    assert_eq!(figures[&vec![1]].calls, 1);
    // Another measurement of the rate than the one above.
    let expected = rate.ns(since - before);
    let total = figures[&vec![1]].total;
    assert!(
        total.abs_diff(expected) <= 1 + expected / 100,
        "{total} {expected}"
    );
}

#[test]
fn a_reset_is_noticed_where_recording_is_switched_off_too() {
    if clock::wall() != Clock::Tsc {
        return;
    }
    let recording = recording_by(Clock::Tsc, 1000);
    define(&recording, 1, false);
    let thread = attach(&recording);
    let before = thread.now() + (1 << 50);
    thread.enter(1, Visit::Start, before);
    assert_eq!(thread.now_or_after_reset(), before);
    assert!(thread.now_or_after_reset() > before);
}

#[test]
fn a_reset_is_noticed_where_a_call_that_has_ended_took_no_time() {
    if clock::wall() != Clock::Tsc {
        return;
    }
    let recording = recording_by(Clock::Tsc, 1000);
    define(&recording, 1, false);
    let thread = attach(&recording);
    let before = thread.now() + (1 << 50);
    thread.enter(1, Visit::Start, before);
    thread.leave(1, before);
    thread.disable();
    assert_eq!(thread.now(), before);
    thread.enter(1, Visit::Start, thread.now());
    thread.leave(1, thread.now());
    thread.disable();
    assert!(thread.now() > before);
}
