//! The subcommands that show a profile on the terminal or convert it to one other format.

mod options;

use std::io;
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use edbprof::analysis::merge::Profile;
use edbprof::report::View;
use edbprof::report::summary::path_text;
use edbprof::report::top::{Relation, functions, related};
use edbprof::report::tree::{self, tree as call_tree};
use rustix::termios::tcgetwinsize;

use crate::account::Account;
use crate::aggregate::{read, with_view};
use crate::exit::{Error, Exit};
use crate::options::{InputOptions, STDOUT, ViewOptions};
use crate::outputs::write_named;
use crate::progress::Stream;
pub(crate) use options::{ExportOptions, TopOptions, TreeOptions};

/// `edbprof top`.
pub(crate) fn top(options: &TopOptions) -> Result<Exit, Error> {
    show(&options.inputs, &options.view, |view| {
        let limit = match options.limit {
            0 => usize::MAX,
            limit => limit,
        };
        let relations = [
            (Relation::Callers, &options.callers),
            (Relation::Callees, &options.callees),
        ];
        let mut tables = Vec::new();
        for (relation, function) in relations {
            let Some(function) = function else { continue };
            let table = related(view, function, relation, &options.sort, limit);
            tables.push(table.ok_or_else(|| {
                let function = path_text(Path::new(function));
                Error::Usage(format!(
                    "no function is called '{function}'; edbprof top lists their names"
                ))
            })?);
        }
        if tables.is_empty() {
            tables.push(functions(view, &options.sort, limit));
        }
        Ok(tables.join("\n"))
    })
}

/// `edbprof tree`.
pub(crate) fn tree(options: &TreeOptions) -> Result<Exit, Error> {
    let options_of_text = tree::TreeOptions {
        threshold: options.threshold,
        all: options.all,
        width: tcgetwinsize(io::stdout())
            .ok()
            .map(|size| size.ws_col.into()),
        colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    };
    show(&options.inputs, &options.view, |view| {
        Ok(call_tree(view, &options_of_text))
    })
}

/// `edbprof export`.
pub(crate) fn export(options: &ExportOptions) -> Result<Exit, Error> {
    let report = options.reports.report(options.format()?);
    let output = options
        .output
        .as_deref()
        .filter(|path| *path != Path::new(STDOUT));
    let results: Vec<_> = output
        .map(|path| (path.to_owned(), report.suffix()))
        .into_iter()
        .collect();
    let mut account = Account::default();
    let profile = read(&options.inputs, &results, false, &mut account)?;
    let profile = compensated(profile, &options.view);
    let content = with_view(&profile, report.wants_frames(), |view| report.render(view));
    let written = match content {
        Ok(None) => {
            return Err(Error::NothingToRead(format!(
                "there is nothing to write: the profile has nothing of what a {} file holds",
                report.suffix()
            )));
        }
        Ok(Some(content)) => match output {
            Some(path) => write_named(path, &content),
            None => Stream::Stdout.say(&content),
        },
        Err(error) => Err(io::Error::other(error)),
    };
    written.map_err(|reason| {
        let output = output.map_or("stdout".to_owned(), path_text);
        Error::NotWritten(format!("can't write {output}: {reason}"))
    })?;
    Ok(account.exit())
}

/// Reads the inputs and prints their title and the text that `text` makes of them.
///
/// # Errors
///
/// When there is nothing to show, or it can't be printed.
fn show(
    inputs: &InputOptions,
    options: &ViewOptions,
    text: impl FnOnce(&View<'_>) -> Result<String, Error>,
) -> Result<Exit, Error> {
    let mut account = Account::default();
    let profile = compensated(read(inputs, &[], false, &mut account)?, options);
    let text = with_view(&profile, true, |view| {
        let head = [view.title()].into_iter().chain(view.remarks());
        let head: Vec<_> = head.map(|line| line + "\n").collect();
        Ok::<_, Error>(format!("{}\n{}", head.concat(), text(view)?))
    })?;
    let printed = Stream::Stdout.say(&text);
    printed.map_err(|reason| Error::NotWritten(format!("can't write to stdout: {reason}")))?;
    Ok(account.exit())
}

fn compensated(mut profile: Profile, options: &ViewOptions) -> Profile {
    if options.compensate {
        profile.compensate();
    }
    profile
}
