//! Live files whose clock has stood still, was reset, or is not the counter.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use edbprof::capi::*;
use edbprof::format::live::{self, Now};
use edbprof::model::Trees;

use super::recorder::{Recorder, only_live};

/// Where the header's fields are: see the table of the format.
const EPOCH: usize = 80;
const MOMENT_TSC: usize = 96;
const MOMENT_NS: usize = 104;
const MOMENT_SUSPENDED: usize = 160;

fn field(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn set(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// The live file of a call on the wall clock, open since the recording began.
fn open_call(directory: &Path) -> (Recorder, Vec<u8>) {
    let recorder = Recorder::with(directory, EDBPROF_CLOCK_WALL);
    recorder.enter(1, 0);
    let bytes = fs::read(only_live(directory)).unwrap();
    (recorder, bytes)
}

/// What is read while the process runs, unless its clock is no counter.
fn read_counter(bytes: &[u8]) -> Option<Trees> {
    let trees = live::read(bytes, Now::Running).unwrap();
    (*trees.processes[0].clock == *b"tsc").then_some(trees)
}

#[test]
fn a_counter_that_was_reset_makes_no_open_call_longer() {
    let directory = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let (recorder, mut bytes) = open_call(directory.path());
    if let Some(trees) = read_counter(&bytes) {
        let total = Duration::from_nanos(trees.threads[0].nodes.totals()[0]);
        assert!(total > Duration::ZERO && total < begun.elapsed() * 2);
        let ahead = field(&bytes, EPOCH) + (1 << 60);
        set(&mut bytes, EPOCH, ahead);
        let trees = read_counter(&bytes).unwrap();
        assert_eq!(trees.threads[0].nodes.totals(), [0]);
    }
    recorder.free();
}

/// The counter has counted on for half a hundredth of the time, while the system was
/// suspended.
#[test]
fn a_suspension_does_not_spoil_the_rate() {
    let directory = tempfile::tempdir().unwrap();
    let (recorder, mut bytes) = open_call(directory.path());
    if let Some(trees) = read_counter(&bytes) {
        let rate = trees.processes[0].clock_resolution_ns;
        let span = field(&bytes, MOMENT_NS) / 2;
        let suspended = span / 200;
        assert!(
            suspended > 1_000_000,
            "the machine has only just been started"
        );
        let ticks = (span + suspended) as f64 / rate;
        let tsc = field(&bytes, MOMENT_TSC).wrapping_sub(ticks as u64);
        let before = field(&bytes, MOMENT_SUSPENDED).wrapping_sub(suspended);
        set(&mut bytes, MOMENT_NS, span);
        set(&mut bytes, MOMENT_TSC, tsc);
        let rate_over_all =
            |bytes: &[u8]| read_counter(bytes).unwrap().processes[0].clock_resolution_ns;
        let wrong = rate_over_all(&bytes) / rate;
        assert!((0.994..0.996).contains(&wrong), "{wrong}");
        set(&mut bytes, MOMENT_SUSPENDED, before);
        let right = rate_over_all(&bytes) / rate;
        assert!((0.999..1.001).contains(&right), "{right}");
    }
    recorder.free();
}

#[test]
fn the_system_clock_is_taken_where_the_counter_is_forbidden() {
    super::in_a_process_of_its_own_with(
        &[("EDBPROF_NO_TSC", "1")],
        "clocks::without_the_counter_here",
    );
}

#[test]
#[ignore = "run by the test above: the environment is the whole process's"]
fn without_the_counter_here() {
    let directory = tempfile::tempdir().unwrap();
    let before = Instant::now();
    let recorder = Recorder::with(directory.path(), EDBPROF_CLOCK_WALL);
    recorder.enter(1, 0);
    // Making the file is no part of the call.
    let begun = Instant::now();
    let bytes = fs::read(only_live(directory.path())).unwrap();
    let least = begun.elapsed();
    let trees = live::read(&bytes, Now::Running).unwrap();
    let most = before.elapsed();
    let process = &trees.processes[0];
    assert_eq!(*process.clock, *b"monotonic");
    assert!((1.0..1e8).contains(&process.clock_resolution_ns));
    // Both read the same clock.
    let total = Duration::from_nanos(trees.threads[0].nodes.totals()[0]);
    assert!(
        least <= total && total <= most,
        "{least:?} {total:?} {most:?}"
    );
    recorder.free();
}
