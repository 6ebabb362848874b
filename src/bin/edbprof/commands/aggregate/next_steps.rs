//! The end of the summary: commands that look further into the results.

use std::env;
use std::path::{Path, PathBuf};

use edbprof::format::timeline;
use edbprof::report::View;
use edbprof::report::cells::cells;
use edbprof::report::hints::{calls_hint, continued, hints, quoted};
use edbprof::report::summary::{LOW, path_text};
use edbprof::report::terminal::Terminal;
use which::which_global;

use crate::cli::args::Format;
use crate::cli::ui::own_command;

/// Cells in front of a command.
const INDENT: usize = 6;

/// Returns the texts for `terminal`, the most important first; `is_apart` if the merged profile
/// keeps processes apart. None if no result is worth a command.
pub(super) fn next_steps(
    view: &View<'_>,
    is_apart: bool,
    outputs: &[PathBuf],
    terminal: &Terminal,
) -> Vec<String> {
    let of_format = |format| {
        let mut outputs = outputs.iter();
        outputs.find(|path| Format::of_name(path) == Some(format))
    };
    let picture = of_format(Format::Svg);
    let mut commands = Vec::new();
    commands.extend(picture.and_then(|picture| opening(picture)));
    let picture = picture.filter(|_| commands.is_empty() && terminal.height >= LOW);
    let picture = picture.map(|picture| shown_by_browsers(picture, terminal));
    if let Some(profile) = of_format(Format::Prof) {
        commands.extend(hints(view, &own_command(), profile, is_apart));
    }
    if let Some(timeline) = outputs.iter().find(|path| timeline::is_called_so(path)) {
        commands.extend(calls_hint(view, &own_command(), timeline));
    }
    let lines = commands.iter().enumerate().map(|(number, command)| {
        let command = continued(command, terminal.width, INDENT);
        match number {
            0 => format!("\nNext: {command}\n"),
            _ => format!("  or: {command}\n"),
        }
    });
    picture.into_iter().chain(lines).collect()
}

fn shown_by_browsers(picture: &Path, terminal: &Terminal) -> String {
    const SAYS: &str = "Any browser shows";
    let path = path_text(picture);
    match terminal.width == 0 || SAYS.len() + 1 + cells(&path) <= terminal.width {
        true => format!("{SAYS} {path}\n"),
        false => terminal.wrap(SAYS) + "\n" + &terminal.broken(&path, "  "),
    }
}

/// Returns the command that opens `picture`, if there is a desktop that has one.
fn opening(picture: &Path) -> Option<String> {
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    let opener = match cfg!(target_os = "macos") {
        true => "open",
        false if has_display => "xdg-open",
        false => return None,
    };
    which_global(opener).ok()?;
    Some(format!("{opener} {}", quoted(picture.to_str()?)))
}
