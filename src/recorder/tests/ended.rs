//! Trees of threads that have ended, and threads that continue them.

use std::collections::HashSet;
use std::thread;

use super::{Figures, attach_as, by_path, define, recording, recording_by, trees};
use crate::clock::Clock;
use crate::recorder::Recording;
use crate::recorder::Thread;
use crate::recorder::Visit;
use crate::recorder::recording::MOST_TREES;

fn detach(thread: &Thread) {
    // SAFETY: the callers use it no more.
    unsafe { thread.recording().detach(thread) };
}

/// One call of `key` that lasts 10 ticks, from tick `at` of the host's clock on.
fn call(thread: &Thread, key: u64, at: u64) {
    thread.enter(key, Visit::Start, thread.at_host_tick(at));
    thread.leave(key, thread.at_host_tick(at + 10));
}

fn in_another_thread(body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        scope.spawn(body);
    });
}

fn names(recording: &Recording) -> Vec<String> {
    let trees = trees(recording).threads.into_iter();
    let name = |tree: crate::model::ThreadTree| {
        let name = String::from_utf8_lossy(&tree.name).into_owned();
        match tree.threads {
            1 => name,
            threads => format!("{name}, {threads} threads"),
        }
    };
    trees.map(name).collect()
}

/// A thread's whole life, on a clock that begins with it.
fn live(recording: &Recording, name: &str, key: u64) {
    let thread = attach_as(recording, name);
    call(thread, key, 5);
    detach(thread);
}

#[test]
fn thousands_of_threads_take_as_much_room_as_some_hundreds() {
    const THREADS: u64 = 3000;
    let recording = recording(1 << 20);
    for key in 1..=3 {
        define(&recording, key, false);
    }
    let live_through = |range: std::ops::Range<u64>| {
        for number in range {
            let name = format!("Thread-{number} (worker)");
            in_another_thread(|| live(&recording, &name, 1 + number % 3));
        }
    };
    live_through(0..MOST_TREES as u64);
    let used = recording.lock().arena.used();
    live_through(MOST_TREES as u64..THREADS);
    assert_eq!(recording.lock().arena.used(), used);
    assert_eq!(recording.lock().threads.len(), MOST_TREES);

    let mut sum = [0; 3];
    let trees = trees(&recording);
    for tree in &trees.threads {
        for (path, figures) in by_path(tree, &trees) {
            assert_eq!(figures.total, 10 * figures.calls);
            sum[path[0] as usize - 1] += figures.calls;
        }
    }
    assert_eq!(sum, [THREADS / 3; 3]);
    let mut names = names(&recording);
    let shared = names.pop().unwrap();
    let several = THREADS - MOST_TREES as u64 + 1;
    assert_eq!(shared, format!("Thread-# (worker), {several} threads"));
    let own = (0..MOST_TREES as u64 - 1).map(|number| format!("Thread-{number} (worker)"));
    assert_eq!(names, own.collect::<Vec<_>>());
}

#[test]
fn a_tree_is_shared_with_threads_of_the_same_kind_if_there_are_any() {
    let recording = recording(1 << 20);
    define(&recording, 1, false);
    for number in 0..MOST_TREES {
        live(
            &recording,
            &format!("{}-{number}", ["a", "b"][number % 2]),
            1,
        );
    }
    for name in ["a-1000", "c-1", "b-1000", "d", "a-1001", "c-2"] {
        live(&recording, name, 1);
    }
    let mut names = names(&recording);
    assert_eq!(names.len(), MOST_TREES);
    names.retain(|name| name.ends_with(" threads"));
    names.sort();
    assert_eq!(
        names,
        ["a-#, 3 threads", "b-#, 2 threads", "various, 4 threads"]
    );
}

#[test]
fn threads_that_are_alive_share_nothing() {
    let recording = recording(1 << 20);
    define(&recording, 1, false);
    let threads: Vec<_> = (0..MOST_TREES + 50)
        .map(|number| attach_as(&recording, &number.to_string()))
        .collect();
    let different: HashSet<_> = threads
        .iter()
        .map(|thread| std::ptr::from_ref(*thread))
        .collect();
    assert_eq!(different.len(), threads.len());
    for thread in &threads {
        call(thread, 1, 100);
    }
    assert_eq!(trees(&recording).threads.len(), MOST_TREES + 50);
    detach(threads[3]);
    let late = attach_as(&recording, "late");
    assert!(std::ptr::eq(late, threads[3]));
    let later = attach_as(&recording, "later");
    call(later, 1, 200);
    assert_eq!(trees(&recording).threads.len(), MOST_TREES + 51);
}

#[test]
fn calls_that_are_open_end_with_the_thread() {
    let recording = recording(1000);
    for key in 1..=2 {
        define(&recording, key, false);
    }
    let figures = |calls, total| Figures {
        calls,
        resumes: 0,
        total,
    };
    in_another_thread(|| {
        let thread = attach_as(&recording, "other");
        thread.enter(1, Visit::Start, thread.at(10));
        thread.enter(2, Visit::Start, thread.at(30));
    });
    let thread = recording.lock().threads[0].address();
    // SAFETY: a handle that is not detached yet.
    let thread = unsafe { thread.as_ref() };
    // Another thread says so: they have lasted until the latest event.
    detach(thread);
    let trees = trees(&recording);
    let found = by_path(&trees.threads[0], &trees);
    assert_eq!(found[&vec![1]], figures(1, 20));
    assert_eq!(found[&vec![1, 2]], figures(1, 0));
    assert_eq!(thread.depth(), 0);
}

#[test]
fn overflow_calls_end_with_the_thread() {
    let recording = recording(64);
    for key in 1..=200 {
        define(&recording, key, false);
    }
    let thread = attach_as(&recording, "full");
    for key in 1..=200 {
        thread.enter(key, Visit::Start, thread.at(key));
    }
    assert_eq!(thread.depth(), 200);
    detach(thread);
    assert_eq!(thread.depth(), 0);
}

/// A node that is open must have a negative total, so ticks may not begin anew.
#[test]
fn a_clock_that_begins_anew_in_each_thread_goes_on_in_a_shared_tree() {
    let recording = recording(1 << 20);
    define(&recording, 1, false);
    for number in 0..MOST_TREES {
        live(&recording, &format!("early {number}"), 1);
    }
    for round in 1..=5 {
        let thread = attach_as(&recording, "late");
        let latest = thread.last();
        thread.enter(1, Visit::Start, thread.at_host_tick(3));
        assert_eq!(thread.last(), latest);
        let trees_now = trees(&recording);
        let nodes = &trees_now.threads.last().unwrap().nodes;
        assert_eq!(
            (nodes.calls()[0], nodes.totals()[0]),
            (1 + round, 10 * round)
        );
        thread.leave(1, thread.at_host_tick(13));
        assert_eq!(thread.last(), latest + 10);
        detach(thread);
    }
    let trees = trees(&recording);
    let nodes = &trees.threads.last().unwrap().nodes;
    assert_eq!((nodes.calls()[0], nodes.totals()[0]), (6, 60));
}

/// CPU time can't be predicted, but it must not vanish.
#[test]
fn cpu_time_is_counted_anew_in_each_thread_of_a_shared_tree() {
    let recording = recording_by(Clock::Cpu, 1 << 20);
    define(&recording, 1, false);
    let spend = |name: &str, ns| {
        let thread = attach_as(&recording, name);
        thread.enter(1, Visit::Start, thread.now());
        let begun = Clock::Cpu.now();
        while Clock::Cpu.now() - begun < ns {}
        thread.leave(1, thread.now());
        detach(thread);
    };
    for number in 0..MOST_TREES - 1 {
        spend(&number.to_string(), 0);
    }
    spend("long", 20_000_000);
    let before = trees(&recording).threads.last().unwrap().nodes.totals()[0];
    assert!(before >= 20_000_000);
    // Its own CPU time is far behind the tick that the other has left.
    in_another_thread(|| spend("long", 1_000_000));
    let trees = trees(&recording);
    let nodes = &trees.threads.last().unwrap().nodes;
    assert_eq!(nodes.calls()[0], 2);
    assert!(nodes.totals()[0] >= before + 1_000_000);
}

#[test]
fn a_forked_child_gives_the_places_of_threads_that_it_has_not_to_others() {
    let recording = recording(1000);
    define(&recording, 1, false);
    let own = attach_as(&recording, "own");
    in_another_thread(|| live(&recording, "ended", 1));
    in_another_thread(|| call(attach_as(&recording, "goes on"), 1, 5));
    let gone = recording.lock().threads[2].address();
    // SAFETY: as in a child, no other thread uses the recording.
    unsafe { crate::recorder::fork::start_over(&recording, &mut recording.lock()) };
    call(own, 1, 100);
    assert_eq!(names(&recording), ["own"]);
    // SAFETY: a handle that is not detached yet.
    detach(unsafe { gone.as_ref() });
    for name in ["new", "newer", "newest"] {
        call(attach_as(&recording, name), 1, 200);
    }
    assert_eq!(names(&recording), ["own", "new", "newer", "newest"]);
    let nodes = trees(&recording).threads.into_iter().map(|tree| tree.nodes);
    assert!(
        nodes
            .into_iter()
            .all(|nodes| nodes.calls().iter().sum::<u64>() == 1)
    );
}
