//! A program in Rust that records two of its functions, with the recorder as a crate:
//!
//! ```text
//! cargo run --release -- spans.prof && edbprof tree spans.prof
//! ```

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::{env, mem, ptr};

use edbprof::capi::edbprof_status::EDBPROF_OK;
use edbprof::capi::*;

/// Makes a span with that name in static storage.
macro_rules! span {
    ($name:ident, $text:literal) => {
        static $name: Span = Span::new($text, file!(), line!());
    };
}

span!(SOLVE, "solve");
span!(STEP, "step");

/// A function that describes itself, with its address as its key.
struct Span(edbprof_function);

// SAFETY: its strings are constant and live as long as the program.
unsafe impl Sync for Span {}

const fn text(text: &'static str) -> edbprof_str {
    edbprof_str {
        data: text.as_ptr().cast(),
        len: text.len(),
    }
}

impl Span {
    const fn new(name: &'static str, file: &'static str, line: u32) -> Span {
        const NONE: edbprof_str = edbprof_str {
            data: ptr::null(),
            len: 0,
        };
        Span(edbprof_function {
            struct_size: mem::size_of::<edbprof_function>(),
            kind: EDBPROF_NATIVE,
            flags: 0,
            file: text(file),
            line: line as i64,
            name: text(name),
            qualified_name: NONE,
            module: NONE,
            generic_name: NONE,
            generic_file: NONE,
            generic_line: 0,
        })
    }
}

/// The part of this thread in a recording.
struct Thread(*mut edbprof_thread);

impl Thread {
    /// Calls a function within a span, which ends when the function panics, too.
    fn within<R>(&self, span: &'static Span, function: impl FnOnce() -> R) -> R {
        struct Leave(*mut edbprof_thread, &'static Span);
        impl Drop for Leave {
            fn drop(&mut self) {
                // SAFETY: the handle of this thread, whose recording is not freed; the span is
                // static.
                let _ = unsafe { edbprof_leave_span(self.0, &self.1.0) };
            }
        }
        // SAFETY: as above.
        let _ = unsafe { edbprof_enter_span(self.0, &span.0) };
        let _leave = Leave(self.0, span);
        function()
    }
}

fn step(thread: &Thread, value: u32) -> u32 {
    thread.within(&STEP, || {
        value.wrapping_mul(1664525).wrapping_add(1013904223)
    })
}

fn solve(thread: &Thread, steps: u32) -> u32 {
    thread.within(&SOLVE, || {
        (0..steps).fold(1, |value, _| step(thread, value))
    })
}

fn record(path: &OsStr) -> Result<u32, edbprof_status> {
    fn check(status: edbprof_status) -> Result<(), edbprof_status> {
        if status == EDBPROF_OK {
            Ok(())
        } else {
            Err(status)
        }
    }
    let path = edbprof_str {
        data: path.as_bytes().as_ptr().cast(),
        len: path.len(),
    };
    // SAFETY: all zeros are the defaults of this struct.
    let mut options: edbprof_options = unsafe { mem::zeroed() };
    options.struct_size = mem::size_of::<edbprof_options>();
    let mut recording = ptr::null_mut();
    let mut thread = ptr::null_mut();
    // SAFETY: the pointers are valid for the calls, and the recording is freed last.
    unsafe {
        check(edbprof_recording_new(&options, &mut recording))?;
        check(edbprof_recording_attach(
            recording,
            text("main"),
            &mut thread,
        ))?;
        let value = solve(&Thread(thread), 3);
        let saved = check(edbprof_recording_save_as(
            recording,
            path,
            EDBPROF_SAVE_AT_EXIT,
        ));
        edbprof_recording_free(recording);
        saved.map(|()| value)
    }
}

fn main() -> ExitCode {
    let Some(path) = env::args_os().nth(1) else {
        eprintln!("usage: rust_host FILE");
        return ExitCode::from(2);
    };
    match record(&path) {
        Ok(value) => println!("{value}"),
        Err(status) => {
            eprintln!("not recorded: {status:?}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
