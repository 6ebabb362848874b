//! Plays a sequence of events that bytes stand for through the C ABI, and compares the statuses
//! and the files with those of the naive recorder. For the fuzzer `events` and
//! `tests/it/fuzz_events.rs`.

#![allow(dead_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{io, mem, ptr, slice};

use edbprof::capi::edbprof_status::{EDBPROF_NOT_OPEN, EDBPROF_OK, EDBPROF_UNKNOWN_FUNCTION};
use edbprof::capi::*;
use edbprof::format::prof::{self, ProfFile};
use edbprof::model::{NO_PARENT, NodeKind, Trees};

use super::naive::{Count, FIBERS, Figures, HIDDEN, Naive, Visible, without_times};

/// Keys of functions, the last of which is hidden.
const FUNCTIONS: u64 = HIDDEN;
const UNKNOWN: u64 = 99;
/// Spans that end with the call in which they began.
const LEXICAL: usize = 2;
/// Spans that may outlive it.
const BEGUN: usize = 3;
/// Key of the first span, for the naive recorder.
const FIRST_SPAN: u64 = 10;
const MOST_EVENTS: usize = 400;
const MOST_DEPTH: usize = 60;
const MOST_FORKS: usize = 2;
const MOST_THREADS: usize = 8;

static NAMES: [&str; 16] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
];

fn text(text: &str) -> edbprof_str {
    edbprof_str {
        data: text.as_ptr().cast(),
        len: text.len(),
    }
}

fn function(key: u64) -> edbprof_function {
    // SAFETY: all zeros are the defaults of this struct.
    let mut function: edbprof_function = unsafe { mem::zeroed() };
    function.struct_size = mem::size_of::<edbprof_function>();
    function.kind = EDBPROF_NATIVE;
    function.flags = if key == HIDDEN { EDBPROF_HIDDEN } else { 0 };
    function.file = text("events");
    function.line = key as i64;
    function.name = text(NAMES[key as usize]);
    function
}

/// The recorder and the naive one, side by side.
struct Both {
    recording: *mut edbprof_recording,
    thread: *mut edbprof_thread,
    spans: Box<[edbprof_function]>,
    fibers: [edbprof_fiber; FIBERS],
    running: usize,
    naive: Naive,
    now: u64,
    forks: usize,
    threads: usize,
}

/// Input of the fuzzer.
struct Bytes<'b>(slice::Iter<'b, u8>);

impl Bytes<'_> {
    fn next(&mut self, below: u64) -> u64 {
        u64::from(self.0.next().copied().unwrap_or_default()) % below
    }
}

impl Both {
    fn new() -> Both {
        // SAFETY: all zeros are the defaults of these structs.
        let (mut options, fibers): (edbprof_options, _) = unsafe { mem::zeroed() };
        options.struct_size = mem::size_of::<edbprof_options>();
        options.clock = EDBPROF_CLOCK_HOST;
        options.max_nodes = 40_000;
        options.live_dir = text("");
        let mut recording = ptr::null_mut();
        // SAFETY: both pointers are valid.
        let made = unsafe { edbprof_recording_new(&options, &mut recording) };
        assert_eq!(made, EDBPROF_OK);
        for key in 1..=FUNCTIONS {
            // SAFETY: the recording is not freed, and the function is valid.
            let defined = unsafe { edbprof_recording_define(recording, key, &function(key)) };
            assert_eq!(defined, EDBPROF_OK);
        }
        let mut both = Both {
            recording,
            thread: ptr::null_mut(),
            spans: (0..(LEXICAL + BEGUN) as u64)
                .map(|span| function(FIRST_SPAN + span))
                .collect(),
            fibers,
            running: 0,
            naive: Naive::default(),
            now: 1,
            forks: 0,
            threads: 0,
        };
        both.attach();
        both
    }

    fn attach(&mut self) {
        self.threads += 1;
        // SAFETY: the recording is not freed, and the pointer is valid.
        let attached =
            unsafe { edbprof_recording_attach(self.recording, text("thread"), &mut self.thread) };
        assert_eq!(attached, EDBPROF_OK);
        // An event with a time, for those without.
        self.enter(1, Count::Call);
        self.leave(1, 0);
    }

    fn enter(&mut self, key: u64, count: Count) {
        let (thread, now) = (self.thread, self.now);
        // SAFETY: this thread's handle.
        let entered = unsafe {
            match count {
                Count::Resume => edbprof_resume_at(thread, key, now),
                _ => edbprof_enter_at(thread, key, now),
            }
        };
        if key == UNKNOWN {
            return assert_eq!(entered, EDBPROF_UNKNOWN_FUNCTION);
        }
        assert_eq!(entered, EDBPROF_OK);
        self.naive.enter(key, false, count, now);
    }

    fn leave(&mut self, key: u64, how: u64) {
        let (thread, now) = (self.thread, self.now);
        // SAFETY: this thread's handle.
        let left = unsafe {
            match how {
                0 => edbprof_leave_at(thread, key, now),
                1 => edbprof_leave_raised_at(thread, key, now),
                _ => edbprof_leave_suspended_at(thread, key, now),
            }
        };
        assert_eq!(
            left == EDBPROF_OK,
            self.naive.leave(key, how == 1, now),
            "{left:?}"
        );
    }

    fn begin_span(&mut self, span: usize) {
        let (outlives, pointer) = (span >= LEXICAL, &self.spans[span]);
        // SAFETY: this thread's handle; the span lives as long as the recording.
        let begun = unsafe {
            match outlives {
                true => edbprof_begin_span(self.thread, pointer),
                false => edbprof_enter_span(self.thread, pointer),
            }
        };
        assert_eq!(begun, EDBPROF_OK);
        let latest = self.naive.latest();
        self.naive
            .enter(FIRST_SPAN + span as u64, outlives, Count::Call, latest);
    }

    fn end_span(&mut self, span: usize) {
        let (outlives, pointer) = (span >= LEXICAL, &self.spans[span]);
        let (key, latest) = (FIRST_SPAN + span as u64, self.naive.latest());
        // SAFETY: this thread's handle; the span lives as long as the recording.
        let (ended, expected) = unsafe {
            match outlives {
                true => (
                    edbprof_end_span(self.thread, pointer),
                    self.naive.end_span(key, latest),
                ),
                false => (
                    edbprof_leave_span(self.thread, pointer),
                    self.naive.leave(key, false, latest),
                ),
            }
        };
        assert_eq!(ended == EDBPROF_OK, expected, "{ended:?}");
        assert!(expected || ended == EDBPROF_NOT_OPEN);
    }

    fn switch(&mut self, to: usize) {
        let had_open = self.naive.depth() > 0;
        // SAFETY: this thread's handle; fibers are zeros or of this handle.
        unsafe {
            let suspended = edbprof_fiber_suspend(self.thread, &mut self.fibers[self.running]);
            assert_eq!(suspended == EDBPROF_OK, had_open, "{suspended:?}");
            let resumed = edbprof_fiber_resume(self.thread, &self.fibers[to]);
            assert_eq!(resumed, EDBPROF_OK);
        }
        self.running = to;
        self.naive.switch(to);
    }

    fn detach(&mut self) {
        if self.threads == MOST_THREADS {
            return;
        }
        // SAFETY: this thread's handle.
        let detached = unsafe { edbprof_thread_detach(self.thread) };
        assert_eq!(detached, EDBPROF_OK);
        // SAFETY: all zeros are a fiber in which nothing is open.
        self.fibers = unsafe { mem::zeroed() };
        self.running = 0;
        self.naive.detach();
        self.attach();
    }

    /// A child plays some events of its own, and says by its status if all was right.
    fn fork(&mut self, bytes: &mut Bytes<'_>) {
        if self.forks == MOST_FORKS {
            return;
        }
        self.forks += 1;
        let len = 2 * bytes.next(40) as usize;
        let mut events = Bytes(bytes.0.as_slice()[..len.min(bytes.0.len())].iter());
        // SAFETY: the child ends by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let played = catch_unwind(AssertUnwindSafe(|| {
                self.naive.fork();
                while events.0.len() > 0 {
                    let (what, key) = (events.next(2), 1 + events.next(FUNCTIONS));
                    match what {
                        0 if self.naive.depth() < MOST_DEPTH => self.enter(key, Count::Call),
                        _ => self.leave(key, 0),
                    }
                }
                assert_eq!(without_times(self.seen()), self.naive.visible_calls());
            }));
            // SAFETY: nothing of the parent's runs here.
            unsafe { libc::_exit(i32::from(played.is_err())) };
        }
        assert!(child > 0, "fork failed");
        let mut status = 0;
        let waited = loop {
            // SAFETY: the pointer is valid.
            let waited = unsafe { libc::waitpid(child, &mut status, 0) };
            // The fuzzer's timer interrupts the call.
            if waited >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                break waited;
            }
        };
        assert_eq!((waited, status), (child, 0), "the child's tree differs");
    }

    /// Figures in a file that is encoded now.
    fn seen(&self) -> Visible {
        // SAFETY: all zeros are no bytes.
        let mut bytes: edbprof_bytes = unsafe { mem::zeroed() };
        // SAFETY: the recording is not freed, and the pointer is valid.
        let encoded = unsafe { edbprof_recording_encode(self.recording, &mut bytes) };
        assert_eq!(encoded, EDBPROF_OK);
        // SAFETY: the library has made as many bytes.
        let read = prof::read(unsafe { slice::from_raw_parts(bytes.data, bytes.len) });
        // SAFETY: they were made by the library.
        unsafe { edbprof_bytes_free(&mut bytes) };
        let Ok(ProfFile::Exact(trees, _)) = read else {
            panic!("a file without trees");
        };
        by_path(&trees)
    }

    fn compare(&self) {
        let (seen, expected) = (self.seen(), self.naive.visible());
        if seen != expected {
            let paths = seen.keys().chain(expected.keys());
            let differs = |path: &&Vec<u64>| seen.get(*path) != expected.get(*path);
            for path in paths.filter(differs) {
                eprintln!(
                    "{path:?}: {:?}, not {:?}",
                    seen.get(path),
                    expected.get(path)
                );
            }
            panic!("the trees differ");
        }
    }

    fn play(&mut self, bytes: &mut Bytes<'_>) {
        let what = bytes.next(24);
        let has_room = self.naive.depth() < MOST_DEPTH;
        match what {
            0..=6 if has_room => {
                self.now += bytes.next(100);
                self.enter(1 + bytes.next(FUNCTIONS), Count::Call);
            }
            7 if has_room => self.enter(1 + bytes.next(FUNCTIONS), Count::Resume),
            8..=11 => {
                self.now += bytes.next(100);
                if let Some(key) = self.naive.innermost().filter(|key| *key < FIRST_SPAN) {
                    self.leave(key, bytes.next(4).saturating_sub(1));
                }
            }
            12 => self.leave(1 + bytes.next(FUNCTIONS), bytes.next(3)),
            13..=15 if has_room => self.begin_span(bytes.next((LEXICAL + BEGUN) as u64) as usize),
            16..=18 => self.end_span(bytes.next((LEXICAL + BEGUN) as u64) as usize),
            19 => self.switch(bytes.next(FIBERS as u64) as usize),
            20 => match bytes.next(8) {
                0 => {
                    // SAFETY: `thread` is attached, and this thread's.
                    let left = unsafe { edbprof_leave_all(self.thread) };
                    assert_eq!(left, EDBPROF_OK);
                    self.naive.leave_all();
                }
                1 => self.detach(),
                2 => self.fork(bytes),
                3 => self.enter(UNKNOWN, Count::Call),
                _ => self.compare(),
            },
            21 if has_room => {
                let key = 1 + bytes.next(FUNCTIONS);
                self.enter(key, Count::Call);
                // SAFETY: this thread's handle.
                let left = unsafe { edbprof_leave_unstarted(self.thread, key) };
                assert_eq!(left, EDBPROF_OK);
                self.naive.leave_unstarted();
            }
            22 => {
                let key = 1 + bytes.next(FUNCTIONS);
                // SAFETY: this thread's handle.
                let found = unsafe { edbprof_is_innermost(self.thread, key) };
                assert_eq!(found == EDBPROF_OK, self.naive.innermost() == Some(key));
            }
            _ => self.now = self.now.saturating_sub(bytes.next(20)),
        }
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        // SAFETY: made by the library, and nobody uses it any more.
        unsafe { edbprof_recording_free(self.recording) };
    }
}

fn by_path(trees: &Trees) -> Visible {
    let mut found = Visible::new();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        let mut paths: Vec<Vec<u64>> = Vec::new();
        for node in 0..nodes.len() {
            let mut path = match nodes.parents()[node] {
                NO_PARENT => Vec::new(),
                parent => paths[parent as usize].clone(),
            };
            let kind = nodes.kinds()[node];
            match (&trees.kinds[kind as usize], trees.function(kind)) {
                // Inherited calls are compared as if they stood at the root.
                (NodeKind::Forked { .. }, _) => {}
                (_, Some(function)) => path.push(function.label.line as u64),
                (other, None) => panic!("{other:?}"),
            }
            let figures = Figures {
                calls: nodes.calls()[node],
                resumes: nodes.resumes()[node],
                total: nodes.totals()[node],
            };
            if figures != Figures::default() && !path.is_empty() {
                let sum = found.entry(path.clone()).or_default();
                sum.calls += figures.calls;
                sum.resumes += figures.resumes;
                sum.total += figures.total;
            }
            paths.push(path);
        }
    }
    found
}

/// Plays the events that the bytes stand for.
pub(crate) fn events(bytes: &[u8]) {
    let mut bytes = Bytes(bytes.iter());
    let mut both = Both::new();
    for _ in 0..MOST_EVENTS {
        if bytes.0.len() == 0 {
            break;
        }
        both.play(&mut bytes);
    }
    both.compare();
    // SAFETY: this thread's handle.
    assert_eq!(unsafe { edbprof_leave_all(both.thread) }, EDBPROF_OK);
    both.naive.leave_all();
    both.compare();
}
