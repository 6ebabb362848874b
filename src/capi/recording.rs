//! Recordings: making and freeing them, and naming their functions and threads.

use std::ffi::OsStr;
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt;
use std::{io, path, ptr};

use super::entry::{Attempt, Handle, guard, make, make_with, with};
use super::event::check_is_current;
use super::host_struct::HostStruct;
use super::status::{fail, not_made, refuse};
use super::{
    EDBPROF_BAD_ARGUMENT, EDBPROF_DETACHED, EDBPROF_OK, EDBPROF_OUT_OF_MEMORY, edbprof_function,
    edbprof_status, edbprof_status_text, edbprof_str, edbprof_thread,
};
use crate::clock::{self, Clock, TickRate};
use crate::recorder::{
    self, DEFAULT_MAX_NODES, HistoryOptions, Keep, LiveFileLocation, Options, OutputLocation,
    Recording, Registered,
};

/// `edbprof_options.clock`: wall-clock time by the fastest clock of the machine.
pub const EDBPROF_CLOCK_WALL: u32 = 0;
/// `edbprof_options.clock`: CPU time of each thread.
pub const EDBPROF_CLOCK_CPU: u32 = 1;
/// `edbprof_options.clock`: the host gives the time of each event, through the functions
/// that end in `_at`.
pub const EDBPROF_CLOCK_HOST: u32 = 2;

/// `edbprof_options.flags`: time in which threads are on no processor is not counted separately. By
/// default it is, if `clock` is `EDBPROF_CLOCK_WALL` and the library reads that clock.
pub const EDBPROF_NO_WAITING: u64 = 1;

/// `edbprof_options.flags`: once there is no room for more, the timeline ends. By default the
/// latest events take the place of the oldest ones.
pub const EDBPROF_TIMELINE_FIRST: u64 = 2;

/// `edbprof_options.flags`: only those parts of the timeline are saved that
/// `edbprof_timeline_keep` has kept.
pub const EDBPROF_TIMELINE_KEPT: u64 = 4;

/// `edbprof_options.max_nodes`: the smallest number.
pub const EDBPROF_LEAST_NODES: u32 = 64;
/// `edbprof_options.max_nodes`: the largest number.
pub const EDBPROF_MOST_NODES: u32 = 134_217_727;

const _: () = assert!(EDBPROF_LEAST_NODES == recorder::LEAST_BUDGET);
const _: () = assert!(EDBPROF_MOST_NODES == recorder::LARGEST_BUDGET);

/// Settings of a recording. Fill it with zeros, set `struct_size`, then set the fields that differ
/// from the defaults.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_options {
    /// `sizeof(edbprof_options)`.
    pub struct_size: usize,
    /// `EDBPROF_CLOCK_WALL`, `EDBPROF_CLOCK_CPU` or `EDBPROF_CLOCK_HOST`.
    pub clock: u32,
    /// Number of nodes that all call trees together may have; 0: 4,194,304. A node takes 64
    /// bytes, and up to 16 more in memory to find it. Numbers below `EDBPROF_LEAST_NODES`
    /// or above `EDBPROF_MOST_NODES` mean these.
    ///
    /// Once all nodes are used, a call on a new path *overflows*. Its calls, resumes and self time
    /// are counted by function and thread; its callers and inclusive time are lost. The counters
    /// take extra room, up to a quarter of `max_nodes` or 65,536 nodes, whichever is more.
    pub max_nodes: u32,
    /// Nanoseconds in a tick of `EDBPROF_CLOCK_HOST`; 0: one nanosecond.
    pub host_tick_ns: f64,
    /// Directory of the recording's own file, `<directory>/<prefix><pid>_<16 hex
    /// digits><suffix>`, which `edbprof_recording_save` writes. No other recording has the
    /// same digits. Without a directory there is only `edbprof_recording_save_as`.
    pub directory: edbprof_str,
    /// First part of the file's name.
    pub prefix: edbprof_str,
    /// Last part of the file's name.
    pub suffix: edbprof_str,
    /// Name and version of the host, such as "CPython 3.11.7".
    pub host: edbprof_str,
    /// Name of the means by which the host learns of events, such as "setprofile".
    pub hook: edbprof_str,
    /// Directory of the live file, which keeps all that was recorded, however the process
    /// ends. NULL: `directory`. Without both, or with an empty string, there is no live
    /// file.
    ///
    /// The live file is made at the first event, with the name of the recording's own file
    /// followed by `.live`. It is removed with the recording, or when the process ends
    /// after a save with `EDBPROF_SAVE_AT_EXIT`. Without `directory` its name is
    /// `edbprof_<pid>_<16 hex digits>.prof.live`, and it is removed when the process ends
    /// after `edbprof_process_ends`.
    pub live_dir: edbprof_str,
    /// Flags: `EDBPROF_NO_WAITING`, `EDBPROF_TIMELINE_FIRST`, `EDBPROF_TIMELINE_KEPT`. This field
    /// and all later ones are not in the first version of the ABI.
    pub flags: u64,
    /// Bytes that the timeline may take, at least 256 KiB; 0: there is none.
    ///
    /// The timeline has every event with its time, eight bytes each. Until it is saved, it is in a
    /// file beside the live file, with `.timeline.live` in place of `.live`. Without a live file,
    /// it is in memory. `edbprof_recording_save` and `edbprof_recording_save_as` write it beside
    /// the file, whose name is followed by `.timeline`.
    pub timeline_bytes: u64,
    /// Bytes of the timeline's file system that stay free; 0: three quarters of the free space at
    /// the timeline's start.
    pub timeline_disk_floor: u64,
    /// If the timeline is in memory or on tmpfs: bytes that stay free in the process's control
    /// groups and in the machine. 0: three quarters of the free memory at the timeline's start.
    pub timeline_memory_floor: u64,
    /// Choice of the functions that the host reports, as `edbprof_choice_text` returns it; without
    /// bytes if the host reports all functions. It is kept with the recording.
    pub chosen: edbprof_str,
}

// SAFETY: `repr(C)` with the size first; zeros are numbers, and strings without bytes.
unsafe impl HostStruct for edbprof_options {
    const MIN_SIZE: usize = offset_of!(edbprof_options, live_dir) + size_of::<edbprof_str>();
}

/// Everything that one process collects for one purpose. Made by `edbprof_recording_new`.
#[derive(Debug)]
pub struct edbprof_recording {
    /// Never made: a pointer to it points to a `Registered`.
    _opaque: (),
}

// SAFETY: `edbprof_recording_new` alone hands out pointers to it, and makes them of a `Box`.
unsafe impl Handle for edbprof_recording {
    type Object = Registered;
}

fn refuse_new(reason: &str) -> edbprof_status {
    not_made(EDBPROF_BAD_ARGUMENT, reason.to_owned())
}

fn not_made_by_system(error: io::Error) -> edbprof_status {
    let text = error.to_string();
    not_made(error.into(), text)
}

/// Translates a host's options to the recorder's.
///
/// # Safety
/// * The strings in `given` are readable.
unsafe fn options(given: &edbprof_options) -> Attempt<Options> {
    // SAFETY: of `given`, hence readable.
    let bytes = |text: &edbprof_str| unsafe { text.bytes() }.into();
    Ok(Options {
        clock: match given.clock {
            EDBPROF_CLOCK_WALL => clock::wall(),
            EDBPROF_CLOCK_CPU => Clock::Cpu,
            EDBPROF_CLOCK_HOST => Clock::Host,
            _ => return Err(refuse_new("the clock is unknown")),
        },
        host_rate: match given.host_tick_ns {
            0.0 => TickRate::NANOSECOND,
            ns => TickRate::from_ns_per_tick(ns)
                .ok_or_else(|| refuse_new("a tick must be positive and finite"))?,
        },
        // SAFETY: the contracts are the same.
        output: unsafe { output(given) }.map_err(not_made_by_system)?,
        // SAFETY: the contracts are the same.
        live_file: unsafe { live_file(given) }.map_err(not_made_by_system)?,
        max_nodes: match given.max_nodes {
            0 => DEFAULT_MAX_NODES,
            nodes => nodes,
        },
        waiting: match given.flags & !(EDBPROF_TIMELINE_FIRST | EDBPROF_TIMELINE_KEPT) {
            0 => true,
            EDBPROF_NO_WAITING => false,
            _ => return Err(refuse_new("a flag is unknown")),
        },
        history: (given.timeline_bytes != 0).then(|| HistoryOptions {
            bytes: given.timeline_bytes,
            keep: match given.flags & EDBPROF_TIMELINE_FIRST {
                0 => Keep::Latest,
                _ => Keep::First,
            },
            only_kept: given.flags & EDBPROF_TIMELINE_KEPT != 0,
            disk_floor: (given.timeline_disk_floor != 0).then_some(given.timeline_disk_floor),
            memory_floor: (given.timeline_memory_floor != 0).then_some(given.timeline_memory_floor),
        }),
        host: bytes(&given.host),
        hook: bytes(&given.hook),
        chosen: bytes(&given.chosen),
    })
}

/// Location of the recording's own file.
///
/// # Safety
/// * The strings in `given` are readable.
unsafe fn output(given: &edbprof_options) -> io::Result<Option<OutputLocation>> {
    if given.directory.data.is_null() {
        return Ok(None);
    }
    // SAFETY: of `given`, hence readable.
    let (directory, prefix, suffix) = unsafe {
        (
            given.directory.path()?,
            given.prefix.path()?,
            given.suffix.path()?,
        )
    };
    let is_part_of_name = |part: &OsStr| !part.as_bytes().contains(&b'/');
    if !is_part_of_name(prefix) || !is_part_of_name(suffix) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "prefix and suffix are parts of a file name, without directories",
        ));
    }
    Ok(Some(OutputLocation {
        directory: path::absolute(directory)?,
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    }))
}

/// Location of the live file.
///
/// # Safety
/// * The strings in `given` are readable.
unsafe fn live_file(given: &edbprof_options) -> io::Result<LiveFileLocation> {
    if given.live_dir.data.is_null() {
        return Ok(LiveFileLocation::BesideOutput);
    }
    // SAFETY: of `given`, hence readable.
    let directory = unsafe { given.live_dir.path() }?;
    if directory.is_empty() {
        return Ok(LiveFileLocation::Nowhere);
    }
    Ok(LiveFileLocation::In(path::absolute(directory)?))
}

/// Makes a recording, and no file yet. Any thread.
///
/// `*out` becomes a handle, to free with `edbprof_recording_free`. In a child that the process
/// forks, the handle is that of a recording of the child's own. The calls that the forking thread
/// has open are open in it, and nothing is counted yet.
///
/// Errors: `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (unknown clock or flag, tick that is
/// not positive and finite, NUL byte in a path, directory in a prefix or suffix),
/// `EDBPROF_UNSUPPORTED`, `EDBPROF_OUT_OF_MEMORY`, `EDBPROF_SYSTEM_ERROR`. `edbprof_new_error`
/// gives the reason.
///
/// # Safety
/// * `options` is NULL or readable, and so are the strings in it.
/// * `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_new(
    options: *const edbprof_options,
    out: *mut *mut edbprof_recording,
) -> edbprof_status {
    // SAFETY: `options` is NULL or readable with its strings; `out` is NULL or writable.
    unsafe {
        make(out, ptr::null_mut(), || {
            let explain = |status| {
                let text = edbprof_status_text(status as i32);
                not_made(status, String::from_utf8_lossy(text.bytes()).into_owned())
            };
            let given = HostStruct::copied(options).map_err(explain)?;
            let options = self::options(&given)?;
            let recording = recorder::start(options).map_err(not_made_by_system)?;
            let recording = Box::new(recording);
            let _ = not_made(EDBPROF_OK, String::new());
            Ok(Box::into_raw(recording).cast())
        })
    }
}

/// Frees a recording with all its thread handles, and removes its live file, unless the latest
/// `edbprof_recording_save` has failed. Saves nothing, except for events since a save with
/// `EDBPROF_SAVE_AT_EXIT`. NULL does nothing. One thread at a time, once no thread uses the
/// recording.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
/// * No other call on it or on its threads is under way or comes later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_free(recording: *mut edbprof_recording) {
    if recording.is_null() {
        return;
    }
    let freed = guard(|| {
        // SAFETY: a box that `edbprof_recording_new` has leaked, and that is no longer used.
        drop(unsafe { Box::from_raw(recording.cast::<Registered>()) });
        Ok(())
    });
    debug_assert_eq!(freed, Ok(()));
}

/// Makes a handle for the calling thread. Any thread.
///
/// `*out` becomes the handle, which is valid until `edbprof_thread_detach` or until the
/// recording is freed. `name` is the name of the thread in reports.
///
/// The thread gets a call tree of its own, unless the recording has 256 trees. It then continues
/// the tree of a detached thread, if there is any, preferably of a thread whose name differs in
/// digits only. The name of such a tree says so: `worker-#, 745 threads`.
///
/// Errors: `EDBPROF_OUT_OF_MEMORY` (no room for another tree).
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
    // SAFETY: `recording` is NULL or not freed; `name` is readable; `out` is NULL or writable.
    unsafe {
        make_with(recording, out, ptr::null_mut(), |recording| {
            let attached = recording.attach(name.bytes());
            let thread = attached.map_err(|error| fail(recording, error))?;
            Ok(thread.as_ptr().cast())
        })
    }
}

/// Ends the thread's part in the recording, and its handle. Open calls end, and everything
/// that was recorded is kept. A program whose threads come and go needs it, because each
/// attached thread costs a tree. Only the thread that made the handle, or any thread once
/// that one no longer uses it.
///
/// Errors: `EDBPROF_DETACHED` (it was detached before).
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed, and no other thread was given
///   it since it was detached.
/// * No other call with it is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_thread_detach(thread: *mut edbprof_thread) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed, and no other call with it is
    // under way.
    unsafe {
        with(thread, |thread| {
            if thread.is_detached() {
                return EDBPROF_DETACHED;
            }
            thread.recording().detach(thread);
            EDBPROF_OK
        })
    }
}

/// Hands the handle over to another thread of the process, which adopts it. In this way, a host can
/// make the handles of threads that wait, and enter the calls that are open there. `os_thread` is
/// the number by which the system knows that thread, as `gettid()` returns it; 0 if unknown. With
/// it, the thread's waits count from now on, even if the thread never adopts the handle. Only the
/// thread that made the handle.
///
/// Errors: `EDBPROF_WRONG_THREAD`, `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed, and no other thread was given
///   it since it was detached.
/// * No other call with it is under way. The next one is `edbprof_thread_adopt` by the other
///   thread, or `edbprof_thread_detach`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_thread_hand_over(
    thread: *mut edbprof_thread,
    os_thread: u32,
) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed, and no other thread uses it.
    unsafe {
        with(thread, |thread| {
            if let Err(status) = check_is_current(thread) {
                return status;
            }
            thread.recording().hand_over(thread, os_thread);
            EDBPROF_OK
        })
    }
}

/// Makes the handle that of the calling thread. Calls that are open in it stay open. Any thread,
/// once the one that had the handle no longer uses it.
///
/// Errors: `EDBPROF_DETACHED`.
///
/// # Safety
/// * `thread` is NULL or a handle of a recording that is not freed, and no other thread was given
///   it since it was detached.
/// * No other call with it is under way, or comes later from another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_thread_adopt(thread: *mut edbprof_thread) -> edbprof_status {
    // SAFETY: `thread` is NULL or of a recording that is not freed, and no other thread uses it.
    unsafe {
        with(thread, |thread| {
            if thread.is_detached() {
                return EDBPROF_DETACHED;
            }
            thread.recording().adopt(thread);
            EDBPROF_OK
        })
    }
}

/// Says how often threads have entered the host and left it unnoticed, so that their calls are not
/// recorded. The number replaces the former one; reports show it. A forked child begins with 0. Any
/// thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_set_unnoticed_entries(
    recording: *mut edbprof_recording,
    entries: u32,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            recording.set_unnoticed_entries(entries);
            EDBPROF_OK
        })
    }
}

/// Says how many native spans have begun in threads in which nothing records. The number replaces
/// the former one; reports show it. A forked child begins with 0. Any thread.
///
/// # Safety
/// * `recording` is NULL or was made by `edbprof_recording_new` and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_set_lost_spans(
    recording: *mut edbprof_recording,
    spans: u32,
) -> edbprof_status {
    // SAFETY: `recording` is NULL or not freed.
    unsafe {
        with(recording, |recording| {
            recording.set_lost_spans(spans);
            EDBPROF_OK
        })
    }
}

/// Describes the function `key`. Copies the description. A key that is known keeps its
/// first description. Any thread.
///
/// Errors: `EDBPROF_BAD_STRUCT_SIZE`, `EDBPROF_BAD_ARGUMENT` (key 0, unknown kind or flag),
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
    // SAFETY: `recording` is NULL or not freed; `function` is NULL or readable with its strings.
    unsafe { with(recording, |recording| define(recording, key, function)) }
}

/// Describes the function `key`.
///
/// # Safety
/// * `function` is NULL or readable, and so are the strings in it.
pub(super) unsafe fn define(
    recording: &Recording,
    key: u64,
    function: *const edbprof_function,
) -> Attempt {
    // SAFETY: NULL or readable (contract).
    let function = unsafe { edbprof_function::copied(function) }?;
    if key == 0 {
        return Err(refuse(recording, "the key of a function can't be 0"));
    }
    // SAFETY: the strings are readable (contract).
    let entry = unsafe { function.entry() }.map_err(|reason| match reason {
        Some(reason) => refuse(recording, reason),
        None => EDBPROF_OUT_OF_MEMORY,
    })?;
    match recording.define(key, entry) {
        true => Ok(()),
        false => Err(EDBPROF_OUT_OF_MEMORY),
    }
}
