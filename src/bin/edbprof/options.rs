//! The command line: every option, its default and its help.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use edbprof::report::Report;
use edbprof::report::flamegraph::FlameGraph;
use edbprof::report::prof::Prof;
use edbprof::report::pstats_text::PstatsText;
use edbprof::report::singledispatch::SingleDispatch;
use edbprof::report::sort_order::SortOrder;
use edbprof::report::svg::Svg;

use crate::outputs::Outputs;
use crate::run::RunOptions;

/// What recordings are called unless their makers say otherwise.
const PREFIX: &str = "edbprof_";
const SUFFIX: &str = ".prof";

/// What stands for stdout where a file is asked for.
pub(crate) const STDOUT: &str = "-";

const AFTER_HELP: &str = "\
Examples:
  edbprof                          all profiles in the temporary directory
  edbprof --prefix=parse_ /data    those that begin with parse_, in /data
  edbprof a.prof b.prof            just these files
  edbprof --out=/tmp/run.svg       writes /tmp/run.prof, /tmp/run.pstats, /tmp/run.svg
  edbprof --sort-by=tottime,name   for the table, what pstats' sort_stats() takes
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
#[command(name = "edbprof", version, after_long_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Aggregating is what the program does when no subcommand is named.
    #[command(flatten)]
    pub(crate) aggregate: AggregateOptions,
}

/// What else the program does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Run(RunOptions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AggregateOptions {
    /// Directories to search, files to read
    ///
    /// A directory is searched for PREFIX*SUFFIX, not below; a file is read whatever its name.
    /// Default is the directory that Python's tempfile uses: TMPDIR, TEMP or TMP, else /tmp,
    /// /var/tmp, /usr/tmp or the current directory, the first that is writable.
    #[arg(value_name = "DIR|FILE")]
    pub(crate) inputs: Vec<PathBuf>,

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
    pub(crate) results: ResultOptions,
}

/// What is made of the profile, and where it goes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ResultOptions {
    /// Sort keys of the table, as pstats knows them, separated by commas
    ///
    /// One or several of calls, cumulative, filename, line, module, name, ncalls, nfl, pcalls,
    /// stdname, time, tottime, or what of these pstats accepts as an abbreviation. An empty text
    /// leaves the functions in the order in which they were found.
    #[arg(long, value_name = "KEYS", default_value = "cumulative")]
    pub(crate) sort_by: SortOrder,

    /// Where the results go: a directory, or a file name
    ///
    /// In a directory (one that exists, or a name ending in a slash) they are called
    /// profile_analysis.*; of a file name, a suffix like .prof or .svg is replaced for each
    /// result. Default is the current directory.
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Width of the picture in pixels; 0 follows the window
    #[arg(long, value_name = "PIXELS", default_value_t = 1920)]
    pub(crate) width: u32,

    /// Fold in the picture what takes less than this share of the time; 1.0 is 100 %
    #[arg(long, value_name = "SHARE", default_value_t = 0.0001, value_parser = share)]
    pub(crate) threshold: f64,

    /// Make the picture no larger than this: 500kB, 8MB or a number of bytes
    ///
    /// Where the threshold is too small for that, it is raised; the picture says so.
    #[arg(long, value_name = "SIZE", default_value = "8MB", value_parser = size)]
    pub(crate) max_size: u64,

    /// Take what recording has cost out of the times
    ///
    /// Each process has measured what recording adds to a call and to whoever makes it; that is
    /// subtracted in tables, pictures and the pstats rows of the merged profile, never below
    /// zero. Its call trees stay as recorded, so merging it again subtracts nothing twice. Files
    /// that don't know it are used as they are, and counted.
    #[arg(long)]
    pub(crate) compensate: bool,

    /// What to write; may be repeated
    #[arg(
        long = "format",
        value_name = "FORMAT",
        value_delimiter = ',',
        default_values_t = [Format::Prof, Format::Pstats, Format::Svg, Format::Singledispatch],
    )]
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
    /// size of the merged profile; with --compensate also `compensated`, an object with the
    /// `seconds` taken out and the number of `processes_as_recorded`. It is written unless the
    /// usage was wrong.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) summary_json: Option<PathBuf>,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The merged profile, for pstats, snakeviz and further merging
    Prof,
    /// The table that pstats prints
    Pstats,
    /// The picture: call stacks and reverse graph
    Svg,
    /// Who called which implementation of a generic function
    Singledispatch,
    /// A plain flame graph
    Flamegraph,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl AggregateOptions {
    /// To make `results` of all recordings in `directory`, which is the user's own.
    pub(crate) fn of_directory(directory: &Path, results: ResultOptions) -> Self {
        AggregateOptions {
            inputs: vec![directory.to_owned()],
            prefix: PREFIX.into(),
            suffix: SUFFIX.into(),
            any_owner: false,
            results,
        }
    }
}

impl ResultOptions {
    /// Where the results go.
    ///
    /// # Errors
    ///
    /// A sentence, where nothing can be written there.
    pub(crate) fn outputs(&self) -> Result<Outputs, String> {
        Outputs::new(self.out.as_deref())
    }

    /// The reports that were asked for, each once.
    pub(crate) fn reports(&self) -> Vec<Box<dyn Report + Sync>> {
        let mut formats = Vec::new();
        for format in &self.formats {
            if !formats.contains(format) {
                formats.push(*format);
            }
        }
        formats
            .into_iter()
            .map(|format| self.report(format))
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

    fn report(&self, format: Format) -> Box<dyn Report + Sync> {
        let &ResultOptions {
            width,
            threshold,
            max_size,
            ..
        } = self;
        match format {
            Format::Prof => Box::new(Prof),
            Format::Pstats => Box::new(PstatsText {
                order: self.sort_by.clone(),
            }),
            Format::Svg => Box::new(Svg {
                width,
                threshold,
                max_size,
            }),
            Format::Singledispatch => Box::new(SingleDispatch),
            Format::Flamegraph => Box::new(FlameGraph { width, threshold }),
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is wanted, 0.001 being 0.1 %".to_owned()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    let text = text.to_ascii_lowercase();
    let text = text.strip_suffix('b').unwrap_or(&text);
    let (number, unit) = if let Some(number) = text.strip_suffix('k') {
        (number, 1_000)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 1_000_000)
    } else {
        (text, 1)
    };
    let bytes = number.trim_end().parse().ok();
    bytes
        .and_then(|number: u64| number.checked_mul(unit))
        .ok_or_else(|| "a size is wanted, as in 500kB, 8MB or 8000000".to_owned())
}
