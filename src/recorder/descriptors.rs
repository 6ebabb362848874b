//! A descriptor for a moment, in programs that have used up theirs.

use std::io;

/// Descriptors by which the limit is raised.
const MORE: libc::rlim_t = 8;

/// Runs `open`. If the process may have no more descriptors, but could raise that limit itself,
/// then with a limit that is a little higher meanwhile.
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
