//! The bar that shows the progress of reading.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Once};
use std::time::{Duration, Instant};

use edbprof::report::numbers::count;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Input;
use crate::cli::ui::terminal_columns;

const WIDE_BAR: &str =
    "reading {wide_bar} {msg}, {decimal_bytes} of {decimal_total_bytes}, {eta} left";
/// Bar that fits any terminal, because a line that wraps could not be erased completely.
const NARROW_BAR: &str = "{wide_msg} {eta} left";
/// Least number of columns for [`WIDE_BAR`], ten of them for the bar itself.
const WIDE: u16 = 80;

/// Time before which there is no bar.
const SOON: Duration = Duration::from_millis(500);

/// The bars that are shown. If both sides of a comparison are read, one is below the other.
static SHOWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Bar with the files, the bytes and the time left. Only terminals show it.
pub(super) struct ReadingBar {
    bar: ProgressBar,
    begun: Instant,
    is_wanted: bool,
    shown: Once,
    read: AtomicUsize,
    files: usize,
}

impl ReadingBar {
    pub(super) fn new(inputs: &[Input], quiet: bool) -> Self {
        let bytes = inputs
            .iter()
            .fold(0_u64, |sum, input| sum.saturating_add(input.bytes));
        let is_wide = terminal_columns(io::stderr()).is_some_and(|columns| columns >= WIDE);
        let style = if is_wide { WIDE_BAR } else { NARROW_BAR };
        let style = ProgressStyle::with_template(style);
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden())
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        ReadingBar {
            bar,
            begun: Instant::now(),
            is_wanted: !quiet && io::stderr().is_terminal(),
            shown: Once::new(),
            read: AtomicUsize::new(0),
            files: inputs.len(),
        }
    }

    /// Counts `input` as read.
    pub(super) fn advance(&self, input: &Input) {
        let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_wanted {
            let [read, files] = [read, self.files].map(|number| count(number as i128));
            self.bar.set_message(format!("{read} of {files} files"));
            self.bar.inc(input.bytes);
            if self.begun.elapsed() >= SOON {
                self.shown.call_once(|| drop(SHOWN.add(self.bar.clone())));
            }
        }
    }

    /// Erases the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
