//! Marks, counters and asynchronous spans, which are on the timeline only.

use super::entry::with;
use super::event::check_is_current;
use super::recording::define;
use super::{
    EDBPROF_NULL_POINTER, EDBPROF_OK, EDBPROF_OUT_OF_MEMORY, edbprof_function, edbprof_status,
    edbprof_thread,
};
use crate::model::timeline::{Mark, MarkKind};
use crate::recorder::Thread;

/// Sets a mark.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * `name` is NULL or a valid function that does not change and outlives the recording.
unsafe fn mark(
    thread: *mut edbprof_thread,
    name: *const edbprof_function,
    kind: MarkKind,
    value: u64,
) -> edbprof_status {
    if name.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    let key = name.addr() as u64;
    let mark = |thread: &Thread| -> edbprof_status {
        if let Err(status) = check_is_current(thread) {
            return status;
        }
        if !thread.has_history() {
            return EDBPROF_OK;
        }
        let recording = thread.recording();
        let mut function = recording.function(key);
        if function.is_none() {
            // SAFETY: `name` is not NULL, hence readable with its strings.
            if let Err(status) = unsafe { define(recording, key, name) } {
                return status;
            }
            function = recording.function(key);
        }
        let Some(function) = function else {
            return EDBPROF_OUT_OF_MEMORY;
        };
        let mark = Mark {
            kind,
            function,
            value,
        };
        thread.mark(mark, thread.now_of_event());
        EDBPROF_OK
    };
    // SAFETY: `thread` is NULL or a handle of a recording that is not freed.
    unsafe { with(thread, mark) }
}

/// Sets a mark on the timeline at the present moment. Only the thread that made the handle.
///
/// The mark has the name of `name`, a native span. It is in no call tree. Without a timeline,
/// nothing happens; nor in a forked child that has entered no call yet, or while calls overflow.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * Those of `edbprof_begin_span`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_mark(
    thread: *mut edbprof_thread,
    name: *const edbprof_function,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe { mark(thread, name, MarkKind::Instant, 0) }
}

/// Gives a counter on the timeline a new value. Only the thread that made the handle.
///
/// A counter belongs to its process. Otherwise like `edbprof_mark`.
///
/// # Safety
/// * Those of `edbprof_begin_span`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_counter(
    thread: *mut edbprof_thread,
    name: *const edbprof_function,
    value: f64,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe { mark(thread, name, MarkKind::Counter, value.to_bits()) }
}

/// Begins an asynchronous span, which is on the timeline only. Only the thread that made the
/// handle.
///
/// `edbprof_end_async` ends it, in this thread or another one of the recording. `id` distinguishes
/// the span from other open ones of its name. Otherwise like `edbprof_mark`.
///
/// # Safety
/// * Those of `edbprof_begin_span`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_begin_async(
    thread: *mut edbprof_thread,
    name: *const edbprof_function,
    id: u64,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe { mark(thread, name, MarkKind::Begin, id) }
}

/// Ends an asynchronous span of `edbprof_begin_async`. Only the thread that made the handle.
///
/// Another thread may have begun the span. Otherwise like `edbprof_mark`.
///
/// # Safety
/// * Those of `edbprof_begin_span`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_end_async(
    thread: *mut edbprof_thread,
    name: *const edbprof_function,
    id: u64,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe { mark(thread, name, MarkKind::End, id) }
}
