//! Keeps parts of timelines, for example those of slow calls, which later events must not
//! overwrite.

use super::entry::{get, guarded, with};
use super::{EDBPROF_NOT_DUE, EDBPROF_OK, edbprof_recording, edbprof_status};
use crate::recorder;

/// Returns the time now on the recording's timeline, for `edbprof_timeline_keep`. 0 for
/// `EDBPROF_CLOCK_HOST`. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_timeline_now(recording: *const edbprof_recording) -> u64 {
    // SAFETY: `recording` is NULL or not freed.
    unsafe { get(recording, 0, |recording| recording.history_now()) }
}

/// Keeps all threads' events since the time `since`, which `edbprof_timeline_now` returned, if that
/// was at least `least_ns` nanoseconds ago. Later events don't overwrite them until events have
/// been kept `most` more times, or until three quarters of the timeline are kept. Events that were
/// overwritten before are missing. Any thread.
///
/// Returns `EDBPROF_NOT_DUE` if that was not so long ago, or if the recording has no timeline.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_timeline_keep(
    recording: *const edbprof_recording,
    since: u64,
    least_ns: u64,
    most: usize,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            match recording.keep_history(since, least_ns, most) {
                true => EDBPROF_OK,
                false => EDBPROF_NOT_DUE,
            }
        })
    }
}

/// Keeps the timelines of all recordings of this process as they are now, like
/// `edbprof_timeline_keep`. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn edbprof_timelines_keep(most: usize) -> edbprof_status {
    guarded(|| {
        recorder::keep_histories(most);
        EDBPROF_OK
    })
}
