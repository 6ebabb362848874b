//! A forked child and its parent's live file: it never writes there, and has its own
//! from its first call on.

use std::fs;

use edbprof::capi::*;
use edbprof::model::{NodeKind, Trees};

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
    // From the end of 2 until the last event: what was before is the parent's.
    assert_eq!(figures[&vec![1_u64]], (0, 45 + 10 * 4999 - 30));
    assert_eq!(figures[&vec![2]], (0, 10));
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
            let alone = if key == DEEP { 110 - key - 10 } else { 1 };
            assert_eq!(figures[&vec![key]], (0, alone));
        }
        // The main thread does not come back to its own, of which there is no node.
        assert_eq!(figures[&vec![1]], (1, 10));
        assert_eq!(figures.len() as u64, DEEP);
        recorder.free();
    }
}

#[test]
fn a_childs_calls_stand_below_a_node_for_it() {
    in_a_process_of_its_own("forked::stand_below_here");
}

#[test]
#[ignore = "run by the test above: it forks"]
fn stand_below_here() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    recorder.enter(2, 20);
    let parent = only_live(directory.path());
    in_child(|| {
        recorder.enter(3, 30);
        // Grandchildren have the child's calls and its parent's.
        in_child(|| {
            recorder.enter(4, 40);
            recorder.leave(4, 50);
            true
        });
        recorder.leave(3, 60);
        recorder.leave(2, 70);
        // A call of the child's own, which is not the one that it had inherited.
        recorder.enter(2, 80);
        recorder.leave(2, 85);
        recorder.leave(1, 90);
        recorder.enter(5, 100);
        recorder.leave(5, 110);
        true
    });
    let mut children = files(directory.path(), ".prof.live");
    children.retain(|path| *path != parent);
    let mut found: Vec<_> = children.iter().map(|path| texts(&read(path))).collect();
    found.sort();
    assert_eq!(
        found,
        [
            "forked in qualified > qualified 0 80; | 1 0 20; | | 2 1 5; | 2 0 50; | | 3 1 30; | 5 1 10; ",
            "forked in qualified > qualified > qualified 0 20; | 3 0 20; | | 4 1 10; ",
        ]
    );
    recorder.free();
}

/// Calls and ticks of the main thread's nodes, in the order of the nodes' depth and names.
fn texts(trees: &Trees) -> String {
    let nodes = &trees.threads[0].nodes;
    let text = |kind: u32| match &trees.kinds[kind as usize] {
        NodeKind::Forked { path } => format!("forked in {}", String::from_utf8_lossy(path)),
        _ => {
            let function = trees.function(kind).unwrap();
            String::from_utf8_lossy(&function.label.name).into_owned()
        }
    };
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut lines = Vec::new();
    for row in nodes.rows() {
        let above = paths.get(row.parent as usize);
        let mut path = above.cloned().unwrap_or_default();
        path.push(text(row.kind));
        let indent = "| ".repeat(path.len() - 1);
        let line = format!("{indent}{} {} {}; ", text(row.kind), row.calls, row.total);
        lines.push((path.clone(), line));
        paths.push(path);
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
