//! Choices of the functions that are recorded.

use std::ffi::c_char;
use std::{ptr, slice, str};

use super::edbprof_str;
use super::entry::{Attempt, Handle, get, guard, make};
use super::host_struct::HostStruct;
use super::text::copy_to;
use super::{EDBPROF_BAD_ARGUMENT, EDBPROF_OUT_OF_MEMORY, edbprof_function, edbprof_status};
use crate::model::Choice;

/// Choice of the functions that a host reports. Made by `edbprof_choice_new`.
#[derive(Debug)]
pub struct edbprof_choice {
    /// Never made: a pointer to it points to a `Choice`.
    _opaque: (),
}

// SAFETY: `edbprof_choice_new` alone hands out pointers to it, and makes them of a `Box`.
unsafe impl Handle for edbprof_choice {
    type Object = Choice;
}

/// The strings of an array.
///
/// # Safety
/// * `count` strings can be read at `first`, or it is NULL; so can their bytes.
unsafe fn strings<'a>(first: *const edbprof_str, count: usize) -> Vec<&'a [u8]> {
    let strings = match first.is_null() {
        true => &[],
        // SAFETY: so many can be read (contract).
        false => unsafe { slice::from_raw_parts(first, count) },
    };
    // SAFETY: their bytes can be read (contract).
    strings.iter().map(|text| unsafe { text.bytes() }).collect()
}

/// Patterns as text.
///
/// # Errors
/// `EDBPROF_BAD_ARGUMENT`: an empty string, or one that is not UTF-8.
fn patterns<'a>(strings: &[&'a [u8]]) -> Attempt<Vec<&'a str>> {
    let text = |bytes: &&'a [u8]| {
        let text = str::from_utf8(bytes).map_err(|_| EDBPROF_BAD_ARGUMENT)?;
        (!text.is_empty())
            .then_some(text)
            .ok_or(EDBPROF_BAD_ARGUMENT)
    };
    strings.iter().map(text).collect()
}

/// Makes a choice of the functions that a host reports, because a recording is about a part of the
/// program. Any thread.
///
/// A function is chosen if a pattern of `record` matches it, or if `record` is empty. It is not
/// chosen if a pattern of `no_record` matches it. The patterns are those of the program `edbprof`.
/// `mine` matches functions whose file is neither below one of the directories `libraries` nor in
/// `site-packages` or `dist-packages`, and no frozen module.
///
/// `*out` becomes a handle, to free with `edbprof_choice_free`.
///
/// Errors: `EDBPROF_BAD_ARGUMENT` (an empty pattern, or one that is not UTF-8).
///
/// # Safety
/// * `record`, `no_record` and `libraries` are NULL or arrays of so many readable strings.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_choice_new(
    record: *const edbprof_str,
    record_count: usize,
    no_record: *const edbprof_str,
    no_record_count: usize,
    libraries: *const edbprof_str,
    library_count: usize,
    out: *mut *mut edbprof_choice,
) -> edbprof_status {
    // SAFETY: the arrays are NULL or readable with their strings; `out` is NULL or writable.
    unsafe {
        make(out, ptr::null_mut(), || {
            let record = patterns(&strings(record, record_count))?;
            let no_record = patterns(&strings(no_record, no_record_count))?;
            let libraries = strings(libraries, library_count);
            let choice = Box::new(Choice::new(&record, &no_record, &libraries));
            Ok(Box::into_raw(choice).cast())
        })
    }
}

/// Returns 1 if the function is chosen, else 0. Any thread.
///
/// `origin` is the file of the module that made the function, for functions without a file of their
/// own, such as those of `<string>`. It has no bytes if there is no such file. Returns 0 for NULL,
/// and for a function that `edbprof_recording_define` would refuse.
///
/// # Safety
/// * `choice` is NULL or was made by `edbprof_choice_new` and not freed.
/// * `function` is NULL or readable, and so are the strings in it and `origin`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_choice_matches(
    choice: *const edbprof_choice,
    function: *const edbprof_function,
    origin: edbprof_str,
) -> u32 {
    let matches = |choice: &Choice| {
        // SAFETY: NULL or readable with its strings (contract).
        let entry = unsafe {
            edbprof_function::copied(function)
                .and_then(|function| function.entry().map_err(|_| EDBPROF_OUT_OF_MEMORY))
        };
        // SAFETY: readable (contract).
        let origin = unsafe { origin.bytes() };
        entry.is_ok_and(|entry| choice.has(&entry.function, origin))
    };
    // SAFETY: `choice` is NULL or not freed.
    unsafe { get(choice, 0, |choice| matches(choice).into()) }
}

/// Copies the choice as text to `buffer`: the options of `edbprof run` that make it. The text is
/// cut to `size - 1` bytes and NUL-terminated. Returns the length of the whole text; 0 for NULL.
/// Any thread.
///
/// # Safety
/// * `choice` is NULL or was made by `edbprof_choice_new` and not freed.
/// * `size` bytes can be written at `buffer`, or it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_choice_text(
    choice: *const edbprof_choice,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: `choice` is NULL or not freed; `size` bytes can be written at `buffer`.
    unsafe {
        get(choice, 0, |choice| {
            copy_to(buffer, size, choice.to_string().as_bytes())
        })
    }
}

/// Frees a choice. NULL does nothing. One thread at a time, once no thread uses the choice.
///
/// # Safety
/// * `choice` is NULL or was made by `edbprof_choice_new` and not freed.
/// * No other call with it is under way or comes later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_choice_free(choice: *mut edbprof_choice) {
    if choice.is_null() {
        return;
    }
    let freed = guard(|| {
        // SAFETY: a box that `edbprof_choice_new` has leaked, and that is no longer used.
        drop(unsafe { Box::from_raw(choice.cast::<Choice>()) });
        Ok(())
    });
    debug_assert_eq!(freed, Ok(()));
}
