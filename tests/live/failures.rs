//! What can't be had: the program goes on unharmed, and is told once.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use edbprof::capi::edbprof_status::{EDBPROF_IN_MEMORY_ONLY, EDBPROF_NOT_DUE, EDBPROF_OK};
use edbprof::format::prof::{self, ProfFile};

use super::in_a_process_of_its_own;
use super::model::{self, Event, Program};
use super::recorder::{Recorder, files, only_live, read};

pub(super) const EVENTS: u64 = 20_000;

pub(super) fn run(recorder: &Recorder, events: std::ops::Range<u64>) {
    let program = (0..events.end).zip(Program::new(4));
    for (number, event) in program.skip(events.start as usize) {
        match event {
            Event::Enter(key) => recorder.enter(key, model::tick(number)),
            Event::Leave(key) => recorder.leave(key, model::tick(number)),
        }
    }
}

/// Says once that it records in memory only, naming `what`; and has lost nothing.
pub(super) fn check_told_once(recorder: &Recorder, what: &str) {
    assert_eq!(recorder.call_ended(), EDBPROF_IN_MEMORY_ONLY);
    let text = recorder.error();
    assert!(text.contains(what) && text.contains("in memory"), "{text}");
    assert_eq!(recorder.call_ended(), EDBPROF_NOT_DUE);
}

pub(super) fn check_saved(recorder: &Recorder, directory: &Path) {
    recorder.save(0);
    let path = files(directory, ".prof").remove(0);
    let ProfFile::Exact(trees, _) = prof::read(&fs::read(path).unwrap()).unwrap() else {
        panic!("no trees");
    };
    assert_eq!(model::figures_of(&trees), model::figures_after(4, EVENTS));
}

#[test]
fn the_directory_is_removed_meanwhile() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("in");
    fs::create_dir(&directory).unwrap();
    let recorder = Recorder::new(&directory);
    run(&recorder, 0..10);
    let live = only_live(&directory);
    fs::remove_dir_all(&directory).unwrap();
    run(&recorder, 10..EVENTS);
    check_told_once(&recorder, live.to_str().unwrap());
    fs::create_dir(&directory).unwrap();
    check_saved(&recorder, &directory);
    recorder.free();
}

#[test]
fn another_file_takes_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    run(&recorder, 0..10);
    let live = only_live(directory.path());
    fs::remove_file(&live).unwrap();
    fs::write(&live, b"precious").unwrap();
    run(&recorder, 10..EVENTS);
    check_told_once(&recorder, "replaced");
    check_saved(&recorder, directory.path());
    recorder.free();
    assert_eq!(fs::read(&live).unwrap(), b"precious");
}

#[test]
fn there_is_no_directory() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("in");
    let recorder = Recorder::new(&directory);
    run(&recorder, 0..EVENTS);
    check_told_once(&recorder, directory.to_str().unwrap());
    fs::create_dir(&directory).unwrap();
    check_saved(&recorder, &directory);
    recorder.free();
}

fn limit_files(len: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a valid place for the answer, and a valid limit.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit), 0);
        limit.rlim_cur = len;
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

#[test]
fn files_may_not_grow() {
    in_a_process_of_its_own("failures::files_may_not_grow_here");
}

#[test]
#[ignore = "run by the test above: the limit is the whole process's"]
fn files_may_not_grow_here() {
    let directory = tempfile::tempdir().unwrap();
    limit_files(200_000);
    let recorder = Recorder::new(directory.path());
    run(&recorder, 0..EVENTS);
    check_told_once(&recorder, "File too large");
    // What the file has room for goes on being in it, and well formed.
    let trees = read(&only_live(directory.path()));
    let calls: u64 = trees.threads[0].nodes.calls().iter().sum();
    assert!(calls > 1000);
    limit_files(libc::RLIM_INFINITY);
    check_saved(&recorder, directory.path());
    recorder.free();
}

#[test]
fn not_even_a_small_file_can_be_had() {
    in_a_process_of_its_own("failures::not_even_a_small_file_can_be_had_here");
}

#[test]
#[ignore = "run by the test above: the limit is the whole process's"]
fn not_even_a_small_file_can_be_had_here() {
    let directory = tempfile::tempdir().unwrap();
    limit_files(10_000);
    let recorder = Recorder::new(directory.path());
    run(&recorder, 0..EVENTS);
    check_told_once(&recorder, "File too large");
    assert!(files(directory.path(), "").is_empty());
    limit_files(libc::RLIM_INFINITY);
    check_saved(&recorder, directory.path());
    recorder.free();
}

/// What another user owns can't be written to.
#[test]
fn the_directory_is_read_only() {
    in_a_process_of_its_own("failures::the_directory_is_read_only_here");
}

#[test]
#[ignore = "run by the test above: the user is the whole process's"]
fn the_directory_is_read_only_here() {
    let set_mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("in");
    fs::create_dir(&directory).unwrap();
    set_mode(parent.path(), 0o755).unwrap();
    set_mode(&directory, 0o555).unwrap();
    // SAFETY: changes numbers of this process only.
    let is_root = unsafe { libc::geteuid() } == 0;
    if is_root {
        // Root may write anywhere.
        // SAFETY: as above.
        assert_eq!(unsafe { libc::seteuid(65534) }, 0);
    }
    let recorder = Recorder::new(&directory);
    run(&recorder, 0..EVENTS);
    check_told_once(&recorder, "Permission denied");
    if is_root {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::seteuid(0) }, 0);
    }
    set_mode(&directory, 0o755).unwrap();
    assert!(files(&directory, "").is_empty());
    check_saved(&recorder, &directory);
    recorder.free();
}

#[test]
fn a_recording_without_a_place_tells_too() {
    let parent = tempfile::tempdir().unwrap();
    let recorder = Recorder::without_place(&parent.path().join("in"));
    assert_eq!(recorder.check(), EDBPROF_OK);
    run(&recorder, 0..EVENTS);
    assert_eq!(recorder.check(), EDBPROF_IN_MEMORY_ONLY);
    assert!(recorder.error().contains("in memory"));
    assert_eq!(recorder.check(), EDBPROF_OK);
    recorder.free();
}
