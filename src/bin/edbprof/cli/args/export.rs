//! The command line of `edbprof export`.

use std::path::PathBuf;

use clap::Args;

use super::{
    ExportFormat, InputOptions, ReportOptions, TimelineOptions, ViewOptions, WindowOptions,
};

const AFTER_HELP: &str = "\
Examples:
  edbprof export --format folded run.prof | flamegraph.pl > run.svg
  edbprof export -o run.speedscope.json run.prof    for https://www.speedscope.app
  edbprof export -o run.callgrind run.prof          for kcachegrind or qcachegrind
  edbprof export -o run.perfetto-trace run.timeline for https://ui.perfetto.dev
  edbprof export -o run.firefox.json.gz --from=-5s run.timeline";

/// Convert to the format of another tool
///
/// Reads .prof files, also those of cProfile, and live files of running or killed processes,
/// and writes all of them as one file. Without a path, ./profile_analysis.prof is read if it is
/// yours, else the recordings in the temporary directory.
///
/// The formats perfetto, firefox and chrome show calls in the order of time, and so does speedscope
/// if a timeline is named. They need a timeline, which `edbprof run --timeline` writes.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) view: ViewOptions,

    #[command(flatten)]
    pub(crate) window: WindowOptions,

    #[command(flatten)]
    pub(crate) reports: ReportOptions,

    #[command(flatten)]
    pub(crate) timeline: TimelineOptions,

    /// Format to write; by default the one that the name of the output ends in
    #[arg(long, value_name = "FORMAT", required_unless_present = "output")]
    pub(crate) format: Option<ExportFormat>,

    /// File to write; stdout by default
    #[arg(long, short, alias = "out", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
