//! `edbprof clean`: removes what processes have left that are gone.
//!
//! [`leftovers`] decides what that is, [`directory`] looks at it and removes it. Here it is
//! listed, asked about and told.

mod directory;
mod leftovers;

use std::path::Path;

use edbprof::report::display::{counted, printable};
use edbprof::report::summary::path_text;
use indicatif::DecimalBytes;

use self::directory::Refusal;
use self::leftovers::{Found, Leftover, Wanted};
use crate::cli::args::CleanOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::{Stream, confirm, warn};
use crate::input::{Filter, temporary_directory};

/// Does it all.
///
/// # Errors
///
/// When the usage is wrong; nothing was removed then.
pub(crate) fn clean(options: &CleanOptions) -> Result<Exit, Error> {
    let directories = match options.directories.as_slice() {
        [] => vec![temporary_directory()],
        directories => directories.to_vec(),
    };
    let wanted = Wanted {
        filter: Filter {
            prefix: &options.prefix,
            suffix: &options.suffix,
        },
        older_than: options.older_than,
        finished: options.finished,
        is_run: false,
    };
    let mut found = Found::default();
    for directory in &directories {
        found.search(directory, wanted)?;
    }
    tell_what_stays(&found);
    let leftovers = &found.leftovers;
    if leftovers.is_empty() {
        say(&format!("nothing to remove in {}\n", list(&directories)))?;
        return Ok(Exit::Success);
    }
    say(&listing(leftovers))?;
    let unsaved = leftovers.iter().filter(|leftover| leftover.is_unsaved);
    let mut unsaved: Vec<_> = unsaved.map(|leftover| leftover.directory()).collect();
    unsaved.dedup();
    if !unsaved.is_empty() {
        warn(format!(
            "what they have recorded is lost then, unless it was merged; that is done by: edbprof {}",
            list(&unsaved)
        ));
    }
    match options.dry_run || !(options.yes || asked()?) {
        true => Ok(Exit::Success),
        false => remove(leftovers),
    }
}

fn tell_what_stays(found: &Found) {
    for kept in &found.kept {
        warn(format!("left {}: {}", path_text(&kept.path), kept.reason));
    }
    for (number, why) in [
        (found.in_use, "in use"),
        (found.young, "changed too lately"),
    ] {
        if number > 0 {
            warn(format!("left {}: {why}", counted(number, "file", "files")));
        }
    }
}

/// What would be removed.
fn listing(leftovers: &[Leftover]) -> String {
    let mut text = String::new();
    for leftover in leftovers {
        let path = path_text(&leftover.path());
        match leftover.bytes() {
            Some(bytes) => text.push_str(&format!("{path}  {}\n", DecimalBytes(bytes))),
            None => text.push_str(&format!("{path}\n")),
        }
        for line in &leftover.about {
            text.push_str(&format!("    {}\n", printable(line.as_bytes())));
        }
    }
    text.push_str(&size(leftovers));
    text
}

/// A line that says how much they are.
fn size<'l>(leftovers: impl IntoIterator<Item = &'l Leftover>) -> String {
    let (mut files, mut directories, mut bytes) = (0, 0, 0);
    for leftover in leftovers {
        match leftover.bytes() {
            Some(of_file) => {
                files += 1;
                bytes += of_file;
            }
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

/// # Errors
///
/// When there is nobody to ask.
fn asked() -> Result<bool, Error> {
    confirm("Remove all that?").ok_or_else(|| {
        Error::Usage(
            "nothing was removed, since there is no terminal to ask on: --yes removes what is \
             listed, --dry-run only lists"
                .to_owned(),
        )
    })
}

fn remove(leftovers: &[Leftover]) -> Result<Exit, Error> {
    let (mut removed, mut exit) = (Vec::new(), Exit::Success);
    for leftover in leftovers {
        match leftover.remove() {
            Ok(()) => removed.push(leftover),
            // Somebody else was faster.
            Err(Refusal::Gone) => {}
            Err(Refusal::Because(reason)) => {
                let path = path_text(&leftover.path());
                warn(format!("can't remove {path}: {reason}"));
                exit = Exit::SomeFailed;
            }
        }
    }
    say(&format!("removed {}", size(removed)))?;
    Ok(exit)
}

fn list(paths: &[impl AsRef<Path>]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path_text(path.as_ref())).collect();
    paths.join(" ")
}

fn say(text: &str) -> Result<(), Error> {
    let said = Stream::Stdout.print(text);
    said.map_err(|error| Error::Usage(format!("can't write to stdout: {error}")))
}
