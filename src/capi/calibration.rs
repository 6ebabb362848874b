//! The cost of recording: a host measures it with these functions, and reports it.

use std::mem::offset_of;

use super::entry::{Attempt, make_with, with};
use super::event::check_is_current;
use super::host_struct::HostStruct;
use super::status::refuse;
use super::{edbprof_recording, edbprof_status, edbprof_thread};
use crate::model::{Calibration, CallKind, Cost};
use crate::recorder::Recording;

/// Costs of recording, as the host has measured them: picoseconds that recording adds to a
/// call. The callee's part makes the self time of the callee longer, and the caller's part
/// that of the caller.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_calibration {
    /// `sizeof(edbprof_calibration)`.
    pub struct_size: usize,
    /// Call of an `EDBPROF_PYTHON` function: the callee's part.
    pub python_call_callee_ps: u32,
    /// The caller's part.
    pub python_call_caller_ps: u32,
    /// Call of an `EDBPROF_BUILTIN`: the callee's part.
    pub c_call_callee_ps: u32,
    /// The caller's part.
    pub c_call_caller_ps: u32,
    /// Resume of a generator or coroutine: the callee's part.
    pub resume_callee_ps: u32,
    /// The caller's part.
    pub resume_caller_ps: u32,
    /// Call of an `EDBPROF_PYTHON` function without a call instruction, by C code or by an
    /// operator: the callee's part.
    pub implicit_call_callee_ps: u32,
    /// The caller's part.
    pub implicit_call_caller_ps: u32,
    /// Call of a function named `__init__`, without the call of its class: the callee's
    /// part.
    pub init_call_callee_ps: u32,
    /// The caller's part.
    pub init_call_caller_ps: u32,
    /// Call that `edbprof_count_class_call` counts: all of it is the caller's part.
    pub class_call_ps: u32,
    /// Millionths of the self time of `EDBPROF_PYTHON` functions with a slowness of 1 that are lost
    /// because a hooked interpreter runs instructions more slowly. The costs above are no part of
    /// that self time. 0: none; at most 1,000,000.
    pub slowed_ppm: u32,
}

// SAFETY: `repr(C)` with the size first; zeros are numbers.
unsafe impl HostStruct for edbprof_calibration {
    const MIN_SIZE: usize = offset_of!(edbprof_calibration, slowed_ppm) + size_of::<u32>();
}

impl edbprof_calibration {
    fn measured(&self) -> Option<Calibration> {
        let cost = |callee, caller| Cost { callee, caller };
        let python = cost(self.python_call_callee_ps, self.python_call_caller_ps);
        let c = cost(self.c_call_callee_ps, self.c_call_caller_ps);
        let resume = cost(self.resume_callee_ps, self.resume_caller_ps);
        let implicit = cost(self.implicit_call_callee_ps, self.implicit_call_caller_ps);
        let init = cost(self.init_call_callee_ps, self.init_call_caller_ps);
        let others = Calibration {
            class_call: self.class_call_ps,
            slowed_ppm: self.slowed_ppm,
            ..Calibration::default()
        };
        others
            .with(CallKind::Python, python)
            .with(CallKind::C, c)
            .with(CallKind::Resume, resume)
            .with(CallKind::Implicit, implicit)
            .with(CallKind::Init, init)
            .if_measured()
    }
}

/// Reports the costs of recording in this process, by which `edbprof --compensate` corrects
/// times. Nothing else that is recorded changes. Zeros mean that the costs are unknown. A
/// forked child inherits the costs of its parent. Any thread.
///
/// Errors: `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (`slowed_ppm` is too large).
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `calibration` is NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_set_calibration(
    recording: *mut edbprof_recording,
    calibration: *const edbprof_calibration,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed; `calibration` is NULL or readable.
    unsafe {
        with(recording, |recording| {
            set(recording, &HostStruct::copied(calibration)?)
        })
    }
}

fn set(recording: &Recording, given: &edbprof_calibration) -> Attempt {
    if given.slowed_ppm > 1_000_000 {
        let reason = "slowed_ppm is above 1,000,000: code can't lose more than all of its time";
        return Err(refuse(recording, reason));
    }
    recording.set_calibration(given.measured());
    Ok(())
}

/// Counts the calls and resumes in the nodes of all threads into `*out`. Visits every node.
/// Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_count_calls(
    recording: *const edbprof_recording,
    out: *mut u64,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed; `out` is NULL or writable.
    unsafe { make_with(recording, out, 0, |recording| Ok(recording.count_calls())) }
}

/// Adds up the inclusive time of the thread's nodes of the function `key` into `*out`, in
/// ticks of the recording's clock. Visits every node of the thread. Only the thread that
/// made the handle.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_thread_ticks(
    thread: *const edbprof_thread,
    key: u64,
    out: *mut u64,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed; `out` is NULL or writable.
    unsafe {
        make_with(thread, out, 0, |thread| {
            check_is_current(thread)?;
            Ok(thread.recording().ticks_of(thread, key))
        })
    }
}
