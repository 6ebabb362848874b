//! The options that say what of the recordings is looked at, and what stays apart.

use clap::ValueEnum;
use edbprof::analysis::group::{By, Wanted};
use edbprof::analysis::select::{Pattern, Selection};

/// What the help calls these options. Each has to say it: what is set for all of them goes
/// on to those that a subcommand has after them.
const HEADING: &str = "What is looked at";

/// What of the recordings is looked at.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SelectionOptions {
    /// Keep processes, or threads, apart in pictures and trees
    ///
    /// A frame for each process, which says what is known of it, stands at the root, by thread
    /// one for each of its threads on it. Tables and the pstats rows are the same as without.
    /// The merged profile keeps them apart as well, so it can be merged by process again.
    #[arg(long, help_heading = HEADING, value_name = "process|thread", hide_possible_values = true)]
    by: Option<ByOption>,

    /// Only processes of this pid or command line; may be repeated
    ///
    /// In patterns * stands for any characters, ? for one. This one matches the whole command
    /// line or one word of it, without directories at the beginning: `worker.py`,
    /// 'worker.py --queue=*'. It chooses from recordings, not from merged profiles.
    #[arg(long, help_heading = HEADING, value_name = "PID|PATTERN", value_parser = pattern)]
    only_process: Vec<Pattern>,

    /// Only threads of this name; may be repeated
    ///
    /// 'ThreadPoolExecutor-*', for example. It chooses from recordings, not from merged profiles.
    #[arg(long, help_heading = HEADING, value_name = "PATTERN", value_parser = pattern)]
    only_thread: Vec<Pattern>,

    /// Only stacks in which this function occurs; may be repeated
    ///
    /// A pattern for the function's name, its file, or FILE:NAME, directories at the beginning
    /// left out or not: 'parse', 'json/*', 'parse.py:Parser.*', '*/site-packages/*', 'list.append'. What it was
    /// called by stays, without time of its own.
    #[arg(long, help_heading = HEADING, value_name = "PATTERN", value_parser = pattern)]
    include: Vec<Pattern>,

    /// Take functions out of the stacks; may be repeated
    ///
    /// Patterns are as for --include. What such a function calls is shown under its caller, and
    /// its time as its caller's own, or as that of <excluded> where it has no caller.
    #[arg(long, help_heading = HEADING, value_name = "PATTERN", value_parser = pattern)]
    exclude: Vec<Pattern>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ByOption {
    Process,
    Thread,
}

impl SelectionOptions {
    /// What they ask for.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            by: self.by.map(|by| match by {
                ByOption::Process => By::Process,
                ByOption::Thread => By::Thread,
            }),
            selection: Selection {
                processes: self.only_process.clone(),
                threads: self.only_thread.clone(),
                include: self.include.clone(),
                exclude: self.exclude.clone(),
            },
        }
    }
}

fn pattern(text: &str) -> Result<Pattern, &'static str> {
    match text {
        "" => Err("an empty pattern matches nothing"),
        text => Ok(Pattern::new(text)),
    }
}
