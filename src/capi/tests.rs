//! A defect of the library costs its host one call of one function, never the process.

use std::ffi::c_char;
use std::ptr;

use super::entry::defect;
use super::*;

/// A recording without files on one of the clocks, and this thread's handle.
struct Host {
    recording: *mut edbprof_recording,
    thread: *mut edbprof_thread,
}

const OUTER: u64 = 1;
const INNER: u64 = 2;
const NEW: u64 = 3;

const NO_TEXT: edbprof_str = edbprof_str {
    data: ptr::null(),
    len: 0,
};

fn options(clock: u32) -> edbprof_options {
    edbprof_options {
        struct_size: size_of::<edbprof_options>(),
        clock,
        max_nodes: EDBPROF_LEAST_NODES,
        host_tick_ns: 0.0,
        directory: NO_TEXT,
        prefix: NO_TEXT,
        suffix: NO_TEXT,
        host: NO_TEXT,
        hook: NO_TEXT,
        live_dir: NO_TEXT,
        flags: 0,
        timeline_bytes: 0,
        timeline_disk_floor: 0,
        timeline_memory_floor: 0,
        chosen: NO_TEXT,
    }
}

static SPAN: edbprof_function = edbprof_function {
    struct_size: size_of::<edbprof_function>(),
    kind: EDBPROF_NATIVE,
    flags: 0,
    file: NO_TEXT,
    line: 0,
    name: NO_TEXT,
    qualified_name: NO_TEXT,
    module: NO_TEXT,
    generic_name: NO_TEXT,
    generic_file: NO_TEXT,
    generic_line: 0,
};

impl Host {
    fn new(clock: u32) -> Host {
        Host::with(&options(clock))
    }

    fn with(options: &edbprof_options) -> Host {
        let (mut recording, mut thread) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: valid options and places; the recording has just been made.
        unsafe {
            let made = edbprof_recording_new(options, &mut recording);
            assert_eq!(made, EDBPROF_OK);
            let attached = edbprof_recording_attach(recording, NO_TEXT, &mut thread);
            assert_eq!(attached, EDBPROF_OK);
            for key in [OUTER, INNER] {
                let defined = edbprof_recording_define(recording, key, &SPAN);
                assert_eq!(defined, EDBPROF_OK);
            }
        }
        Host { recording, thread }
    }

    fn calls(&self) -> u64 {
        let mut calls = 0;
        // SAFETY: a recording that is not freed, and a place for a number.
        let counted = unsafe { edbprof_recording_count_calls(self.recording, &mut calls) };
        assert_eq!(counted, EDBPROF_OK);
        calls
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed here alone.
        unsafe { edbprof_recording_free(self.recording) };
    }
}

/// Checks that `call` survives a defect that it meets, and then works.
#[track_caller]
fn check(expected: edbprof_status, call: impl Fn() -> edbprof_status) {
    defect::plant();
    assert_eq!(call(), EDBPROF_INTERNAL_ERROR);
    assert_eq!(call(), expected);
}

#[test]
fn a_defect_costs_one_event_and_later_ones_are_counted() {
    // The fastest clock is read in line, that of the CPU off the hot path.
    for clock in [EDBPROF_CLOCK_WALL, EDBPROF_CLOCK_CPU] {
        let host = Host::new(clock);
        let thread = host.thread;
        // SAFETY: a handle of this thread's, of a recording that is not freed.
        unsafe {
            check(EDBPROF_OK, || edbprof_enter(thread, OUTER));
            check(EDBPROF_OK, || edbprof_enter(thread, INNER));
            // INNER ends with it.
            check(EDBPROF_OK, || edbprof_leave(thread, OUTER));
            check(EDBPROF_NOT_OPEN, || edbprof_leave(thread, INNER));
            assert_eq!(edbprof_enter(thread, OUTER), EDBPROF_OK);
            check(EDBPROF_OK, || edbprof_resume(thread, OUTER));
            check(EDBPROF_OK, || edbprof_leave_all(thread));
            assert_eq!(edbprof_enter(thread, OUTER), EDBPROF_OK);
            check(EDBPROF_OK, || edbprof_leave_unstarted(thread, OUTER));
        }
        assert_eq!(host.calls(), 5);
    }
}

#[test]
fn a_defect_costs_one_event_of_a_host_that_gives_the_time() {
    let host = Host::new(EDBPROF_CLOCK_HOST);
    let thread = host.thread;
    let fiber = std::cell::Cell::default();
    // SAFETY: a handle of this thread's, of a recording that is not freed; SPAN outlives it.
    unsafe {
        check(EDBPROF_OK, || edbprof_enter_at(thread, OUTER, 10));
        check(EDBPROF_OK, || edbprof_resume_at(thread, INNER, 20));
        check(EDBPROF_OK, || edbprof_leave_at(thread, INNER, 30));
        check(EDBPROF_OK, || edbprof_enter_span(thread, &SPAN));
        check(EDBPROF_OK, || edbprof_leave_span(thread, &SPAN));
        check(EDBPROF_OK, || edbprof_fiber_suspend(thread, fiber.as_ptr()));
        check(EDBPROF_OK, || edbprof_fiber_resume(thread, fiber.as_ptr()));
        check(EDBPROF_OK, || edbprof_leave_at(thread, OUTER, 40));
    }
    assert_eq!(host.calls(), 3);
}

#[test]
fn every_other_function_survives_a_defect() {
    let host = Host::new(EDBPROF_CLOCK_HOST);
    let (recording, thread) = (host.recording, host.thread);
    let (number, handle, made) = (
        std::cell::Cell::new(7),
        std::cell::Cell::new(thread),
        std::cell::Cell::new(recording),
    );
    let bytes = std::cell::Cell::new(edbprof_bytes {
        data: ptr::dangling_mut(),
        len: 1,
    });
    let calibration = edbprof_calibration {
        struct_size: size_of::<edbprof_calibration>(),
        python_call_callee_ps: 0,
        python_call_caller_ps: 0,
        c_call_callee_ps: 0,
        c_call_caller_ps: 0,
        resume_callee_ps: 0,
        resume_caller_ps: 0,
        implicit_call_callee_ps: 0,
        implicit_call_caller_ps: 0,
        init_call_callee_ps: 0,
        init_call_caller_ps: 0,
        class_call_ps: 0,
        slowed_ppm: 0,
    };
    let dev_null = edbprof_str::from(&b"/dev/null/none"[..]);
    // SAFETY: handles of a recording that is not freed, structs and places that are valid.
    unsafe {
        check(EDBPROF_OK, || {
            edbprof_recording_define(recording, NEW, &SPAN)
        });
        check(EDBPROF_OK, || {
            edbprof_recording_set_calibration(recording, &calibration)
        });
        check(EDBPROF_OK, || {
            edbprof_recording_count_calls(recording, number.as_ptr())
        });
        check(EDBPROF_OK, || {
            edbprof_thread_ticks(thread, NEW, number.as_ptr())
        });
        check(EDBPROF_BAD_ARGUMENT, || {
            edbprof_recording_save(recording, 0)
        });
        check(EDBPROF_SYSTEM_ERROR, || {
            edbprof_recording_save_as(recording, dev_null, 0)
        });
        check(EDBPROF_NOT_DUE, || {
            edbprof_recording_call_ended(recording, 0, 0)
        });
        check(EDBPROF_OK, || edbprof_recording_check(recording));
        check(EDBPROF_BAD_ARGUMENT, || edbprof_process_ends(u32::MAX));

        // No bytes, no handle: nothing to free.
        defect::plant();
        let status = edbprof_recording_encode(recording, bytes.as_ptr());
        assert_eq!(status, EDBPROF_INTERNAL_ERROR);
        assert!(
            bytes
                .replace(edbprof_bytes {
                    data: ptr::null_mut(),
                    len: 0
                })
                .data
                .is_null()
        );
        defect::plant();
        let status = edbprof_recording_attach(recording, NO_TEXT, handle.as_ptr());
        assert_eq!(status, EDBPROF_INTERNAL_ERROR);
        assert!(handle.get().is_null());
        defect::plant();
        let status = edbprof_recording_new(&options(EDBPROF_CLOCK_HOST), made.as_ptr());
        assert_eq!(status, EDBPROF_INTERNAL_ERROR);
        assert!(made.get().is_null());

        let mut buffer: [c_char; 4] = [1; 4];
        for text in [edbprof_recording_error, edbprof_recording_path] {
            buffer[0] = 1;
            defect::plant();
            assert_eq!(text(recording, buffer.as_mut_ptr(), buffer.len()), 0);
            assert_eq!(buffer[0], 0);
        }
        defect::plant();
        assert_eq!(edbprof_recording_errno(recording), 0);
        assert_ne!(edbprof_recording_errno(recording), 0);
        check(EDBPROF_OK, || edbprof_thread_detach(thread));
    }
}

#[test]
fn a_count_in_a_history_runs_under_the_guard() {
    let host = Host::with(&edbprof_options {
        timeline_bytes: 1 << 20,
        ..options(EDBPROF_CLOCK_WALL)
    });
    // SAFETY: handles of this thread's, of a recording that is not freed.
    unsafe {
        assert_eq!(edbprof_enter(host.thread, OUTER), EDBPROF_OK);
        defect::plant();
        edbprof_count_class_call(host.thread);
        // The defect is no longer planted: the count has met it.
        assert_eq!(edbprof_recording_check(host.recording), EDBPROF_OK);
    }
}

#[test]
fn calls_are_counted_by_function() {
    let host = Host::new(EDBPROF_CLOCK_HOST);
    let named = |name: &'static [u8], flags| edbprof_function {
        name: edbprof_str::from(name),
        flags,
        ..SPAN
    };
    let (chosen, hidden) = (named(b"chosen", 0), named(b"chosen too", EDBPROF_HIDDEN));
    let pattern = [edbprof_str::from(&b"chosen*"[..])];
    let mut choice = ptr::null_mut();
    let mut calls = [9; 5];
    // SAFETY: handles that are not freed, and arrays of the lengths that are given.
    unsafe {
        let made = edbprof_choice_new(
            pattern.as_ptr(),
            1,
            ptr::null(),
            0,
            ptr::null(),
            0,
            &mut choice,
        );
        assert_eq!(made, EDBPROF_OK);
        for (key, function) in [(NEW, &chosen), (NEW + 1, &hidden)] {
            let defined = edbprof_recording_define(host.recording, key, function);
            assert_eq!(defined, EDBPROF_OK);
        }
        for key in [OUTER, NEW, NEW + 1, NEW] {
            assert_eq!(edbprof_enter_at(host.thread, key, 10), EDBPROF_OK);
        }
        let mut count = |choice, room| {
            calls = [9; 5];
            let functions = edbprof_recording_count_function_calls(
                host.recording,
                choice,
                calls.as_mut_ptr(),
                room,
            );
            assert_eq!(functions, 4);
            calls
        };
        assert_eq!(count(ptr::null(), 5), [1, 0, 2, 0, 9]);
        assert_eq!(count(choice, 3), [0, 0, 2, 9, 9]);
        edbprof_choice_free(choice);
        let none =
            edbprof_recording_count_function_calls(ptr::null(), ptr::null(), ptr::null_mut(), 0);
        assert_eq!(none, 0);
    }
}

#[test]
fn steps_of_coroutines_are_checked() {
    let host = Host::new(EDBPROF_CLOCK_HOST);
    let step = |key, coroutine, step| {
        // SAFETY: the handle is this thread's, and its recording is not freed.
        unsafe { edbprof_step_coroutine_at(host.thread, key, coroutine, step, 5) }
    };
    assert_eq!(step(0, 1, EDBPROF_COROUTINE_STARTS), EDBPROF_BAD_ARGUMENT);
    assert_eq!(
        step(OUTER, 0, EDBPROF_COROUTINE_STARTS),
        EDBPROF_BAD_ARGUMENT
    );
    assert_eq!(step(OUTER, 1, 6), EDBPROF_BAD_ARGUMENT);
    assert_eq!(
        step(999, 1, EDBPROF_COROUTINE_STARTS),
        EDBPROF_UNKNOWN_FUNCTION
    );
    let steps = [
        EDBPROF_COROUTINE_STARTS,
        EDBPROF_COROUTINE_SUSPENDS,
        EDBPROF_COROUTINE_RESUMES,
        EDBPROF_COROUTINE_YIELDS,
        EDBPROF_COROUTINE_RESUMES,
        EDBPROF_COROUTINE_RAISES,
        EDBPROF_COROUTINE_STARTS,
        EDBPROF_COROUTINE_ENDS,
    ];
    for known in steps {
        assert_eq!(step(OUTER, 1, known), EDBPROF_OK);
    }
    assert_eq!(step(OUTER, 1, EDBPROF_COROUTINE_ENDS), EDBPROF_NOT_OPEN);
    // SAFETY: NULL is allowed.
    let status = unsafe { edbprof_step_coroutine(ptr::null_mut(), 1, 1, 0) };
    assert_eq!(status, EDBPROF_NULL_POINTER);
}

#[test]
fn unknown_flags_of_a_recording_are_refused() {
    for (flags, expected) in [
        (0, EDBPROF_OK),
        (EDBPROF_NO_WAITING, EDBPROF_OK),
        (EDBPROF_TIMELINE_FIRST | EDBPROF_TIMELINE_KEPT, EDBPROF_OK),
        (8, EDBPROF_BAD_ARGUMENT),
        (u64::MAX, EDBPROF_BAD_ARGUMENT),
    ] {
        let options = edbprof_options {
            flags,
            ..options(EDBPROF_CLOCK_WALL)
        };
        let mut recording = ptr::null_mut();
        // SAFETY: valid options and a valid place; NULL is freed by doing nothing.
        unsafe {
            assert_eq!(edbprof_recording_new(&options, &mut recording), expected);
            edbprof_recording_free(recording);
        }
    }
}

#[test]
fn a_thread_asks_if_its_own_save_may_be_due() {
    for clock in [EDBPROF_CLOCK_WALL, EDBPROF_CLOCK_CPU] {
        let host = Host::new(clock);
        let thread = host.thread;
        // SAFETY: a handle of this thread's, of a recording that is not freed.
        unsafe {
            assert_eq!(edbprof_enter(thread, OUTER), EDBPROF_OK);
            assert_eq!(edbprof_leave(thread, OUTER), EDBPROF_OK);
            // Nothing was written, so writing has taken no time.
            check(EDBPROF_OK, || edbprof_thread_save_may_be_due(thread));
        }
        let address = thread as usize;
        let elsewhere = std::thread::spawn(move || {
            // SAFETY: the recording is not freed before this thread has ended.
            unsafe { edbprof_thread_save_may_be_due(address as *mut edbprof_thread) }
        });
        assert_eq!(elsewhere.join().unwrap(), EDBPROF_WRONG_THREAD);
    }
}
