//! The command line: every option, its default and its help. Options carry no behaviour.

mod attach;
mod calls;
mod clean;
mod diff;
mod export;
mod mcp;
mod reports;
mod run;
mod selection;
mod shell;
mod show;
mod since;
mod size;
mod timeline;
mod view;
mod window;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::Parser;
use edbprof::capi::{EDBPROF_ABI_MAJOR, EDBPROF_ABI_MINOR};
use edbprof::format::{live, prof};

use super::names::{PREFIX, SUFFIX};
pub(crate) use attach::{AttachOptions, DumpOptions};
pub(crate) use calls::CallsOptions;
pub(crate) use clean::CleanOptions;
pub(crate) use diff::{CheckOptions, DiffOptions, SideOptions};
pub(crate) use export::ExportOptions;
pub(crate) use mcp::McpOptions;
pub(crate) use reports::{Format, ReportOptions};
pub(crate) use run::{RunOptions, Start};
pub(crate) use selection::{ByOption, SelectionOptions};
pub(crate) use shell::{CompletionsOptions, ManOptions, Shell};
pub(crate) use show::{TopOptions, TreeOptions};
pub(crate) use since::Since;
pub(crate) use timeline::{ExportFormat, TimeFormat, TimelineOptions};
pub(crate) use view::PageOptions;
pub(crate) use window::{During, WindowOptions};
pub(crate) use words::{JsonOption, WordsOption};

const AFTER_HELP: &str = "\
Examples:
  edbprof                          all profiles in the temporary directory
  edbprof --prefix=parse_ /data    those that begin with parse_, in /data
  edbprof a.prof b.prof            just these files
  edbprof --out=/tmp/run.svg       writes /tmp/run.prof, /tmp/run.pstats, /tmp/run.svg
  edbprof --sort-by=tottime,name   for the table, any keys of pstats' sort_stats()
  edbprof --by=process             a frame for each process at the root of the picture
  edbprof --exclude='*importlib*'  without the machinery of imports
  edbprof --threshold=0.001        a smaller picture: nothing below 0.1 %

Exit status:
  0  all files were read
  1  some files could not be read; they are named on stderr, the rest is in the results
     (with --strict nothing was written)
  2  wrong usage; nothing was written
  3  there was nothing to read
  4  the results could not be written";

/// Merges the profiles of many processes into one profile, a table and a flame graph.
///
/// Reads profiles that edbprof and cProfile recorded, and adds them up. Writes
/// profile_analysis.prof (for pstats, snakeviz or another edbprof run), profile_analysis.pstats
/// (the table) and profile_analysis.svg (the picture: zoom by click, search by regular expression).
/// If singledispatch functions were recorded, also writes profile_analysis.singledispatch.
#[derive(Debug, Parser)]
#[command(
    name = "edbprof",
    version,
    long_version = VERSIONS.as_str(),
    after_long_help = AFTER_HELP,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Without a subcommand the program aggregates.
    #[command(flatten)]
    pub(crate) aggregate: AggregateOptions,
}

/// Lines of `--version`: the program and the versions that it understands.
static VERSIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\nprof format {}\nlive format {}\nABI {}.{}",
        env!("CARGO_PKG_VERSION"),
        prof::VERSION,
        live::VERSION,
        EDBPROF_ABI_MAJOR,
        EDBPROF_ABI_MINOR,
    )
});

/// Subcommands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Run(RunOptions),
    Attach(AttachOptions),
    Dump(DumpOptions),
    Top(TopOptions),
    Tree(TreeOptions),
    Calls(CallsOptions),
    View(PageOptions),
    Export(ExportOptions),
    Diff(DiffOptions),
    Check(CheckOptions),
    Clean(CleanOptions),
    Mcp(McpOptions),
    Completions(CompletionsOptions),
    Man(ManOptions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AggregateOptions {
    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) results: ResultOptions,

    /// True if the merged profile keeps processes and threads apart, even if reports add them up.
    #[arg(skip)]
    pub(crate) keeps_apart: bool,
}

/// Files to read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InputOptions {
    /// Directories to search, files to read
    ///
    /// A directory is searched for PREFIX*SUFFIX, without its subdirectories; a file of any name is
    /// read. The default is the directory of Python's tempfile: TMPDIR, TEMP or TMP, else the first
    /// of /tmp, /var/tmp, /usr/tmp and the current directory that is writable.
    #[arg(value_name = "DIR|FILE")]
    pub(crate) paths: Vec<PathBuf>,

    /// Beginning of the names of input files
    #[arg(long, default_value = PREFIX)]
    pub(crate) prefix: OsString,

    /// End of the names of input files
    #[arg(long, default_value = SUFFIX)]
    pub(crate) suffix: OsString,

    /// Read files of other users, too
    ///
    /// Without this option, only files and links that belong to you or to root are read in
    /// directories that others may write to, like /tmp.
    #[arg(long)]
    pub(crate) any_owner: bool,

    /// The directory is that of an `edbprof run`, whose program may have changed its user.
    #[arg(skip)]
    pub(crate) is_of_run: bool,

    /// Read only the last run, or runs that were active in the last hours: last-run, 15m, 1h, 2d
    ///
    /// A run is a process with all its children, and all that recorded at the same time.
    #[arg(long, value_name = "AGE|last-run", value_parser = since::since)]
    pub(crate) since: Option<Since>,

    #[command(flatten)]
    pub(crate) selection: SelectionOptions,
}

impl InputOptions {
    /// Returns those for the directory of an `edbprof run` or `edbprof attach`.
    pub(crate) fn of_run(directory: PathBuf, selection: &SelectionOptions) -> Self {
        InputOptions {
            paths: vec![directory],
            prefix: PREFIX.into(),
            suffix: SUFFIX.into(),
            any_owner: false,
            is_of_run: true,
            since: None,
            selection: selection.clone(),
        }
    }
}

/// Changes to the times of the profile, for all results alike.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ViewOptions {
    /// Subtract the costs of recording from the times
    ///
    /// Each process has measured how much time recording adds to a call and to its caller. These
    /// costs are subtracted in tables, pictures and the pstats rows of the merged profile, never
    /// below zero. Its call trees stay as recorded, so merging it again subtracts nothing twice.
    /// Files without these costs are used as they are, and counted.
    #[arg(long)]
    pub(crate) compensate: bool,
}

/// Results to write, and their places.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ResultOptions {
    #[command(flatten)]
    pub(crate) reports: ReportOptions,

    /// Directory or file name of the results
    ///
    /// In a directory (one that exists, or a name that ends in a slash) they are called
    /// profile_analysis.*. In a file name, a suffix like .prof or .svg is replaced for each result.
    /// The default is the current directory.
    #[arg(long, short, value_name = "DIR|FILE")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) view: ViewOptions,

    /// Formats to write; may be repeated
    ///
    /// The default is prof, pstats, svg, singledispatch, and the format that the name in --out
    /// ends in.
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) formats: Vec<Format>,

    /// Print errors only
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Write nothing when a file can't be read
    ///
    /// Without this option, the results are made from the other files.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Write a summary as JSON to a file, or with - to stdout instead of the usual one
    ///
    /// An object with the counts `succeeded`, `failed` and `skipped`; `outputs`, a list of paths;
    /// `failures` and `skips`, lists of {path, reason}; and `processes`, `calls` and `seconds`, the
    /// size of the merged profile. If a part was selected, `selection` has the options that
    /// selected it. With --compensate, `compensated` is an object with the `seconds` subtracted and
    /// the number of `processes_as_recorded`. `unsaved_children`, `unnoticed_entries` and
    /// `estimated_waits` are there unless they are 0. With `edbprof run`, `unrecorded` is a list of
    /// {pid, cause, about}. The file is written unless the usage was wrong.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) summary_json: Option<PathBuf>,
}
