//! A process that is killed in the middle of calls, again and again at another moment.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;

use edbprof::model::Ending;

use super::counters::Counters;
use super::model::{self, Event, Program};
use super::recorder::{Recorder, only_live, read};
use super::timeline;

/// How many; `make soak` wants more than the ten that are fixed.
fn moments() -> std::ops::Range<u64> {
    let wanted = std::env::var("EDBPROF_MOMENTS");
    0..wanted.map_or(10, |number| number.parse().unwrap())
}

/// The child's part of the tests here; told what to do by its environment.
#[test]
#[ignore = "run by the other tests"]
fn child() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let directory = PathBuf::from(variable("LIVE_DIRECTORY"));
    let seed: u64 = variable("LIVE_SEED").parse().unwrap();
    let end: u64 = variable("LIVE_END").parse().unwrap();
    let returned = Counters::open(&directory.join("returned"));
    // Rust's own handler returns, expecting the fault to happen again.
    // SAFETY: the default is no function.
    unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
    let recorder = Recorder::with_timeline(&directory, 8 << 20);
    for (number, event) in (0..).zip(Program::new(seed)) {
        if number == end {
            match variable("LIVE_WAY").as_str() {
                // SAFETY: ends the process.
                "_exit" => unsafe { libc::_exit(3) },
                "abort" => std::process::abort(),
                // SAFETY: ends the process, with this thread in the middle of calls.
                way => {
                    assert_eq!(way, "exit in a thread");
                    // SAFETY: may be called by any thread.
                    std::thread::spawn(|| unsafe { libc::exit(3) });
                }
            }
        }
        match event {
            Event::Enter(key) => recorder.enter(key, model::tick(number)),
            Event::Leave(key) => recorder.leave(key, model::tick(number)),
        }
        returned[0].store(number + 1, Ordering::SeqCst);
    }
}

fn start(directory: &Path, seed: u64, way: &str, end: u64) -> (Child, Counters) {
    let returned = Counters::make(&directory.join("returned"));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--test-threads=1", "killed::child"])
        .env("LIVE_DIRECTORY", directory)
        .env("LIVE_SEED", seed.to_string())
        .env("LIVE_WAY", way)
        .env("LIVE_END", end.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, returned)
}

/// How many events have returned when the `moment`-th child is killed.
fn events_until(moment: u64) -> u64 {
    // From the first event to where file and log have grown several times.
    const FIXED: [u64; 10] = [1, 2, 7, 100, 1000, 3000, 9000, 15_000, 21_000, 30_000];
    let random = || 1 + RandomState::new().hash_one(moment) % 30_000;
    FIXED.get(moment as usize).copied().unwrap_or_else(random)
}

fn check(directory: &Path, seed: u64, returned: u64) {
    let path = only_live(directory);
    let trees = read(&path);
    assert_eq!(trees.processes[0].ending, Ending::Killed);
    assert_eq!(trees.processes[0].dropped_calls, 0);
    model::check(&model::figures_of(&trees), seed, returned);
    let of = timeline::read(&path);
    assert_eq!(of.process, trees.processes[0]);
    assert_eq!((of.complete_from, of.complete_to), (1, u64::MAX));
    model::check(&timeline::figures_of(&of), seed, returned);
}

fn killed_by(signal: i32) {
    for moment in moments() {
        let directory = tempfile::tempdir().unwrap();
        let seed = moment * 1000 + signal as u64;
        let (mut child, returned) = start(directory.path(), seed, "", u64::MAX);
        let end = events_until(moment);
        while returned[0].load(Ordering::SeqCst) < end {
            assert!(child.try_wait().unwrap().is_none(), "the child has ended");
            std::thread::yield_now();
        }
        // SAFETY: our own child, not waited for yet.
        assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
        assert!(!child.wait().unwrap().success());
        check(directory.path(), seed, returned[0].load(Ordering::SeqCst));
    }
}

#[test]
fn sigkill() {
    killed_by(libc::SIGKILL);
}

#[test]
fn sigterm() {
    killed_by(libc::SIGTERM);
}

#[test]
fn sigsegv() {
    killed_by(libc::SIGSEGV);
}

#[test]
fn ends_by_its_own() {
    for way in ["_exit", "abort", "exit in a thread"] {
        for moment in moments() {
            let directory = tempfile::tempdir().unwrap();
            let seed = moment + 77;
            let end = events_until(moment);
            let (mut child, returned) = start(directory.path(), seed, way, end);
            assert!(!child.wait().unwrap().success());
            let returned = returned[0].load(Ordering::SeqCst);
            assert!(returned >= end);
            check(directory.path(), seed, returned);
        }
    }
}
