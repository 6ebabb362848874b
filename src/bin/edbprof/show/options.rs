//! The command lines of `edbprof top`, `edbprof tree` and `edbprof export`.

use std::path::PathBuf;

use clap::Args;
use edbprof::report::sort_order::SortOrder;

use crate::exit::Error;
use crate::formats::{Format, ReportOptions, share};
use crate::options::{InputOptions, ViewOptions};

const TOP_AFTER_HELP: &str = "\
Examples:
  edbprof top run.prof                   the functions with the most time of their own
  edbprof top --sort cumulative /data    with what they called, of all profiles in /data
  edbprof top --callers loads run.prof   who called loads, and what it took there";

const TREE_AFTER_HELP: &str = "\
Examples:
  edbprof tree run.prof                  what took 1 % of the time or more
  edbprof tree --threshold 0.001 --all   down to 0.1 %, each frame of libraries too
  edbprof tree run.prof | less           without colours; CLICOLOR_FORCE=1 keeps them";

const EXPORT_AFTER_HELP: &str = "\
Examples:
  edbprof export --format folded run.prof | flamegraph.pl > run.svg
  edbprof export -o run.speedscope.json run.prof    for https://www.speedscope.app
  edbprof export -o run.callgrind run.prof          for kcachegrind or qcachegrind";

/// Show the functions that cost most as a table, or one function's callers or callees
///
/// Reads .prof files, also those of cProfile, and live files of running or killed processes.
#[derive(Debug, Args)]
#[command(after_long_help = TOP_AFTER_HELP)]
pub(crate) struct TopOptions {
    #[command(flatten)]
    pub(super) inputs: InputOptions,

    #[command(flatten)]
    pub(super) view: ViewOptions,

    /// What is listed first: sort keys as pstats knows them, separated by commas
    #[arg(long, value_name = "KEYS", default_value = "tottime")]
    pub(super) sort: SortOrder,

    /// How many functions are listed; 0 for all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(super) limit: usize,

    /// Show who called this function
    ///
    /// A function's name, or if none is called so a part of one, or of file:line(name).
    #[arg(long, value_name = "FUNCTION")]
    pub(super) callers: Option<String>,

    /// Show what this function called
    #[arg(long, value_name = "FUNCTION")]
    pub(super) callees: Option<String>,
}

/// Show the call tree: what cost most and on whose behalf
///
/// Of libraries, Python's own among them, the frame that was entered is shown; what happens
/// between that one and the program's functions that it calls back is one line. Colours are
/// used on a terminal only; NO_COLOR, CLICOLOR and CLICOLOR_FORCE are respected. Reads .prof
/// files, also those of cProfile, and live files of running or killed processes.
#[derive(Debug, Args)]
#[command(after_long_help = TREE_AFTER_HELP)]
pub(crate) struct TreeOptions {
    #[command(flatten)]
    pub(super) inputs: InputOptions,

    #[command(flatten)]
    pub(super) view: ViewOptions,

    /// Leave out what takes less than this share of the time; 1.0 is 100 %
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share)]
    pub(super) threshold: f64,

    /// Show frames of libraries one by one
    #[arg(long)]
    pub(super) all: bool,
}

/// Convert to the format of another tool
///
/// Reads .prof files, also those of cProfile, and live files of running or killed processes,
/// and writes all of them as one file.
#[derive(Debug, Args)]
#[command(after_long_help = EXPORT_AFTER_HELP)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(super) inputs: InputOptions,

    #[command(flatten)]
    pub(super) view: ViewOptions,

    #[command(flatten)]
    pub(super) reports: ReportOptions,

    /// The format; by default the one that the name of the output ends in
    #[arg(long, value_name = "FORMAT", required_unless_present = "output")]
    pub(super) format: Option<Format>,

    /// The file to write; stdout by default
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl ExportOptions {
    /// # Errors
    ///
    /// When neither the format is named nor the output's name tells it.
    pub(super) fn format(&self) -> Result<Format, Error> {
        let by_output = self.output.as_deref().and_then(Format::of_name);
        self.format.or(by_output).ok_or_else(|| {
            Error::Usage(
                "the name of the output doesn't say which format is wanted; --format does"
                    .to_owned(),
            )
        })
    }
}
