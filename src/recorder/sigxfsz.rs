//! Keeps SIGXFSZ from ending the program, which gets it for writing beyond its limit of file sizes.

/// Runs `body` with SIGXFSZ blocked in this thread, and discards the signal that `body` may have
/// caused. So a file larger than RLIMIT_FSIZE is an error and does not end the program.
#[cfg(target_os = "linux")]
pub(crate) fn without_sigxfsz<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: signal sets are plain data, for which zeros are values, and all
    // pointers are to locals. Nothing here changes the handlers of the process.
    unsafe {
        let mut only: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut only);
        libc::sigaddset(&mut only, libc::SIGXFSZ);
        libc::sigpending(&mut pending);
        let was_pending = libc::sigismember(&pending, libc::SIGXFSZ) == 1;
        let blocked = libc::pthread_sigmask(libc::SIG_BLOCK, &only, &mut before) == 0;
        let result = body();
        if blocked {
            if !was_pending {
                let at_once = libc::timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                libc::sigtimedwait(&only, std::ptr::null_mut(), &at_once);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        }
        result
    }
}

/// Runs `body`, without blocking SIGXFSZ: live files, which grow unasked, are made on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn without_sigxfsz<T>(body: impl FnOnce() -> T) -> T {
    body()
}
