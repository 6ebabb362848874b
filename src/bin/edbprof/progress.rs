//! What goes to stderr and stdout besides the results' files.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts the files that were read; on a terminal only.
pub(crate) fn bar(files: usize, quiet: bool) -> ProgressBar {
    if quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::stderr());
    let style = "{msg} {wide_bar} {human_pos}/{human_len} files, {per_sec}, {eta} left";
    bar.with_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
    .with_message("reading")
}

/// A line on stderr. Where nobody listens there is nobody to tell.
pub(crate) fn complain(message: &str) {
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
