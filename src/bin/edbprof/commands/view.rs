//! `edbprof view`: writes the page to explore a profile, and opens it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use edbprof::report::page::{Extras, Page, PageTimeline};
use edbprof::report::summary::path_text;

use super::compared::Compared;
use crate::cli::args::{ByOption, InputOptions, PageOptions, SideOptions};
use crate::cli::exit::{Error, Exit};
use crate::cli::names::STDOUT;
use crate::cli::ui::{Stream, print};
use crate::input::{self, ReadReport};
use crate::output::browser::open_in_browser;
use crate::output::overwrite_guard::OverwriteGuard;
use crate::output::targets::write_named;
use crate::output::with_view;

/// Runs `edbprof view`.
///
/// # Errors
///
/// When no page was written.
pub(crate) fn view(options: &PageOptions) -> Result<Exit, Error> {
    let mut inputs = options.inputs.clone();
    // The page lets its reader choose processes and threads.
    inputs.selection.by = Some(ByOption::Thread);
    let (page, exit) = match options.after.is_empty() {
        true => render(options, &inputs)?,
        false => compare(options)?,
    };
    let path = match options.output.as_deref() {
        Some(path) if path == Path::new(STDOUT) => {
            let written = Stream::Stdout.print(&page);
            return written
                .map(|()| exit)
                .map_err(|reason| not_written("stdout", &reason));
        }
        Some(path) => write_named(path, &page).map(|()| path.to_owned()),
        None => write_temporary(&page),
    };
    let path = path.map_err(|reason| {
        let path = options.output.as_deref();
        not_written(
            &path.map_or("a temporary file".to_owned(), path_text),
            &reason,
        )
    })?;
    print(&format!("wrote {}\n", path_text(&path)))?;
    if !options.no_open {
        open_in_browser(&path);
    }
    Ok(exit)
}

/// Returns the page that shows the inputs, and the exit status that follows from reading them.
fn render(options: &PageOptions, inputs: &InputOptions) -> Result<(Vec<u8>, Exit), Error> {
    let mut reading = ReadReport::default();
    let targets: Vec<PathBuf> = options.output.iter().cloned().collect();
    let has_window = options.window.is_given();
    let mut files = match has_window {
        true => input::timelines::profiles_of(inputs, &mut ReadReport::default())?,
        false => input::find_to_show(inputs, &mut reading)?,
    };
    let timelines = match has_window {
        true => Vec::new(),
        false => input::timelines::beside_all(&files),
    };
    let guard = OverwriteGuard::set_apart(&mut files, &targets)?;
    let mut profile = match has_window {
        true => input::merge_window(inputs, &options.window, &mut reading)?,
        false => input::merge(files, &inputs.selection, false, &mut reading),
    };
    guard.check(&profile)?;
    reading.check(&profile, inputs, false)?;
    let failed = |error| not_written("the page", &error);
    let timeline = timeline(timelines, inputs, &mut reading).map_err(failed)?;
    let max_size = options.max_size;
    let page = with_view(&mut profile, &options.view, |view| {
        let sources = options.source.then(|| input::sources::read(view));
        Page { max_size }.with(view, &Extras { timeline, sources })
    });
    Ok((page.map_err(failed)?, reading.exit()))
}

/// Returns the selected parts of the timelines beside the profiles.
fn timeline(
    files: Vec<input::Input>,
    inputs: &InputOptions,
    reading: &mut ReadReport,
) -> io::Result<Option<PageTimeline>> {
    let mut processes = input::timelines::read_all(files, reading);
    input::timelines::select(&mut processes, &inputs.selection.selection());
    match processes.is_empty() {
        true => Ok(None),
        false => PageTimeline::new(processes).map(Some),
    }
}

/// Returns the page that compares two sides.
fn compare(options: &PageOptions) -> Result<(Vec<u8>, Exit), Error> {
    let sides = [&*options.before, &*options.after];
    let compared = Compared::read(sides, &SideOptions::from(&options.inputs), true)?;
    let page = Page {
        max_size: options.max_size,
    };
    Ok((compared.page(&page, sides)?, compared.exit))
}

/// Writes `page` to a new file that no other user can read, and returns its path.
fn write_temporary(page: &[u8]) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix("edbprof-")
        .suffix(".html")
        .tempfile()?;
    file.write_all(page)?;
    let (_, path) = file.keep()?;
    Ok(path)
}

fn not_written(what: &str, reason: &io::Error) -> Error {
    Error::NotWritten(format!("can't write {what}: {reason}"))
}
