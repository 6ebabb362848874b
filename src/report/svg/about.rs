//! The title of the picture: the command that was recorded, when, and for how long.

use crate::analysis::process_text::{command, utc};
use crate::analysis::runs::ended;
use crate::report::View;
use crate::report::display::printable;
use crate::report::numbers::duration;

/// Returns the title and what stands below it.
pub(super) fn about(view: &View<'_>) -> Vec<String> {
    let processes = &view.profile.trees().processes;
    let is_recorded = |pid: u32| processes.iter().any(|process| process.identity.pid == pid);
    let mut first = processes
        .iter()
        .filter(|process| !is_recorded(process.parent_pid));
    let Some(first) = first.next().or(processes.first()) else {
        return vec![view.title()];
    };
    let began = first.start_unix_ns;
    let last = processes.iter().map(ended).max().unwrap_or(began);
    let wall = duration(last.saturating_sub(began) as f64 / 1e9);
    vec![
        printable(command(first).as_bytes()),
        format!("{}, wall time {wall}", utc(began)),
        view.title(),
    ]
}
