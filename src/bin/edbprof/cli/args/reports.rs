//! Formats of the results, and the options that they have.

use clap::ValueEnum;
use edbprof::report::sort_order::SortOrder;

/// Format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The merged profile, for pstats, snakeviz and further merging
    Prof,
    /// The table that pstats prints
    Pstats,
    /// The picture: call stacks and inverted graph
    Svg,
    /// The callers of each implementation of a generic function
    Singledispatch,
    /// A plain flame graph
    Flamegraph,
    /// Folded stacks in nanoseconds, for flamegraph.pl and inferno
    Folded,
    /// For https://www.speedscope.app
    Speedscope,
    /// For kcachegrind, qcachegrind and callgrind_annotate
    Callgrind,
    /// Functions and call tree, for other programs
    Json,
    /// One page to explore the profile in a browser
    Html,
}

/// Looks of the reports.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReportOptions {
    /// Sort keys of the table, those of pstats, separated by commas
    ///
    /// One or several of calls, cumulative, filename, line, module, name, ncalls, nfl, pcalls,
    /// stdname, time, tottime, or an abbreviation of one that pstats accepts. An empty text
    /// leaves the functions in the order in which they were found.
    #[arg(long, value_name = "KEYS", default_value = "cumulative")]
    pub(crate) sort_by: SortOrder,

    /// Name files without directories in the table
    ///
    /// Works like strip_dirs() of pstats: functions that differ only in the directory become one.
    /// Without it the table has whole paths, while the picture and the summary omit the
    /// directories of Python, its packages and the program. The merged profile always has whole
    /// paths.
    #[arg(long)]
    pub(crate) strip_dirs: bool,

    /// Width of the picture in pixels; 0 follows the window
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    pub(crate) width: u32,

    /// Collapse frames in the picture below this share of the time; 1.0 is 100 %
    #[arg(long, value_name = "SHARE", default_value_t = 0.0001, value_parser = share)]
    pub(crate) threshold: f64,

    /// Largest size of the picture, page or timeline: 500kB, 8MB or a number of bytes
    ///
    /// The default is 8MB for pictures, 25MB for pages, 50MB for pages with a timeline and 100MB for
    /// timelines. If the threshold, or the shortest duration of calls, is too small for that, it is
    /// raised, and the file says so.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
}

pub(super) fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is wanted, 0.001 being 0.1 %"),
    }
}

pub(super) fn size(text: &str) -> Result<u64, &'static str> {
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
        .ok_or("a size is wanted, as in 500kB, 8MB or 8000000")
}
