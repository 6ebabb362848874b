//! Several threads, one of which looks while the others record.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Figures, attach, by_path, define, recording, recording_by, trees};
use crate::clock::Clock;
use crate::model::{Ending, ThreadTree};
use crate::recorder::Visit;
use crate::recorder::recording::{SaveOptions, snapshot_beside};
use crate::recorder::{Outcome, Thread};

/// Rounds of a thread's work in which it comes to new contexts.
const NEW: u64 = 512;

/// Does one round of a thread's work, 1000 ticks long, in which calls and the time between them are
/// long. The functions 6 to 8 are watched. They are at the end of the tree, so that much happens
/// between the beginning of a snapshot and the reading of their nodes.
fn work(thread: &Thread, round: u64) {
    let start = round * 1000;
    let enter = |key, at| {
        let outcome = thread.enter(key, Visit::Start, thread.at(start + at));
        assert_eq!(outcome, Outcome::Recorded);
    };
    let leave = |key, at| {
        let outcome = thread.leave(key, thread.at(start + at));
        assert_eq!(outcome, Outcome::Recorded);
    };
    if round < NEW {
        enter(1, 100);
        for digit in 0..NEW.ilog2() {
            enter(2 + (round >> digit & 1), 200);
        }
        leave(1, 300);
        return;
    }
    enter(6, 100);
    enter(7, 200);
    leave(7, 300);
    enter(8, 400);
    enter(8, 500);
    leave(8, 600);
    leave(8, 700);
    leave(6, 900);
}

/// Ends the recorders' work when dropped, at a failure too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Contexts that are watched, with the time of one call in each.
const WATCHED: [(&[u64], u64); 4] = [
    (&[6], 800),
    (&[6, 7], 100),
    (&[6, 8], 300),
    (&[6, 8, 8], 100),
];

/// Such a call is that of a daemon thread that sleeps when the process ends.
#[test]
fn an_open_call_lasts_until_the_latest_event_of_any_thread() {
    const MS: u64 = 1_000_000;
    let recording = recording_by(Clock::Monotonic, 100);
    define(&recording, 1, false);
    define(&recording, 2, false);
    let (tell, told) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let recording = &recording;
        scope.spawn(move || {
            let thread = attach(recording);
            assert_eq!(
                thread.enter(1, Visit::Start, thread.now()),
                Outcome::Recorded
            );
            tell.send(Clock::Monotonic.now()).unwrap();
            let _ = ended.recv();
            thread.leave(1, thread.now());
        });
        let opened = told.recv().unwrap();
        let thread = attach(recording);
        while Clock::Monotonic.now() < opened + MS {
            std::hint::spin_loop();
        }
        thread.enter(2, Visit::Start, thread.now());
        thread.leave(2, thread.now());
        let trees = trees(recording);
        let open = by_path(&trees.threads[0], &trees)[&[1][..]];
        assert!(open.total >= MS, "{open:?}");
        drop(end);
    });
}

#[test]
fn a_snapshot_of_running_threads_is_whole_and_never_goes_back() {
    const THREADS: usize = 2;
    const LOOKS: usize = 100;
    let recording = recording(100_000);
    for key in 1..=8 {
        define(&recording, key, false);
    }
    let enough = AtomicBool::new(false);
    let mut rounds: Vec<u64> = thread::scope(|scope| {
        let recorders: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let thread = attach(&recording);
                    let mut rounds = 0;
                    while rounds <= NEW || !enough.load(Ordering::Relaxed) {
                        work(thread, rounds);
                        rounds += 1;
                    }
                    rounds
                })
            })
            .collect();
        let stop = Stop(&enough);
        let mut before = vec![[Figures::default(); WATCHED.len()]; THREADS];
        let mut looks = 0;
        while looks < LOOKS {
            let trees = trees(&recording);
            for (tree, before) in trees.threads.iter().zip(&mut before) {
                let figures = by_path(tree, &trees);
                for ((path, each), old) in WATCHED.into_iter().zip(before) {
                    let now = figures.get(path).copied().unwrap_or_default();
                    // All calls but the latest have returned.
                    assert!(now.total >= now.calls.saturating_sub(1) * each, "{now:?}");
                    assert!(now.calls >= old.calls, "{old:?} {now:?}");
                    assert!(now.total >= old.total, "{old:?} {now:?}");
                    // Only looks at something that is happening count.
                    looks += usize::from(now.calls > old.calls);
                    *old = now;
                }
            }
        }
        drop(stop);
        let ends = recorders.into_iter().map(|recorder| recorder.join());
        ends.map(Result::unwrap).collect()
    });

    let trees = trees(&recording);
    let mut seen: Vec<u64> = Vec::new();
    for tree in &trees.threads {
        let figures = by_path(tree, &trees);
        let calls = figures[&vec![6]].calls;
        for (path, each) in WATCHED {
            let figures = figures[path];
            assert_eq!((figures.calls, figures.total), (calls, calls * each));
        }
        assert_eq!(figures[&vec![1]].calls, NEW);
        seen.push(calls + NEW);
    }
    seen.sort_unstable();
    rounds.sort_unstable();
    assert_eq!(seen, rounds);
}

/// The two threads take turns, but nothing orders what they do except the recording's own
/// locks: ThreadSanitizer reports whatever these leave unordered, in each run.
#[test]
fn threads_begin_and_end_while_another_one_saves() {
    const ROUNDS: usize = 300;
    let recording = recording(100_000);
    define(&recording, 1, false);
    let turn = AtomicUsize::new(0);
    let wait_for = |number| {
        while turn.load(Ordering::Relaxed) != number {
            thread::yield_now();
        }
    };
    let pass = || turn.fetch_add(1, Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                wait_for(3 * round);
                let thread = attach(&recording);
                thread.enter(1, Visit::Start, thread.at(10));
                thread.leave(1, thread.at(20));
                pass();
                wait_for(3 * round + 2);
                // SAFETY: this thread has made the handle, and uses it no more.
                unsafe { recording.detach(thread) };
                pass();
            }
        });
        for round in 0..ROUNDS {
            wait_for(3 * round + 1);
            let calls: u64 = trees(&recording).threads.iter().map(calls_of).sum();
            assert_eq!(calls, round as u64 + 1);
            pass();
        }
    });
}

/// A snapshot copies lists under the lock and reads nodes after that.
#[test]
fn nodes_functions_and_threads_that_are_made_during_a_snapshot_are_not_in_it() {
    let recording = recording(100_000);
    define(&recording, 1, false);
    let thread = attach(&recording);
    let call = |thread: &Thread, key| {
        thread.enter(key, Visit::Start, thread.at(10));
        thread.leave(key, thread.at(20));
    };
    call(thread, 1);
    let before = trees(&recording);
    let beside = snapshot_beside(&recording, || {
        for key in 2..3000 {
            define(&recording, key, false);
            call(thread, key);
        }
        thread::scope(|scope| {
            scope.spawn(|| call(attach(&recording), 1));
        });
    });
    assert_eq!(beside.functions, before.functions);
    assert_eq!(beside.threads, before.threads);
    assert_eq!(trees(&recording).functions.len(), 2999);
}

#[test]
fn threads_may_save_at_the_same_time() {
    let recording = recording(100_000);
    define(&recording, 1, false);
    let directory = tempfile::tempdir().unwrap();
    let path = |number| directory.path().join(format!("{number}.prof"));
    let options = SaveOptions {
        ending: Ending::Running,
        sidecar: false,
        remove_live_file: false,
    };
    let (thread, recording) = (attach(&recording), &recording);
    thread.enter(1, Visit::Start, thread.at(10));
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || recording.save_as(&path(number % 2), options).unwrap());
        }
    });
    thread.leave(1, thread.at(20));
    let of = |number| std::fs::read(path(number)).unwrap();
    for number in 0..2 {
        assert!(crate::format::prof::read(&of(number)).is_ok());
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

fn calls_of(tree: &ThreadTree) -> u64 {
    tree.nodes.calls().iter().sum()
}

#[test]
fn calls_of_threads_that_come_and_go_are_exact_in_every_snapshot() {
    const THREADS: u64 = 3;
    const LIVES: u64 = 400;
    const CALLS: u64 = 50;
    let recording = recording(1 << 20);
    define(&recording, 1, false);
    let lives = || {
        for _ in 0..LIVES {
            let thread = attach(&recording);
            for call in 0..CALLS {
                thread.enter(1, Visit::Start, thread.at(thread.last() + 3));
                thread.leave(1, thread.at(thread.last() + 7));
                if call == CALLS / 2 {
                    thread.enter(1, Visit::Resume, thread.last());
                }
            }
            // SAFETY: this thread has made the handle, and uses it no more.
            unsafe { recording.detach(thread) };
        }
    };
    thread::scope(|scope| {
        let recorders: Vec<_> = (0..THREADS).map(|_| scope.spawn(lives)).collect();
        let mut before = 0;
        while !recorders.iter().all(|recorder| recorder.is_finished()) {
            let calls = trees(&recording).threads.iter().map(calls_of).sum();
            assert!(before <= calls && calls <= THREADS * LIVES * CALLS);
            before = calls;
        }
    });
    let trees = trees(&recording);
    let calls: u64 = trees.threads.iter().map(calls_of).sum();
    assert_eq!(calls, THREADS * LIVES * CALLS);
    let resumes = trees.threads.iter().flat_map(|tree| tree.nodes.resumes());
    assert_eq!(resumes.sum::<u64>(), THREADS * LIVES);
}

#[test]
fn known_calls_wait_for_no_lock() {
    assert_waits_for_no_lock(work_in_known_contexts, work_in_known_contexts);
}

#[test]
fn calls_of_known_functions_on_new_paths_wait_for_no_lock() {
    fn nest(thread: &Thread, keys: &[u64]) {
        for &key in keys {
            let outcome = thread.enter_unnoted(key, Visit::Start, thread.now());
            assert_eq!(outcome, Outcome::Recorded);
        }
        thread.leave_all(thread.now());
    }
    assert_waits_for_no_lock(
        |thread| nest(thread, &[1, 2, 3]),
        |thread| nest(thread, &[3, 2, 1, 2, 3, 3, 1, 1, 2]),
    );
}

/// Does `before`, and `then` while the recording's lock is held.
fn assert_waits_for_no_lock(before: fn(&Thread), then: fn(&Thread)) {
    let recording = recording(1000);
    for key in 1..=3 {
        define(&recording, key, false);
    }
    let (known, when_known) = mpsc::channel();
    let (locked, when_locked) = mpsc::channel();
    let (done, when_done) = mpsc::channel();
    thread::scope(|scope| {
        let recording = &recording;
        scope.spawn(move || {
            let thread = attach(recording);
            before(thread);
            known.send(()).unwrap();
            when_locked.recv().unwrap();
            then(thread);
            done.send(()).unwrap();
        });
        when_known.recv().unwrap();
        let held = recording.lock();
        locked.send(()).unwrap();
        // Only a thread that waits for the lock takes that long.
        let outcome = when_done.recv_timeout(Duration::from_secs(20));
        drop(held);
        outcome.unwrap();
    });
}

/// Three functions below each of three, so that not all are the latest two.
fn work_in_known_contexts(thread: &Thread) {
    for outer in 1..=3 {
        thread.enter(outer, Visit::Start, thread.now());
        for inner in 1..=3 {
            thread.enter(inner, Visit::Start, thread.now());
            thread.leave(inner, thread.now());
            thread.enter(inner, Visit::Resume, thread.now());
            thread.leave(inner, thread.now());
        }
        thread.leave(9, thread.now());
        thread.leave(outer, thread.now());
        thread.enter(outer, Visit::Start, thread.now());
        thread.enter(outer, Visit::Start, thread.now());
        thread.leave_all(thread.now());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_waits_all_through_its_recording_is_blocked() {
    let recording = recording_by(Clock::Monotonic, 100);
    define(&recording, 1, false);
    let (tell, numbers) = mpsc::channel();
    let (end, must_end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            tell.send(crate::clock::os_thread()).unwrap();
            let _ = must_end.recv();
        });
        let os_thread = numbers.recv().unwrap();
        let (handle, _own) = (attach(&recording), attach(&recording));
        handle.enter(1, Visit::Resume, handle.now());
        // SAFETY: this thread's handle, which it does not use any more.
        unsafe { recording.hand_over(handle, os_thread) };
        assert!(!handle.is_current() && !handle.is_detached());
        let tree = trees(&recording).threads.remove(0);
        let waits: Vec<_> = tree.waits.iter().collect();
        assert!(
            matches!(waits[..], [(_, waiting)] if waiting.blocked > 0),
            "{waits:?}"
        );
        assert_eq!(waits[0].1.gil, 0);
        drop(end);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_takes_its_handle_over_has_waited_before() {
    let recording = recording_by(Clock::Monotonic, 100);
    define(&recording, 1, false);
    let address = recording.attach(b"test").unwrap().as_ptr() as usize;
    // SAFETY: the handle lives as long as the recording, and one thread at a time uses it.
    let handle = || unsafe { &*(address as *const Thread) };
    let (tell, numbers) = mpsc::channel();
    let (wake, woken) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let recording = &recording;
        scope.spawn(move || {
            tell.send(crate::clock::os_thread()).unwrap();
            woken.recv().unwrap();
            // SAFETY: no other thread uses it.
            unsafe { recording.adopt(handle()) };
            handle().leave(1, handle().now_of_event());
        });
        let os_thread = numbers.recv().unwrap();
        // The wait has begun before the handle is there.
        let status = format!("/proc/self/task/{os_thread}/stat");
        while !std::fs::read_to_string(&status).unwrap().contains(") S ") {
            thread::yield_now();
        }
        handle().enter(1, Visit::Resume, handle().now());
        // SAFETY: this thread's handle, which it does not use any more.
        unsafe { recording.hand_over(handle(), os_thread) };
        thread::sleep(Duration::from_millis(5));
        wake.send(()).unwrap();
    });
    let tree = trees(&recording).threads.remove(0);
    let waits: Vec<_> = tree.waits.iter().collect();
    assert!(
        matches!(waits[..], [(_, waiting)] if waiting.total() >= 4_000_000),
        "{waits:?}"
    );
}
