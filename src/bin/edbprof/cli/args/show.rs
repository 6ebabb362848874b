//! The command lines of `edbprof top` and `edbprof tree`.

use clap::Args;
use edbprof::report::sort_order::SortOrder;

use super::reports::share;
use super::{InputOptions, JsonOption, ViewOptions, WindowOptions, WordsOption};

const TOP_AFTER_HELP: &str = "\
Examples:
  edbprof top                            the functions with the most time of their own
  edbprof top --sort cumulative /data    with their callees, of all profiles in /data
  edbprof top --callers loads run.prof   the callers of loads, and its time for each
  edbprof top --live 4711                a running process and its children, every second";

const TREE_AFTER_HELP: &str = "\
Examples:
  edbprof tree                           everything that took 1 % of the time or more
  edbprof tree --threshold 0.001 --all   down to 0.1 %, each frame of libraries too
  edbprof tree --tasks run.prof          the tasks of asyncio or trio, and what they awaited
  edbprof tree run.prof | less           without colours; CLICOLOR_FORCE=1 keeps them";

/// Show the functions that cost most as a table, or one function's callers or callees
///
/// Reads .prof files, also those of cProfile, and live files of running or killed processes.
/// Without a path, ./profile_analysis.prof is read if it is yours, else the recordings in the
/// temporary directory.
#[derive(Debug, Args)]
#[command(after_long_help = TOP_AFTER_HELP)]
pub(crate) struct TopOptions {
    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) view: ViewOptions,

    #[command(flatten)]
    pub(crate) window: WindowOptions,

    /// Show what running processes record, again and again; a path may be a process id
    ///
    /// Keys change between functions and the call tree, and between the whole time and the last
    /// seconds. The processes are not stopped. A process is shown with its children; without a
    /// path, all processes that record into the temporary directory are shown.
    #[arg(long, conflicts_with_all = ["callers", "callees", "json", "max_words", "from", "to",
          "during", "since"])]
    pub(crate) live: bool,

    /// Sort keys, those of pstats, separated by commas
    #[arg(long, value_name = "KEYS", default_value = "tottime")]
    pub(crate) sort: SortOrder,

    /// Number of functions to list; 0 for all [default: 20, fewer on a terminal of few lines]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,

    /// Show the callers of this function
    ///
    /// A pattern like those of --include or, if nothing matches it, a part of what one matches.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) callers: Option<String>,

    /// Show the functions that this function called
    #[arg(long, value_name = "PATTERN")]
    pub(crate) callees: Option<String>,

    #[command(flatten)]
    pub(crate) json: JsonOption,

    #[command(flatten)]
    pub(crate) words: WordsOption,
}

/// Show the call tree: the calls that cost most, below their callers
///
/// Calls within libraries, including Python's own, are shortened. The entered frame is shown, and
/// everything between it and the program's functions that it calls back is one line. Colours are
/// used on a terminal only; NO_COLOR, CLICOLOR and CLICOLOR_FORCE are respected. Reads .prof files,
/// also those of cProfile, and live files of running or killed processes. Without a path,
/// ./profile_analysis.prof is read if it is yours, else the recordings in the temporary directory.
#[derive(Debug, Args)]
#[command(after_long_help = TREE_AFTER_HELP)]
pub(crate) struct TreeOptions {
    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) view: ViewOptions,

    #[command(flatten)]
    pub(crate) window: WindowOptions,

    /// Omit calls below this share of the time; 1.0 is 100 %
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share)]
    pub(crate) threshold: f64,

    /// Show each frame of libraries
    #[arg(long)]
    pub(crate) all: bool,

    /// Show tasks of event loops, what they awaited, and their longest runs
    ///
    /// Below a coroutine are those that it awaited, in any event loop. Awaiting is the time in
    /// which they were suspended. The longest run is the longest time without a suspension. --all
    /// also shows coroutines of the event loop between those of the program.
    #[arg(long, conflicts_with_all = ["json", "max_words"])]
    pub(crate) tasks: bool,

    #[command(flatten)]
    pub(crate) json: JsonOption,

    #[command(flatten)]
    pub(crate) words: WordsOption,
}
