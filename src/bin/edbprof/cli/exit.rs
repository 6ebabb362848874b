//! The ways in which the program ends: exit statuses, and the errors that lead to them.

use std::fmt;
use std::process::ExitCode;

/// Exit status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All files were read.
    Success = 0,
    /// Some files could not be read, or removed.
    SomeFailed = 1,
    /// Wrong usage; nothing was written.
    Usage = 2,
    /// There was nothing to read.
    NothingToRead = 3,
    /// The results could not be written.
    NotWritten = 4,
    /// A limit is broken.
    LimitBroken = 5,
    /// The program to run could not be started; shells use this status, too.
    NotStarted = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Reason why a command stopped, for the user: what failed, why, and what to do about it.
#[derive(Debug)]
pub(crate) enum Error {
    Usage(String),
    NothingToRead(String),
    SomeFailed(String),
    NotWritten(String),
    NotStarted(String),
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) => Exit::Usage,
            Error::NothingToRead(_) => Exit::NothingToRead,
            Error::SomeFailed(_) => Exit::SomeFailed,
            Error::NotWritten(_) => Exit::NotWritten,
            Error::NotStarted(_) => Exit::NotStarted,
        }
    }

    /// Returns the error of a command that would have written a file.
    pub(crate) fn without_output(self) -> Error {
        let with = |message: String| format!("{message}; nothing was written");
        match self {
            Error::NothingToRead(message) => Error::NothingToRead(with(message)),
            Error::SomeFailed(message) => Error::SomeFailed(with(message)),
            other => other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(message)
            | Error::NothingToRead(message)
            | Error::SomeFailed(message)
            | Error::NotWritten(message)
            | Error::NotStarted(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
