//! Events of a live view: keys, signals, output of the program, and time.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::screen::Screen;
use super::terminal_error;
use crate::cli::exit::Error;
use crate::commands::run::os::{Arrivals, Arrived, SignalSet, take};

/// Something that a view reacts to.
pub(super) enum Event {
    Key(Key),
    Signal(Arrived),
    /// The program has written something.
    Output,
    /// The next reading is due, or nothing happened.
    Time,
    TerminalGone,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Escape,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Everything that is waited for. Signals are blocked.
pub(super) struct Events {
    arrivals: Arrivals,
    /// Keys that were read, but not returned yet.
    keys: VecDeque<Key>,
}

impl Events {
    pub(super) fn new() -> Events {
        Events {
            arrivals: Arrivals::new(),
            keys: VecDeque::new(),
        }
    }

    /// Waits for the next event, for the time `limit` at most.
    ///
    /// # Errors
    ///
    /// When the terminal can't be read.
    pub(super) fn next(
        &mut self,
        screen: &Screen,
        output: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> Result<Event, Error> {
        if let Some(key) = self.keys.pop_front() {
            return Ok(Event::Key(key));
        }
        let mut polled = vec![PollFd::from_borrowed_fd(screen.as_fd(), PollFlags::IN)];
        polled.extend(self.arrivals.as_fd().map(readable));
        polled.extend(output.map(readable));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(terminal_error(error)),
        }
        // Signals come first: one of them may say that the terminal has gone.
        if let Some(signal) = take(&SignalSet::all()) {
            return Ok(Event::Signal(signal));
        }
        let is_ready =
            |place: Option<&PollFd<'_>>| place.is_some_and(|fd| !fd.revents().is_empty());
        if is_ready(polled.first()) {
            let mut bytes = [0; 32];
            return Ok(match screen.read(&mut bytes) {
                Ok(0) => Event::TerminalGone,
                Ok(read) => {
                    self.keys.extend(keys(&bytes[..read]));
                    self.keys.pop_front().map_or(Event::Time, Event::Key)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Event::Time,
                Err(_) => Event::TerminalGone,
            });
        }
        match output.is_some() && is_ready(polled.last()) {
            true => Ok(Event::Output),
            false => Ok(Event::Time),
        }
    }
}

fn readable(descriptor: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(descriptor, PollFlags::IN)
}

/// Returns true for signals that stop a process.
pub(super) fn is_stop(signal: i32) -> bool {
    [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(&signal)
}

/// Returns true for signals that end a process, except those of its own faults.
pub(super) fn ends(signal: i32) -> bool {
    [
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGPIPE,
        libc::SIGALRM,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGVTALRM,
        libc::SIGXCPU,
    ]
    .contains(&signal)
}

/// Returns the keys that a terminal sends as `bytes`.
fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let [first, rest @ ..] = bytes {
        let (key, behind) = match (first, rest) {
            (b'\x1b', [b'[' | b'O', sequence @ ..]) => of_sequence(sequence),
            (b'\x1b', []) => (Some(Key::Escape), rest),
            // A key that was pressed together with Alt.
            (b'\x1b', [_, behind @ ..]) => (None, behind),
            _ => (Some(Key::Character(char::from(*first))), rest),
        };
        keys.extend(key);
        bytes = behind;
    }
    keys
}

/// Returns the key of the sequence, if the view knows it, and the bytes after the sequence.
fn of_sequence(sequence: &[u8]) -> (Option<Key>, &[u8]) {
    let is_last = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'~';
    let len = sequence
        .iter()
        .position(is_last)
        .map_or(sequence.len(), |at| at + 1);
    let (sequence, behind) = sequence.split_at(len);
    let key = match sequence {
        b"A" => Some(Key::Up),
        b"B" => Some(Key::Down),
        b"5~" => Some(Key::PageUp),
        b"6~" => Some(Key::PageDown),
        b"H" | b"1~" | b"7~" => Some(Key::Home),
        b"F" | b"4~" | b"8~" => Some(Key::End),
        _ => None,
    };
    (key, behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_sequences() {
        for (bytes, expected) in [
            (&b"q"[..], &[Key::Character('q')][..]),
            (b"lf", &[Key::Character('l'), Key::Character('f')]),
            (b"\x1b", &[Key::Escape]),
            (b"\x1b[A\x1bOBq", &[Key::Up, Key::Down, Key::Character('q')]),
            (b"\x1b[5~\x1b[6~", &[Key::PageUp, Key::PageDown]),
            (b"\x1b[1~\x1b[F", &[Key::Home, Key::End]),
            (b"\x1b[15~q", &[Key::Character('q')]),
            (b"\x1bqt", &[Key::Character('t')]),
            (b"\x1b[", &[]),
            (b"\xff", &[Key::Character('\u{ff}')]),
            (b"", &[]),
        ] {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }
}
