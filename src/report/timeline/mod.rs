//! Writes formats that show calls in the order of time. They are streamed, so that memory does not
//! grow with the history.
//!
//! | format | for |
//! |---|---|
//! | [`perfetto`] | Perfetto: <https://ui.perfetto.dev> |
//! | [`firefox`] | the Firefox Profiler: <https://profiler.firefox.com> |
//! | [`chrome`] | `chrome://tracing`, and much else that reads trace events |
//! | [`speedscope`] | <https://www.speedscope.app> |
//!
//! [`tracks`] gives processes, threads and functions the names and numbers that all formats show.
//! [`export`] leaves out short calls until the file has the size that is wanted.

pub mod chrome;
pub mod firefox;
mod json;
pub mod perfetto;
mod protobuf;
pub mod speedscope;
pub mod tracks;

use std::io::{self, Write};

use rayon::prelude::*;

use self::tracks::{ProcessTrack, Tracks};
use super::numbers::{count, duration, size};
use crate::analysis::timeline::fit::{Costs, Fit, SizeSink, Sizes};
use crate::analysis::timeline::slices::Window;

/// A format of timelines.
pub trait TimelineFormat: Sync {
    /// Bytes that the parts of a process's threads take at most.
    fn costs(&self, process: &ProcessTrack<'_>) -> Costs;

    /// Writes the slices of a window. `remarks` name missing parts.
    ///
    /// # Errors
    /// Those of reading and writing.
    fn write(
        &self,
        tracks: &Tracks<'_>,
        window: &Window,
        remarks: &[String],
        out: &mut dyn Write,
    ) -> io::Result<()>;
}

/// Writes the part of `tracks` in `window` to `out`, in at most `max_size` bytes before
/// compression. The file names missing parts by `remarks`, and calls that are left out.
///
/// # Errors
/// Those of reading and writing.
pub fn export(
    format: &dyn TimelineFormat,
    tracks: &Tracks<'_>,
    window: &Window,
    max_size: u64,
    remarks: &mut Vec<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let fit = fit(format, tracks, window, max_size)?;
    remarks.extend(left_out(&fit, window.min_duration, max_size));
    let window = Window {
        min_duration: fit.min_duration,
        ..*window
    };
    format.write(tracks, &window, remarks, out)
}

/// Replays the window once to find the shortest duration whose calls fit into `max_size` bytes.
fn fit(
    format: &dyn TimelineFormat,
    tracks: &Tracks<'_>,
    window: &Window,
    max_size: u64,
) -> io::Result<Fit> {
    let all = Window {
        min_duration: 0,
        ..*window
    };
    let costs: Vec<Costs> = tracks.processes.iter().map(|of| format.costs(of)).collect();
    let threads = tracks.processes.iter().zip(&costs);
    let threads = threads.flat_map(|(of, costs)| of.threads.iter().map(move |at| (of, at, costs)));
    let threads: Vec<_> = threads.collect();
    let sizes = threads.par_iter().map(|(process, thread, costs)| {
        let mut sink = SizeSink::new(costs);
        tracks.replay(process, thread, &all, &mut sink)?;
        Ok::<_, io::Error>(sink.finish())
    });
    let sizes = sizes.try_reduce(Sizes::default, |mut one, other| {
        one.add(&other);
        Ok(one)
    });
    Ok(sizes?.fit(window.min_duration, max_size))
}

/// Returns a remark about calls that are left out, if any are.
fn left_out(fit: &Fit, wanted: u64, max_size: u64) -> Option<String> {
    if fit.left_out == 0 {
        return None;
    }
    let number = |number: u64| count(number.into());
    let calls = format!(
        "{} of {} calls and waits are left out: all shorter than {}",
        number(fit.left_out),
        number(fit.all),
        duration(fit.min_duration as f64 / 1e9),
    );
    Some(match fit.min_duration > wanted {
        true => format!("{calls}, so that the file has at most {}", size(max_size)),
        false => calls,
    })
}
