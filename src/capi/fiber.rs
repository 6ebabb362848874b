//! Fibers: several stacks of calls in one thread.

use super::entry::{make_with, with};
use super::event::check_is_current;
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_NOT_OPEN, EDBPROF_NULL_POINTER, edbprof_status, edbprof_thread,
};
use crate::recorder::Fiber;

/// Position of a suspended fiber, such as a greenlet. It is a value without resources, for
/// the thread that made it. Zeros mean a fiber in which nothing is open, such as a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct edbprof_fiber {
    /// Private to the library.
    pub tree: u64,
    /// Private to the library.
    pub innermost: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Suspends the fiber that runs: its open calls end, like those of a suspended generator,
/// until `edbprof_fiber_resume`. Only the thread that made the handle.
///
/// `*out` becomes the position of the fiber. If nothing is open it becomes zeros, and the
/// status is `EDBPROF_NOT_OPEN`. Calls that have overflowed are not resumed: see
/// `edbprof_options.max_nodes`.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_fiber_suspend(
    thread: *mut edbprof_thread,
    out: *mut edbprof_fiber,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed; `out` is NULL or writable.
    unsafe {
        make_with(thread, out, edbprof_fiber::default(), |thread| {
            check_is_current(thread)?;
            let suspended = thread.suspend(thread.now_of_event_or_after_reset());
            match suspended {
                Fiber { tree: 0, .. } => Err(EDBPROF_NOT_OPEN),
                Fiber { tree, innermost } => Ok(edbprof_fiber {
                    tree,
                    innermost,
                    reserved: 0,
                }),
            }
        })
    }
}

/// Resumes a fiber: its calls are open again, and counted neither as calls nor as resumes.
/// Calls that were open end. Only the thread that made the handle.
///
/// Returns `EDBPROF_NOT_OPEN`, with nothing open, if the fiber was suspended before this
/// process was forked. Errors: `EDBPROF_BAD_ARGUMENT` (`reserved` is not 0),
/// `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * `fiber` is NULL, all zeros, or what `edbprof_fiber_suspend` has given for `thread`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_fiber_resume(
    thread: *mut edbprof_thread,
    fiber: *const edbprof_fiber,
) -> edbprof_status {
    // SAFETY: `fiber` is NULL or readable.
    let Some(&edbprof_fiber {
        tree,
        innermost,
        reserved,
    }) = (unsafe { fiber.as_ref() })
    else {
        return EDBPROF_NULL_POINTER;
    };
    if reserved != 0 {
        return EDBPROF_BAD_ARGUMENT;
    }
    // SAFETY: `thread` is NULL or of a recording that is not freed; the fiber is zeros or what
    // `suspend` has given for `thread`.
    unsafe {
        with(thread, |thread| {
            check_is_current(thread)?;
            match thread.resume(
                Fiber { tree, innermost },
                thread.now_of_event_or_after_reset(),
            ) {
                true => Ok(()),
                false => Err(EDBPROF_NOT_OPEN),
            }
        })
    }
}
