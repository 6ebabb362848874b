//! Reasons why one file can't be read.

use std::{fmt, io};

use edbprof::format::foreign::{self, Foreign};
use edbprof::format::read_error::ReadError as BadContent;
use edbprof::format::regular_file::OpenError;

/// Reason why a file can't be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The operating system refused.
    System(io::Error),
    /// It is no regular file, but of this kind.
    NotAFile(&'static str),
    /// It belongs to this other user, who is not trusted.
    Stranger(u32),
    /// The content is no profile.
    Content(BadContent),
    /// It is a Python program.
    Script,
    /// It is a file of another tool.
    Foreign(Foreign),
    /// It is a timeline where a profile is wanted.
    Timeline,
    /// There is no timeline beside it.
    NoTimeline,
    /// A live file was removed, and its process left no `.prof` file.
    Gone,
}

impl ReadError {
    /// Returns the reason why a file that begins with `bytes` could not be read as a profile. If it
    /// is another tool's file, the reason says so; else it is `error`.
    pub(super) fn of_content(bytes: &[u8], error: BadContent) -> ReadError {
        foreign::recognise(bytes).map_or(ReadError::Content(error), ReadError::Foreign)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::System(error) => error.fmt(f),
            ReadError::NotAFile(kind) => write!(f, "it is {kind}, not a file"),
            ReadError::Stranger(owner) => {
                write!(f, "it belongs to user {owner}; --any-owner reads it")
            }
            ReadError::Content(error) => error.fmt(f),
            ReadError::Foreign(Foreign { name, hint: "" }) => write!(f, "it is {name}"),
            ReadError::Foreign(Foreign { name, hint }) => write!(f, "it is {name}; {hint}"),
            ReadError::Script => {
                f.write_str("it is a Python program; edbprof run records what it does")
            }
            ReadError::Timeline => f.write_str(
                "it is a timeline, which edbprof calls reads, and the others with --from, --to or \
                 --during",
            ),
            ReadError::NoTimeline => {
                f.write_str("no timeline is beside it; edbprof run --timeline records one")
            }
            ReadError::Gone => f.write_str("it is gone"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::System(error)
    }
}

impl From<OpenError> for ReadError {
    fn from(error: OpenError) -> ReadError {
        match error {
            OpenError::System(error) => ReadError::System(error),
            OpenError::NotAFile(kind) => ReadError::NotAFile(kind),
        }
    }
}

impl From<BadContent> for ReadError {
    fn from(error: BadContent) -> ReadError {
        ReadError::Content(error)
    }
}
