//! The end of the summary: commands that look further into the results.

use std::env;
use std::path::{Path, PathBuf};

use edbprof::format::timeline;
use edbprof::report::View;
use edbprof::report::hints::{calls_hint, continued, hints, quoted};
use edbprof::report::summary::{LOW, path_text};
use edbprof::report::terminal::Terminal;
use which::which_global;

use crate::cli::args::Format;
use crate::cli::ui::own_command;

/// Cells in front of a command.
const INDENT: usize = 6;

/// Returns the text for `terminal`; `is_apart` if the merged profile keeps processes apart. Nothing
/// if no result is worth a command.
pub(super) fn next_steps(
    view: &View<'_>,
    is_apart: bool,
    outputs: &[PathBuf],
    terminal: &Terminal,
) -> String {
    let of_format = |format| {
        let mut outputs = outputs.iter();
        outputs.find(|path| Format::of_name(path) == Some(format))
    };
    let picture = of_format(Format::Svg);
    let mut commands = Vec::new();
    commands.extend(picture.and_then(|picture| opening(picture)));
    let picture = picture.filter(|_| commands.is_empty() && terminal.height >= LOW);
    let picture = picture.map_or(String::new(), |picture| {
        format!("Any browser shows {}\n", path_text(picture))
    });
    if let Some(profile) = of_format(Format::Prof) {
        commands.extend(hints(view, &own_command(), profile, is_apart));
    }
    if let Some(timeline) = outputs.iter().find(|path| timeline::is_called_so(path)) {
        commands.extend(calls_hint(view, &own_command(), timeline));
    }
    let commands: Vec<_> = commands
        .iter()
        .map(|command| continued(command, terminal.width, INDENT))
        .collect();
    match commands.is_empty() {
        true => picture,
        false => format!("{picture}\nNext: {}\n", commands.join("\n  or: ")),
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
