//! A forked child and its parent's live file: it never writes there, and has its own
//! from its first call on.

use std::fs;

use edbprof::capi::*;
use edbprof::model::Trees;

use super::in_a_process_of_its_own;
use super::model::figures_of;
use super::recorder::{Recorder, attach, files, only_live, read};

/// Runs `body` in a forked child, which must end well.
fn in_child(body: impl FnOnce() -> bool) {
    // SAFETY: the child uses nothing that another thread may have held but the
    // allocator, which the C library keeps in order.
    match unsafe { libc::fork() } {
        0 => {
            let body = std::panic::AssertUnwindSafe(body);
            let done = std::panic::catch_unwind(body).unwrap_or(false);
            // SAFETY: ends the child without the test harness in it.
            unsafe { libc::_exit(i32::from(!done)) }
        }
        child => {
            assert!(child > 0);
            let mut status = -1;
            // SAFETY: a valid place for the answer.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
}

/// The file of the one child among those of `directory`.
fn of_child(directory: &std::path::Path, parent: &std::path::Path) -> Trees {
    let mut files = files(directory, ".prof.live");
    files.retain(|path| path != parent);
    assert_eq!(files.len(), 1);
    read(&files[0])
}

#[test]
fn a_child_leaves_its_parents_file_alone() {
    in_a_process_of_its_own("forked::leaves_alone_here");
}

#[test]
#[ignore = "run by the test above: it forks"]
fn leaves_alone_here() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    recorder.enter(2, 20);
    let parent = only_live(directory.path());
    let before = fs::read(&parent).unwrap();
    in_child(|| {
        // Leaving what the parent has entered makes no file.
        recorder.leave(2, 30);
        let none = only_live(directory.path()) == parent;
        for round in 0..5000 {
            recorder.enter(3 + round % 1000, 40 + 10 * round);
            recorder.leave(3 + round % 1000, 45 + 10 * round);
        }
        none
    });
    assert_eq!(fs::read(&parent).unwrap(), before);
    let figures = figures_of(&of_child(directory.path(), &parent));
    assert_eq!(figures[&vec![1_u64]].0, 0);
    assert_eq!(figures[&vec![1, 2]], (0, 10));
    assert_eq!(figures[&vec![1, 3]], (5, 25));
    assert_eq!(figures.len(), 1002);
    recorder.leave(2, 50);
    recorder.leave(1, 60);
    assert_eq!(figures_of(&read(&parent))[&vec![1]], (1, 50));
    recorder.free();
}

#[test]
fn calls_end_while_another_thread_of_the_child_begins() {
    in_a_process_of_its_own("forked::ends_while_another_begins_here");
}

#[test]
#[ignore = "run by the test above: it forks"]
fn ends_while_another_begins_here() {
    const DEEP: u64 = 60;
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(directory.path());
        for key in 1..=DEEP {
            recorder.enter(key, 10);
        }
        let parent = only_live(directory.path());
        in_child(|| {
            let recording = recorder.recording.expose_provenance();
            let other = std::thread::spawn(move || {
                let recording = std::ptr::with_exposed_provenance_mut(recording);
                let thread = attach(recording, b"other");
                // SAFETY: a handle of this thread's.
                unsafe {
                    let status = edbprof_enter_at(thread, 1, 10);
                    assert_eq!(status, edbprof_status::EDBPROF_OK);
                    edbprof_leave_at(thread, 1, 20) == edbprof_status::EDBPROF_OK
                }
            });
            // Not one end may be lost when the file takes the place of the memory.
            for key in (2..=DEEP).rev() {
                recorder.leave(key, 110 - key);
            }
            other.join().unwrap()
        });
        let child = of_child(directory.path(), &parent);
        let figures = figures_of(&child);
        for key in 2..=DEEP {
            let path: Vec<u64> = (1..=key).collect();
            assert_eq!(figures[&path], (0, 100 - key));
        }
        // The main thread's is open until its last event, at 108.
        assert_eq!(figures[&vec![1]], (1, 98 + 10));
        recorder.free();
    }
}
