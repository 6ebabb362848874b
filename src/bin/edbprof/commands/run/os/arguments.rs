//! The command line of this process that other processes see.

use std::ffi::OsString;

/// Replaces this process's command line by the program's, without edbprof's name. Then a signal
/// that is sent by name reaches this process exactly if it reaches the program.
#[cfg(target_os = "linux")]
pub(in super::super) fn hide_arguments(words: &[OsString]) {
    // SAFETY: the name is a string.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"signals".as_ptr()) };
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is in parentheses, the 48th and 49th are where the arguments are.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = fields.split_ascii_whitespace().skip(45);
    let mut address = || fields.next()?.parse::<usize>().ok();
    let (Some(start), Some(end)) = (address(), address()) else {
        return;
    };
    let kept: usize = words.iter().map(|word| word.len() + 1).sum();
    let hidden = end.saturating_sub(start).saturating_sub(kept);
    let start: *mut u8 = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: these bytes are this process's arguments, which nothing in it reads any more.
    unsafe { start.write_bytes(0, hidden) };
}

#[cfg(not(target_os = "linux"))]
pub(in super::super) fn hide_arguments(_: &[OsString]) {}
