//! Native spans: functions that describe themselves, with their addresses as keys.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::entry::{make, with};
use super::event::{check_is_current, enter, leave};
use super::recording::define;
use super::{
    EDBPROF_NATIVE, EDBPROF_NULL_POINTER, EDBPROF_OK, EDBPROF_OUT_OF_MEMORY,
    EDBPROF_UNKNOWN_FUNCTION, edbprof_function, edbprof_status, edbprof_str, edbprof_thread,
};
use crate::model::timeline::CallEnd;
use crate::recorder::{Thread, Visit};

/// Begins a call of the native span. Only the thread that made the handle.
///
/// The address of the span is its key. The first call defines it from its own fields,
/// without `edbprof_recording_define`. `edbprof_leave_span` ends the call.
///
/// # Safety
/// * Those of `edbprof_enter`.
/// * `span` is NULL or a valid function that does not change and outlives the
///   recording.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_enter_span(
    thread: *mut edbprof_thread,
    span: *const edbprof_function,
) -> edbprof_status {
    if span.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    let key = span.addr() as u64;
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed; `span`
    // is readable.
    unsafe {
        match enter(thread, key, Visit::Start) {
            EDBPROF_UNKNOWN_FUNCTION => {}
            status => return status,
        }
        match with(thread, |thread| define(thread.recording(), key, span)) {
            EDBPROF_OK => enter(thread, key, Visit::Start),
            status => status,
        }
    }
}

/// Ends a call of the native span, like `edbprof_leave`. Only the thread that made the
/// handle.
///
/// # Safety
/// * Those of `edbprof_enter`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_leave_span(
    thread: *mut edbprof_thread,
    span: *const edbprof_function,
) -> edbprof_status {
    if span.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    // SAFETY: `thread` is NULL or this thread's handle of a recording that is not freed.
    unsafe { leave(thread, span.addr() as u64, CallEnd::Returned) }
}

fn now(thread: &Thread) -> u64 {
    let now = thread.now_at_once();
    now.unwrap_or_else(|_| thread.now_of_event())
}

/// Begins a span that may outlive the call in which it begins. Only the thread that made the
/// handle.
///
/// Like `edbprof_enter_span`, but the span stays open when the call in which it began returns or is
/// suspended. The span then continues, uncounted, under the caller. A call that ends by an
/// exception ends its spans. `edbprof_end_span` ends the span.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed.
/// * `span` is NULL or a valid function that does not change and outlives the recording.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_begin_span(
    thread: *mut edbprof_thread,
    span: *const edbprof_function,
) -> edbprof_status {
    if span.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    let key = span.addr() as u64;
    let begin = |thread: &Thread| -> edbprof_status {
        if let Err(status) = check_is_current(thread) {
            return status;
        }
        let begin = || thread.begin_span(key, now(thread)).into();
        match begin() {
            EDBPROF_UNKNOWN_FUNCTION => {}
            status => return status,
        }
        // SAFETY: `span` is not NULL, hence readable with its strings.
        match unsafe { define(thread.recording(), key, span) } {
            Ok(()) => begin(),
            Err(status) => status,
        }
    };
    // SAFETY: `thread` is NULL or a handle of a recording that is not freed.
    unsafe { with(thread, begin) }
}

/// Ends a span of `edbprof_begin_span`. Calls that were made within it and are open continue,
/// uncounted, under the span's caller. Only the thread that made the handle.
///
/// Returns `EDBPROF_NOT_OPEN`, and changes nothing, if the span is not open. Errors:
/// `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * Those of `edbprof_begin_span`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_end_span(
    thread: *mut edbprof_thread,
    span: *const edbprof_function,
) -> edbprof_status {
    if span.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    let end = |thread: &Thread| match check_is_current(thread) {
        Ok(()) => thread.end_span(span.addr() as u64, now(thread)).into(),
        Err(status) => status,
    };
    // SAFETY: `thread` is NULL or a handle of a recording that is not freed.
    unsafe { with(thread, end) }
}

/// A span that [`edbprof_span_intern`] has made. It is never freed.
struct Interned {
    span: edbprof_function,
    hash: u64,
    name: Box<[u8]>,
    file: Box<[u8]>,
    next: *mut Interned,
}

/// Lists of all interned spans by their hash. They only grow, and without a lock, so that a fork
/// can't leave them half changed.
static INTERNED: [AtomicPtr<Interned>; 1024] = [const { AtomicPtr::new(ptr::null_mut()) }; 1024];

fn find(
    mut each: *mut Interned,
    hash: u64,
    fits: impl Fn(&Interned) -> bool,
) -> *const edbprof_function {
    // SAFETY: NULL, or a span of the list, which is never freed or changed.
    while let Some(interned) = unsafe { each.as_ref() } {
        if interned.hash == hash && fits(interned) {
            return &raw const interned.span;
        }
        each = interned.next;
    }
    ptr::null()
}

fn copied(bytes: &[u8]) -> Result<Box<[u8]>, edbprof_status> {
    let mut copy = Vec::new();
    let reserved = copy.try_reserve_exact(bytes.len());
    reserved.map_err(|_| EDBPROF_OUT_OF_MEMORY)?;
    copy.extend_from_slice(bytes);
    Ok(copy.into_boxed_slice())
}

fn text(bytes: &[u8]) -> edbprof_str {
    edbprof_str {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}

/// Finds the native span of that name, file and line, or makes it: for names that are known at run
/// time only. Any thread.
///
/// `*out` becomes the span, always the same for the same arguments. It lives as long as the
/// process, so names should be few: don't put a request's number into a name. A span that the host
/// made itself is known by its address, and keeps the name that it had when it was first entered.
///
/// `file` may be without bytes, and `line` 0.
///
/// Errors: `EDBPROF_OUT_OF_MEMORY`.
///
/// # Safety
/// * `name` and `file` are readable; `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_span_intern(
    name: edbprof_str,
    file: edbprof_str,
    line: i64,
    out: *mut *const edbprof_function,
) -> edbprof_status {
    let intern = || {
        // SAFETY: both are readable.
        let (name, file) = unsafe { (name.bytes(), file.bytes()) };
        let mut hasher = DefaultHasher::new();
        (name, file, line).hash(&mut hasher);
        let hash = hasher.finish();
        let bucket = &INTERNED[hash as usize % INTERNED.len()];
        let fits =
            |each: &Interned| *each.name == *name && *each.file == *file && each.span.line == line;
        let mut first = bucket.load(Acquire);
        let known = find(first, hash, fits);
        if !known.is_null() {
            return Ok(known);
        }
        let (name, file) = (copied(name)?, copied(file)?);
        let new = Box::into_raw(Box::new(Interned {
            span: edbprof_function {
                struct_size: size_of::<edbprof_function>(),
                kind: EDBPROF_NATIVE,
                flags: 0,
                file: text(&file),
                line,
                name: text(&name),
                qualified_name: text(&[]),
                module: text(&[]),
                generic_name: text(&[]),
                generic_file: text(&[]),
                generic_line: 0,
            },
            hash,
            name,
            file,
            next: first,
        }));
        loop {
            match bucket.compare_exchange(first, new, AcqRel, Acquire) {
                // SAFETY: it has just been made, and is never freed.
                Ok(_) => return Ok(unsafe { &raw const (*new).span }),
                Err(other) => first = other,
            }
            let known = find(first, hash, fits);
            // SAFETY: no other thread has the pointer yet.
            let mut unused = unsafe { Box::from_raw(new) };
            if !known.is_null() {
                return Ok(known);
            }
            unused.next = first;
            let _ = Box::into_raw(unused);
        }
    };
    // SAFETY: `out` is NULL or writable.
    unsafe { make(out, ptr::null(), intern) }
}
