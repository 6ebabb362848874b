//! Saves recordings to files, and tells hosts where these files are and why saving failed.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::entry::{Attempt, get, guarded, with};
use super::event::check_is_current;
use super::status::{fail, note, refuse};
use super::text::copy_to;
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_IN_MEMORY_ONLY, EDBPROF_NOT_DUE, EDBPROF_NOTHING_RECORDED,
    EDBPROF_OK, edbprof_recording, edbprof_status, edbprof_str, edbprof_thread,
};
use crate::model::Ending;
use crate::recorder::{self, AutosaveOutcome, Recording, SaveOptions};

/// Flag for saving: the process, or at least the recording, is about to end. The file says
/// that the process ended regularly. Events after this save are saved when the process ends.
pub const EDBPROF_SAVE_AT_EXIT: u32 = 1;
/// Flag for saving: removes the live file now and not at the end of the process, because
/// nothing more will be recorded. For a process that ends in `_exit`.
pub const EDBPROF_SAVE_REMOVE_LIVE_FILE: u32 = 4;
/// Flag for saving: also writes a `.singledispatch` sidecar beside the file, if any generic
/// function was called.
pub const EDBPROF_SAVE_SIDECAR: u32 = 2;

/// Checks and translates the flags for saving.
fn options(recording: &Recording, flags: u32) -> Attempt<SaveOptions> {
    let known = EDBPROF_SAVE_AT_EXIT | EDBPROF_SAVE_SIDECAR | EDBPROF_SAVE_REMOVE_LIVE_FILE;
    if flags & !known != 0 {
        return Err(refuse(recording, "a flag for saving is unknown"));
    }
    Ok(SaveOptions {
        ending: match flags & EDBPROF_SAVE_AT_EXIT {
            0 => Ending::Running,
            _ => Ending::Finished,
        },
        sidecar: flags & EDBPROF_SAVE_SIDECAR != 0,
        remove_live_file: flags & EDBPROF_SAVE_REMOVE_LIVE_FILE != 0,
    })
}

/// Writes everything that was recorded to the recording's own file, and open calls with their time
/// until now. With `EDBPROF_SAVE_AT_EXIT`, a file that can't be written is no error if a live file
/// beside it has everything, because readers accept either. Saving again replaces the file. Any
/// thread; a save waits for one that another thread has begun, and other threads may record
/// meanwhile.
///
/// `flags`: any of `EDBPROF_SAVE_AT_EXIT`, `EDBPROF_SAVE_REMOVE_LIVE_FILE` and
/// `EDBPROF_SAVE_SIDECAR`, or 0.
///
/// Errors: `EDBPROF_NOTHING_RECORDED` (no file is written), `EDBPROF_BAD_ARGUMENT` (no
/// directory was given, unknown flag), `EDBPROF_SYSTEM_ERROR`.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_save(
    recording: *mut edbprof_recording,
    flags: u32,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            let options = options(recording, flags)?;
            match recording.save(options) {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(EDBPROF_NOTHING_RECORDED),
                Err(error) => Err(fail(recording, error)),
            }
        })
    }
}

/// Writes the recording to `path`, even if nothing was recorded; otherwise like
/// `edbprof_recording_save`. A relative path starts at the current directory. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `path` is readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_save_as(
    recording: *mut edbprof_recording,
    path: edbprof_str,
    flags: u32,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed; `path` is readable.
    unsafe {
        with(recording, |recording| {
            let options = options(recording, flags)?;
            let path = path.path().map_err(|error| fail(recording, error))?;
            let saved = recording.save_as(Path::new(path), options);
            saved.map_err(|error| fail(recording, error))
        })
    }
}

/// Counts the end of an outermost call. Saves like `edbprof_recording_save` after every `every`-th
/// such call (0: never). Does not save if all writing has taken a hundredth of the time since the
/// first event. Does not save while another thread is saving. A recording of more than some
/// thousand call paths is not saved while its live file has everything. Any thread.
///
/// Returns `EDBPROF_OK` if it has saved, and `EDBPROF_NOT_DUE` if it has not. Returns
/// `EDBPROF_IN_MEMORY_ONLY` once in place of either, if the live file can't be made or
/// can't grow; the recording's error text gives the reason.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_call_ended(
    recording: *mut edbprof_recording,
    every: u64,
    flags: u32,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            let options = options(recording, flags)?;
            let outcome = recording.call_ended(every, options);
            is_due(recording, outcome.map_err(|error| fail(recording, error))?)
        })
    }
}

/// Returns `EDBPROF_OK` if `edbprof_recording_call_ended` may save now that the thread's latest
/// call has ended, and `EDBPROF_NOT_DUE` if it would not save. A thread that asks first does not
/// wait for others. Only the thread that made the handle.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_thread_save_may_be_due(
    thread: *mut edbprof_thread,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed.
    unsafe {
        with(thread, |thread| {
            check_is_current(thread)?;
            match thread.recording().save_may_be_due(thread.last()) {
                true => Ok(()),
                false => Err(EDBPROF_NOT_DUE),
            }
        })
    }
}

/// Counts the end of an outermost call like `edbprof_recording_call_ended`, but does not save. If
/// `EDBPROF_OK` is returned, the host has to call `edbprof_recording_save`. This is for hosts that
/// release a lock of their own while they save. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_count_outermost_call(
    recording: *mut edbprof_recording,
    every: u64,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            is_due(recording, recording.count_call(every))
        })
    }
}

fn is_due(recording: &Recording, outcome: AutosaveOutcome) -> Attempt {
    match outcome {
        AutosaveOutcome::Due => Ok(()),
        AutosaveOutcome::NotDue => Err(EDBPROF_NOT_DUE),
        AutosaveOutcome::LiveFileLost(reason) => Err(in_memory_only(recording, reason)),
    }
}

/// Returns `EDBPROF_IN_MEMORY_ONLY`, once, if the live file can't be made or can't grow:
/// later events are lost if the process is killed. The recording's error text gives the
/// reason. Otherwise returns `EDBPROF_OK`. For hosts that don't use
/// `edbprof_recording_call_ended`. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_check(
    recording: *mut edbprof_recording,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            let warning = recording.lock().backing.take_warning();
            warning.map_or(EDBPROF_OK, |reason| in_memory_only(recording, reason))
        })
    }
}

fn in_memory_only(recording: &Recording, reason: String) -> edbprof_status {
    note(recording, reason, 0);
    EDBPROF_IN_MEMORY_ONLY
}

/// Announces that the host ends this process regularly. Recordings without a directory are
/// not saved then, and their live files are removed. One thread at a time.
///
/// `flags`: 0 removes the files when the C library runs its exit handlers.
/// `EDBPROF_SAVE_REMOVE_LIVE_FILE` removes them now, for a process that ends in `_exit`.
///
/// Errors: `EDBPROF_BAD_ARGUMENT` (unknown flag).
#[unsafe(no_mangle)]
pub extern "C" fn edbprof_process_ends(flags: u32) -> edbprof_status {
    guarded(|| -> Attempt {
        if flags & !EDBPROF_SAVE_REMOVE_LIVE_FILE != 0 {
            return Err(EDBPROF_BAD_ARGUMENT);
        }
        recorder::announce_exit(flags & EDBPROF_SAVE_REMOVE_LIVE_FILE != 0);
        Ok(())
    })
}

/// Copies the text of the recording's latest failure to `buffer`, cut to `size - 1` bytes
/// and NUL-terminated. Returns the length of the whole text; 0 if nothing has failed. Any
/// thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `size` bytes can be written at `buffer`, or it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_error(
    recording: *const edbprof_recording,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: `recording` is NULL or not freed; `size` bytes can be written at `buffer`, or it
    // is NULL.
    unsafe {
        let text = get(recording, String::new(), |recording| {
            recording.lock().error.clone()
        });
        copy_to(buffer, size, text.as_bytes())
    }
}

/// Returns the C library's `errno` of the recording's latest failure; 0 if nothing has
/// failed, or if the failure was not the system's. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_errno(recording: *const edbprof_recording) -> i32 {
    // SAFETY: `recording` is NULL or not freed.
    unsafe { get(recording, 0, |recording| recording.lock().errno) }
}

/// Copies the path of the recording's own file to `buffer`, cut to `size - 1` bytes and
/// NUL-terminated. Returns the length of the whole path; 0 if nothing was recorded yet or
/// no directory was given. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `size` bytes can be written at `buffer`, or it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_path(
    recording: *const edbprof_recording,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: `recording` is NULL or not freed; `size` bytes can be written at `buffer`, or it
    // is NULL.
    unsafe {
        let path = get(recording, None, |recording| recording.path()).unwrap_or_default();
        copy_to(buffer, size, path.as_os_str().as_bytes())
    }
}
