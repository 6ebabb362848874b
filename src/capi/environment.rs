//! The recording that `edbprof run` wants of a program that links the library.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{env, ptr};

use super::entry::make;
use super::status::not_made;
use super::{
    EDBPROF_CLOCK_CPU, EDBPROF_CLOCK_WALL, EDBPROF_NO_RUN, EDBPROF_NO_WAITING, EDBPROF_OK,
    EDBPROF_TIMELINE_FIRST, edbprof_options, edbprof_recording, edbprof_recording_new,
    edbprof_status, edbprof_str,
};
use crate::recorder::Registered;

/// Variable of the environment that has the settings: lines `name=value`, the directory last.
const VARIABLE: &str = "EDBPROF_RUN";

/// Text before the directory, which may have any bytes but NUL.
const DIRECTORY: &[u8] = b"\ndirectory=";

fn text(bytes: &[u8]) -> edbprof_str {
    edbprof_str {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}

/// The settings' lines, and the directory. `None` if there is no run, or if it is over.
fn split(settings: &OsStr) -> Option<(&[u8], &[u8])> {
    let bytes = settings.as_bytes();
    let at = bytes
        .windows(DIRECTORY.len())
        .position(|part| part == DIRECTORY)?;
    let (lines, directory) = bytes.split_at(at);
    let directory = directory.get(DIRECTORY.len()..)?;
    Path::new(OsStr::from_bytes(directory))
        .is_dir()
        .then_some((lines, directory))
}

/// Value of a setting.
fn value<'s>(lines: &'s [u8], name: &str) -> Option<&'s str> {
    lines.split(|&byte| byte == b'\n').find_map(|line| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()
    })
}

fn number(lines: &[u8], name: &str) -> u64 {
    value(lines, name)
        .and_then(|value| value.parse().ok())
        .unwrap_or(0)
}

/// Makes the recording that `edbprof run` requests by the environment variable `EDBPROF_RUN`. Any
/// thread.
///
/// This function is for programs that link the library. They attach their threads and report their
/// calls as in any recording. The recording is saved when the process ends by `exit` or by a return
/// from `main`. `edbprof run` then merges it with those of other processes.
///
/// `host` is the name and version of the host, as in `edbprof_options`.
///
/// Errors: `EDBPROF_NO_RUN` (no run wants this process), those of `edbprof_recording_new`.
///
/// # Safety
/// * `host` is readable; `out` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edbprof_recording_from_environment(
    host: edbprof_str,
    out: *mut *mut edbprof_recording,
) -> edbprof_status {
    let body = || {
        let settings = env::var_os(VARIABLE).unwrap_or_default();
        let Some((lines, directory)) = split(&settings) else {
            return Err(not_made(
                EDBPROF_NO_RUN,
                "EDBPROF_RUN is not set, or its run has ended".to_owned(),
            ));
        };
        let no_text = text(&[]);
        let waiting = match value(lines, "waiting") {
            Some("0") => EDBPROF_NO_WAITING,
            _ => 0,
        };
        let first = match value(lines, "timeline_keep") {
            Some("first") => EDBPROF_TIMELINE_FIRST,
            _ => 0,
        };
        let options = edbprof_options {
            struct_size: size_of::<edbprof_options>(),
            clock: match value(lines, "clock") {
                Some("cpu") => EDBPROF_CLOCK_CPU,
                _ => EDBPROF_CLOCK_WALL,
            },
            max_nodes: 0,
            host_tick_ns: 0.0,
            directory: text(directory),
            prefix: text(b"edbprof_"),
            suffix: text(b".prof"),
            host,
            hook: text(b"spans"),
            live_dir: edbprof_str {
                data: ptr::null(),
                ..no_text
            },
            flags: waiting | first,
            timeline_bytes: number(lines, "timeline"),
            timeline_disk_floor: number(lines, "timeline_floor"),
            timeline_memory_floor: number(lines, "timeline_memory_floor"),
            chosen: no_text,
        };
        let mut recording = ptr::null_mut();
        // SAFETY: the options and their strings are readable, `host` too (contract).
        match unsafe { edbprof_recording_new(&options, &mut recording) } {
            EDBPROF_OK => {}
            status => return Err(status),
        }
        // SAFETY: it has just been made.
        unsafe { &*recording.cast::<Registered>() }.save_at_exit();
        Ok(recording)
    };
    // SAFETY: `out` is NULL or writable.
    unsafe { make(out, ptr::null_mut(), body) }
}
