//! What goes to stderr and stdout besides the results' files.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::tcgetwinsize;

use crate::discover::Input;

const WIDE_BAR: &str =
    "reading {wide_bar} {msg}, {decimal_bytes} of {decimal_total_bytes}, {eta} left";
/// A line that is too long for the terminal can't be taken from it whole.
const NARROW_BAR: &str = "{wide_msg} {eta} left";
/// From so many columns on all of the former fits, with ten and more for the bar.
const WIDE: u16 = 80;

/// How far reading has come, in files, bytes and time left; on a terminal only.
pub(crate) struct ReadingBar {
    bar: ProgressBar,
    read: AtomicUsize,
    files: usize,
}

impl ReadingBar {
    pub(crate) fn new(inputs: &[Input], quiet: bool) -> Self {
        let bytes = inputs
            .iter()
            .fold(0_u64, |sum, i| sum.saturating_add(i.bytes));
        let bar = if quiet || !io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            let is_wide = tcgetwinsize(io::stderr()).is_ok_and(|size| size.ws_col >= WIDE);
            let style = if is_wide { WIDE_BAR } else { NARROW_BAR };
            let style = ProgressStyle::with_template(style);
            ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        };
        ReadingBar {
            bar,
            read: AtomicUsize::new(0),
            files: inputs.len(),
        }
    }

    /// Notes that `input` was read.
    pub(crate) fn read(&self, input: &Input) {
        let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.bar.is_hidden() {
            let [read, files] = [read, self.files].map(|count| HumanCount(count as u64));
            self.bar.set_message(format!("{read} of {files} files"));
            self.bar.inc(input.bytes);
        }
    }

    /// Takes it from the screen.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A line on stderr. Where nobody listens there is nobody to tell.
pub(crate) fn complain(message: &(impl Display + ?Sized)) {
    let _ = writeln!(io::stderr(), "edbprof: {message}");
}

/// Where the summary goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stream {
    #[default]
    Stdout,
    Stderr,
}

impl Stream {
    /// Writes `text`, or bytes. A reader that has gone, like `head`, is no error.
    pub(crate) fn say(self, text: impl AsRef<[u8]>) -> io::Result<()> {
        fn write(mut to: impl Write, text: &[u8]) -> io::Result<()> {
            to.write_all(text).and_then(|()| to.flush())
        }
        let written = match self {
            Stream::Stdout => write(io::stdout().lock(), text.as_ref()),
            Stream::Stderr => write(io::stderr().lock(), text.as_ref()),
        };
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}
