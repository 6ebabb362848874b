//! Options of formats that show calls in the order of time.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::Format;
use super::window::duration;

/// Format that shows calls in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeFormat {
    /// A timeline for https://ui.perfetto.dev
    Perfetto,
    /// A timeline for https://profiler.firefox.com
    Firefox,
    /// A timeline as trace events, for chrome://tracing and other viewers
    Chrome,
}

/// Format that `edbprof export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    Profile(Format),
    Timeline(TimeFormat),
}

const EXPORT_FORMATS: [ExportFormat; 13] = {
    use ExportFormat::{Profile, Timeline};
    [
        Profile(Format::Prof),
        Profile(Format::Pstats),
        Profile(Format::Svg),
        Profile(Format::Singledispatch),
        Profile(Format::Flamegraph),
        Profile(Format::Folded),
        Profile(Format::Speedscope),
        Profile(Format::Callgrind),
        Profile(Format::Json),
        Profile(Format::Html),
        Timeline(TimeFormat::Perfetto),
        Timeline(TimeFormat::Firefox),
        Timeline(TimeFormat::Chrome),
    ]
};

impl ValueEnum for ExportFormat {
    fn value_variants<'a>() -> &'a [ExportFormat] {
        &EXPORT_FORMATS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            ExportFormat::Profile(format) => format.to_possible_value(),
            ExportFormat::Timeline(format) => format.to_possible_value(),
        }
    }
}

/// Calls of a timeline that are shown.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TimelineOptions {
    /// Leave out calls in timelines that are shorter than this: 10us, 2ms
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    pub(crate) min_duration: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_can_be_exported() {
        for &format in Format::value_variants() {
            assert!(EXPORT_FORMATS.contains(&ExportFormat::Profile(format)));
        }
        for &format in TimeFormat::value_variants() {
            assert!(EXPORT_FORMATS.contains(&ExportFormat::Timeline(format)));
        }
    }
}
