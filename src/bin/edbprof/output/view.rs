//! The view of a profile that all reports are written from.

use edbprof::analysis::display_tree::{DisplayTree, display_tree};
use edbprof::analysis::merge::Profile;
use edbprof::report::View;

use crate::cli::args::ViewOptions;

/// Calls `show` with a view of `profile`, with its frames only if `wants_frames`.
pub(crate) fn with_view<T>(
    mut profile: Profile,
    options: &ViewOptions,
    wants_frames: bool,
    show: impl FnOnce(&View<'_>) -> T,
) -> T {
    if options.compensate {
        profile.compensate();
    }
    let (rows, frames) = rayon::join(
        || profile.rows(),
        || match wants_frames {
            true => display_tree(&profile),
            false => DisplayTree::default(),
        },
    );
    show(&View::new(&profile, &rows, &frames))
}
