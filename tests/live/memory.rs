//! Limits of memory: calls overflow, the program goes on, and each figure is still exact.

use edbprof::capi::EDBPROF_CLOCK_WALL;
use edbprof::model::{Trees, rows_of};

use super::in_a_process_of_its_own;
use super::model::{self, Event, Program};
use super::recorder::{Recorder, only_live, read};

fn limit_address_space(bytes: libc::rlim_t) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: a valid limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// Kilobytes of address space.
fn address_space() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmSize:"));
    let number = line.unwrap().split_ascii_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

fn calls(trees: &Trees) -> u64 {
    let rows = rows_of(trees);
    rows.iter().map(|(_, row)| row.counts.nc as u64).sum()
}

#[test]
fn memory_is_refused_in_the_middle() {
    in_a_process_of_its_own("memory::memory_is_refused_in_the_middle_here");
}

#[test]
#[ignore = "run by the test above: the limit is the whole process's"]
fn memory_is_refused_in_the_middle_here() {
    const EVENTS: usize = 30_000;
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    let events: Vec<_> = (0..).zip(Program::new(4)).take(EVENTS).collect();
    let mut entered = 0;
    let (before, after) = events.split_at(200);
    let mut play = |&(number, event): &(u64, Event)| match event {
        Event::Enter(key) => {
            entered += 1;
            recorder.enter_if_possible(key, model::tick(number));
        }
        Event::Leave(key) => recorder.leave_if_possible(key, model::tick(number)),
    };
    before.iter().for_each(&mut play);
    limit_address_space(1);
    after.iter().for_each(&mut play);
    limit_address_space(libc::RLIM_INFINITY);
    let trees = read(&only_live(directory.path()));
    let dropped = trees.processes[0].dropped_calls;
    assert!(dropped > 0, "nothing was refused");
    assert_eq!(calls(&trees) + dropped, entered);
    assert!(!trees.threads[0].overflow.is_empty());
    // Memory that there is again is used.
    recorder.save(0);
    recorder.free();
}

#[test]
fn a_limit_leaves_the_program_its_address_space() {
    in_a_process_of_its_own("memory::a_limit_leaves_the_program_its_address_space_here");
}

#[test]
#[ignore = "run by the test above: the limit is the whole process's"]
fn a_limit_leaves_the_program_its_address_space_here() {
    let directory = tempfile::tempdir().unwrap();
    let before = address_space();
    let recorder = Recorder::with(directory.path(), EDBPROF_CLOCK_WALL);
    recorder.enter(1, 0);
    assert!(
        address_space() - before < 2 << 10,
        "a recording that begins is small"
    );
    // Set by the program later.
    limit_address_space(4 << 30);
    for key in 2..200_000 {
        recorder.define(key % 1000 + 2);
        recorder.enter_if_possible(key % 1000 + 2, 0);
        if key % 500 == 0 {
            for key in (key - 499..=key).rev() {
                recorder.leave_if_possible(key % 1000 + 2, 0);
            }
        }
    }
    let taken = address_space() - before;
    assert!(taken < 16 << 10, "{taken} KiB");
    recorder.free();
}
