//! The hot path: calls that begin and end.

use super::entry::{Attempt, Handle, guard, with, with_unguarded};
use super::recording::define;
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_NULL_POINTER, EDBPROF_OK, EDBPROF_UNKNOWN_FUNCTION,
    EDBPROF_WRONG_THREAD, edbprof_function, edbprof_status,
};
use crate::recorder::node::Visit;
use crate::recorder::thread::{Outcome, Thread};

/// One thread's place in a recording: made by `edbprof_recording_attach`, gone with
/// `edbprof_thread_detach` or with the recording.
#[derive(Debug)]
pub struct edbprof_thread {
    /// Never made: pointers to it are pointers to a [`Thread`].
    _opaque: (),
}

// SAFETY: `edbprof_recording_attach` alone hands out pointers to it, and they are pointers to
// a `Thread` of the recording.
unsafe impl Handle for edbprof_thread {
    type Object = Thread;
}

/// # Errors
/// `EDBPROF_WRONG_THREAD` for another thread's handle.
pub(super) fn check_is_current(thread: &Thread) -> Attempt {
    match thread.is_current() {
        true => Ok(()),
        false => Err(EDBPROF_WRONG_THREAD),
    }
}

/// An event of the function called `key`; `body` is on the hot path.
///
/// # Safety
/// * `handle` is NULL or of a recording that is not freed.
/// * The calling thread made it.
#[inline(always)]
unsafe fn event(
    handle: *mut edbprof_thread,
    key: u64,
    body: impl FnOnce(&Thread) -> edbprof_status,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe {
        with_unguarded(handle, |thread| {
            debug_assert!(thread.is_current());
            match key {
                0 => EDBPROF_BAD_ARGUMENT,
                _ => body(thread),
            }
        })
    }
}

/// The part of an event that may make nodes and files, take locks and allocate.
fn cold(body: impl FnOnce() -> Outcome) -> edbprof_status {
    guard(|| Ok(body().into())).unwrap_or_else(|status| status)
}

/// Inlined into each of the functions that hosts call, with what they leave open. What
/// does not happen all the time is left to functions that are called last, so that
/// this one needs no stack.
///
/// # Safety
/// * As for [`event`].
#[inline(always)]
unsafe fn enter(handle: *mut edbprof_thread, key: u64, visit: Visit) -> edbprof_status {
    let enter = |thread: &Thread| {
        let Some(now) = thread.now_at_once() else {
            return enter_now(thread, key, visit);
        };
        if thread.enter_guessed(key, visit, now) {
            return EDBPROF_OK;
        }
        enter_any(thread, key, visit, now)
    };
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, enter) }
}

#[inline(never)]
extern "C" fn enter_any(thread: &Thread, key: u64, visit: Visit, now: u64) -> edbprof_status {
    cold(|| thread.enter_any(key, visit, now))
}

#[inline(never)]
extern "C" fn enter_now(thread: &Thread, key: u64, visit: Visit) -> edbprof_status {
    cold(|| thread.enter_any(key, visit, thread.now()))
}

/// # Safety
/// * As for [`event`].
unsafe fn enter_at(
    handle: *mut edbprof_thread,
    key: u64,
    visit: Visit,
    ticks: u64,
) -> edbprof_status {
    let enter = |thread: &Thread| cold(|| thread.enter_any(key, visit, thread.at_told(ticks)));
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, enter) }
}

/// # Safety
/// * As for [`event`].
#[inline(always)]
unsafe fn leave(handle: *mut edbprof_thread, key: u64) -> edbprof_status {
    let leave = |thread: &Thread| {
        let Some(now) = thread.now_at_once() else {
            return leave_now(thread, key);
        };
        if thread.leave_top(key, now) {
            return EDBPROF_OK;
        }
        leave_below(thread, key, now)
    };
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, leave) }
}

#[inline(never)]
extern "C" fn leave_below(thread: &Thread, key: u64, now: u64) -> edbprof_status {
    cold(|| thread.leave_below(key, now))
}

#[inline(never)]
extern "C" fn leave_now(thread: &Thread, key: u64) -> edbprof_status {
    cold(|| thread.leave(key, thread.now()))
}

/// The function called `key` begins. Only the thread that made the handle.
///
/// Returns `EDBPROF_UNKNOWN_FUNCTION`, with nothing changed, for a key that the
/// recording does not know: then `edbprof_recording_define` it and enter again.
/// `key` is the host's own, any number but 0, and the same for the same function.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * The calling thread made it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_enter(thread: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter(thread, key, Visit::Start) }
}

/// As `edbprof_enter`, for a generator or coroutine that goes on after it was
/// suspended: counted as a resume, not as a call. Only the thread that made the
/// handle.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_resume(thread: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter(thread, key, Visit::Resume) }
}

/// The function called `key` ends, by return or exception, or is suspended. Only
/// the thread that made the handle.
///
/// Calls made by it that are still open end with it. If it is not open (recording
/// was switched on in the middle of it) nothing happens: `EDBPROF_NOT_OPEN`.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave(thread: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave(thread, key) }
}

/// What is open calls a class, or something else that gets no event of its own though the
/// hook takes time for it: counted, so that `--compensate` knows. Only the thread that
/// made the handle; NULL does nothing.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_count_class_call(thread: *mut edbprof_thread) {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    let _ = unsafe {
        with_unguarded(thread, |thread| {
            debug_assert!(thread.is_current());
            thread.count_class_call();
            EDBPROF_OK
        })
    };
}

/// As `edbprof_enter`, at a time that the host gives: a reading of the clock that
/// `edbprof_options.clock` names, for `EDBPROF_CLOCK_HOST` in the host's ticks, less
/// than 2^63 - 1. A time before the thread's latest event is taken as that event's.
/// Only the thread that made the handle.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_enter_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter_at(thread, key, Visit::Start, ticks) }
}

/// As `edbprof_resume`, at a time that the host gives: see `edbprof_enter_at`. Only
/// the thread that made the handle.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_resume_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter_at(thread, key, Visit::Resume, ticks) }
}

/// As `edbprof_leave`, at a time that the host gives: see `edbprof_enter_at`. Only
/// the thread that made the handle.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe {
        event(thread, key, |thread| {
            cold(|| thread.leave(key, thread.at_told(ticks)))
        })
    }
}

/// As `edbprof_leave`, for a visit that turned out to be no start: throwing into
/// a generator that was never started looks like one up to Python 3.10. Only the
/// thread that made the handle.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_unstarted(
    thread: *mut edbprof_thread,
    key: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe {
        event(thread, key, |thread| {
            cold(|| thread.leave_unstarted(key, thread.now()))
        })
    }
}

/// Ends all open calls of the thread: recording is switched off in it. Only the
/// thread that made the handle; from another one it is `EDBPROF_WRONG_THREAD`, and
/// nothing changes.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_all(thread: *mut edbprof_thread) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed.
    unsafe {
        with(thread, |thread| {
            check_is_current(thread)?;
            thread.switch_off();
            Ok(())
        })
    }
}

/// The native span begins. Only the thread that made the handle.
///
/// The span's address is its key, and on first sight it is defined from what it
/// says: no `edbprof_recording_define` is needed. Leave it by
/// `edbprof_leave_span`.
///
/// # Safety
/// * As for `edbprof_enter`.
/// * `span` is NULL or a valid function that does not change and outlives the
///   recording.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_enter_span(
    thread: *mut edbprof_thread,
    span: *const edbprof_function,
) -> edbprof_status {
    if span.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    let key = span.addr() as u64;
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed; `span`
    // is readable.
    unsafe {
        match enter(thread, key, Visit::Start) {
            EDBPROF_UNKNOWN_FUNCTION => {}
            status => return status,
        }
        match with(thread, |thread| define(thread.recording(), key, span)) {
            EDBPROF_OK => enter(thread, key, Visit::Start),
            status => status,
        }
    }
}

/// The native span ends: `edbprof_leave` with its address. Only the thread that
/// made the handle.
///
/// # Safety
/// * As for `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_span(
    thread: *mut edbprof_thread,
    span: *const edbprof_function,
) -> edbprof_status {
    if span.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave(thread, span.addr() as u64) }
}
