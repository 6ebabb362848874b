//! Fibers: several stacks of calls in one thread.

use super::entry::{make_with, with};
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_NOT_OPEN, EDBPROF_NULL_POINTER, EDBPROF_OK, edbprof_status,
    edbprof_thread,
};
use crate::recorder::thread::Fiber;

/// Where a suspended fiber (a greenlet, a coroutine with a stack) stands: a value without
/// resources, for the thread that it was made in. All zeros: a fiber in which nothing is
/// open, such as a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct edbprof_fiber {
    /// The library's own.
    pub tree: u64,
    /// The library's own.
    pub innermost: u32,
    /// The library's own; 0.
    pub reserved: u32,
}

/// The thread turns away from the fiber that runs: its open calls end, as those of a
/// generator that is suspended do, until `edbprof_fiber_resume`. Only the thread that made
/// the handle.
///
/// `*out` becomes what resumes it, all zeros where nothing is open: `EDBPROF_NOT_OPEN`.
/// Calls that are folded end for good.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * The calling thread made it.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_fiber_suspend(
    thread: *mut edbprof_thread,
    out: *mut edbprof_fiber,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed; `out` is NULL or writable.
    unsafe {
        make_with(thread, out, edbprof_fiber::default(), |thread| {
            let suspended = thread.suspend(thread.now_or_after_reset());
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

/// The thread goes on with a fiber: what was open in it is open again, and counted neither
/// as a call nor as a resume. What is open now ends. Only the thread that made the handle.
///
/// `EDBPROF_NOT_OPEN`, and nothing is open, for a fiber that was suspended before this
/// process was forked. `EDBPROF_BAD_ARGUMENT` (`reserved` is not 0).
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * The calling thread made it.
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
            match thread.resume(Fiber { tree, innermost }, thread.now_or_after_reset()) {
                true => EDBPROF_OK,
                false => EDBPROF_NOT_OPEN,
            }
        })
    }
}
