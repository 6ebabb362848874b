//! Numbers of calls by function, for hosts that check limits while they record.

use super::edbprof_choice;
use super::edbprof_recording;
use super::entry::get;

/// Writes the number of calls of each function so far, open ones included, to `calls`. The numbers
/// are in the order in which the functions were described; at most `room` of them are written. The
/// number is 0 for functions that `choice` does not match, and for those with `EDBPROF_HIDDEN`.
/// Returns the number of functions; 0 for NULL. A later count has the same functions at the same
/// places, and new ones follow them. Visits every node. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `choice` is NULL, which matches all functions, or was made by `edbprof_choice_new` and not
///   freed.
/// * `room` numbers can be written at `calls`, or it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_count_function_calls(
    recording: *const edbprof_recording,
    choice: *const edbprof_choice,
    calls: *mut u64,
    room: usize,
) -> usize {
    // SAFETY: the handles are NULL or not freed; `room` numbers can be written at `calls`.
    unsafe {
        get(recording, 0, |recording| {
            let counted = match choice.is_null() {
                true => recording.calls_by_function(|_| true),
                false => get(choice, Vec::new(), |choice| {
                    recording.calls_by_function(|function| choice.has(function, b""))
                }),
            };
            if !calls.is_null() {
                calls.copy_from_nonoverlapping(counted.as_ptr(), counted.len().min(room));
            }
            counted.len()
        })
    }
}
