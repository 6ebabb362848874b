//! A live file that is read all the time while several threads of another process fill
//! it, timed by the machine's clock: every snapshot is well formed and holds every call
//! that had returned before it was read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use edbprof::capi::EDBPROF_CLOCK_WALL;
use edbprof::format::live::{self, Now};
use edbprof::model::Trees;

use super::counters::Counters;
use super::model::{self, Figures, Program};
use super::recorder::{Recorder, check_form, only_live};

const THREADS: usize = 3;
/// Events of each thread: enough for the file to grow several times.
const EVENTS: u64 = 15_000;
const READS: usize = 10;
/// The counter that the reader stops the writers with.
const STOP: usize = THREADS;

/// The writer; told what to do by its environment.
#[test]
#[ignore = "run by the test below"]
fn child() {
    let directory = PathBuf::from(std::env::var_os("LIVE_DIRECTORY").unwrap());
    let counters = Counters::open(&directory.join("returned"));
    let recorder = Recorder::with(&directory, EDBPROF_CLOCK_WALL);
    let recording = recorder.recording.expose_provenance();
    let is_over = || counters[STOP].load(Ordering::SeqCst) > 0;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let returned = &counters[thread];
            scope.spawn(move || {
                let recording = std::ptr::with_exposed_provenance_mut(recording);
                let name = thread.to_string();
                let recorder = Recorder::of_another_thread(recording, name.as_bytes());
                write(&recorder, thread, returned);
            });
        }
    });
    while !is_over() {
        std::thread::yield_now();
    }
}

fn write(recorder: &Recorder, thread: usize, returned: &AtomicU64) {
    for (number, event) in (1..=EVENTS).zip(Program::new(seed(thread))) {
        recorder.play(event);
        returned.store(number, Ordering::SeqCst);
    }
}

fn seed(thread: usize) -> u64 {
    1000 + thread as u64
}

/// Ends the writer, at a failure too.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many events each thread has played.
fn returned(counters: &Counters) -> [u64; THREADS] {
    std::array::from_fn(|thread| counters[thread].load(Ordering::SeqCst))
}

#[test]
fn what_had_returned_is_in_every_snapshot() {
    let directory = tempfile::tempdir().unwrap();
    let counters = Counters::make(&directory.path().join("returned"));
    let began = Instant::now();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--test-threads=1", "growing::child"])
        .env("LIVE_DIRECTORY", directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut writer = Writer(child);
    while returned(&counters).contains(&0) {
        assert!(
            writer.0.try_wait().unwrap().is_none(),
            "the writer has ended"
        );
        std::thread::yield_now();
    }
    let path = only_live(directory.path());
    // One a share of the way, and as many in between as there is time for.
    for step in 1..=READS as u64 {
        let mut snapshots = Vec::new();
        while snapshots.is_empty()
            || returned(&counters).iter().sum::<u64>() < step * 3 * EVENTS / READS as u64
        {
            snapshots.push(snapshot(&path, &counters, began));
        }
        let last = snapshots.pop().unwrap();
        last.check_paths();
    }
    counters[STOP].store(1, Ordering::SeqCst);
    assert!(writer.0.wait().unwrap().success());
}

/// What was read, and how far the threads were before and after.
struct Snapshot {
    trees: Trees,
    before: [u64; THREADS],
    after: [u64; THREADS],
}

/// Reads the file, and checks what is checked quickly.
fn snapshot(path: &Path, counters: &Counters, began: Instant) -> Snapshot {
    let before = returned(counters);
    let bytes = std::fs::read(path).unwrap();
    let trees = live::read(&bytes, Now::Running).unwrap();
    let after = returned(counters);
    check_form(&trees);
    assert_eq!(trees.threads.len(), THREADS);
    let process = &trees.processes[0];
    let most = began.elapsed().as_nanos() as u64 / 100 * 101;
    assert!(process.duration_ns <= most);
    assert_eq!(process.dropped_calls, 0);
    for thread in &trees.threads {
        let whole: u64 = thread.nodes.self_times().iter().sum();
        assert!(whole <= most, "{whole} {most}");
    }
    Snapshot {
        trees,
        before,
        after,
    }
}

impl Snapshot {
    /// Compares the calls of each path with what the thread's program makes of them.
    fn check_paths(&self) {
        for thread in &self.trees.threads {
            let number: usize = std::str::from_utf8(&thread.name).unwrap().parse().unwrap();
            let one = Trees {
                threads: vec![thread.clone()],
                functions: self.trees.functions.clone(),
                kinds: self.trees.kinds.clone(),
                ..Trees::default()
            };
            let found = model::figures_of(&one);
            let least = model::figures_after(seed(number), self.before[number]);
            // The event after that may have happened, its counter not yet.
            let most = model::figures_after(seed(number), (self.after[number] + 1).min(EVENTS));
            check_calls(&found, &least, &most);
        }
    }
}

fn check_calls(found: &Figures, least: &Figures, most: &Figures) {
    let calls = |figures: &HashMap<Vec<u64>, (u64, u64)>, path: &[u64]| {
        figures.get(path).map_or(0, |(calls, _)| *calls)
    };
    for (path, &(calls_found, _)) in found {
        assert!(calls_found <= calls(most, path), "{path:?}");
    }
    for (path, &(calls_least, _)) in least {
        assert!(calls(found, path) >= calls_least, "{path:?}");
    }
}

/// A file is not read in an instant: nodes may be of functions that were added meanwhile.
#[test]
fn calls_of_functions_that_were_not_there_yet_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    recorder.enter(2, 20);
    recorder.enter(3, 30);
    let mut bytes = std::fs::read(only_live(directory.path())).unwrap();
    let key = 2_u64.to_le_bytes();
    let nodes = bytes.chunks_exact_mut(64).skip(4096 / 64);
    let mut of_two = nodes.filter(|node| node[..8] == key && node[16..24] == 1_u64.to_le_bytes());
    of_two.next().unwrap()[12..16].copy_from_slice(&1000_u32.to_le_bytes());
    let names = |now| {
        let trees = live::read(&bytes, now).unwrap();
        let functions = trees.functions.into_iter();
        functions
            .map(|function| String::from_utf8(function.label.name.into()).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Now::Running), ["1"]);
    assert_eq!(names(Now::Gone), ["1", "<unknown function>", "3"]);
    recorder.free();
}
