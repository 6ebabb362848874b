//! A recording made through the C ABI, as every host makes one.

use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;

use edbprof::capi::*;
use edbprof::format::live::{self, Now};
use edbprof::model::Trees;

use super::model::Event;

/// Text that the library is given.
fn text(bytes: &[u8]) -> edbprof_str {
    edbprof_str {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}

fn path(path: &Path) -> edbprof_str {
    text(path.as_os_str().as_encoded_bytes())
}

const NOTHING: edbprof_str = edbprof_str {
    data: ptr::null(),
    len: 0,
};

/// The key of a function that is the recorder's own.
pub(crate) const HIDDEN: u64 = u64::MAX;

/// A recording on the host's clock, in nanoseconds, and this thread's place in it.
pub(crate) struct Recorder {
    pub(crate) recording: *mut edbprof_recording,
    thread: *mut edbprof_thread,
}

fn ok(status: edbprof_status) {
    assert_eq!(status, edbprof_status::EDBPROF_OK);
}

impl Recorder {
    pub(crate) fn new(directory: &Path) -> Recorder {
        Recorder::with(directory, EDBPROF_CLOCK_HOST)
    }

    pub(crate) fn with(directory: &Path, clock: u32) -> Recorder {
        Recorder::made(clock, path(directory), NOTHING, 0, 0)
    }

    /// One that has room for so many nodes.
    pub(crate) fn with_room(directory: &Path, max_nodes: u32) -> Recorder {
        Recorder::made(EDBPROF_CLOCK_HOST, path(directory), NOTHING, max_nodes, 0)
    }

    /// One that is only saved to paths, whose live file lies in `live_dir`.
    pub(crate) fn without_place(live_dir: &Path) -> Recorder {
        Recorder::made(EDBPROF_CLOCK_HOST, NOTHING, path(live_dir), 0, 0)
    }

    /// One that has no live file.
    pub(crate) fn without_live_file(directory: &Path) -> Recorder {
        Recorder::made(EDBPROF_CLOCK_HOST, path(directory), text(b""), 0, 0)
    }

    /// One that keeps the latest events in so many bytes.
    pub(crate) fn with_timeline(directory: &Path, bytes: u64) -> Recorder {
        Recorder::made(EDBPROF_CLOCK_HOST, path(directory), NOTHING, 0, bytes)
    }

    fn made(
        clock: u32,
        directory: edbprof_str,
        live_dir: edbprof_str,
        max_nodes: u32,
        timeline_bytes: u64,
    ) -> Recorder {
        let options = edbprof_options {
            struct_size: size_of::<edbprof_options>(),
            clock,
            max_nodes,
            host_tick_ns: 0.0,
            directory,
            prefix: text(b"live_"),
            suffix: text(b".prof"),
            host: text(b"a host"),
            hook: text(b"a hook"),
            live_dir,
            flags: 0,
            timeline_bytes,
            timeline_disk_floor: 0,
            timeline_memory_floor: 0,
            chosen: NOTHING,
        };
        let mut recording = ptr::null_mut();
        // SAFETY: pointers to what is valid.
        ok(unsafe { edbprof_recording_new(&options, &mut recording) });
        let thread = attach(recording, b"main");
        Recorder { recording, thread }
    }

    /// Another thread's place in the recording of which `other` is one, made by it.
    pub(crate) fn of_another_thread(recording: *mut edbprof_recording, name: &[u8]) -> Recorder {
        let thread = attach(recording, name);
        Recorder { recording, thread }
    }

    /// Plays an event now, by the recording's own clock.
    pub(crate) fn play(&self, event: Event) {
        // SAFETY: a handle of this thread's, of a recording that is not freed.
        let play = || unsafe {
            match event {
                Event::Enter(key) => edbprof_enter(self.thread, key),
                Event::Leave(key) => edbprof_leave(self.thread, key),
            }
        };
        let status = play();
        if let (edbprof_status::EDBPROF_UNKNOWN_FUNCTION, Event::Enter(key)) = (status, event) {
            self.define(key);
            ok(play());
        } else {
            ok(status);
        }
    }

    /// Enters at a tick; a function that is not known is called like its key.
    pub(crate) fn enter(&self, key: u64, at: u64) {
        // SAFETY: a handle of this thread's, of a recording that is not freed.
        let status = unsafe { edbprof_enter_at(self.thread, key, at) };
        if status == edbprof_status::EDBPROF_UNKNOWN_FUNCTION {
            self.define(key);
            // SAFETY: as above.
            ok(unsafe { edbprof_enter_at(self.thread, key, at) });
        } else {
            ok(status);
        }
    }

    /// Enters at a tick, in a process without memory.
    pub(crate) fn enter_if_possible(&self, key: u64, at: u64) {
        // SAFETY: a handle of this thread's, of a recording that is not freed.
        unsafe {
            let status = edbprof_enter_at(self.thread, key, at);
            if status == edbprof_status::EDBPROF_UNKNOWN_FUNCTION {
                self.define(key);
                let _ = edbprof_enter_at(self.thread, key, at);
            }
        }
    }

    /// Leaves at a tick what could be entered.
    pub(crate) fn leave_if_possible(&self, key: u64, at: u64) {
        // SAFETY: as in `enter`.
        let _ = unsafe { edbprof_leave_at(self.thread, key, at) };
    }

    pub(crate) fn define(&self, key: u64) {
        let name = key.to_string();
        let function = edbprof_function {
            struct_size: size_of::<edbprof_function>(),
            kind: EDBPROF_NATIVE,
            flags: if key == HIDDEN { EDBPROF_HIDDEN } else { 0 },
            file: text(b"file"),
            line: -7,
            name: text(name.as_bytes()),
            qualified_name: text(b"qualified"),
            module: text(b"module"),
            generic_name: NOTHING,
            generic_file: NOTHING,
            generic_line: 0,
        };
        // SAFETY: a recording that is not freed, strings that are readable.
        ok(unsafe { edbprof_recording_define(self.recording, key, &function) });
    }

    pub(crate) fn leave(&self, key: u64, at: u64) {
        // SAFETY: as in `enter`.
        ok(unsafe { edbprof_leave_at(self.thread, key, at) });
    }

    pub(crate) fn count_class_call(&self) {
        // SAFETY: as in `enter`.
        unsafe { edbprof_count_class_call(self.thread) };
    }

    pub(crate) fn set_calibration(&self, numbers: [u32; 12]) {
        let calibration = edbprof_calibration {
            struct_size: size_of::<edbprof_calibration>(),
            python_call_callee_ps: numbers[0],
            python_call_caller_ps: numbers[1],
            c_call_callee_ps: numbers[2],
            c_call_caller_ps: numbers[3],
            resume_callee_ps: numbers[4],
            resume_caller_ps: numbers[5],
            implicit_call_callee_ps: numbers[6],
            implicit_call_caller_ps: numbers[7],
            init_call_callee_ps: numbers[8],
            init_call_caller_ps: numbers[9],
            class_call_ps: numbers[10],
            slowed_ppm: numbers[11],
        };
        // SAFETY: a recording that is not freed, and a readable struct.
        ok(unsafe { edbprof_recording_set_calibration(self.recording, &calibration) });
    }

    pub(crate) fn save(&self, flags: u32) {
        // SAFETY: a recording that is not freed.
        ok(unsafe { edbprof_recording_save(self.recording, flags) });
    }

    pub(crate) fn call_ended(&self) -> edbprof_status {
        self.call_ended_of(0)
    }

    pub(crate) fn call_ended_of(&self, every: u64) -> edbprof_status {
        // SAFETY: a recording that is not freed.
        unsafe { edbprof_recording_call_ended(self.recording, every, 0) }
    }

    pub(crate) fn check(&self) -> edbprof_status {
        // SAFETY: a recording that is not freed.
        unsafe { edbprof_recording_check(self.recording) }
    }

    pub(crate) fn error(&self) -> String {
        let mut buffer = [0_u8; 1000];
        // SAFETY: a recording that is not freed, and a buffer of that size.
        let len = unsafe {
            edbprof_recording_error(self.recording, buffer.as_mut_ptr().cast(), buffer.len())
        };
        String::from_utf8_lossy(&buffer[..len.min(buffer.len() - 1)]).into_owned()
    }

    pub(crate) fn free(self) {
        // SAFETY: made in `new`, not used again.
        unsafe { edbprof_recording_free(self.recording) };
    }
}

pub(crate) fn attach(recording: *mut edbprof_recording, name: &[u8]) -> *mut edbprof_thread {
    let mut thread = ptr::null_mut();
    // SAFETY: a recording that is not freed, text that is readable.
    ok(unsafe { edbprof_recording_attach(recording, text(name), &mut thread) });
    thread
}

pub(crate) fn detach(thread: *mut edbprof_thread) {
    // SAFETY: a handle that its user uses no more.
    ok(unsafe { edbprof_thread_detach(thread) });
}

/// The files in `directory` whose names end in `suffix`.
pub(crate) fn files(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .collect();
    files.sort();
    files
}

/// The only live file in `directory`.
pub(crate) fn only_live(directory: &Path) -> PathBuf {
    let mut files = files(directory, ".prof.live");
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// What a live file says of a process that is gone, or is taken as such.
pub(crate) fn read(path: &Path) -> Trees {
    let bytes = fs::read(path).unwrap();
    let trees = live::read(&bytes, Now::Gone).unwrap();
    check_form(&trees);
    trees
}

/// Parents come before their children and last as long as they do together; indices
/// exist.
pub(crate) fn check_form(trees: &Trees) {
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        assert_eq!(thread.process, 0);
        let mut below = vec![0_u64; nodes.len()];
        for index in 0..nodes.len() {
            assert!((nodes.kinds()[index] as usize) < trees.kinds.len());
            let parent = nodes.parents()[index] as usize;
            if let Some(sum) = below.get_mut(parent) {
                assert!(parent < index);
                *sum = sum.saturating_add(nodes.totals()[index]);
            } else {
                assert_eq!(nodes.parents()[index], edbprof::model::NO_PARENT);
            }
        }
        assert_eq!(nodes.calls().len(), nodes.len());
        assert_eq!(nodes.resumes().len(), nodes.len());
        assert!(
            nodes
                .totals()
                .iter()
                .zip(below)
                .all(|(&t, below)| t >= below)
        );
    }
}
