//! Signal dispositions and descriptors that this process has inherited, and that the program gets.
//!
//! Before `main`, Rust's start-up code ignores SIGPIPE and opens `/dev/null` for standard streams
//! that are closed. A constructor, which runs earlier, notes how they were.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::raw::c_int;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::signals::is_ignored;

const STREAMS: [c_int; 3] = [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO];

static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);
/// Bit `n` is set for stream `n`.
static CLOSED: AtomicI32 = AtomicI32::new(0);

#[used]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = look;

extern "C" fn look() {
    PIPE_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    for stream in STREAMS {
        if !is_open(stream) {
            CLOSED.fetch_or(1 << stream, Ordering::Relaxed);
        }
    }
}

/// Undoes what Rust's start-up has done, in a child that is about to become the program.
pub(super) fn restore() {
    // A signal that was ignored before stays ignored.
    let pipe = match PIPE_IGNORED.load(Ordering::Relaxed) {
        true => libc::SIG_IGN,
        false => libc::SIG_DFL,
    };
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGPIPE, pipe) };
    let closed = CLOSED.load(Ordering::Relaxed);
    for stream in STREAMS
        .into_iter()
        .filter(|stream| closed >> stream & 1 == 1)
    {
        // SAFETY: Rust opened it in place of a closed one; this child doesn't use it.
        unsafe { libc::close(stream) };
    }
}

fn is_open(descriptor: c_int) -> bool {
    // SAFETY: F_GETFD only asks.
    unsafe { libc::fcntl(descriptor, libc::F_GETFD) >= 0 }
}

/// Closes all descriptors except the `needed` ones. After the start, they are for the program
/// alone, so that a reader at the other end doesn't wait for the results. The numbers of the
/// standard streams stay in use.
pub(in super::super) fn close_all_but(needed: &[c_int]) {
    let Ok(nothing) = File::options().read(true).write(true).open("/dev/null") else {
        return;
    };
    let entries = fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let descriptors: Vec<c_int> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in descriptors {
        if needed.contains(&descriptor) || descriptor == nothing.as_raw_fd() {
            continue;
        }
        // SAFETY: nothing here uses it. The one that listed them is closed already.
        unsafe {
            match STREAMS.contains(&descriptor) {
                true => libc::dup2(nothing.as_raw_fd(), descriptor),
                false => libc::close(descriptor),
            };
        }
    }
}
