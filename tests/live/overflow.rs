//! A recording that has no room for all contexts: what its live file has at any moment
//! is exact by function all the same.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edbprof::format::live::{self, Now};
use edbprof::model::{Trees, rows_of};

use super::model::{self, Event, Program};
use super::recorder::{Recorder, check_form, files, only_live, read};

/// Calls and self ticks by function.
type ByFunction = HashMap<u64, (u64, u64)>;

/// What the first events of the program with that seed make.
fn after(seed: u64, events: u64) -> ByFunction {
    let mut functions = ByFunction::new();
    let mut open: Vec<u64> = Vec::new();
    let mut before = 0;
    for (number, event) in (0..events).zip(Program::new(seed)) {
        let now = model::tick(number);
        if let Some(running) = open.last() {
            functions.get_mut(running).unwrap().1 += now - before;
        }
        before = now;
        match event {
            Event::Enter(key) => {
                functions.entry(key).or_default().0 += 1;
                open.push(key);
            }
            Event::Leave(_) => {
                open.pop();
            }
        }
    }
    functions
}

/// By the rows, which add up the tree and what is overflow.
fn found(trees: &Trees) -> ByFunction {
    let rows = rows_of(trees);
    let figures = rows.iter().map(|(id, row)| {
        let name = std::str::from_utf8(&rows.label(id).name).unwrap();
        let ticks = (row.counts.tt * 1e9).round() as u64;
        (name.parse().unwrap(), (row.counts.nc as u64, ticks))
    });
    // A function may be there before its first call.
    figures.filter(|(_, figures)| *figures != (0, 0)).collect()
}

fn play(recorder: &Recorder, number: u64, event: Event) {
    match event {
        Event::Enter(key) => recorder.enter(key, model::tick(number)),
        Event::Leave(key) => recorder.leave(key, model::tick(number)),
    }
}

#[test]
fn it_is_exact_after_any_event() {
    const SEED: u64 = 5;
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::with_room(directory.path(), 64);
    let mut overflow = 0;
    for (number, event) in (0..1500).zip(Program::new(SEED)) {
        play(&recorder, number, event);
        if number % 7 == 0 {
            let trees = read(&only_live(directory.path()));
            assert_eq!(found(&trees), after(SEED, number + 1), "{number}");
            overflow = trees.threads[0].overflow.len();
        }
    }
    assert!(overflow > 30);
    recorder.free();
}

/// The child's part of the next test.
#[test]
#[ignore = "run by the next test"]
fn child() {
    let directory = PathBuf::from(std::env::var("OVERFLOW_DIRECTORY").unwrap());
    let seed = std::env::var("OVERFLOW_SEED").unwrap().parse().unwrap();
    let recorder = Recorder::with_room(&directory, 64);
    for (number, event) in (0..).zip(Program::new(seed)) {
        play(&recorder, number, event);
    }
}

#[test]
fn it_is_exact_wherever_the_process_is_killed() {
    for moment in 1..=10 {
        let directory = tempfile::tempdir().unwrap();
        let seed = moment * 100 + 3;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--test-threads=1",
                "overflow::child",
            ])
            .env("OVERFLOW_DIRECTORY", directory.path())
            .env("OVERFLOW_SEED", seed.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while calls_so_far(directory.path()) < 700 * moment {
            assert!(child.try_wait().unwrap().is_none(), "the child has ended");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let trees = read(&only_live(directory.path()));
        assert!(!trees.threads[0].overflow.is_empty());
        check(&found(&trees), seed);
    }
}

fn calls_so_far(directory: &Path) -> u64 {
    let live = files(directory, ".prof.live");
    let bytes = live.first().and_then(|path| std::fs::read(path).ok());
    let Some(Ok(trees)) = bytes.map(|bytes| live::read(&bytes, Now::Running)) else {
        return 0;
    };
    check_form(&trees);
    found(&trees).values().map(|(calls, _)| calls).sum()
}

/// Fails unless this lies between what some number of events make and what one more
/// makes, of which any part may have happened.
fn check(found: &ByFunction, seed: u64) {
    let calls: u64 = found.values().map(|(calls, _)| calls).sum();
    let is_between = |events| {
        let (least, most) = (after(seed, events), after(seed, events + 1));
        let figures = |of: &ByFunction, key| of.get(key).copied().unwrap_or_default();
        let within = |least: (u64, u64), at: (u64, u64), most: (u64, u64)| {
            least.0 <= at.0 && at.0 <= most.0 && least.1 <= at.1 && at.1 <= most.1
        };
        found.keys().chain(most.keys()).all(|key| {
            within(
                figures(&least, key),
                figures(found, key),
                figures(&most, key),
            )
        })
    };
    // After the call that was counted last there were a few events that are none.
    let mut so_far = 0;
    let mut candidates = (0..)
        .zip(Program::new(seed))
        .skip_while(|(_, event)| {
            so_far += u64::from(matches!(event, Event::Enter(_)));
            so_far < calls
        })
        .map(|(number, _)| number)
        .take(60);
    assert!(candidates.any(is_between), "{calls} calls: {found:?}");
}
