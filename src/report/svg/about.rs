//! The title of the picture: the command that was recorded, when, and for how long.

use crate::report::View;
use crate::report::display::printable;
use crate::report::header::Ended;

/// Returns the title and the lines below it.
pub(super) fn about(view: &View<'_>) -> Vec<String> {
    let mut lines = view.header(&Ended::default());
    lines.push(view.title());
    lines
        .iter()
        .map(|line| printable(line.as_bytes()))
        .collect()
}
