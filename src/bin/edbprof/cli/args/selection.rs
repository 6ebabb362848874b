//! Options that select a part of the recordings, and keep processes or threads apart.

use clap::ValueEnum;
use edbprof::analysis::merge_request::By;
use edbprof::analysis::select::Selection;
use edbprof::model::Pattern;

/// Heading of these options in the help. Each option names it itself, because a heading set
/// for all of them would also cover the options that a subcommand lists after them.
const HEADING: &str = "Selection";

/// Parts of the recordings to show.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SelectionOptions {
    /// Keep processes, or threads, apart in pictures and trees
    ///
    /// Each process gets a frame at the root that describes it; with thread, each of its threads
    /// gets a frame above that. Tables and pstats rows stay the same. The merged profile keeps
    /// them apart, too, so it can be merged by process again.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "process|thread",
        hide_possible_values = true
    )]
    pub(crate) by: Option<ByOption>,

    /// Only processes of this pid or command line; may be repeated
    ///
    /// In patterns * matches any characters, ? one. This pattern matches the whole command line or
    /// one word of it, without leading directories: `worker.py`, 'worker.py --queue=*'. It selects
    /// from recordings, and from profiles that keep processes apart.
    #[arg(long, help_heading = HEADING, value_name = "PID|PATTERN", value_parser = pattern)]
    pub(crate) only_process: Vec<Pattern>,

    /// Only threads of this name; may be repeated
    ///
    /// For example 'ThreadPoolExecutor-*'. It selects from recordings, and from profiles that keep
    /// threads apart.
    #[arg(long, help_heading = HEADING, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) only_thread: Vec<Pattern>,

    /// Only stacks in which this function occurs; may be repeated
    ///
    /// A pattern matches a function by its name, its qualified name, its file, or FILE:NAME. Before
    /// a name, the module and a dot or colon may stand. * matches any characters, ? one. Leading
    /// directories may be left out: 'parse', 'json/*', 'parse.py:Parser.*', 'list.append'. The
    /// callers of the function stay, without time of their own.
    #[arg(long, help_heading = HEADING, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) include: Vec<Pattern>,

    /// Remove functions from the stacks; may be repeated
    ///
    /// Patterns are like those of --include. Calls made by such a function are shown under its
    /// caller. Its time is added to its caller's own, or to <excluded> if it has no caller.
    #[arg(long, help_heading = HEADING, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) exclude: Vec<Pattern>,
}

/// Values of `--by`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ByOption {
    Process,
    Thread,
}

impl SelectionOptions {
    /// Returns the units that are kept apart.
    pub(crate) fn by(&self) -> Option<By> {
        self.by.map(|by| match by {
            ByOption::Process => By::Process,
            ByOption::Thread => By::Thread,
        })
    }

    /// Returns the processes, threads and functions that are chosen.
    pub(crate) fn selection(&self) -> Selection {
        Selection {
            processes: self.only_process.clone(),
            threads: self.only_thread.clone(),
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            window: Vec::new(),
        }
    }
}

pub(super) fn pattern(text: &str) -> Result<Pattern, &'static str> {
    match text {
        "" => Err("an empty pattern matches nothing"),
        text => Ok(Pattern::new(text)),
    }
}
