//! Steps of coroutines, for which the recorder measures awaiting and runs.

use super::entry::{guarded, with_unguarded};
use super::event::{edbprof_thread, may_report};
use super::{EDBPROF_BAD_ARGUMENT, edbprof_status};
use crate::model::timeline::CallEnd;
use crate::recorder::{Step, Thread};

/// A step of `edbprof_step_coroutine`: a coroutine starts.
pub const EDBPROF_COROUTINE_STARTS: u32 = 0;
/// A step of `edbprof_step_coroutine`: a coroutine that was suspended continues.
pub const EDBPROF_COROUTINE_RESUMES: u32 = 1;
/// A step of `edbprof_step_coroutine`: a coroutine is suspended because it waits.
pub const EDBPROF_COROUTINE_SUSPENDS: u32 = 2;
/// A step of `edbprof_step_coroutine`: a coroutine returns.
pub const EDBPROF_COROUTINE_ENDS: u32 = 3;
/// A step of `edbprof_step_coroutine`: a coroutine ends with an exception.
pub const EDBPROF_COROUTINE_RAISES: u32 = 4;
/// A step of `edbprof_step_coroutine`: an async generator hands an item to its consumer, which
/// continues at once.
pub const EDBPROF_COROUTINE_YIELDS: u32 = 5;

/// Steps at the time that `now` returns.
///
/// # Safety
/// * Those of `edbprof_enter`.
unsafe fn step_at(
    handle: *mut edbprof_thread,
    key: u64,
    coroutine: u64,
    step: u32,
    now: impl FnOnce(&Thread) -> u64,
) -> edbprof_status {
    let step = match step {
        EDBPROF_COROUTINE_STARTS => Step::Start,
        EDBPROF_COROUTINE_RESUMES => Step::Resume,
        EDBPROF_COROUTINE_SUSPENDS => Step::Suspend,
        EDBPROF_COROUTINE_ENDS => Step::End(CallEnd::Returned),
        EDBPROF_COROUTINE_RAISES => Step::End(CallEnd::Raised),
        EDBPROF_COROUTINE_YIELDS => Step::End(CallEnd::Suspended),
        _ => return EDBPROF_BAD_ARGUMENT,
    };
    if key == 0 || coroutine == 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    // SAFETY: the contracts are the same.
    unsafe {
        with_unguarded(handle, |thread| {
            debug_assert!(may_report(thread));
            guarded(|| thread.step_coroutine(key, coroutine, step, now(thread)))
        })
    }
}

/// Reports a step of a coroutine of the function `key`, instead of `edbprof_enter`,
/// `edbprof_resume` and `edbprof_leave`. Only the thread that made the handle.
///
/// `step` is one of `EDBPROF_COROUTINE_STARTS`, `EDBPROF_COROUTINE_RESUMES`,
/// `EDBPROF_COROUTINE_SUSPENDS`, `EDBPROF_COROUTINE_ENDS`, `EDBPROF_COROUTINE_RAISES` and
/// `EDBPROF_COROUTINE_YIELDS`.
///
/// The recording then also has the time in which coroutines are suspended, and the longest time for
/// which one runs. It counts each suspension of a coroutine and of those that await it.
///
/// `coroutine` is a number other than 0 that identifies the coroutine among all that are suspended,
/// for example the address of its frame.
///
/// Returns what those functions return. `EDBPROF_BAD_ARGUMENT`: the step is unknown, or `key` or
/// `coroutine` is 0.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_step_coroutine(
    thread: *mut edbprof_thread,
    key: u64,
    coroutine: u64,
    step: u32,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { step_at(thread, key, coroutine, step, Thread::now_of_event) }
}

/// Reports a step of a coroutine like `edbprof_step_coroutine`, at a time that the host gives:
/// see `edbprof_enter_at`. Only the thread that made the handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_step_coroutine_at(
    thread: *mut edbprof_thread,
    key: u64,
    coroutine: u64,
    step: u32,
    ticks: u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe {
        step_at(thread, key, coroutine, step, |thread| {
            thread.at_host_tick(ticks)
        })
    }
}
