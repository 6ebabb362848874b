//! The formats that the program writes, and the options that they have.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::ValueEnum;
use edbprof::report::Report;
use edbprof::report::callgrind::Callgrind;
use edbprof::report::flamegraph::FlameGraph;
use edbprof::report::folded::Folded;
use edbprof::report::json::Json;
use edbprof::report::prof::Prof;
use edbprof::report::pstats_text::PstatsText;
use edbprof::report::singledispatch::SingleDispatch;
use edbprof::report::sort_order::SortOrder;
use edbprof::report::speedscope::Speedscope;
use edbprof::report::svg::Svg;

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
    /// Folded stacks in nanoseconds, for flamegraph.pl and inferno
    Folded,
    /// For https://www.speedscope.app
    Speedscope,
    /// For kcachegrind, qcachegrind and callgrind_annotate
    Callgrind,
    /// Functions and call tree, for programs of your own
    Json,
}

/// What is written where no format is named.
pub(crate) const DEFAULT_FORMATS: [Format; 4] = [
    Format::Prof,
    Format::Pstats,
    Format::Svg,
    Format::Singledispatch,
];

impl Format {
    /// The format of files that are called like `path`.
    pub(crate) fn of_name(path: &Path) -> Option<Format> {
        let name = path.file_name()?.as_bytes();
        let formats = Format::value_variants().iter().copied();
        formats
            .filter(|format| name.ends_with(format.suffix().as_bytes()))
            // `.speedscope.json` is no `.json`.
            .max_by_key(|format| format.suffix().len())
    }

    /// What names of such files end in.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Format::Prof => ".prof",
            Format::Pstats => ".pstats",
            Format::Svg => ".svg",
            Format::Singledispatch => ".singledispatch",
            Format::Flamegraph => ".flamegraph.svg",
            Format::Folded => ".folded",
            Format::Speedscope => ".speedscope.json",
            Format::Callgrind => ".callgrind",
            Format::Json => ".json",
        }
    }
}

/// How the reports are made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReportOptions {
    /// Sort keys of the table, as pstats knows them, separated by commas
    ///
    /// One or several of calls, cumulative, filename, line, module, name, ncalls, nfl, pcalls,
    /// stdname, time, tottime, or what of these pstats accepts as an abbreviation. An empty text
    /// leaves the functions in the order in which they were found.
    #[arg(long, value_name = "KEYS", default_value = "cumulative")]
    pub(crate) sort_by: SortOrder,

    /// Name files without directories in the table
    ///
    /// As pstats' strip_dirs() does: functions that differ in the directory alone become one.
    /// Without it the table has whole paths, where the picture and the summary leave out where
    /// Python, its packages and the program lie. The merged profile always has whole paths.
    #[arg(long)]
    pub(crate) strip_dirs: bool,

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
}

impl ReportOptions {
    pub(crate) fn report(&self, format: Format) -> Box<dyn Report + Sync> {
        let &ReportOptions {
            width,
            threshold,
            max_size,
            ..
        } = self;
        match format {
            Format::Prof => Box::new(Prof),
            Format::Pstats => Box::new(PstatsText {
                order: self.sort_by.clone(),
                strip_dirs: self.strip_dirs,
            }),
            Format::Svg => Box::new(Svg {
                width,
                threshold,
                max_size,
            }),
            Format::Singledispatch => Box::new(SingleDispatch),
            Format::Flamegraph => Box::new(FlameGraph { width, threshold }),
            Format::Folded => Box::new(Folded),
            Format::Speedscope => Box::new(Speedscope),
            Format::Callgrind => Box::new(Callgrind),
            Format::Json => Box::new(Json),
        }
    }
}

pub(crate) fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is wanted, 0.001 being 0.1 %"),
    }
}

fn size(text: &str) -> Result<u64, &'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_formats() {
        let options = ReportOptions {
            strip_dirs: false,
            sort_by: SortOrder::default(),
            width: 0,
            threshold: 0.0,
            max_size: 0,
        };
        for &format in Format::value_variants() {
            assert_eq!(options.report(format).suffix(), format.suffix());
            let name = format!("/tmp/a.b{}", format.suffix());
            assert_eq!(Format::of_name(Path::new(&name)), Some(format));
        }
        assert_eq!(Format::of_name(Path::new("/tmp/json")), None);
    }
}
