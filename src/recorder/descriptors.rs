//! Opens files in programs that have used up their descriptors, by raising the limit for a moment.

use std::io;

/// Number of descriptors by which the limit is raised.
const MORE: libc::rlim_t = 8;

/// Runs `open`. If the process has no descriptor left but may raise its limit, calls `open` again
/// with a slightly higher limit. Then restores the limit.
///
/// # Errors
/// Those of `open`.
pub(crate) fn with_descriptor<T>(open: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let opened = open();
    let has_none = |error: &io::Error| error.raw_os_error() == Some(libc::EMFILE);
    if !opened.as_ref().is_err_and(has_none) {
        return opened;
    }
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: valid places for the limits; the former one is set again.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
            return opened;
        }
        let raised = libc::rlimit {
            rlim_cur: limit.rlim_cur.saturating_add(MORE).min(limit.rlim_max),
            ..limit
        };
        if raised.rlim_cur == limit.rlim_cur || libc::setrlimit(libc::RLIMIT_NOFILE, &raised) != 0 {
            return opened;
        }
        let opened = open();
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        opened
    }
}
