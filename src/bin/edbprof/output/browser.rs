//! The desktop's program for pages.

use std::path::Path;

use edbprof::report::summary::path_text;

use crate::cli::ui::warn;

/// Opens `page` with the desktop's program for such files, which keeps running.
pub(crate) fn open_in_browser(page: &Path) {
    if let Err(error) = open::that_detached(page) {
        warn(format_args!(
            "can't open {}: {error}; open it in a browser",
            path_text(page)
        ));
    }
}
