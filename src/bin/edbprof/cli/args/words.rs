//! Options of commands whose output programs read.

use clap::Args;

/// Form of the output.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct JsonOption {
    /// Print an object for programs
    ///
    /// Its schema is the file edbprof.schema.json in the Python package. Each function has an
    /// `id`, which is the same in all commands and in all runs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Bound of the output.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WordsOption {
    /// Print at most this many words: the most important parts, and how much is left out
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_words: Option<usize>,
}
