//! The command line of `edbprof view`.

use std::path::PathBuf;

use clap::Args;

use super::reports::size;
use super::{InputOptions, ViewOptions, WindowOptions};

const AFTER_HELP: &str = "\
Examples:
  edbprof view                       the profiles of the last results, in the browser
  edbprof view run.prof other.prof   both together
  edbprof view --since=1h /data      recordings of the last hour
  edbprof view -o run.html --no-open run.prof    a file to mail or to attach
  edbprof view --before old.prof --after new.prof
                                     two profiles compared, as by edbprof diff";

/// Explore a profile in the browser
///
/// Writes one page that needs no network and no server, and opens it. It has a flame graph, an
/// inverted one, a sandwich of one function, and a table of all functions. Processes and threads
/// are chosen in the page.
///
/// Reads .prof files, also those of cProfile, and live files of running or killed processes.
/// Without a path, ./profile_analysis.prof is read if it is yours, else the recordings in the
/// temporary directory.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct PageOptions {
    #[command(flatten)]
    pub(crate) inputs: InputOptions,

    #[command(flatten)]
    pub(crate) view: ViewOptions,

    #[command(flatten)]
    pub(crate) window: WindowOptions,

    /// Compare: profiles of one or several runs before
    #[arg(
        long,
        value_name = "FILE",
        num_args = 1..,
        requires = "after",
        conflicts_with_all = ["paths", "from", "to", "during", "since", "compensate", "source"],
    )]
    pub(crate) before: Vec<PathBuf>,

    /// Compare: profiles of one or several runs after
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "before")]
    pub(crate) after: Vec<PathBuf>,

    /// File to write, or - for stdout; by default one in the temporary directory, for you alone
    #[arg(long, short, alias = "out", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Put the source files into the page, with figures where functions are defined and called
    ///
    /// Only regular files are put there whose names end in .py, and that have not changed since the
    /// recording began. The page lists them, and those that it lacks.
    #[arg(long)]
    pub(crate) source: bool,

    /// Write the page without opening it
    #[arg(long)]
    pub(crate) no_open: bool,

    /// Largest size of the page: 500kB, 50MB or a number of bytes
    ///
    /// If the page would be larger, the shortest calls become part of one frame for each caller;
    /// the page says so. [default: 25MB, with a timeline 50MB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
}
