//! `edbprof clean`: lists files of processes that have ended, asks, and removes them.

mod leftovers;
mod own_file;

use std::path::Path;

use edbprof::report::display::printable;
use edbprof::report::hints::quoted;
use edbprof::report::numbers::counted;
use edbprof::report::summary::path_text;
use indicatif::DecimalBytes;

use self::leftovers::{Found, Leftover};
use self::own_file::Kept;
use crate::cli::args::CleanOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{confirm, own_command, print, warn};
use crate::input::directories;

/// Runs `edbprof clean`.
///
/// # Errors
///
/// When the usage is wrong; nothing was removed then.
pub(crate) fn clean(options: &CleanOptions) -> Result<Exit, Error> {
    let directories = directories(&options.directories);
    let mut found = Found::default();
    for directory in &directories {
        let searched = found.search(directory, options, false);
        searched.map_err(|error| {
            let directory = path_text(directory);
            Error::Usage(format!("can't list the directory {directory}: {error}"))
        })?;
    }
    warn_of_kept(&found);
    let leftovers = &found.leftovers;
    if leftovers.is_empty() {
        print(&format!("nothing to remove in {}\n", list(&directories)))?;
        return Ok(Exit::Success);
    }
    print(&listing(leftovers))?;
    let unsaved = leftovers.iter().filter(|leftover| leftover.may_be_unsaved);
    let directories = unsaved.filter_map(|leftover| leftover.path.parent());
    let mut unsaved: Vec<_> = directories.map(|path| quoted(&path_text(path))).collect();
    unsaved.dedup();
    if !unsaved.is_empty() {
        warn(format_args!(
            "what they have recorded is lost then, unless it was merged; that is done by: \
             {} {}",
            quoted(&own_command()),
            unsaved.join(" ")
        ));
    }
    if options.dry_run {
        return Ok(Exit::Success);
    }
    match options.yes || confirm("Remove all that?").ok_or_else(no_terminal)? {
        true => remove(leftovers),
        false => Ok(Exit::Success),
    }
}

fn no_terminal() -> Error {
    let message = "nothing was removed, since there is no terminal to ask on: --yes removes what \
                   is listed, --dry-run only lists";
    Error::Usage(message.to_owned())
}

fn warn_of_kept(found: &Found) {
    for kept in &found.kept {
        let path = path_text(&kept.path);
        warn(format_args!("left {path}: {}", kept.reason));
    }
    for (reason, &number) in &found.kept_by_reason {
        let files = counted(number, "file", "files");
        warn(format_args!("left {files}: {reason}"));
    }
}

fn listing(leftovers: &[Leftover]) -> String {
    let lines = leftovers.iter().map(|leftover| {
        let size = leftover.state.map(|state| DecimalBytes(state.bytes));
        let size = size.map_or(String::new(), |size| format!("  {size}"));
        let about = printable(leftover.about.as_bytes());
        format!("{}{size}\n    {about}\n", path_text(&leftover.path))
    });
    lines.collect::<String>() + &total(leftovers)
}

/// Line with the number of `leftovers` and their size.
fn total<'l>(leftovers: impl IntoIterator<Item = &'l Leftover>) -> String {
    let (mut files, mut directories, mut bytes) = (0, 0, 0);
    for leftover in leftovers {
        match leftover.state {
            Some(state) => (files, bytes) = (files + 1, bytes + state.bytes),
            None => directories += 1,
        }
    }
    let files = counted(files, "file", "files");
    let directories = match directories {
        0 => String::new(),
        number => format!(" and {}", counted(number, "directory", "directories")),
    };
    format!("{files}{directories}, {}\n", DecimalBytes(bytes))
}

fn remove(leftovers: &[Leftover]) -> Result<Exit, Error> {
    let (mut removed, mut exit) = (Vec::new(), Exit::Success);
    for leftover in leftovers {
        match leftover.remove() {
            Ok(()) => removed.push(leftover),
            Err(Kept::Gone) => {}
            Err(reason) => {
                let path = path_text(&leftover.path);
                warn(format_args!("can't remove {path}: {reason}"));
                exit = Exit::SomeFailed;
            }
        }
    }
    print(&format!("removed {}", total(removed)))?;
    Ok(exit)
}

fn list(paths: &[impl AsRef<Path>]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path_text(path.as_ref())).collect();
    paths.join(" ")
}
