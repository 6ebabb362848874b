//! Calls that were open when their process was killed.

use std::io::Cursor;

use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::live::{self, EndTime, Now, note_end};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{Trees, UnfinishedCalls};
use edbprof::report::View;
use edbprof::report::top::functions;
use edbprof::report::tree::{TreeOptions, tree};

use crate::live_file::{killed, several_threads};

/// Numbers of clocks in the header.
const TSC: u8 = 0;
const MONOTONIC: u8 = 1;
const CPU: u8 = 2;
const HOST: u8 = 3;

fn with_clock(mut file: Vec<u8>, clock: u8) -> Vec<u8> {
    file[20] = clock;
    file
}

fn read(file: &[u8]) -> Trees {
    live::read(file, Now::Gone).unwrap()
}

/// Totals of the roots of the second thread, whose latest event was at tick 4500. A call there
/// is open since tick 20, and below a hidden one. The first thread's latest event was at 5000.
fn total(trees: &Trees) -> u64 {
    trees.threads[1].nodes.totals()[1]
}

fn calls(trees: &Trees, thread: usize) -> Vec<(&str, u64, u64)> {
    let unfinished = trees.threads[thread].unfinished.iter();
    let name = |calls: &UnfinishedCalls| {
        let function = trees.function(calls.kind).unwrap();
        std::str::from_utf8(&function.label.name).unwrap()
    };
    unfinished
        .map(|calls| (name(calls), calls.calls, calls.innermost))
        .collect()
}

#[test]
fn they_last_until_the_latest_event_of_any_thread() {
    for clock in [TSC, MONOTONIC] {
        let trees = read(&with_clock(several_threads(), clock));
        assert_eq!(total(&trees), 4980);
        assert_eq!(trees.processes[0].duration_ns, 5000);
    }
    // Clocks that threads do not share.
    for clock in [CPU, HOST] {
        let trees = read(&with_clock(several_threads(), clock));
        assert_eq!(total(&trees), 4480);
    }
}

#[test]
fn they_are_counted_by_function() {
    let trees = read(&several_threads());
    assert_eq!(calls(&trees, 0), []);
    assert_eq!(calls(&trees, 1), [("main", 1, 1)]);
    let running = live::read(&several_threads(), Now::Running).unwrap();
    assert_eq!(calls(&running, 1), []);
}

#[test]
fn they_last_until_the_end_was_noticed() {
    for clock in [TSC, MONOTONIC] {
        let mut file = with_clock(killed(1, 3), clock);
        note_end(Cursor::new(&mut file), EndTime::now(), 7).unwrap();
        let end = u64::from_le_bytes(file[136..144].try_into().unwrap());
        let trees = read(&file);
        assert_eq!(trees.threads[0].nodes.totals(), [end - 10]);
        assert_eq!(calls(&trees, 0), []);
        // The first notice is the best.
        note_end(Cursor::new(&mut file), EndTime::now(), 7).unwrap();
        assert_eq!(read(&file), trees);
    }
    for clock in [CPU, HOST] {
        let mut file = with_clock(killed(1, 3), clock);
        note_end(Cursor::new(&mut file), EndTime::now(), 7).unwrap();
        let trees = read(&file);
        assert_eq!(trees.threads[0].nodes.totals(), [990]);
        assert_eq!(calls(&trees, 0), [("main", 1, 1)]);
    }
}

/// As a counter that was reset, or a file of somebody else's, may say.
#[test]
fn an_end_before_the_latest_event_is_none() {
    for end in [1_u64, 999, u64::MAX] {
        let mut file = with_clock(killed(1, 3), MONOTONIC);
        file[136..144].copy_from_slice(&end.to_le_bytes());
        let trees = read(&file);
        assert_eq!(trees.threads[0].nodes.totals(), [990], "{end}");
        assert_eq!(calls(&trees, 0), [("main", 1, 1)]);
    }
}

#[test]
fn only_live_files_get_an_end() {
    for (at, byte) in [(0, b'x'), (8, 1), (8, 3)] {
        let mut file = with_clock(killed(1, 3), MONOTONIC);
        file[at] = byte;
        let before = file.clone();
        assert!(note_end(Cursor::new(&mut file), EndTime::now(), 7).is_err());
        assert_eq!(file, before);
    }
}

fn merged(inputs: impl IntoIterator<Item = Trees>) -> Profile {
    let mut merger = Merger::new();
    for trees in inputs {
        merger.add("a.prof", ProfFile::Exact(trees, PlainInputs::default()));
    }
    merger.finish().profile
}

#[test]
fn they_add_up_in_merges() {
    let first = merged([read(&killed(1, 3)), read(&killed(3, 1))]);
    let profile = merged([first.trees().clone(), read(&several_threads())]);
    let trees = profile.trees();
    let all: u64 = trees.threads[0].unfinished.iter().map(|of| of.calls).sum();
    assert_eq!(all, 3);
}

#[test]
fn their_functions_times_are_marked() {
    let profile = merged([read(&killed(1, 3))]);
    let view = View::new(&profile);
    assert_eq!(
        view.remarks(),
        [
            "Unfinished at a kill: 1 call of 1 function, innermost main; their times are lower bounds."
        ]
    );
    let lines = functions(&view, &Default::default(), 9, &Default::default());
    assert!(lines.contains("  ≥ 990 ns 100.0 %  ≥ 990 ns  "), "{lines}");
    let lines = tree(&view, &TreeOptions::default());
    assert!(lines.contains("  ≥ 990 ns  100.0 %  ≥ 990 ns  "), "{lines}");
    assert!(lines.ends_with("had not ended at a kill\n"), "{lines}");
}
