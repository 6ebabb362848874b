//! What a recording leaves: files, and the texts that say where and what went wrong.

use std::ffi::c_char;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::entry::{Attempt, get, guard, with};
use super::status::{fail, note, refuse};
use super::text::copy_to;
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_IN_MEMORY_ONLY, EDBPROF_NOT_DUE, EDBPROF_NOTHING_RECORDED,
    EDBPROF_OK, edbprof_recording, edbprof_status, edbprof_str,
};
use crate::model::Ending;
use crate::recorder::exit;
use crate::recorder::recording::Recording;
use crate::recorder::save::{CallEnded, Manner};

/// Saving: the recording is over; the file says that its process ended regularly.
pub const EDBPROF_SAVE_FINAL: u32 = 1;
/// Saving: nothing more will be recorded; the live file is removed at once and not at
/// the end of the process. For one that ends in `_exit`.
pub const EDBPROF_SAVE_LAST: u32 = 4;
/// Saving: a `.singledispatch` sidecar is written beside the file, if any generic
/// function was called.
pub const EDBPROF_SAVE_SIDECAR: u32 = 2;

/// What the flags for saving say.
fn manner(recording: &Recording, flags: u32) -> Attempt<Manner> {
    let known = EDBPROF_SAVE_FINAL | EDBPROF_SAVE_SIDECAR | EDBPROF_SAVE_LAST;
    if flags & !known != 0 {
        return Err(refuse(recording, "a flag for saving is unknown"));
    }
    Ok(Manner {
        ending: match flags & EDBPROF_SAVE_FINAL {
            0 => Ending::Running,
            _ => Ending::Finished,
        },
        sidecar: flags & EDBPROF_SAVE_SIDECAR != 0,
        last: flags & EDBPROF_SAVE_LAST != 0,
    })
}

/// Writes all that was recorded so far to the recording's own file, open calls
/// with their time until now. One thread at a time; other threads may record
/// meanwhile. Saving again replaces the file.
///
/// `flags`: 0 or `EDBPROF_SAVE_FINAL`, `EDBPROF_SAVE_LAST`, `EDBPROF_SAVE_SIDECAR`.
///
/// `EDBPROF_NOTHING_RECORDED` (and no file), `EDBPROF_BAD_ARGUMENT` (no directory
/// was given, unknown flag), `EDBPROF_SYSTEM_ERROR`.
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
            let manner = manner(recording, flags)?;
            match recording.save(manner) {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(EDBPROF_NOTHING_RECORDED),
                Err(error) => Err(fail(recording, error)),
            }
        })
    }
}

/// As `edbprof_recording_save`, to exactly `path`, and also when nothing was
/// recorded. Relative to the current directory. One thread at a time.
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
            let manner = manner(recording, flags)?;
            let path = path.path().map_err(|error| fail(recording, error))?;
            let saved = recording.save_as(Path::new(path), manner);
            saved.map_err(|error| fail(recording, error))
        })
    }
}

/// Counts an outermost call that has ended, and saves as `edbprof_recording_save`
/// does after every `every`-th (0: never), as long as all writing so far took less
/// than a hundredth of the time since the first event. One thread at a time.
///
/// `EDBPROF_OK` when it wrote, `EDBPROF_NOT_DUE` when it did not,
/// and once `EDBPROF_IN_MEMORY_ONLY` instead of these if no live file can be had or it
/// can't grow; the recording's error text says why.
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
            let manner = manner(recording, flags)?;
            match recording.call_ended(every, manner) {
                Ok(CallEnded::Saved) => Ok(()),
                Ok(CallEnded::NotDue) => Err(EDBPROF_NOT_DUE),
                Ok(CallEnded::InMemoryOnly(reason)) => Err(in_memory_only(recording, reason)),
                Err(error) => Err(fail(recording, error)),
            }
        })
    }
}

/// `EDBPROF_IN_MEMORY_ONLY`, once, if no live file can be had or it can't grow: what is
/// recorded is lost if the process is killed. The recording's error text says why. Else
/// `EDBPROF_OK`. For hosts that don't use `edbprof_recording_call_ended`. Any thread.
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
            let warning = recording.lock().durability.take_warning();
            warning.map_or(EDBPROF_OK, |reason| in_memory_only(recording, reason))
        })
    }
}

fn in_memory_only(recording: &Recording, reason: String) -> edbprof_status {
    note(recording, reason, 0);
    EDBPROF_IN_MEMORY_ONLY
}

/// Says that the host ends this process regularly. Recordings without a directory of
/// their own are not saved then, and leave no live file. One thread at a time.
///
/// `flags`: 0, and the files go when the C library runs its exit handlers; or
/// `EDBPROF_SAVE_LAST`, and they go now, for a process that ends in `_exit`.
///
/// `EDBPROF_BAD_ARGUMENT` (unknown flag).
#[unsafe(no_mangle)]
pub extern "C" fn edbprof_process_ends(flags: u32) -> edbprof_status {
    let announced = guard(|| {
        if flags & !EDBPROF_SAVE_LAST != 0 {
            return Err(EDBPROF_BAD_ARGUMENT);
        }
        exit::announce(flags & EDBPROF_SAVE_LAST != 0);
        Ok(())
    });
    announced.into()
}

/// Copies the text of the latest failure of the recording to `buffer`, cut to
/// `size - 1` bytes and NUL-terminated. Returns the length of the whole text, 0
/// when nothing has failed. Any thread.
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

/// The C library's `errno` of the latest failure of the recording; 0 when nothing has
/// failed, or not by the system's refusal. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_errno(recording: *const edbprof_recording) -> i32 {
    // SAFETY: `recording` is NULL or not freed.
    unsafe { get(recording, 0, |recording| recording.lock().errno) }
}

/// Copies the path of the recording's own file to `buffer`, cut to `size - 1` bytes
/// and NUL-terminated. Returns the length of the whole path, 0 when there is none:
/// nothing was recorded yet, or no directory was given. Any thread.
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
