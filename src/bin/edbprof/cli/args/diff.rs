//! The command lines of `edbprof diff` and `edbprof check`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use edbprof::analysis::diff::Order;
use edbprof::analysis::limits::rule::Rule;
use edbprof::model::Pattern;

use super::selection::pattern;
use super::{InputOptions, JsonOption, SelectionOptions, WordsOption};
use crate::cli::names::{PREFIX, SUFFIX};

const DIFF_AFTER_HELP: &str = "\
Examples:
  edbprof diff old.prof new.prof            the functions that changed most
  edbprof diff --tree old.prof new.prof     the call paths that changed most
  edbprof diff --before a.1.prof a.2.prof a.3.prof --after b.1.prof b.2.prof b.3.prof
                                            several runs a side separate changes from noise
  edbprof diff -o diff.svg old.prof new.prof
                                            the same as a differential flame graph
  edbprof diff old new --fail-if='calls(\"sqlalchemy.*\") > +5%'
                                            a gate for CI

Each function's change of self time is the sum of two parts: more or fewer calls, at the mean
time of a call, and calls that take more or less time, at the mean number of calls.

Rules of --fail-if: METRIC(\"PATTERN\") COMPARISON LIMIT. METRIC is calls, primitive_calls, self,
total or waiting; COMPARISON is >, >=, < or <=; LIMIT is a figure after (1200, 1.5ms), a growth
(+100, +2ms) or a share of the figure before (+5%). It holds for the sum over all functions that
match. Waiting is the part of self time in which the thread was on no processor.

Exit status:
  0  no rule is broken
  1  some files could not be read
  2  wrong usage, or a rule that can't be read
  3  there was nothing to read
  4  the picture could not be written
  5  a rule of --fail-if is broken";

const CHECK_AFTER_HELP: &str = "\
Examples:
  edbprof check --update --budget=budget.toml a.1.prof a.2.prof a.3.prof
                                            write what the program does today
  edbprof check --budget=budget.toml new.prof
                                            fail if it does more

A budget file has tables [calls], [primitive_calls], [self], [total] and [waiting] with a line for
each pattern: \"app.*\" = 1200, or \"app.load\" = \"250 ms\". A limit holds for the sum over all
functions that match. [python.\"3.11\".calls] has limits for one version of Python.

Exit status:
  0  every limit is kept
  1  some files could not be read
  2  wrong usage, or a budget that can't be read
  3  there was nothing to read
  4  the budget could not be written
  5  a limit is broken";

/// Compare two profiles: which functions are called more often, which calls take longer
///
/// Functions are matched by module and qualified name, then by file and name; lines don't matter.
/// Times are compared without the cost of recording. With three files or more on each side, a
/// change of time is called certain if the times of the sides don't overlap.
#[derive(Debug, Args)]
#[command(after_long_help = DIFF_AFTER_HELP)]
pub(crate) struct DiffOptions {
    /// Two profiles: files, live files or directories
    #[arg(
        value_names = ["BEFORE", "AFTER"],
        num_args = 2,
        required_unless_present_all = ["before", "after"],
        conflicts_with_all = ["before", "after"]
    )]
    pub(crate) sides: Vec<PathBuf>,

    /// Profiles of several runs before
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "after")]
    pub(crate) before: Vec<PathBuf>,

    /// Profiles of several runs after
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "before")]
    pub(crate) after: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) inputs: SideOptions,

    /// Order of functions
    #[arg(long, value_enum, value_name = "KEY", default_value_t = SortBy::Impact)]
    pub(crate) sort: SortBy,

    /// Number of functions to list; 0 for all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,

    /// Show by which of its callers a function changed
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) callers: Option<Pattern>,

    /// Show which of the functions that it calls changed
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) callees: Option<Pattern>,

    /// Only functions that match; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) include: Vec<Pattern>,

    /// No functions that match; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) exclude: Vec<Pattern>,

    /// Show call paths instead of functions
    #[arg(long, conflicts_with_all = ["callers", "callees", "json"])]
    pub(crate) tree: bool,

    /// Print JSON
    ///
    /// An object; its `functions` have name, module, file, line, calls_before, calls_after,
    /// self_before_ns, self_after_ns, total_before_ns, total_after_ns, change_by_calls_ns,
    /// change_by_time_ns, waiting_before_ns, waiting_after_ns, unsteady and certain.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) words: WordsOption,

    /// Write a picture, too: a differential flame graph as SVG, or a page if FILE ends in .html
    ///
    /// Frames are as wide as they are after; colours and patterns show more and less self time.
    /// The page is that of edbprof view --before --after.
    #[arg(long, short, alias = "out", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Exit with status 5 if this holds; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) fail_if: Vec<Rule>,
}

/// Check the numbers of calls, or the times, of a program against a budget
///
/// Several profiles are several runs of one program: functions whose numbers of calls differ
/// between them are left out.
#[derive(Debug, Args)]
#[command(after_long_help = CHECK_AFTER_HELP)]
pub(crate) struct CheckOptions {
    /// Profiles: files, live files or directories, each of one run
    #[arg(value_name = "PROFILE", required = true)]
    pub(crate) profiles: Vec<PathBuf>,

    /// File with the limits
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) budget: PathBuf,

    /// Write the numbers of calls to the budget instead of checking them
    ///
    /// One line for each function that --include matches or, without it, for each of the
    /// program's own. Patterns that are in the budget stay, and get their new sums.
    #[arg(long)]
    pub(crate) update: bool,

    /// With --update: functions to list; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = pattern, requires = "update")]
    pub(crate) include: Vec<Pattern>,

    /// With --update: write limits for this version of Python alone
    #[arg(long, requires = "update")]
    pub(crate) this_python: bool,

    #[command(flatten)]
    pub(crate) inputs: SideOptions,

    #[command(flatten)]
    pub(crate) json: JsonOption,

    #[command(flatten)]
    pub(crate) words: WordsOption,
}

/// Options that find and prepare profiles.
#[derive(Clone, Debug, Args)]
pub(crate) struct SideOptions {
    /// Compare times as recorded, with the cost of recording
    #[arg(long)]
    pub(crate) as_recorded: bool,

    /// Beginning of the names of files in a directory
    #[arg(long, default_value = PREFIX)]
    prefix: OsString,

    /// End of the names of files in a directory
    #[arg(long, default_value = SUFFIX)]
    suffix: OsString,

    /// Read files of other users, too
    #[arg(long)]
    any_owner: bool,
}

impl From<&InputOptions> for SideOptions {
    fn from(inputs: &InputOptions) -> SideOptions {
        SideOptions {
            as_recorded: false,
            prefix: inputs.prefix.clone(),
            suffix: inputs.suffix.clone(),
            any_owner: inputs.any_owner,
        }
    }
}

impl SideOptions {
    /// Returns the options that read `path`.
    pub(crate) fn inputs(&self, path: &Path) -> InputOptions {
        InputOptions {
            paths: vec![path.to_owned()],
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
            any_owner: self.any_owner,
            is_of_run: false,
            since: None,
            selection: SelectionOptions::default(),
        }
    }
}

/// Values of `--sort`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SortBy {
    /// Largest change of self time, more or less
    Impact,
    /// Largest change of the number of calls
    Calls,
    /// Largest growth of self time
    #[value(name = "self")]
    SelfTime,
    /// Largest growth of total time
    Total,
    /// Largest growth of waiting
    Waiting,
    /// Name
    Name,
}

impl From<SortBy> for Order {
    fn from(sort: SortBy) -> Order {
        match sort {
            SortBy::Impact => Order::Impact,
            SortBy::Calls => Order::Calls,
            SortBy::SelfTime => Order::SelfTime,
            SortBy::Total => Order::Total,
            SortBy::Waiting => Order::Waiting,
            SortBy::Name => Order::Name,
        }
    }
}
