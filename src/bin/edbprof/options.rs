//! The command line: every option, its default and its help.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Parser;
use edbprof::capi::EDBPROF_ABI_VERSION;
use edbprof::format::{live, prof};
use edbprof::report::Report;

use crate::clean::CleanOptions;
use crate::exit::Error;
use crate::formats::{DEFAULT_FORMATS, Format, ReportOptions};
use crate::outputs::Outputs;
use crate::run::RunOptions;
use crate::selection::SelectionOptions;
use crate::show::{ExportOptions, TopOptions, TreeOptions};

/// What recordings are called unless their makers say otherwise.
pub(crate) const PREFIX: &str = "edbprof_";
pub(crate) const SUFFIX: &str = ".prof";

/// What stands for stdout where a file is asked for.
pub(crate) const STDOUT: &str = "-";

const AFTER_HELP: &str = "\
Examples:
  edbprof                          all profiles in the temporary directory
  edbprof --prefix=parse_ /data    those that begin with parse_, in /data
  edbprof a.prof b.prof            just these files
  edbprof --out=/tmp/run.svg       writes /tmp/run.prof, /tmp/run.pstats, /tmp/run.svg
  edbprof --sort-by=tottime,name   for the table, what pstats' sort_stats() takes
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

/// Merges the profiles of many processes into one answer: a profile, a table and a
/// flame graph.
///
/// Reads what edbprof and cProfile recorded, adds it up and writes
/// profile_analysis.prof (for pstats, snakeviz or another edbprof run),
/// profile_analysis.pstats (the table), profile_analysis.svg (the picture: zoom by
/// click, search by regular expression) and, where singledispatch functions were
/// recorded, profile_analysis.singledispatch.
#[derive(Debug, Parser)]
#[command(name = "edbprof", version, long_version = VERSIONS.as_str(), after_long_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Aggregating is what the program does when no subcommand is named.
    #[command(flatten)]
    pub(crate) aggregate: AggregateOptions,
}

/// What `--version` says, a line each: the program and what it understands.
static VERSIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\nprof format {}\nlive format {}\nABI {}",
        env!("CARGO_PKG_VERSION"),
        prof::VERSION,
        live::VERSION,
        EDBPROF_ABI_VERSION,
    )
});

/// What else the program does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Run(RunOptions),
    Top(TopOptions),
    Tree(TreeOptions),
    Export(ExportOptions),
    Clean(CleanOptions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AggregateOptions {
    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) results: ResultOptions,
}

/// What is read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct InputOptions {
    /// Directories to search, files to read
    ///
    /// A directory is searched for PREFIX*SUFFIX, not below; a file is read whatever its name.
    /// Default is the directory that Python's tempfile uses: TMPDIR, TEMP or TMP, else /tmp,
    /// /var/tmp, /usr/tmp or the current directory, the first that is writable.
    #[arg(value_name = "DIR|FILE")]
    pub(crate) paths: Vec<PathBuf>,

    /// What the names of input files begin with
    #[arg(long, default_value = PREFIX)]
    pub(crate) prefix: std::ffi::OsString,

    /// What the names of input files end in
    #[arg(long, default_value = SUFFIX)]
    pub(crate) suffix: std::ffi::OsString,

    /// Also read files that belong to other users
    ///
    /// In a directory that others may write to, like /tmp, files and links that belong neither
    /// to you nor to root are left out unless this is given.
    #[arg(long)]
    pub(crate) any_owner: bool,

    #[command(flatten)]
    pub(crate) selection: SelectionOptions,
}

/// How the profile is looked at, whatever is made of it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ViewOptions {
    /// Take what recording has cost out of the times
    ///
    /// Each process has measured what recording adds to a call and to whoever makes it; that is
    /// subtracted in tables, pictures and the pstats rows of the merged profile, never below
    /// zero. Its call trees stay as recorded, so merging it again subtracts nothing twice. Files
    /// that don't know it are used as they are, and counted.
    #[arg(long)]
    pub(crate) compensate: bool,
}

/// What is made of the profile, and where it goes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ResultOptions {
    #[command(flatten)]
    pub(crate) reports: ReportOptions,

    /// Where the results go: a directory, or a file name
    ///
    /// In a directory (one that exists, or a name ending in a slash) they are called
    /// profile_analysis.*; of a file name, a suffix like .prof or .svg is replaced for each
    /// result. Default is the current directory.
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) view: ViewOptions,

    /// What to write; may be repeated
    ///
    /// By default prof, pstats, svg, singledispatch, and what the name in --out ends in.
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) formats: Vec<Format>,

    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Write nothing when a file can't be read
    ///
    /// Without it the results are made of those that can.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Write how it went as JSON to a file, or with - to stdout instead of the summary
    ///
    /// An object with the counts `succeeded`, `failed` and `skipped`; `outputs`, a list of paths;
    /// `failures` and `skips`, lists of {path, reason}; `processes`, `calls` and `seconds`, the
    /// size of the merged profile; where a part was chosen `selection`, the options that chose
    /// it; with --compensate also `compensated`, an object with the
    /// `seconds` taken out and the number of `processes_as_recorded`. It is written unless the
    /// usage was wrong.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) summary_json: Option<PathBuf>,
}

impl AggregateOptions {
    /// To make `results` of what `selection` chooses of the recordings in `directory`, which
    /// is the user's own.
    pub(crate) fn of_directory(
        directory: &Path,
        selection: SelectionOptions,
        results: ResultOptions,
    ) -> Self {
        AggregateOptions {
            inputs: InputOptions {
                paths: vec![directory.to_owned()],
                prefix: PREFIX.into(),
                suffix: SUFFIX.into(),
                any_owner: false,
                selection,
            },
            results,
        }
    }
}

impl ResultOptions {
    /// Where the results go.
    ///
    /// # Errors
    ///
    /// When nothing can be written there.
    pub(crate) fn outputs(&self) -> Result<Outputs, Error> {
        Outputs::new(self.out.as_deref())
    }

    /// The reports that were asked for, each once.
    pub(crate) fn reports(&self) -> Vec<Box<dyn Report + Sync>> {
        let mut wanted = self.formats.clone();
        if wanted.is_empty() {
            wanted.extend(DEFAULT_FORMATS);
            wanted.extend(self.out.as_deref().and_then(Format::of_name));
        }
        let mut formats = Vec::new();
        for format in wanted {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
            .into_iter()
            .map(|format| self.reports.report(format))
            .collect()
    }

    /// The paths of all files that may be written, each with its suffix.
    pub(crate) fn paths(
        &self,
        outputs: &Outputs,
        reports: &[Box<dyn Report + Sync>],
    ) -> Vec<(PathBuf, &'static str)> {
        let summary = self.summary_json.iter().filter(|path| *path != STDOUT);
        let suffixes = reports.iter().map(|report| report.suffix());
        suffixes
            .map(|suffix| (outputs.path(suffix), suffix))
            .chain(summary.map(|path| (path.clone(), ".json")))
            .collect()
    }
}
