//! The bar that says how far reading has come.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::sandbox::{Sandbox, recording};

/// Output of the program on a terminal of so many columns while it reads two files.
fn on_terminal(columns: u16) -> String {
    let mut size = libc::winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let (mut ours, mut its) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: all that is pointed to lives beyond the call, what is null may be.
    let failed = unsafe { libc::openpty(&mut ours, &mut its, none, none.cast(), &raw mut size) };
    assert_eq!(failed, 0);
    // SAFETY: the two were opened just now and are nobody else's.
    let (ours, its) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(its)) };
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(2, 10));
    let mut command = sandbox.command();
    command.env("TERM", "xterm").stderr(its);
    let mut run = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    // It holds the terminal's other end, which must be closed for ours to end.
    drop(command);
    let mut written = Vec::new();
    // Linux says at the end that there is nobody to read from.
    let _ = File::from(ours).read_to_end(&mut written);
    assert!(run.wait().unwrap().success());
    String::from_utf8(written).unwrap()
}

#[test]
fn none_for_what_takes_no_time() {
    assert_eq!(on_terminal(80), "");
}

#[test]
fn none_where_there_is_no_terminal() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    assert_eq!(sandbox.run(&[]).expect(0).stderr, "");
}
