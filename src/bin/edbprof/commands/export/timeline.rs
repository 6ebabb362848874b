//! `edbprof export` of timelines: their calls in the order of time.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use edbprof::analysis::timeline::missing::Missing;
use edbprof::analysis::timeline::slices::Window;
use edbprof::format::{live, timeline};
use edbprof::report::calls::missing_text;
use edbprof::report::summary::path_text;
use edbprof::report::timeline::tracks::Tracks;
use edbprof::report::timeline::{TimelineFormat, export};

use super::not_written;
use crate::cli::args::ExportOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::warn;
use crate::input::{ReadReport, timelines, window};
use crate::output::targets::write_named_with;

/// Size of a file unless the options name one: viewers open larger files slowly.
const MAX_SIZE: u64 = 100_000_000;

/// Writes the timelines that `options` name to `output`, or to stdout.
///
/// # Errors
///
/// When there is no timeline, or nothing was written.
pub(super) fn export_timeline(
    options: &ExportOptions,
    output: Option<&Path>,
    format: &dyn TimelineFormat,
) -> Result<Exit, Error> {
    if let Some(recording) = output.filter(|path| is_recording(path)) {
        return Err(Error::Usage(format!(
            "the export would overwrite the recording {}; choose another name for it",
            path_text(recording)
        )));
    }
    let mut reading = ReadReport::default();
    let processes = timelines::open(&options.inputs, &mut reading)?;
    let tracks = Tracks::new(&processes);
    let range = window::range(&options.window, &processes, &tracks.axis)?;
    let window = Window {
        from: range.start,
        to: range.end,
        min_duration: options.timeline.min_duration,
    };
    let max_size = options.reports.max_size.unwrap_or(MAX_SIZE);
    let missing = missing_text(&Missing::of(&processes, &tracks.axis));
    let mut remarks: Vec<String> = missing.into_iter().collect();
    let mut write = |out: &mut dyn Write| {
        export(format, &tracks, &window, max_size, &mut remarks, out)?;
        out.flush()
    };
    let written = match output {
        Some(path) => write_named_with(path, |mut file| write(&mut file)),
        None => match write(&mut io::stdout().lock()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        },
    };
    written.map_err(|reason| not_written(output, &reason))?;
    remarks.extend(reading.damaged_timelines());
    for remark in remarks {
        warn(remark);
    }
    Ok(reading.exit())
}

/// Returns true if `path` is a file that a recorder has written, or a timeline made from such
/// files.
fn is_recording(path: &Path) -> bool {
    let mut head = [0; 8];
    let is_file = path.metadata().is_ok_and(|at| at.is_file());
    let read = is_file && File::open(path).is_ok_and(|mut of| of.read_exact(&mut head).is_ok());
    read && (timeline::is_timeline(&head) || head == live::MAGIC)
}
