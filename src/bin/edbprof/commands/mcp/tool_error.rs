//! The reason why a tool has no answer.

use std::{fmt, io};

/// The reason why a tool has no answer, as the client reads it.
#[derive(Debug)]
pub(super) enum ToolError {
    /// An argument that must be a text is missing, or is no text.
    NoText(&'static str),
    /// `arguments` is no list of texts.
    NoList,
    /// The name of a new profile has characters that could lead elsewhere.
    BadName,
    /// The function's name could be taken for an option.
    NoFunction,
    /// The profile has no timeline beside it.
    NoTimeline,
    /// The file is not below the server's directory, or can't be opened.
    NotOpened { name: String, reason: io::Error },
    /// The command that prints the answer can't be run.
    NotRun(io::Error),
    /// That command has failed with this message.
    Said(String),
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToolError::NoText(name) => write!(f, "`{name}` is missing or is not a text"),
            ToolError::NoList => f.write_str("`arguments` must be a list of texts"),
            ToolError::BadName => f.write_str("a name may contain only letters, digits, _ and -"),
            ToolError::NoFunction => f.write_str("no function begins with '-'"),
            ToolError::NoTimeline => f.write_str("there is no timeline"),
            ToolError::NotOpened { name, reason } => write!(f, "can't open {name}: {reason}"),
            ToolError::NotRun(error) => write!(f, "can't run edbprof: {error}"),
            ToolError::Said(text) => f.write_str(text),
        }
    }
}
