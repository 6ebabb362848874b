//! Time that the recorder takes in the middle of a call, which is nobody's.

use std::time::Duration;

use super::{attach, by_path, define, recording_by, trees};
use crate::clock::{Clock, SLOW_READING, wall};
use crate::recorder::recording::SLOW_AT;
use crate::recorder::{Outcome, Recording, Visit};

const STEP: Duration = Duration::from_millis(200);

/// Nodes that the first chunk has room for beside the root.
const KNOWN: u64 = 63;

/// Enters `key` with a step that takes long, and checks that neither the caller nor the callee
/// has that time.
fn check(step: &'static str, before: u64) {
    let recording: &Recording = &recording_by(wall(), 1000);
    (1..=KNOWN + 1).for_each(|key| define(recording, key, false));
    let thread = attach(recording);
    let [reading, now] = [wall().now(), thread.now()];
    for key in 1..=before {
        assert_eq!(
            thread.enter(key, Visit::Start, thread.now()),
            Outcome::Recorded
        );
        if key > 1 {
            assert_eq!(thread.leave(key, thread.now()), Outcome::Recorded);
        }
    }
    // The readings of a pair are not taken at once.
    let excluded = || (wall().now() - reading).saturating_sub(thread.now() - now);
    let so_far = excluded();
    let entered = thread.now();
    SLOW_AT.set(Some((step, STEP)));
    assert_eq!(
        thread.enter(before + 1, Visit::Start, entered),
        Outcome::Recorded
    );
    SLOW_AT.set(None);
    // However long the machine stood still: the step is not in the thread's time.
    let taken = recording.rate().ns(excluded() - so_far);
    let least = STEP + SLOW_READING.get();
    assert!(taken >= least.as_nanos() as u64, "{step}: {taken}");
    thread.leave_all(thread.now());
    let trees = trees(recording);
    let whole: u64 = trees.threads[0].nodes.self_times().iter().sum();
    let ticks = recording.rate().ns(thread.now() - now);
    assert!(whole <= ticks, "{whole} {ticks}");
    assert_eq!(by_path(&trees.threads[0], &trees).len() as u64, before + 1);
}

#[test]
fn making_the_live_file_is_nobodys_time() {
    check("live file", 0);
}

#[test]
fn growing_is_nobodys_time() {
    check("chunk", KNOWN);
}

/// Beginning to look for waits anew is part of the step.
#[test]
fn the_reading_after_a_step_is_nobodys_time() {
    SLOW_READING.set(STEP);
    check("chunk", KNOWN);
    SLOW_READING.set(Duration::ZERO);
}

/// The system often takes the processor away while a thread looks for waits.
#[cfg(target_os = "linux")]
#[test]
fn a_wait_in_the_look_for_one_belongs_to_the_call_before_it() {
    let recording: &Recording = &recording_by(Clock::Monotonic, 1000);
    (1..=2).for_each(|key| define(recording, key, false));
    let thread = attach(recording);
    thread.enter(1, Visit::Start, thread.now());
    thread.enter(2, Visit::Start, thread.now());
    std::thread::sleep(Duration::from_millis(1));
    SLOW_READING.set(STEP);
    let end = thread.now_of_event();
    SLOW_READING.set(Duration::ZERO);
    thread.leave(2, end);
    thread.leave(1, thread.now());
    let tree = trees(recording).threads.remove(0);
    let waits: Vec<_> = tree.waits.iter().collect();
    let [(node, waiting)] = waits[..] else {
        panic!("{waits:?}");
    };
    let self_time = tree.nodes.self_times()[node as usize];
    assert!(waiting.total() >= STEP.as_nanos() as u64, "{waiting:?}");
    assert!(waiting.total() <= self_time, "{waiting:?} {self_time}");
}

#[test]
fn waiting_for_another_thread_is_nobodys_time() {
    const TRIES: u64 = 50;
    let recording: &Recording = &recording_by(wall(), 1000);
    (1..=TRIES).for_each(|key| define(recording, key, false));
    let thread = attach(recording);
    let begins = std::sync::Barrier::new(2);
    // Sometimes the lock is free again when this thread asks for it.
    let has_waited = (1..=TRIES).any(|key| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let held = recording.lock();
                begins.wait();
                std::thread::sleep(Duration::from_millis(10));
                drop(held);
            });
            begins.wait();
            let [reading, now] = [wall().now(), thread.now()];
            // Nothing but waiting is slow here.
            assert_eq!(thread.enter(key, Visit::Start, now), Outcome::Recorded);
            let excluded = (wall().now() - reading).saturating_sub(thread.now() - now);
            recording.rate().ns(excluded) > 1_000_000 && key > 1
        })
    });
    assert!(has_waited);
    thread.leave_all(thread.now());
}
