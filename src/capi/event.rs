//! The hot path: calls that begin and end.

use super::entry::{Attempt, Handle, guarded, with, with_unguarded};
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_DETACHED, EDBPROF_NOT_OPEN, EDBPROF_OK, EDBPROF_WRONG_THREAD,
    edbprof_status,
};
use crate::model::timeline::CallEnd;
use crate::recorder::{Thread, Visit};

/// A thread's handle in a recording. Made by `edbprof_recording_attach`, and valid until
/// `edbprof_thread_detach` or until the recording is freed.
#[derive(Debug)]
pub struct edbprof_thread {
    /// Never made: a pointer to it points to a [`Thread`].
    _opaque: (),
}

// SAFETY: `edbprof_recording_attach` alone hands out pointers to it, and they are pointers to
// a `Thread` of the recording.
unsafe impl Handle for edbprof_thread {
    type Object = Thread;
}

/// Refuses the handle of another thread.
///
/// # Errors
/// `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
pub(super) fn check_is_current(thread: &Thread) -> Attempt {
    match thread.is_current() {
        true => Ok(()),
        false if thread.is_detached() => Err(EDBPROF_DETACHED),
        false => Err(EDBPROF_WRONG_THREAD),
    }
}

/// Returns true if the calling thread may report calls with the handle. Events assert it in debug
/// builds only.
pub(super) fn may_report(thread: &Thread) -> bool {
    thread.is_current() || thread.is_detached()
}

/// Reports an event of the function `key`. `body` is on the hot path. Whatever may make nodes
/// or files, take locks or allocate is [`guarded`].
///
/// # Safety
/// * `handle` is NULL or of a recording that is not freed.
/// * The calling thread made it.
#[inline(always)]
pub(super) unsafe fn event(
    handle: *mut edbprof_thread,
    key: u64,
    body: impl FnOnce(&Thread) -> edbprof_status,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe {
        with_unguarded(handle, |thread| {
            debug_assert!(may_report(thread));
            match key {
                0 => EDBPROF_BAD_ARGUMENT,
                _ => body(thread),
            }
        })
    }
}

/// Enters by the clock of the recording. Inlined into each exported function that does so.
/// Rare work is left to functions that are called last, so that this one needs no stack.
///
/// # Safety
/// * Those of [`event`].
#[inline(always)]
pub(super) unsafe fn enter(handle: *mut edbprof_thread, key: u64, visit: Visit) -> edbprof_status {
    let enter = |thread: &Thread| {
        let now = match thread.now_at_once() {
            Ok(now) => now,
            Err(reading) => return enter_now(thread, key, visit, reading),
        };
        if thread.enter_guessed(key, visit, now) {
            return EDBPROF_OK;
        }
        enter_unguessed(thread, key, visit, now)
    };
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, enter) }
}

#[inline(never)]
extern "C" fn enter_unguessed(thread: &Thread, key: u64, visit: Visit, now: u64) -> edbprof_status {
    guarded(|| thread.enter_unnoted(key, visit, now))
}

/// Enters where a history is kept, or after a gap. `reading` is the time by the counter.
#[inline(never)]
extern "C" fn enter_now(thread: &Thread, key: u64, visit: Visit, reading: u64) -> edbprof_status {
    if thread.enter_noted(key, visit, reading) {
        return EDBPROF_OK;
    }
    enter_after_gap(thread, key, visit)
}

#[inline(never)]
extern "C" fn enter_after_gap(thread: &Thread, key: u64, visit: Visit) -> edbprof_status {
    guarded(|| thread.enter_any(key, visit, thread.now_of_event()))
}

/// Enters at a time that the host gives.
///
/// # Safety
/// * Those of [`event`].
unsafe fn enter_at(
    handle: *mut edbprof_thread,
    key: u64,
    visit: Visit,
    ticks: u64,
) -> edbprof_status {
    let enter =
        |thread: &Thread| guarded(|| thread.enter_any(key, visit, thread.at_host_tick(ticks)));
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, enter) }
}

/// Leaves by the clock of the recording.
///
/// # Safety
/// * Those of [`event`].
#[inline(always)]
pub(super) unsafe fn leave(handle: *mut edbprof_thread, key: u64, end: CallEnd) -> edbprof_status {
    let leave = |thread: &Thread| {
        let now = match thread.now_at_once() {
            Ok(now) => now,
            Err(reading) => return leave_now(thread, key, reading, end),
        };
        if thread.leave_top(key, now) {
            return EDBPROF_OK;
        }
        leave_below(thread, key, now, end)
    };
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, leave) }
}

#[inline(never)]
extern "C" fn leave_below(thread: &Thread, key: u64, now: u64, end: CallEnd) -> edbprof_status {
    guarded(|| thread.leave_below(key, end, now))
}

/// Leaves where a history is kept, or after a gap. `reading` is the time by the counter.
#[inline(never)]
extern "C" fn leave_now(thread: &Thread, key: u64, reading: u64, end: CallEnd) -> edbprof_status {
    if thread.leave_noted(key, end, reading) {
        return EDBPROF_OK;
    }
    leave_after_gap(thread, key, end)
}

#[inline(never)]
extern "C" fn leave_after_gap(thread: &Thread, key: u64, end: CallEnd) -> edbprof_status {
    guarded(|| thread.leave_as(key, end, thread.now_of_event()))
}

/// Leaves at a time that the host gives.
///
/// # Safety
/// * Those of [`event`].
unsafe fn leave_at(
    handle: *mut edbprof_thread,
    key: u64,
    end: CallEnd,
    ticks: u64,
) -> edbprof_status {
    let leave = |thread: &Thread| guarded(|| thread.leave_as(key, end, thread.at_host_tick(ticks)));
    // SAFETY: the contracts are the same.
    unsafe { event(handle, key, leave) }
}

/// Begins a call of the function `key`. Only the thread that made the handle.
///
/// `key` is any number but 0 that the host chooses, always the same for the same function.
///
/// Returns `EDBPROF_UNKNOWN_FUNCTION`, and changes nothing, if the recording does not know
/// the key. The host then calls `edbprof_recording_define`, and enters again. Returns
/// `EDBPROF_DETACHED`, and changes nothing, after `edbprof_thread_detach`, like all events.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * The calling thread made it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_enter(thread: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter(thread, key, Visit::Start) }
}

/// Continues a generator or coroutine that was suspended. Like `edbprof_enter`, but counts
/// a resume and not a call. Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_resume(thread: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter(thread, key, Visit::Resume) }
}

/// Ends a call of the function `key`, by return, exception or suspension. Open calls that
/// it has made end with it. Only the thread that made the handle.
///
/// Returns `EDBPROF_NOT_OPEN`, and changes nothing, if no call of the function is open, for
/// example because recording was switched on during the call.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave(thread: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave(thread, key, CallEnd::Returned) }
}

/// Ends a call like `edbprof_leave`, by an exception: a timeline says so. Only the thread that
/// made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_raised(
    thread: *mut edbprof_thread,
    key: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave(thread, key, CallEnd::Raised) }
}

/// Ends a call like `edbprof_leave`, because a generator or coroutine is suspended: a timeline
/// says so. Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_suspended(
    thread: *mut edbprof_thread,
    key: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave(thread, key, CallEnd::Suspended) }
}

/// Counts a call to a class, made by the innermost open function. The class has no node,
/// but the hook takes time for the call, which `edbprof --compensate` subtracts. Also counts
/// other actions that get no event of their own. Only the thread that made the handle. NULL
/// does nothing.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_count_class_call(thread: *mut edbprof_thread) {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    let _ = unsafe {
        with_unguarded(thread, |thread| {
            debug_assert!(may_report(thread));
            if thread.has_history() {
                return count_noted(thread);
            }
            thread.count_class_call();
            EDBPROF_OK
        })
    };
}

/// Counts a class call where a history is kept, which may take a new block.
#[inline(never)]
extern "C" fn count_noted(thread: &Thread) -> edbprof_status {
    guarded(|| {
        thread.count_class_call();
        EDBPROF_OK
    })
}

/// Begins a call like `edbprof_enter`, at a time that the host gives. Only the thread that
/// made the handle.
///
/// `ticks` is a reading of the clock that `edbprof_options.clock` names; for
/// `EDBPROF_CLOCK_HOST`, a number of the host's ticks below 2^63 - 1. A time before the
/// thread's latest event counts as the time of that event.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_enter_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter_at(thread, key, Visit::Start, ticks) }
}

/// Continues a generator or coroutine like `edbprof_resume`, at a time that the host gives:
/// see `edbprof_enter_at`. Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_resume_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { enter_at(thread, key, Visit::Resume, ticks) }
}

/// Ends a call like `edbprof_leave`, at a time that the host gives: see `edbprof_enter_at`.
/// Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave_at(thread, key, CallEnd::Returned, ticks) }
}

/// Ends a call like `edbprof_leave_raised`, at a time that the host gives: see `edbprof_enter_at`.
/// Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_raised_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave_at(thread, key, CallEnd::Raised, ticks) }
}

/// Ends a call like `edbprof_leave_suspended`, at a time that the host gives: see
/// `edbprof_enter_at`. Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_suspended_at(
    thread: *mut edbprof_thread,
    key: u64,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave_at(thread, key, CallEnd::Suspended, ticks) }
}

/// Ends a call like `edbprof_leave`, and counts it as a resume after all. Up to Python
/// 3.10, throwing into a generator that was never started looks like a start of it. Only
/// the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_unstarted(
    thread: *mut edbprof_thread,
    key: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe {
        event(thread, key, |thread| {
            guarded(|| thread.leave_unstarted(key, thread.now_of_event()))
        })
    }
}

/// Returns `EDBPROF_OK` if the innermost open call is one of the function `key`, else
/// `EDBPROF_NOT_OPEN`. A host asks this before it ends a call of a kind that it has not always
/// reported: `edbprof_leave` could end an earlier call of the same function. Only the thread
/// that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_is_innermost(
    thread: *mut edbprof_thread,
    key: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe {
        event(thread, key, |thread| {
            guarded(|| match thread.is_innermost(key) {
                true => EDBPROF_OK,
                false if thread.is_detached() => EDBPROF_DETACHED,
                false => EDBPROF_NOT_OPEN,
            })
        })
    }
}

/// Ends all open calls of the thread, because recording is switched off in it. Only the
/// thread that made the handle.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_all(thread: *mut edbprof_thread) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed.
    unsafe {
        with(thread, |thread| {
            check_is_current(thread)?;
            thread.disable();
            Ok(())
        })
    }
}
