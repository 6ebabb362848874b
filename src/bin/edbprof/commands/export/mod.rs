//! `edbprof export`: converts a profile or a timeline to one other format.

mod timeline;

use std::io;
use std::path::Path;

use edbprof::report::summary::path_text;
use edbprof::report::timeline::speedscope::SpeedscopeTimeline;

use self::timeline::export_timeline;
use crate::cli::args::{ExportFormat, ExportOptions, Format};
use crate::cli::exit::{Error, Exit};
use crate::cli::names::STDOUT;
use crate::cli::ui::Stream;
use crate::input::{self, ReadReport, timelines};
use crate::output::formats::{report, timeline_format};
use crate::output::overwrite_guard::OverwriteGuard;
use crate::output::targets::{of_other_tools, write_named};
use crate::output::with_view;

/// Runs `edbprof export`.
///
/// # Errors
///
/// When nothing was written.
pub(crate) fn export(options: &ExportOptions) -> Result<Exit, Error> {
    let output = options
        .output
        .as_deref()
        .filter(|path| *path != Path::new(STDOUT));
    let format = match format(options)? {
        ExportFormat::Timeline(format) => {
            let is_compressed = output.is_some_and(|path| path.extension() == Some("gz".as_ref()));
            let writer = timeline_format(format, is_compressed);
            return export_timeline(options, output, &*writer);
        }
        ExportFormat::Profile(Format::Speedscope) if timelines::are_named(&options.inputs) => {
            return export_timeline(options, output, &SpeedscopeTimeline);
        }
        ExportFormat::Profile(format) => format,
    };
    let targets: Vec<_> = output.into_iter().map(Path::to_owned).collect();
    let mut reading = ReadReport::default();
    let has_window = options.window.is_given();
    let mut files = match has_window {
        true => input::timelines::profiles_of(&options.inputs, &mut ReadReport::default())?,
        false => input::find_to_show(&options.inputs, &mut reading)?,
    };
    let guard = OverwriteGuard::set_apart(&mut files, &targets)?;
    let mut profile = match has_window {
        true => input::merge_window(&options.inputs, &options.window, &mut reading)?,
        false => input::merge(files, &options.inputs.selection, false, &mut reading),
    };
    guard.check(&profile)?;
    let usable = reading.check(&profile, &options.inputs, false);
    usable.map_err(Error::without_output)?;
    let content = with_view(&mut profile, &options.view, |view| {
        report(format, &options.reports).render(view)
    });
    let written = match (content, output) {
        (Ok(None), _) => {
            return Err(Error::NothingToRead(format!(
                "there is nothing to write: the profile has nothing that a {} file can contain",
                format.suffix()
            )));
        }
        (Ok(Some(content)), Some(path)) => write_named(path, &content),
        (Ok(Some(content)), None) => Stream::Stdout.print(&content),
        (Err(error), _) => Err(io::Error::other(error)),
    };
    written.map_err(|reason| not_written(output, &reason))?;
    Ok(reading.exit())
}

/// Returns the error that `output`, or stdout if it is `None`, can't be written.
fn not_written(output: Option<&Path>, reason: &io::Error) -> Error {
    let output = output.map_or("stdout".to_owned(), path_text);
    Error::NotWritten(format!("can't write {output}: {reason}"))
}

fn format(options: &ExportOptions) -> Result<ExportFormat, Error> {
    let by_output = options.output.as_deref().and_then(ExportFormat::of_name);
    options.format.or(by_output).ok_or_else(|| {
        let output = options.output.as_deref();
        let instead = output.and_then(of_other_tools);
        Error::Usage(instead.map_or_else(
            || {
                "the name of the output doesn't say which format is wanted; --format does"
                    .to_owned()
            },
            |instead| {
                format!("edbprof writes no such format; {instead}, and --format names others")
            },
        ))
    })
}
