//! The hot path: calls that begin and end.

use super::guard::guard;
use super::recording::define;
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_NULL_POINTER, EDBPROF_OK, EDBPROF_UNKNOWN_FUNCTION,
    EDBPROF_WRONG_THREAD, edbprof_function, edbprof_status,
};
use crate::recorder::node::Visit;
use crate::recorder::thread::Thread;

/// One thread's place in a recording: made by `edbprof_recording_attach`, gone with
/// `edbprof_thread_detach` or with the recording.
#[derive(Debug)]
pub struct edbprof_thread {
    /// Never made: pointers to it are pointers to a [`Thread`].
    _opaque: (),
}

impl edbprof_thread {
    pub(super) fn from_thread(thread: std::ptr::NonNull<Thread>) -> *mut edbprof_thread {
        thread.as_ptr().cast()
    }

    /// The thread behind a handle; `None` for NULL.
    ///
    /// # Safety
    /// * `handle` is NULL or a handle of a recording that is not freed.
    #[inline]
    pub(super) unsafe fn thread<'t>(handle: *const edbprof_thread) -> Option<&'t Thread> {
        // SAFETY: by this function's contract; `from_thread` has made the handle.
        unsafe { handle.cast::<Thread>().as_ref() }
    }
}

/// The calling thread behind its handle; `None` for NULL.
///
/// # Safety
/// * `handle` is NULL or a handle of a recording that is not freed.
#[inline]
pub(super) unsafe fn thread<'t>(handle: *const edbprof_thread) -> Option<&'t Thread> {
    // SAFETY: by this function's contract.
    let thread = unsafe { edbprof_thread::thread(handle) };
    debug_assert!(thread.is_none_or(Thread::is_current));
    thread
}

/// Inlined into each of the functions that hosts call, with what they leave open. What
/// does not happen all the time is left to functions that are called last, so that
/// this one needs no stack.
///
/// # Safety
/// * As for [`thread`], and the calling thread made the handle.
#[inline(always)]
unsafe fn enter(handle: *mut edbprof_thread, key: u64, visit: Visit) -> edbprof_status {
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { thread(handle) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if key == 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    let Some(now) = thread.now_at_once() else {
        return enter_now(thread, key, visit);
    };
    if thread.enter_guessed(key, visit, now) {
        return EDBPROF_OK;
    }
    enter_any(thread, key, visit, now)
}

#[inline(never)]
extern "C" fn enter_any(thread: &Thread, key: u64, visit: Visit, now: u64) -> edbprof_status {
    guard(|| thread.enter_any(key, visit, now).into())
}

#[inline(never)]
extern "C" fn enter_now(thread: &Thread, key: u64, visit: Visit) -> edbprof_status {
    guard(|| thread.enter_any(key, visit, thread.now()).into())
}

/// # Safety
/// * As for [`enter`].
unsafe fn enter_at(
    handle: *mut edbprof_thread,
    key: u64,
    visit: Visit,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { thread(handle) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if key == 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    guard(|| thread.enter_any(key, visit, thread.at_told(ticks)).into())
}

/// # Safety
/// * As for [`enter`].
#[inline(always)]
unsafe fn leave(handle: *mut edbprof_thread, key: u64) -> edbprof_status {
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { thread(handle) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if key == 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    let Some(now) = thread.now_at_once() else {
        return leave_now(thread, key);
    };
    if thread.leave_top(key, now) {
        return EDBPROF_OK;
    }
    leave_below(thread, key, now)
}

#[inline(never)]
extern "C" fn leave_below(thread: &Thread, key: u64, now: u64) -> edbprof_status {
    guard(|| thread.leave_below(key, now).into())
}

#[inline(never)]
extern "C" fn leave_now(thread: &Thread, key: u64) -> edbprof_status {
    guard(|| thread.leave(key, thread.now()).into())
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
    // SAFETY: by this function's contract.
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
    // SAFETY: by this function's contract.
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
    // SAFETY: by this function's contract.
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
    // SAFETY: by this function's contract.
    if let Some(thread) = unsafe { self::thread(thread) } {
        thread.count_class_call();
    }
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
    // SAFETY: by this function's contract.
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
    // SAFETY: by this function's contract.
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
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { self::thread(thread) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if key == 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    guard(|| thread.leave(key, thread.at_told(ticks)).into())
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
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { self::thread(thread) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if key == 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    guard(|| thread.leave_unstarted(key, thread.now()).into())
}

/// Ends all open calls of the thread: recording is switched off in it. Only the
/// thread that made the handle; from another one it is `EDBPROF_WRONG_THREAD`, and
/// nothing changes.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_all(thread: *mut edbprof_thread) -> edbprof_status {
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { edbprof_thread::thread(thread) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if !thread.is_current() {
        return EDBPROF_WRONG_THREAD;
    }
    guard(|| {
        thread.switch_off();
        EDBPROF_OK
    })
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
    let key = span.addr() as u64;
    if key == 0 {
        return EDBPROF_NULL_POINTER;
    }
    // SAFETY: by this function's contract.
    match unsafe { enter(thread, key, Visit::Start) } {
        EDBPROF_UNKNOWN_FUNCTION => {}
        status => return status,
    }
    // SAFETY: as above; `enter` has found that it is not NULL.
    let Some(handle) = (unsafe { self::thread(thread) }) else {
        return EDBPROF_NULL_POINTER;
    };
    // SAFETY: as above; `key` tells that the span is not NULL.
    let defined = unsafe { define(handle.recording(), key, span) };
    if defined != EDBPROF_OK {
        return defined;
    }
    // SAFETY: as above.
    unsafe { enter(thread, key, Visit::Start) }
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
    // SAFETY: by this function's contract.
    unsafe { leave(thread, span.addr() as u64) }
}
