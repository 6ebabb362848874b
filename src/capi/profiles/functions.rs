//! Functions that hosts call.

use std::collections::HashMap;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use super::column::{Column, edbprof_column, edbprof_column_id};
use super::compared::Compared;
use super::data::ProfileData;
use super::failure::{Failure, edbprof_failure, make_or_tell};
use super::source::{Read, Source, edbprof_source, read};
use crate::analysis::merge_request::By;
use crate::capi::entry::{Attempt, Handle, guard, make, make_with};
use crate::capi::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_NULL_POINTER, edbprof_bytes, edbprof_status, edbprof_str,
};
use crate::model::Pattern;

/// Flag of `edbprof_data_load`: processes are kept apart, each below a node of its own.
pub const EDBPROF_BY_PROCESS: u32 = 1;
/// Flag of `edbprof_data_load`: processes and their threads are kept apart.
pub const EDBPROF_BY_THREAD: u32 = 2;
/// Flag of `edbprof_data_load`: times are without the cost of recording.
pub const EDBPROF_COMPENSATE: u32 = 4;
/// Flag of `edbprof_data_diff`: times are as recorded. By default they are compared without the
/// cost of recording.
pub const EDBPROF_AS_RECORDED: u32 = 8;

/// A profile, or two that are compared.
pub struct edbprof_data {
    _opaque: [u8; 0],
}

/// The object behind the handle.
pub(in crate::capi) struct Data {
    of: Of,
    /// Columns that were asked for.
    columns: Mutex<HashMap<u32, Box<Column>>>,
}

enum Of {
    Profile(Box<ProfileData>),
    Comparison(Compared),
}

// SAFETY: `hand_out` makes every such pointer from a `Box<Data>`.
unsafe impl Handle for edbprof_data {
    type Object = Data;
}

fn hand_out(of: Of) -> *mut edbprof_data {
    let data = Data {
        of,
        columns: Mutex::default(),
    };
    Box::into_raw(Box::new(data)).cast()
}

impl Data {
    fn profile(&self) -> Attempt<&ProfileData> {
        match &self.of {
            Of::Profile(profile) => Ok(profile),
            Of::Comparison(_) => Err(EDBPROF_BAD_ARGUMENT),
        }
    }

    fn column(&self, id: edbprof_column_id) -> Attempt<edbprof_column> {
        let compute = || match &self.of {
            Of::Profile(profile) => profile.compute(id),
            Of::Comparison(compared) => compared.compute(id),
        };
        if let Of::Profile(profile) = &self.of {
            if let Some(column) = profile.ready(id) {
                return Ok(column);
            }
        }
        // A panic while a column is computed leaves the map as it was.
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = columns.get(&(id as u32)) {
            return Ok(column.as_c());
        }
        let column = Box::new(compute().ok_or(EDBPROF_BAD_ARGUMENT)?);
        Ok(columns.entry(id as u32).or_insert(column).as_c())
    }
}

/// Reads and merges profiles: `.prof` files, live files and those of cProfile. Every recording
/// counts once. Without sources, the profile is empty. Any thread; the sources must not change
/// meanwhile.
///
/// `flags`: one of `EDBPROF_BY_PROCESS` and `EDBPROF_BY_THREAD`, and `EDBPROF_COMPENSATE`; or 0.
/// `*out` becomes the profile, to free with `edbprof_data_free`. If reading fails, `*failure`
/// becomes the reason, unless `failure` is NULL. The host frees its text.
///
/// Errors: `EDBPROF_UNREADABLE`, `EDBPROF_SYSTEM_ERROR`, `EDBPROF_BAD_ARGUMENT` (unknown flag).
///
/// # Safety
/// * `len` sources are readable at `sources`, or it is NULL; their strings are readable.
/// * `out` and `failure` are NULL or writable. Their previous values are not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_load(
    sources: *const edbprof_source,
    len: usize,
    flags: u32,
    out: *mut *mut edbprof_data,
    failure: *mut edbprof_failure,
) -> edbprof_status {
    let body = || {
        let known = EDBPROF_BY_PROCESS | EDBPROF_BY_THREAD | EDBPROF_COMPENSATE;
        let by = match flags & (EDBPROF_BY_PROCESS | EDBPROF_BY_THREAD) {
            0 => None,
            EDBPROF_BY_PROCESS => Some(By::Process),
            EDBPROF_BY_THREAD => Some(By::Thread),
            _ => return Err(bad_flag()),
        };
        if flags & !known != 0 {
            return Err(bad_flag());
        }
        // SAFETY: `len` sources and their strings are readable, or `sources` is NULL.
        let sources = unsafe { Source::all(sources, len) }?;
        let mut read = read(&sources, by, true)?;
        if flags & EDBPROF_COMPENSATE != 0 {
            read.profile.compensate();
        }
        Ok(hand_out(Of::Profile(Box::new(ProfileData::new(read)))))
    };
    // SAFETY: `out` and `failure` are NULL or writable.
    unsafe { make_or_tell(out, ptr::null_mut(), len, failure, body) }
}

fn bad_flag() -> Failure {
    Failure {
        status: EDBPROF_BAD_ARGUMENT,
        ..Failure::unreadable("a flag is unknown, or flags contradict each other")
    }
}

/// Merges profiles into the content of one `.prof` file. Every recording counts once, so results
/// may be merged in stages. Any thread; the sources must not change meanwhile.
///
/// `*out` becomes the bytes, to free with `edbprof_bytes_free`. Otherwise like
/// `edbprof_data_load`.
///
/// # Safety
/// * `len` sources are readable at `sources`, or it is NULL; their strings are readable.
/// * `out` and `failure` are NULL or writable. Their previous values are not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_merge(
    sources: *const edbprof_source,
    len: usize,
    out: *mut edbprof_bytes,
    failure: *mut edbprof_failure,
) -> edbprof_status {
    let body = || {
        // SAFETY: `len` sources and their strings are readable, or `sources` is NULL.
        let sources = unsafe { Source::all(sources, len) }?;
        let merged = read(&sources, None, false)?;
        Ok(edbprof_bytes::new(merged.profile.encode()))
    };
    // SAFETY: `out` and `failure` are NULL or writable.
    unsafe { make_or_tell(out, edbprof_bytes::NONE, len, failure, body) }
}

/// Encodes a profile as the content of a `.prof` file, which begins with the dictionary for
/// pstats. Any thread.
///
/// Errors: `EDBPROF_BAD_ARGUMENT` (a comparison).
///
/// # Safety
/// * `data` is NULL or was made by this library and not freed.
/// * `out` is NULL or writable. Its previous value is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_encode(
    data: *const edbprof_data,
    out: *mut edbprof_bytes,
) -> edbprof_status {
    // SAFETY: `data` is NULL or not freed; `out` is NULL or writable.
    unsafe {
        make_with(data, out, edbprof_bytes::NONE, |data| {
            Ok(edbprof_bytes::new(data.profile()?.profile.encode()))
        })
    }
}

/// Gives a column of a profile or comparison. Any thread.
///
/// `*out` becomes the column, which lives as long as `data` and is not freed.
///
/// Errors: `EDBPROF_BAD_ARGUMENT` (there is no such column).
///
/// # Safety
/// * `data` is NULL or was made by this library and not freed.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_column(
    data: *const edbprof_data,
    column: u32,
    out: *mut edbprof_column,
) -> edbprof_status {
    // SAFETY: `data` is NULL or not freed; `out` is NULL or writable.
    unsafe {
        make_with(data, out, edbprof_column::NONE, |data| {
            let id = edbprof_column_id::numbered(column).ok_or(EDBPROF_BAD_ARGUMENT)?;
            data.column(id)
        })
    }
}

/// Finds the functions that a pattern matches, like `edbprof --include`. Any thread.
///
/// `*out` becomes one byte for each function, 1 if it matches; to free with `edbprof_bytes_free`.
///
/// # Safety
/// * `data` is NULL or was made by this library and not freed.
/// * `pattern` is readable.
/// * `out` is NULL or writable. Its previous value is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_find(
    data: *const edbprof_data,
    pattern: edbprof_str,
    out: *mut edbprof_bytes,
) -> edbprof_status {
    // SAFETY: `data` is NULL or not freed; `pattern` is readable; `out` is NULL or writable.
    unsafe {
        make_with(data, out, edbprof_bytes::NONE, |data| {
            let pattern = text_pattern(pattern.bytes());
            Ok(edbprof_bytes::new(data.profile()?.matching(&pattern)))
        })
    }
}

/// Makes a profile of the calls of functions that a pattern matches, with all that they have
/// called. Any thread.
///
/// `*out` becomes the profile, to free with `edbprof_data_free`; NULL if no call matches.
///
/// # Safety
/// * `data` is NULL or was made by this library and not freed.
/// * `pattern` is readable.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_subtree(
    data: *const edbprof_data,
    pattern: edbprof_str,
    out: *mut *mut edbprof_data,
) -> edbprof_status {
    // SAFETY: `data` is NULL or not freed; `pattern` is readable; `out` is NULL or writable.
    unsafe {
        make_with(data, out, ptr::null_mut(), |data| {
            let pattern = text_pattern(pattern.bytes());
            let subtree = data.profile()?.profile.subtree(&pattern);
            Ok(subtree.map_or(ptr::null_mut(), |profile| {
                let threads = Vec::new();
                let data = ProfileData::new(Read { profile, threads });
                hand_out(Of::Profile(Box::new(data)))
            }))
        })
    }
}

/// Compares two profiles, like `edbprof diff`. Any thread.
///
/// `flags`: `EDBPROF_AS_RECORDED` or 0. `*out` becomes the comparison, to free with
/// `edbprof_data_free`.
///
/// # Safety
/// * `before` and `after` are NULL or were made by this library and not freed.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_diff(
    before: *const edbprof_data,
    after: *const edbprof_data,
    flags: u32,
    out: *mut *mut edbprof_data,
) -> edbprof_status {
    let (before, after) = (before.cast::<Data>(), after.cast::<Data>());
    let body = || {
        // SAFETY: NULL, or pointers to `Data` (contract of `Handle`) that are not freed.
        let sides = unsafe { [before.as_ref(), after.as_ref()] };
        let [Some(before), Some(after)] = sides else {
            return Err(EDBPROF_NULL_POINTER);
        };
        if flags & !EDBPROF_AS_RECORDED != 0 {
            return Err(EDBPROF_BAD_ARGUMENT);
        }
        let profiles = [&before.profile()?.profile, &after.profile()?.profile];
        let compared = Compared::new(profiles, flags & EDBPROF_AS_RECORDED != 0);
        Ok(hand_out(Of::Comparison(compared)))
    };
    // SAFETY: `out` is NULL or writable.
    unsafe { make(out, ptr::null_mut(), body) }
}

/// Frees a profile or comparison, and with it its columns. NULL does nothing. One thread at a time,
/// once no other thread uses it.
///
/// # Safety
/// * `data` is NULL or was made by this library and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_data_free(data: *mut edbprof_data) {
    if !data.is_null() {
        // SAFETY: `hand_out` has made it from a box, and it is not freed (contract).
        let data = unsafe { Box::from_raw(data.cast::<Data>()) };
        // Dropping runs no code that could panic.
        let _ = guard(|| {
            drop(data);
            Ok(())
        });
    }
}

fn text_pattern(bytes: &[u8]) -> Pattern {
    Pattern::new(&String::from_utf8_lossy(bytes))
}
