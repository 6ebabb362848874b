//! An event in a context that is known allocates nothing, and neither does leaving
//! anything. The allocator is the whole program's, so this test has one to itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

use edbprof::capi::*;

/// The system's allocator; counts what the calling thread asks of it.
struct Counting;

thread_local!(static REQUESTS: Cell<u64> = const { Cell::new(0) });

fn count() {
    REQUESTS.with(|requests| requests.set(requests.get() + 1));
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: by the contract of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count();
        // SAFETY: by the contract of this function.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: by the contract of this function.
        unsafe { System.realloc(start, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NOTHING: edbprof_str = edbprof_str {
    data: ptr::null(),
    len: 0,
};

static SPAN: edbprof_function = edbprof_function {
    struct_size: size_of::<edbprof_function>(),
    kind: EDBPROF_NATIVE,
    flags: 0,
    file: NOTHING,
    line: 0,
    name: NOTHING,
    qualified_name: NOTHING,
    module: NOTHING,
    generic_name: NOTHING,
    generic_file: NOTHING,
    generic_line: 0,
};

/// Every kind of event: more children than a node remembers, resumes, recursion,
/// spans, leaves of several calls at once and of what is not open.
fn events(thread: *mut edbprof_thread) {
    const KEYS: u64 = 20;
    let ok = |status| assert_eq!(status, edbprof_status::EDBPROF_OK);
    // SAFETY: a handle of this thread's, of a recording that is not freed.
    unsafe {
        for outer in 1..=KEYS {
            ok(edbprof_enter(thread, outer));
            for inner in 1..=KEYS {
                ok(edbprof_enter(thread, inner));
                ok(edbprof_leave(thread, inner));
                ok(edbprof_resume(thread, inner));
                ok(edbprof_enter_span(thread, &SPAN));
                ok(edbprof_leave_span(thread, &SPAN));
                let status = edbprof_leave(thread, KEYS + 1);
                assert_eq!(status, edbprof_status::EDBPROF_NOT_OPEN);
            }
            ok(edbprof_leave(thread, outer));
            ok(edbprof_leave_all(thread));
        }
    }
}

#[test]
fn events_in_known_contexts_allocate_nothing() {
    let options = edbprof_options {
        struct_size: size_of::<edbprof_options>(),
        clock: EDBPROF_CLOCK_WALL,
        max_nodes: 0,
        host_tick_ns: 0.0,
        directory: NOTHING,
        prefix: NOTHING,
        suffix: NOTHING,
        host: NOTHING,
        hook: NOTHING,
        live_dir: NOTHING,
        // The first wait in a node takes a record, whenever the system takes the processor away.
        flags: EDBPROF_NO_WAITING,
        timeline_bytes: 0,
        timeline_disk_floor: 0,
        timeline_memory_floor: 0,
        chosen: NOTHING,
    };
    let mut recording = ptr::null_mut();
    let mut thread = ptr::null_mut();
    // SAFETY: pointers to what is valid, handles as they are made.
    unsafe {
        let status = edbprof_recording_new(&options, &mut recording);
        assert_eq!(status, edbprof_status::EDBPROF_OK);
        let status = edbprof_recording_attach(recording, NOTHING, &mut thread);
        assert_eq!(status, edbprof_status::EDBPROF_OK);
        for key in 1..=20 {
            let status = edbprof_recording_define(recording, key, &SPAN);
            assert_eq!(status, edbprof_status::EDBPROF_OK);
        }
    }
    let before = REQUESTS.get();
    events(thread);
    let new = REQUESTS.get();
    assert!(new > before, "new contexts need memory: the counter works");
    for _ in 0..3 {
        events(thread);
    }
    assert_eq!(REQUESTS.get(), new);
    // SAFETY: made above, and not used again.
    unsafe { edbprof_recording_free(recording) };
}
