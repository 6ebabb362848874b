//! The command line of `edbprof calls`.

use clap::Args;
use edbprof::model::Pattern;

use super::selection::pattern;
use super::{InputOptions, JsonOption, WindowOptions, WordsOption};

const AFTER_HELP: &str = "\
Examples:
  edbprof calls handle_request            in ./profile_analysis.timeline
  edbprof calls 'db.py:*' run.timeline    all outermost calls of functions in db.py
  edbprof calls parse --slowest=1 --json run.timeline
  edbprof tree --during='parse#17' run.timeline    the tree of one of them";

/// Show the single calls of a function: how long each took, and the slowest
///
/// Reads timelines, which `edbprof run --timeline` records: named ones, those beside profiles that
/// are named, and those in directories. Without a path, ./profile_analysis.timeline is read if it
/// is yours, else the recordings in the temporary directory. Of recursive calls, only the outermost
/// count.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct CallsOptions {
    /// The function, a pattern like those of --include
    #[arg(value_name = "FUNCTION", value_parser = pattern)]
    pub(crate) function: Pattern,

    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) window: WindowOptions,

    /// Number of the slowest calls to show, each beside a median one
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub(crate) slowest: usize,

    #[command(flatten)]
    pub(crate) json: JsonOption,

    #[command(flatten)]
    pub(crate) words: WordsOption,
}
