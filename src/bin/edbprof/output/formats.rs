//! The formats, their file names, and the reports that write them.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::ValueEnum;
use edbprof::report::Report;
use edbprof::report::callgrind::Callgrind;
use edbprof::report::flamegraph::FlameGraph;
use edbprof::report::folded::Folded;
use edbprof::report::json::Json;
use edbprof::report::page::Page;
use edbprof::report::prof::Prof;
use edbprof::report::pstats_text::PstatsText;
use edbprof::report::singledispatch::SingleDispatch;
use edbprof::report::speedscope::Speedscope;
use edbprof::report::svg::Svg;
use edbprof::report::timeline::TimelineFormat;
use edbprof::report::timeline::chrome::Chrome;
use edbprof::report::timeline::firefox::Firefox;
use edbprof::report::timeline::perfetto::Perfetto;

use crate::cli::args::{ExportFormat, Format, ReportOptions, ResultOptions, TimeFormat};

/// Formats that are written if none is named.
const DEFAULT_FORMATS: [Format; 4] = [
    Format::Prof,
    Format::Pstats,
    Format::Svg,
    Format::Singledispatch,
];

impl Format {
    /// Returns the format of files that are named like `path`.
    pub(crate) fn of_name(path: &Path) -> Option<Format> {
        let name = path.file_name()?.as_bytes();
        let formats = Format::value_variants().iter().copied();
        formats
            .filter(|format| name.ends_with(format.suffix().as_bytes()))
            // The longest suffix counts, because `.speedscope.json` is no `.json`.
            .max_by_key(|format| format.suffix().len())
    }

    /// Returns the suffix of the names of such files.
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
            Format::Html => ".html",
        }
    }
}

impl TimeFormat {
    /// Returns the suffixes of the names of such files, the usual one first.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            TimeFormat::Perfetto => &[".perfetto-trace", ".pftrace"],
            TimeFormat::Firefox => &[".firefox.json.gz"],
            TimeFormat::Chrome => &[".trace.json", ".json.gz"],
        }
    }
}

impl ExportFormat {
    /// Returns the format of files that are named like `path`.
    pub(crate) fn of_name(path: &Path) -> Option<ExportFormat> {
        let name = path.file_name()?.as_bytes();
        let formats = ExportFormat::value_variants().iter().copied();
        formats
            .flat_map(|format| match format {
                ExportFormat::Profile(of) => vec![(format, of.suffix())],
                ExportFormat::Timeline(of) => of
                    .suffixes()
                    .iter()
                    .map(|suffix| (format, *suffix))
                    .collect(),
            })
            .filter(|(_, suffix)| name.ends_with(suffix.as_bytes()))
            // The longest suffix counts, because `.firefox.json.gz` is no `.json.gz`.
            .max_by_key(|(_, suffix)| suffix.len())
            .map(|(format, _)| format)
    }
}

/// Returns the formats that `options` ask for, each once.
pub(crate) fn formats(options: &ResultOptions) -> Vec<Format> {
    let mut wanted = options.formats.clone();
    if wanted.is_empty() {
        wanted.extend(DEFAULT_FORMATS);
        wanted.extend(options.out.as_deref().and_then(Format::of_name));
    }
    let mut formats = Vec::new();
    for format in wanted {
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    formats
}

/// Returns the report that writes `format`.
pub(crate) fn report(format: Format, options: &ReportOptions) -> Box<dyn Report> {
    let &ReportOptions {
        width,
        threshold,
        max_size,
        strip_dirs,
        ..
    } = options;
    match format {
        Format::Prof => Box::new(Prof),
        Format::Pstats => Box::new(PstatsText {
            order: options.sort_by.clone(),
            strip_dirs,
        }),
        Format::Svg => Box::new(Svg {
            width,
            threshold,
            max_size: max_size.unwrap_or(Svg::default().max_size),
        }),
        Format::Singledispatch => Box::new(SingleDispatch),
        Format::Flamegraph => Box::new(FlameGraph { width, threshold }),
        Format::Folded => Box::new(Folded),
        Format::Speedscope => Box::new(Speedscope),
        Format::Callgrind => Box::new(Callgrind),
        Format::Json => Box::new(Json),
        Format::Html => Box::new(Page { max_size }),
    }
}

/// Returns the writer of timelines in `format`. `is_compressed` asks for gzip where the format
/// allows both.
pub(crate) fn timeline_format(format: TimeFormat, is_compressed: bool) -> Box<dyn TimelineFormat> {
    match format {
        TimeFormat::Perfetto => Box::new(Perfetto),
        TimeFormat::Firefox => Box::new(Firefox),
        TimeFormat::Chrome => Box::new(Chrome { is_compressed }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_formats() {
        for &format in Format::value_variants() {
            let name = format!("/tmp/a.b{}", format.suffix());
            assert_eq!(Format::of_name(Path::new(&name)), Some(format));
        }
        assert_eq!(Format::of_name(Path::new("/tmp/json")), None);
        for (name, format) in [
            (
                "a.perfetto-trace",
                ExportFormat::Timeline(TimeFormat::Perfetto),
            ),
            ("a.pftrace", ExportFormat::Timeline(TimeFormat::Perfetto)),
            (
                "a.firefox.json.gz",
                ExportFormat::Timeline(TimeFormat::Firefox),
            ),
            ("a.trace.json", ExportFormat::Timeline(TimeFormat::Chrome)),
            ("a.json.gz", ExportFormat::Timeline(TimeFormat::Chrome)),
            (
                "a.speedscope.json",
                ExportFormat::Profile(Format::Speedscope),
            ),
            ("a.json", ExportFormat::Profile(Format::Json)),
        ] {
            assert_eq!(ExportFormat::of_name(Path::new(name)), Some(format));
        }
    }
}
