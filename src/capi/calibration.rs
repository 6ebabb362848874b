//! What recording costs: what a host needs to measure it, and what it found.

use std::mem::offset_of;

use super::entry::{Attempt, make_with, with};
use super::event::check_is_current;
use super::host_struct::HostStruct;
use super::status::refuse;
use super::{edbprof_recording, edbprof_status, edbprof_thread};
use crate::model::Calibration;
use crate::recorder::recording::Recording;

/// What recording adds to the time of a call, in picoseconds, as the host has measured
/// it. A part is the callee's, whose self time it makes longer, the rest its caller's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_calibration {
    /// `sizeof(edbprof_calibration)`.
    pub struct_size: usize,
    /// A call of an `EDBPROF_PYTHON` function: the callee's part.
    pub python_call_callee_ps: u32,
    /// Its caller's part.
    pub python_call_caller_ps: u32,
    /// A call of an `EDBPROF_BUILTIN`: the callee's part.
    pub c_call_callee_ps: u32,
    /// Its caller's part.
    pub c_call_caller_ps: u32,
    /// A resume: the generator's or coroutine's part.
    pub resume_callee_ps: u32,
    /// Its caller's part.
    pub resume_caller_ps: u32,
    /// A call of an `EDBPROF_PYTHON` function that no call instruction makes (C code does,
    /// or an operator): the callee's part.
    pub implicit_call_callee_ps: u32,
    /// Its caller's part.
    pub implicit_call_caller_ps: u32,
    /// A call of a function called `__init__`, the call of the class apart: its part.
    pub init_call_callee_ps: u32,
    /// Its caller's part.
    pub init_call_caller_ps: u32,
    /// What `edbprof_count_class_call` counts: all of it is the caller's.
    pub class_call_ps: u32,
    /// Millionths of the self time of `EDBPROF_PYTHON` functions that come of an interpreter
    /// which runs their instructions slower for the hook's sake; the costs above are what
    /// calls add to that. 0 where it doesn't.
    pub slowed_ppm: u32,
}

// SAFETY: `repr(C)` with the size first; zeros are numbers.
unsafe impl HostStruct for edbprof_calibration {
    const MIN_SIZE: usize = offset_of!(edbprof_calibration, slowed_ppm) + size_of::<u32>();
}

/// Says what recording costs in this process: a fact for its files, by which
/// `edbprof --compensate` corrects times. Nothing that is recorded changes. All zero:
/// not known. A forked child has its parent's. Any thread.
///
/// `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (`slowed_ppm` beyond a million).
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
        let reason = "code can't be slowed by more than all its time";
        return Err(refuse(recording, reason));
    }
    recording.set_calibration(Calibration::from_numbers([
        given.python_call_callee_ps,
        given.python_call_caller_ps,
        given.c_call_callee_ps,
        given.c_call_caller_ps,
        given.resume_callee_ps,
        given.resume_caller_ps,
        given.implicit_call_callee_ps,
        given.implicit_call_caller_ps,
        given.init_call_callee_ps,
        given.init_call_caller_ps,
        given.class_call_ps,
        given.slowed_ppm,
    ]));
    Ok(())
}

/// Counts the calls and resumes that the recording has nodes for, of all threads, into
/// `*out`. Goes over all nodes. Any thread.
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

/// Adds up the inclusive time of the thread's nodes of the function called `key`, in
/// ticks of the recording's clock, into `*out`. Goes over all nodes of the thread. Only
/// the thread that made the handle.
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
