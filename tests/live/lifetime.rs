//! When a live file is there, and what is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use edbprof::capi::*;
use edbprof::format::live::{self, Now};
use edbprof::format::prof::{self, ProfFile};
use edbprof::model::{Cost, Ending, Trees};

use super::model::{self, Event, Program};
use super::recorder::{HIDDEN, Recorder, attach, detach, files, only_live, read};

fn saved(path: &std::path::Path) -> Trees {
    match prof::read(&fs::read(path).unwrap()).unwrap() {
        ProfFile::Exact(trees, _) => trees,
        ProfFile::Plain(_) => panic!("no trees"),
    }
}

#[test]
fn it_says_what_recording_costs_once_that_is_known() {
    let calibration = |path: &std::path::Path| read(path).processes[0].calibration;
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    let path = only_live(directory.path());
    assert_eq!(calibration(&path), None);
    recorder.set_calibration([1, 2, 3, 4, 5, u32::MAX, 7, 8, 9, 10, 11, 12]);
    recorder.leave(1, 20);
    recorder.save(0);
    let found = calibration(&path).unwrap();
    let costs = [(1, 2), (3, 4), (5, u32::MAX), (7, 8), (9, 10)];
    assert_eq!(
        found.costs,
        costs.map(|(callee, caller)| Cost { callee, caller })
    );
    assert_eq!((found.class_call, found.slowed_ppm), (11, 12));
    let prof = files(directory.path(), ".prof").remove(0);
    assert_eq!(saved(&prof).processes[0].calibration, Some(found));
    recorder.set_calibration([0; 12]);
    assert_eq!(calibration(&path), None);
    recorder.free();

    // Known before there is a file.
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.set_calibration([7; 12]);
    recorder.enter(1, 10);
    let path = only_live(directory.path());
    let found = calibration(&path).unwrap();
    assert_eq!((found.costs[4].caller, found.slowed_ppm), (7, 7));
    recorder.free();
}

#[test]
fn calls_of_classes_are_in_it_and_in_the_prof_once_their_cost_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.count_class_call();
    recorder.enter(1, 10);
    recorder.enter(2, 20);
    recorder.count_class_call();
    recorder.count_class_call();
    recorder.leave(2, 30);
    recorder.count_class_call();
    let class_calls = |trees: Trees| trees.threads[0].class_calls.clone();
    let path = only_live(directory.path());
    assert!(class_calls(read(&path)).is_empty());
    recorder.set_calibration([1; 12]);
    assert_eq!(class_calls(read(&path)), [1, 2]);
    // Those of a hidden function are its caller's.
    recorder.enter(HIDDEN, 40);
    recorder.count_class_call();
    recorder.leave(HIDDEN, 50);
    recorder.enter(3, 60);
    recorder.leave(3, 70);
    assert_eq!(class_calls(read(&path)), [2, 2, 0]);
    recorder.save(0);
    let prof = files(directory.path(), ".prof").remove(0);
    assert_eq!(class_calls(saved(&prof)), [2, 2, 0]);

    // Files of version 1 have the costs elsewhere; the first ones had six of them, and the
    // recorder's own where calls of classes are counted now.
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 1;
    bytes[176..256].fill(0);
    for (number, at) in (1_u32..).zip((132..156).step_by(4)) {
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    let trees = live::read(&bytes, Now::Gone).unwrap();
    let found = trees.processes[0].calibration.unwrap();
    let costs = [(1, 2), (3, 4), (5, 6), (0, 0), (0, 0)];
    assert_eq!(
        found.costs,
        costs.map(|(callee, caller)| Cost { callee, caller })
    );
    assert_eq!((found.class_call, found.slowed_ppm), (0, 0));
    assert!(class_calls(trees).is_empty());
    recorder.free();
}

#[test]
fn it_is_there_from_the_first_event_until_the_recording_is_freed() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.define(1);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    recorder.enter(1, 10);
    let path = only_live(directory.path());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    recorder.leave(1, 20);
    recorder.enter(2, 30);
    recorder.save(0);
    assert_eq!(only_live(directory.path()), path);
    let prof = files(directory.path(), ".prof").remove(0);
    assert_eq!(format!("{}.live", prof.display()), path.to_str().unwrap());

    // Both files say the same, but for how it ended and how long it took.
    let (mut of_live, mut of_prof) = (read(&path), saved(&prof));
    assert_eq!(of_live.processes[0].ending, Ending::Killed);
    // Seen from outside, nobody knows how long the open call lasted.
    let unfinished = std::mem::take(&mut of_live.threads[0].unfinished);
    assert_eq!((unfinished[0].calls, unfinished[0].innermost), (1, 1));
    for trees in [&mut of_live, &mut of_prof] {
        trees.processes[0].ending = Ending::Running;
        trees.processes[0].duration_ns = 0;
        trees.processes[0].processor_ns = 0;
    }
    // The host's clock stands still for the saver.
    assert_eq!(of_live, of_prof);

    recorder.leave(2, 40);
    recorder.save(EDBPROF_SAVE_AT_EXIT);
    assert_eq!(read(&path).processes[0].ending, Ending::Finished);
    // What comes after the last save is saved when the recording is freed.
    recorder.enter(2, 50);
    recorder.leave(2, 60);
    recorder.free();
    assert_eq!(files(directory.path(), ""), std::slice::from_ref(&prof));
    assert_eq!(saved(&prof).threads[0].nodes.calls(), [1, 2]);
}

#[test]
fn a_last_save_removes_it_at_once_and_recording_may_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    recorder.leave(1, 20);
    recorder.save(EDBPROF_SAVE_AT_EXIT | EDBPROF_SAVE_REMOVE_LIVE_FILE);
    assert!(files(directory.path(), ".live").is_empty());
    for (number, event) in (10..20_000).zip(Program::new(1)) {
        match event {
            Event::Enter(key) => recorder.enter(key, model::tick(number)),
            Event::Leave(key) => recorder.leave(key, model::tick(number)),
        }
    }
    assert_eq!(recorder.call_ended(), edbprof_status::EDBPROF_NOT_DUE);
    recorder.free();
    assert!(files(directory.path(), ".live").is_empty());
}

/// A thread of a daemon's may save after a call while the process ends.
#[test]
fn a_save_after_the_last_one_leaves_the_process_ended() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    recorder.leave(1, 20);
    let path = only_live(directory.path());
    recorder.save(EDBPROF_SAVE_AT_EXIT);
    recorder.enter(1, 30);
    recorder.leave(1, 40);
    recorder.save(0);
    assert_eq!(read(&path).processes[0].ending, Ending::Finished);
    let [prof] = &files(directory.path(), ".prof")[..] else {
        panic!("one file")
    };
    assert_eq!(saved(prof).processes[0].ending, Ending::Finished);
    recorder.free();
}

/// Without one, what was recorded would be lost.
#[test]
fn a_large_recording_is_saved_after_calls_only_without_a_live_file() {
    let directory = tempfile::tempdir().unwrap();
    for has_live_file in [true, false] {
        let recorder = match has_live_file {
            true => Recorder::new(directory.path()),
            false => Recorder::without_live_file(directory.path()),
        };
        for key in 0..20_000 {
            recorder.enter(10 + key, 10 + key);
            recorder.leave(10 + key, 10 + key);
        }
        let (status, saved) = match has_live_file {
            true => (edbprof_status::EDBPROF_NOT_DUE, 0),
            false => (edbprof_status::EDBPROF_OK, 1),
        };
        assert_eq!(recorder.call_ended_of(1), status);
        assert_eq!(files(directory.path(), ".prof").len(), saved);
        recorder.free();
    }
}

#[test]
fn freed_without_saving_it_goes_too() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.enter(1, 10);
    recorder.free();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn all_that_is_known_of_the_process_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::with(directory.path(), EDBPROF_CLOCK_WALL);
    recorder.enter(5, 10);
    let path = only_live(directory.path());
    let trees = live::read(&fs::read(&path).unwrap(), Now::Running).unwrap();
    recorder.save(0);
    let saved = saved(&files(directory.path(), ".prof")[0]);
    assert_eq!(trees.recordings, saved.recordings);
    assert_eq!(trees.functions, saved.functions);
    let (of_live, of_prof) = (&trees.processes[0], &saved.processes[0]);
    assert_eq!(of_live.argv, of_prof.argv);
    assert_eq!(
        (of_live.identity, of_live.parent_pid, &of_live.clock),
        (of_prof.identity, of_prof.parent_pid, &of_prof.clock)
    );
    assert_eq!(
        (&*of_live.host, &*of_live.hook),
        (&b"a host"[..], &b"a hook"[..])
    );
    assert_eq!(of_live.start_unix_ns, of_prof.start_unix_ns);
    assert_eq!(of_live.ending, Ending::Running);
    let resolutions = of_live.clock_resolution_ns / of_prof.clock_resolution_ns;
    assert!((0.9..1.1).contains(&resolutions), "{resolutions}");
    let facts = live::facts(&fs::read(&path).unwrap()).unwrap();
    assert!(facts.process.is_running());
    recorder.free();
}

/// A thread's only call.
fn call(thread: *mut edbprof_thread) {
    // SAFETY: a handle of this thread's, and a function that is defined.
    unsafe {
        let _ = edbprof_enter_at(thread, 1, 20);
        let _ = edbprof_leave_at(thread, 1, 30);
    }
}

#[test]
fn it_says_which_trees_several_threads_have_recorded_in() {
    const OWN: usize = 256;
    for first_event in [0, OWN + 5] {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(directory.path());
        recorder.define(1);
        for number in 0..OWN + 10 {
            let thread = attach(recorder.recording, format!("T-{number}").as_bytes());
            if number >= first_event {
                call(thread);
            }
            detach(thread);
        }
        let unlike = attach(recorder.recording, b"something else");
        call(unlike);
        recorder.save(0);
        let of_live = read(&only_live(directory.path())).threads;
        let of_prof = saved(&files(directory.path(), ".prof").remove(0)).threads;
        assert!(of_live == of_prof);
        let has = |name: &[u8], threads| {
            let mut trees = of_live.iter();
            trees.any(|tree| *tree.name == *name && tree.threads == threads)
        };
        // The main thread's tree is one of them.
        assert!(has(b"T-#", 12));
        assert_eq!(has(b"T-7", 1), first_event == 0);
        assert!(first_event != 0 || has(b"various", 2));
        recorder.free();
    }
}

#[test]
fn its_size_does_not_grow_with_the_number_of_threads() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    recorder.define(1);
    let live_through = |threads: u32| {
        for number in 0..threads {
            let thread = attach(recorder.recording, format!("T-{number}").as_bytes());
            call(thread);
            detach(thread);
        }
        fs::metadata(only_live(directory.path())).unwrap().len()
    };
    let size = live_through(300);
    assert_eq!(live_through(10_000), size);
    recorder.free();
}
