//! Reasons why a file could not be read.

use std::error::Error;
use std::fmt;

/// Reason why a file can't be read, and the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Offset in the file, bytes, of what could not be read.
    pub offset: usize,
    /// The reason.
    pub reason: Reason,
}

/// Reason why a place of a file can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The file ends although more was announced.
    Truncated,
    /// A type code or opcode that no profile contains; its name where known.
    UnknownCode(u8, &'static str),
    /// A readable object in the place of another one.
    Unexpected {
        /// The object that belongs there.
        expected: &'static str,
        /// The object that is there.
        found: &'static str,
    },
    /// A value that cannot be right, and the reason.
    Invalid(&'static str),
    /// Written by a later version of edbprof.
    Version(i128),
    /// References that unfold to much more than the file.
    Expansion,
}

impl ReadError {
    pub(super) fn new(offset: usize, reason: Reason) -> Self {
        Self { offset, reason }
    }

    pub(super) fn invalid(offset: usize, what: &'static str) -> Self {
        Self::new(offset, Reason::Invalid(what))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Truncated if self.offset == 0 => return f.write_str("the file is empty"),
            Reason::Truncated => f.write_str("the file is cut off")?,
            Reason::UnknownCode(code, "") => write!(f, "no profile: unknown code 0x{code:02x}")?,
            Reason::UnknownCode(code, name) => {
                write!(f, "no profile: code 0x{code:02x} ({name}) is not allowed")?;
            }
            Reason::Unexpected { expected, found } => {
                write!(f, "expected {expected}, found {found}")?;
            }
            Reason::Invalid(what) => f.write_str(what)?,
            Reason::Version(version) => {
                write!(
                    f,
                    "written by a later edbprof (format {version}): update edbprof"
                )?;
            }
            Reason::Expansion => f.write_str("its references unfold to far more than the file")?,
        }
        write!(f, " (at byte {})", self.offset)
    }
}

impl Error for ReadError {}
