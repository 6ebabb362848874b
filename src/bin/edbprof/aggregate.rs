//! From the inputs to the results: read, merge, render, write, tell.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use edbprof::analysis::frames::{Frames, frames};
use edbprof::analysis::group::Wanted;
use edbprof::analysis::merge::{Merged, Merger, Profile};
use edbprof::format::atomic_file;
use edbprof::report::display::printable;
use edbprof::report::summary::{path_text, summary};
use edbprof::report::{Report, View};
use rayon::prelude::*;

use crate::account::Account;
use crate::discover::{self, Filter, Input, Refused, discover};
use crate::exit::{Error, Exit};
use crate::former_results;
use crate::options::{AggregateOptions, InputOptions, ResultOptions, STDOUT};
use crate::outputs::Outputs;
use crate::progress::{ReadingBar, Stream, complain};
use crate::read_input::read_wanted;

/// Bytes and files that are read at a time: enough to keep all cores busy, few enough that
/// what is held of them is little.
const BYTES_AT_A_TIME: u64 = 4 << 20;
const FILES_AT_A_TIME: usize = 128;

/// Runs the whole thing. The summary goes to `summary`, what happened to `account`.
///
/// # Errors
///
/// When nothing was written, for this reason.
pub(crate) fn aggregate(
    options: &AggregateOptions,
    summary: Stream,
    account: &mut Account,
) -> Result<Exit, Error> {
    let ended = read_and_write(options, summary, account);
    if !matches!(ended, Err(Error::Usage(_))) {
        let written = account.write_json(&options.results);
        if let (Err(_), Err(first)) = (&written, &ended) {
            complain(first);
        }
        written?;
    }
    ended
}

fn read_and_write(
    options: &AggregateOptions,
    summary: Stream,
    account: &mut Account,
) -> Result<Exit, Error> {
    let results = &options.results;
    let outputs = results.outputs()?;
    let reports = results.reports();
    let paths = results.paths(&outputs, &reports);
    let mut profile = read(&options.inputs, &paths, results.quiet, account)?;
    if results.strict && account.failures() > 0 {
        return Err(Error::SomeFailed(
            "a file could not be read, so nothing was written; without --strict it is left out"
                .to_owned(),
        ));
    }
    if results.view.compensate {
        profile.compensate();
    }
    let wants_frames = reports.iter().any(|report| report.wants_frames());
    let written = with_view(&profile, wants_frames, |view| {
        write_reports(view, &outputs, &reports, account)
            & write_summary(view, results, summary, account)
    });
    Ok(match written {
        true => account.exit(),
        false => Exit::NotWritten,
    })
}

/// Reads and merges what `options` name. `results` are the files that will be written,
/// each with its suffix.
///
/// # Errors
///
/// When the usage is wrong, or there is nothing to go on with.
pub(crate) fn read(
    options: &InputOptions,
    results: &[(PathBuf, &'static str)],
    quiet: bool,
    account: &mut Account,
) -> Result<Profile, Error> {
    let directories = match options.paths.as_slice() {
        [] => vec![discover::temporary_directory()],
        paths => paths.to_vec(),
    };
    let filter = Filter {
        prefix: &options.prefix,
        suffix: &options.suffix,
        any_owner: options.any_owner,
    };
    let found = discover(&directories, filter)?;
    account.skips = found.skipped;
    let (inputs, former) = former_results::set_apart(found.inputs, results)?;
    let mut inputs = discover::each_once(inputs);
    inputs = in_order_of_pstats(inputs);
    // Of two files of one recording the first counts.
    inputs.sort_by_key(|input| !discover::is_live(&input.path));

    let wanted = options.selection.wanted();
    let profile = read_all(&inputs, &wanted, quiet, account);
    for (input, suffix) in &former {
        former_results::check(input, suffix, &profile)?;
    }
    account.sort();
    account.tell(quiet);
    if inputs.is_empty() {
        let list: Vec<_> = directories.iter().map(|path| path_text(path)).collect();
        return Err(Error::NothingToRead(format!(
            "nothing to read: no {}*{} in {}; --prefix, --suffix and the directory say where \
             profiles were saved",
            path_text(options.prefix.as_ref()),
            path_text(options.suffix.as_ref()),
            list.join(", "),
        )));
    }
    if account.succeeded == 0 {
        let message = match account.refused.is_empty() {
            true => {
                "none of the files could be read, so nothing was written; --prefix and --suffix \
                 say which ones are profiles"
            }
            false => "none of the files could be used, so nothing was written",
        };
        return Err(Error::SomeFailed(message.to_owned()));
    }
    if !profile.trees().selection.is_empty() && profile.trees().threads.is_empty() {
        return Err(Error::NothingToRead(format!(
            "nothing is left of what was read: nothing matches {}; nothing was written",
            printable(profile.trees().selection.as_bytes()),
        )));
    }
    for option in account.without_match.iter().filter(|_| !quiet) {
        let option = printable(option.as_bytes());
        complain(&format!("no function matches {option}"));
    }
    Ok(profile)
}

/// Has `show` look at `profile`, at its frames if it wants them.
pub(crate) fn with_view<T>(
    profile: &Profile,
    wants_frames: bool,
    show: impl FnOnce(&View<'_>) -> T,
) -> T {
    let (rows, frames) = rayon::join(
        || profile.rows(),
        || match wants_frames {
            true => frames(profile),
            false => Frames::default(),
        },
    );
    show(&View::new(profile, &rows, &frames))
}

/// `inputs` as `pstats.Stats(*inputs)` adds them up: the first one, then from the last
/// to the second. Functions appear in this order, and keep it where a table's sort keys
/// say nothing.
fn in_order_of_pstats(mut inputs: Vec<Input>) -> Vec<Input> {
    if let Some((_, rest)) = inputs.split_first_mut() {
        rest.reverse();
    }
    inputs
}

/// Reads and merges what is wanted of `inputs`, a few at a time in parallel.
fn read_all(inputs: &[Input], wanted: &Wanted, quiet: bool, account: &mut Account) -> Profile {
    let bar = ReadingBar::new(inputs, quiet);
    let mut merger = Merger::of_parts(&wanted.selection.text());
    account.without_match = wanted.selection.without_match(&[]);
    let mut rest = inputs;
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(batch_len(rest));
        rest = later;
        let read = |input: &Input| {
            let file = read_wanted(input, wanted, merger.known_labels());
            bar.read(input);
            file
        };
        let files: Vec<_> = batch.par_iter().map(read).collect();
        let mut readable = Vec::with_capacity(files.len());
        for (input, file) in batch.iter().zip(files) {
            let path = input.path.clone();
            match file {
                Ok(read) => {
                    account.unreadable.extend(read.sidecar.err());
                    account.succeeded += usize::from(read.file.is_ok());
                    match read.file {
                        Ok(Some(file)) => {
                            let everywhere = &account.without_match & &read.without_match;
                            account.without_match = everywhere;
                            readable.push((path, file));
                        }
                        Ok(None) => account.other_processes += 1,
                        Err(why) => account.refused.push(refused(path, why)),
                    }
                }
                Err(why) => account.unreadable.push(refused(path, why)),
            }
        }
        merger.add_all(readable);
    }
    bar.finish();
    let Merged {
        profile,
        repeated,
        refused,
    } = merger.finish();
    account.succeeded -= repeated.len() + refused.len();
    let live: HashSet<_> = inputs
        .iter()
        .filter_map(|input| discover::beside_live(&input.path))
        .collect();
    // What a process has saved before it was killed: nothing to tell of.
    let repeated = repeated.into_iter().filter(|path| !live.contains(path));
    let repeated = repeated.map(|path| Refused {
        path,
        reason: "all that is in it is counted already".to_owned(),
    });
    account.skips.extend(repeated);
    let refused = refused
        .into_iter()
        .map(|(path, why)| self::refused(path, why));
    account.refused.extend(refused);
    profile
}

fn refused(path: PathBuf, why: impl std::fmt::Display) -> Refused {
    Refused {
        path,
        reason: why.to_string(),
    }
}

/// How many of `inputs`, at least one, are read together.
fn batch_len(inputs: &[Input]) -> usize {
    let mut bytes = 0_u64;
    let fitting = inputs.iter().take(FILES_AT_A_TIME).take_while(|input| {
        bytes = bytes.saturating_add(input.bytes);
        bytes <= BYTES_AT_A_TIME
    });
    let fitting = fitting.count().max(rayon::current_num_threads());
    fitting.min(inputs.len())
}

/// Renders and writes; false if anything could not be written.
fn write_reports(
    view: &View<'_>,
    outputs: &Outputs,
    reports: &[Box<dyn Report + Sync>],
    account: &mut Account,
) -> bool {
    account.figures = view.figures;
    account.selection = view.profile.trees().selection.clone();
    let written = reports.par_iter().map(|report| {
        let path = outputs.path(report.suffix());
        let written = match report.render(view) {
            Ok(None) => former_results::remove(&path).map(|()| false),
            Ok(Some(bytes)) => atomic_file::write_shared(&path, &bytes).map(|()| true),
            Err(error) => Err(io::Error::other(error)),
        };
        (path, written)
    });
    let written: Vec<_> = written.collect();
    let mut all_written = true;
    for (path, written) in written {
        match written {
            Ok(true) => account.outputs.push(path),
            Ok(false) => {}
            Err(reason) => {
                complain(&format!(
                    "can't write {}: {reason}; --out says where else to",
                    path_text(&path)
                ));
                all_written = false;
            }
        }
    }
    all_written
}

/// Prints the summary, unless the user wants none; false if it could not be written.
fn write_summary(
    view: &View<'_>,
    options: &ResultOptions,
    stream: Stream,
    account: &Account,
) -> bool {
    let json_on_stdout = options.summary_json.as_deref() == Some(Path::new(STDOUT));
    if options.quiet || json_on_stdout {
        return true;
    }
    let text = summary(view, account.failures(), &account.outputs);
    match stream.say(&text) {
        Ok(()) => true,
        Err(error) => {
            complain(&format!("can't write the summary: {error}"));
            false
        }
    }
}
