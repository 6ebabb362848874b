//! Recordings: made, told about functions and threads, saved, freed.

use std::io;
use std::mem::offset_of;
use std::path::is_separator;

use super::guard::guard;
use super::host_struct::HostStruct;
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_NULL_POINTER, EDBPROF_OK, EDBPROF_OUT_OF_MEMORY,
    edbprof_function, edbprof_status, edbprof_str, edbprof_thread,
};
use crate::clock::{self, Clock, TickRate};
use crate::recorder::arena;
use crate::recorder::fixed::Fixed;
use crate::recorder::recording::{DEFAULT_MAX_NODES, LivePlace, Options, Place, Recording};
use crate::recorder::save::errno;

/// `edbprof_options.clock`: wall-clock time by the fastest clock of the machine.
pub const EDBPROF_CLOCK_WALL: u32 = 0;
/// `edbprof_options.clock`: CPU time of each thread.
pub const EDBPROF_CLOCK_CPU: u32 = 1;
/// `edbprof_options.clock`: the host gives the time with each event, through the
/// functions that end in `_at`.
pub const EDBPROF_CLOCK_HOST: u32 = 2;

/// `edbprof_options.max_nodes`: the fewest that a recording has room for.
pub const EDBPROF_LEAST_NODES: u32 = 64;
/// `edbprof_options.max_nodes`: the most that a recording has room for.
pub const EDBPROF_MOST_NODES: u32 = 134_217_727;

const _: () = assert!(EDBPROF_LEAST_NODES == arena::LEAST_BUDGET);
const _: () = assert!(EDBPROF_MOST_NODES == arena::LARGEST_BUDGET);

/// What a recording is made with. Fill with zeros, set `struct_size`, then what
/// shall differ from the defaults.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_options {
    /// `sizeof(edbprof_options)`.
    pub struct_size: usize,
    /// `EDBPROF_CLOCK_WALL` and the like.
    pub clock: u32,
    /// Nodes that all call trees together may have, 64 bytes each and up to 16 in
    /// memory to find it; 0: 4,194,304. What is below `EDBPROF_LEAST_NODES` or beyond
    /// `EDBPROF_MOST_NODES` is taken as those. Calls in further contexts are folded:
    /// calls, resumes and self time are known by function and thread, callers and
    /// inclusive times are not. That takes a quarter more at most, or 65,536 nodes.
    pub max_nodes: u32,
    /// Nanoseconds in a tick of `EDBPROF_CLOCK_HOST`; 0: one.
    pub host_tick_ns: f64,
    /// Where `edbprof_recording_save` writes: `<directory>/<prefix><pid>_<16 hex
    /// digits><suffix>`, with digits that no other recording has. Without a
    /// directory there is only `edbprof_recording_save_as`.
    pub directory: edbprof_str,
    /// See `directory`.
    pub prefix: edbprof_str,
    /// See `directory`.
    pub suffix: edbprof_str,
    /// What the host is, for example "CPython 3.11.7".
    pub host: edbprof_str,
    /// How events reach the recording, for example "setprofile".
    pub hook: edbprof_str,
    /// Where the live file goes, `<name of the own file>.live`, which has all that was
    /// recorded whatever ends the process: made at the first event, removed when the
    /// process ends after a save with `EDBPROF_SAVE_FINAL`, or with the recording.
    /// NULL: `directory`. Without both, or with an empty string, there is none. Without
    /// `directory` it is called `edbprof_<pid>_<16 hex digits>.prof.live`, and removed
    /// when the process ends after `edbprof_process_ends`.
    pub live_dir: edbprof_str,
}

// SAFETY: `repr(C)` with the size first; zeros are numbers, and strings without bytes.
unsafe impl HostStruct for edbprof_options {
    const MIN_SIZE: usize = offset_of!(edbprof_options, live_dir) + size_of::<edbprof_str>();
}

/// What one process collects for one purpose. Made by `edbprof_recording_new`.
#[derive(Debug)]
pub struct edbprof_recording {
    recording: Fixed<Recording>,
}

impl edbprof_recording {
    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }

    pub(super) fn fail(&self, error: &io::Error) -> edbprof_status {
        let text = error.to_string();
        let mut shared = self.recording.lock();
        shared.error = text;
        shared.errno = errno(error);
        error.into()
    }
}

/// For an argument that makes no sense, which `text` names.
pub(super) fn refuse(recording: &Recording, text: &str) -> edbprof_status {
    let mut shared = recording.lock();
    shared.error = text.to_owned();
    shared.errno = 0;
    EDBPROF_BAD_ARGUMENT
}

/// The recording behind a handle; `None` for NULL.
///
/// # Safety
/// * `handle` is NULL or was made by [`edbprof_recording_new`] and not freed.
pub(super) unsafe fn recording<'r>(
    handle: *const edbprof_recording,
) -> Option<&'r edbprof_recording> {
    debug_assert!(handle.is_null() || handle.is_aligned());
    // SAFETY: by this function's contract.
    unsafe { handle.as_ref() }
}

/// # Safety
/// * The strings in `options` are readable.
unsafe fn place(options: &edbprof_options) -> io::Result<Option<Place>> {
    if options.directory.data.is_null() {
        return Ok(None);
    }
    // SAFETY: by this function's contract.
    let (directory, prefix, suffix) = unsafe {
        (
            options.directory.path()?,
            options.prefix.path()?,
            options.suffix.path()?,
        )
    };
    for part in [&prefix, &suffix] {
        if part
            .as_encoded_bytes()
            .iter()
            .any(|&byte| is_separator(byte.into()))
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "prefix and suffix are parts of a file name, without directories",
            ));
        }
    }
    Ok(Some(Place {
        directory: std::path::absolute(directory)?,
        prefix,
        suffix,
    }))
}

/// # Safety
/// * The strings in `options` are readable.
unsafe fn live_place(options: &edbprof_options) -> io::Result<LivePlace> {
    if options.live_dir.data.is_null() {
        return Ok(LivePlace::Beside);
    }
    // SAFETY: by this function's contract.
    let directory = unsafe { options.live_dir.path()? };
    if directory.is_empty() {
        return Ok(LivePlace::Nowhere);
    }
    Ok(LivePlace::In(std::path::absolute(directory)?))
}

/// Makes a recording. Any thread.
///
/// `*out` becomes a handle to free with `edbprof_recording_free`, or NULL unless
/// the status is `EDBPROF_OK`. Writes no file. In a child that the process forks,
/// the handle is good for a recording of the child's own, in which the open calls
/// of the forking thread are open and nothing is counted yet.
///
/// `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (unknown clock, negative tick,
/// NUL byte in a path, directory in a prefix or suffix), `EDBPROF_UNSUPPORTED` (no such clock here),
/// `EDBPROF_OUT_OF_MEMORY`, `EDBPROF_SYSTEM_ERROR`.
///
/// # Safety
/// * `options` is NULL or readable, and so are the strings in it.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_new(
    options: *const edbprof_options,
    out: *mut *mut edbprof_recording,
) -> edbprof_status {
    if options.is_null() || out.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    // SAFETY: by this function's contract.
    unsafe { out.write(std::ptr::null_mut()) };
    guard(|| {
        // SAFETY: by this function's contract.
        let options = match unsafe { edbprof_options::copied(options) } {
            Ok(options) => options,
            Err(status) => return status,
        };
        let clock = match options.clock {
            EDBPROF_CLOCK_WALL => clock::wall(),
            EDBPROF_CLOCK_CPU => Clock::Cpu,
            EDBPROF_CLOCK_HOST => Clock::Host,
            _ => return EDBPROF_BAD_ARGUMENT,
        };
        let host_rate = if options.host_tick_ns == 0.0 {
            TickRate::NANOSECOND
        } else {
            match TickRate::from_ns_per_tick(options.host_tick_ns) {
                Some(rate) => rate,
                None => return EDBPROF_BAD_ARGUMENT,
            }
        };
        // SAFETY: by this function's contract.
        let place = match unsafe { place(&options) } {
            Ok(place) => place,
            Err(error) => return (&error).into(),
        };
        // SAFETY: by this function's contract.
        let live_place = match unsafe { live_place(&options) } {
            Ok(place) => place,
            Err(error) => return (&error).into(),
        };
        // SAFETY: by this function's contract.
        let (host, hook) = unsafe { (options.host.bytes(), options.hook.bytes()) };
        let made = Recording::new(Options {
            clock,
            host_rate,
            place,
            live_place,
            max_nodes: match options.max_nodes {
                0 => DEFAULT_MAX_NODES,
                nodes => nodes,
            },
            host: host.into(),
            hook: hook.into(),
        });
        let recording = match made {
            Ok(recording) => recording,
            Err(error) => return (&error).into(),
        };
        let handle = Box::new(edbprof_recording { recording });
        // SAFETY: by this function's contract.
        unsafe { out.write(Box::into_raw(handle)) };
        EDBPROF_OK
    })
}

/// Frees a recording with all its thread handles, and removes its live file. Saves
/// nothing, but what came after a save with `EDBPROF_SAVE_FINAL`. NULL is fine. One thread at a time, and no thread uses the recording any more.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * No other call on it or on its threads is under way or comes later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_free(recording: *mut edbprof_recording) {
    if recording.is_null() {
        return;
    }
    let status = guard(|| {
        // SAFETY: made by Box::into_raw in `edbprof_recording_new`, freed once.
        drop(unsafe { Box::from_raw(recording) });
        EDBPROF_OK
    });
    debug_assert_eq!(status, EDBPROF_OK);
}

/// Makes a handle for the calling thread. Any thread.
///
/// `*out` becomes the handle, or NULL unless the status is `EDBPROF_OK`. It lives until
/// `edbprof_thread_detach`, or as long as the recording. `name` is what reports call the
/// thread. It has a call tree of its own; but where the recording has 256 trees, it goes
/// on with that of a thread that was detached, if there is any: best of one whose name
/// differs in digits only. The tree's name then says so: `worker-#, 745 threads`.
///
/// `EDBPROF_OUT_OF_MEMORY` when there is no room for another tree.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `name` is readable; `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_attach(
    recording: *mut edbprof_recording,
    name: edbprof_str,
    out: *mut *mut edbprof_thread,
) -> edbprof_status {
    if out.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    // SAFETY: by this function's contract.
    unsafe { out.write(std::ptr::null_mut()) };
    // SAFETY: by this function's contract.
    let Some(handle) = (unsafe { self::recording(recording) }) else {
        return EDBPROF_NULL_POINTER;
    };
    guard(|| {
        // SAFETY: by this function's contract.
        match handle.recording.attach(unsafe { name.bytes() }) {
            Ok(thread) => {
                // SAFETY: by this function's contract.
                unsafe { out.write(edbprof_thread::from_thread(thread)) };
                EDBPROF_OK
            }
            Err(error) => handle.fail(&error),
        }
    })
}

/// The thread is over, and its handle too: calls that are open end, what it recorded is
/// kept. Only the thread that made the handle, or, when that will not use it any more,
/// any thread. Programs whose threads come and go need it, or each costs a tree.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed, and was not detached.
/// * No other call with it is under way or comes later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_thread_detach(thread: *mut edbprof_thread) -> edbprof_status {
    // SAFETY: by this function's contract.
    let Some(thread) = (unsafe { edbprof_thread::thread(thread) }) else {
        return EDBPROF_NULL_POINTER;
    };
    guard(|| {
        // SAFETY: by this function's contract.
        unsafe { thread.recording().detach(thread) };
        EDBPROF_OK
    })
}

/// Says what the function called `key` is. Any thread.
///
/// Everything is copied. A key that is known keeps its first meaning.
///
/// `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (key 0, unknown kind or
/// flag),
/// `EDBPROF_OUT_OF_MEMORY` (2^32 functions).
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * `function` is NULL or readable, and so are the strings in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_define(
    recording: *mut edbprof_recording,
    key: u64,
    function: *const edbprof_function,
) -> edbprof_status {
    // SAFETY: by this function's contract.
    let Some(handle) = (unsafe { self::recording(recording) }) else {
        return EDBPROF_NULL_POINTER;
    };
    if function.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    // SAFETY: by this function's contract.
    unsafe { define(&handle.recording, key, function) }
}

/// # Safety
/// * `function` is readable as far as its `struct_size` says, and so are the
///   strings in it.
pub(super) unsafe fn define(
    recording: &Recording,
    key: u64,
    function: *const edbprof_function,
) -> edbprof_status {
    guard(|| {
        if key == 0 {
            return refuse(recording, "the key of a function can't be 0");
        }
        // SAFETY: by this function's contract.
        let function = match unsafe { HostStruct::copied(function) } {
            Ok(function) => function,
            Err(status) => return status,
        };
        // SAFETY: by this function's contract.
        match unsafe { edbprof_function::entry(&function) } {
            Ok(entry) => match recording.define(key, entry) {
                true => EDBPROF_OK,
                false => EDBPROF_OUT_OF_MEMORY,
            },
            Err(reason) => refuse(recording, reason),
        }
    })
}
