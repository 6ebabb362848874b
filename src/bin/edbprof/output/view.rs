//! Makes the view of a profile, from which all reports are written.

use edbprof::analysis::merge::Profile;
use edbprof::report::View;

use crate::cli::args::ViewOptions;

/// Calls `show` with a view of `profile`.
pub(crate) fn with_view<T>(
    profile: &mut Profile,
    options: &ViewOptions,
    show: impl FnOnce(&View<'_>) -> T,
) -> T {
    if options.compensate {
        profile.compensate();
    }
    show(&View::new(profile))
}
