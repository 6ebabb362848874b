//! The terminal and the standard streams: messages, questions, and the terminal's width.

use std::env;
use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use anstream::{AutoStream, ColorChoice};
use edbprof::report::terminal::Terminal;

use super::exit::Error;

/// Prints a line to stderr. A closed stderr is ignored, because there is no other place for a
/// message.
pub(crate) fn warn(message: impl Display) {
    let _ = writeln!(io::stderr(), "edbprof: {message}");
}

/// Prints `text` to stdout.
///
/// # Errors
///
/// It can't be written.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let printed = Stream::Stdout.print(text);
    printed.map_err(|reason| Error::NotWritten(format!("can't write to stdout: {reason}")))
}

/// Asks `question` on the terminal; `None` if there is none.
pub(crate) fn confirm(question: &str) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    let answer = answer.trim().to_ascii_lowercase();
    Some(read.is_ok() && ["y", "yes"].contains(&answer.as_str()))
}

/// Word by which a shell here finds this program: its name if PATH leads to it, else its path.
pub(crate) fn own_command() -> String {
    let name = env!("CARGO_BIN_NAME");
    let here = std::env::current_exe().unwrap_or_default();
    let is_on_path = which::which_global(name)
        .is_ok_and(|found| found.canonicalize().ok() == here.canonicalize().ok());
    match is_on_path {
        true => name.to_owned(),
        false => here.to_str().unwrap_or(name).to_owned(),
    }
}

/// Columns of the terminal behind `stream`; `None` if it is no terminal.
pub(crate) fn terminal_columns(stream: impl AsFd) -> Option<u16> {
    terminal_size(stream).map(|(columns, _)| columns)
}

/// Columns and lines of the terminal behind `stream`; `None` if it is no terminal.
fn terminal_size(stream: impl AsFd) -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some((size.ws_col, size.ws_row))
}

/// Returns true if the locale names an encoding that is not UTF-8. If no locale is named, text is
/// UTF-8, as in Python.
fn is_ascii_locale() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let mut named = names
        .filter_map(env::var_os)
        .filter(|name| !name.is_empty());
    named.next().is_some_and(|name| {
        let name = name.to_string_lossy().to_lowercase();
        !name.contains("utf-8") && !name.contains("utf8")
    })
}

/// Standard stream that a command prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// Returns the terminal behind it. Without one, its size is that of COLUMNS and LINES, or else
    /// 80 x 24.
    pub(crate) fn terminal(self) -> Terminal {
        self.terminal_or(Terminal::default().width)
    }

    /// Returns the terminal like [`terminal`](Self::terminal), with `width` columns if its width is
    /// unknown.
    pub(crate) fn terminal_or(self, width: usize) -> Terminal {
        let (size, colours) = match self {
            Stream::Stdout => (
                terminal_size(io::stdout()),
                AutoStream::choice(&io::stdout()),
            ),
            Stream::Stderr => (
                terminal_size(io::stderr()),
                AutoStream::choice(&io::stderr()),
            ),
        };
        let named = |name: &str| env::var(name).ok()?.parse().ok().filter(|&size| size > 0);
        let (columns, lines) = size.unwrap_or((0, 0));
        let known = |size: u16, name| match size {
            0 => named(name),
            size => Some(usize::from(size)),
        };
        Terminal {
            width: known(columns, "COLUMNS").unwrap_or(width),
            height: known(lines, "LINES").unwrap_or(Terminal::default().height),
            colours: colours != ColorChoice::Never,
            ascii: is_ascii_locale(),
        }
    }

    /// Prints `content`. A closed pipe, as `head` leaves it, is no error, nor is a closed terminal
    /// at stderr.
    pub(crate) fn print(self, content: impl AsRef<[u8]>) -> io::Result<()> {
        fn write(mut to: impl Write, content: &[u8]) -> io::Result<()> {
            to.write_all(content).and_then(|()| to.flush())
        }
        let written = match self {
            Stream::Stdout => write(io::stdout().lock(), content.as_ref()),
            Stream::Stderr => write(io::stderr().lock(), content.as_ref()),
        };
        let is_closed = |error: &io::Error| {
            error.kind() == io::ErrorKind::BrokenPipe
                || self == Stream::Stderr && error.raw_os_error() == Some(libc::EIO)
        };
        match written {
            Err(error) if !is_closed(&error) => Err(error),
            _ => Ok(()),
        }
    }
}
