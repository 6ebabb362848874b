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
use crate::former_results;
use crate::options::{AggregateOptions, InputOptions, ResultOptions, STDOUT};
use crate::outputs::Outputs;
use crate::progress::{ReadingBar, Stream, complain};
use crate::read_input::read_wanted;

/// Bytes and files that are read at a time: enough to keep all cores busy, few enough that
/// what is held of them is little.
const BYTES_AT_A_TIME: u64 = 4 << 20;
const FILES_AT_A_TIME: usize = 128;

/// How it ended, as the process's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All files were read.
    Success = 0,
    /// Some files could not be read.
    SomeFailed = 1,
    /// Wrong usage; nothing was written.
    Usage = 2,
    /// There was nothing to read.
    NothingToRead = 3,
    /// The results could not be written.
    NotWritten = 4,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    /// The files that were written.
    pub(crate) outputs: Vec<PathBuf>,
    /// Processes among those that were read that are still running.
    pub(crate) running: usize,
}

/// Runs the whole thing. The summary goes to `summary`.
pub(crate) fn aggregate(options: &AggregateOptions, summary: Stream) -> Outcome {
    let mut account = Account {
        summary,
        ..Account::default()
    };
    let exit = run(options, &mut account).unwrap_or_else(|message| {
        complain(&message);
        Exit::Usage
    });
    let written = match exit {
        Exit::Usage => Ok(()),
        _ => account.write_json(&options.results),
    };
    Outcome {
        exit: match written {
            Ok(()) => exit,
            Err(message) => {
                complain(&message);
                Exit::NotWritten
            }
        },
        outputs: account.outputs,
        running: account.running,
    }
}

/// # Errors
///
/// A sentence about wrong usage; nothing was written then.
fn run(options: &AggregateOptions, account: &mut Account) -> Result<Exit, String> {
    let results = &options.results;
    let outputs = results.outputs()?;
    let reports = results.reports();
    let paths = results.paths(&outputs, &reports);
    let mut profile = match read(&options.inputs, &paths, results.quiet, account)? {
        Ok(profile) => profile,
        Err(exit) => return Ok(exit),
    };
    if results.strict && account.failures() > 0 {
        complain(
            "a file could not be read, so nothing was written; without --strict it is left out",
        );
        return Ok(Exit::SomeFailed);
    }
    if results.view.compensate {
        profile.compensate();
    }
    let wants_frames = reports.iter().any(|report| report.wants_frames());
    let written = with_view(&profile, wants_frames, |view| {
        write_reports(view, &outputs, &reports, results, account)
    });
    Ok(match written {
        true => account.exit(),
        false => Exit::NotWritten,
    })
}

/// Reads and merges what `options` name. `results` are the files that will be written,
/// each with its suffix. Where there is nothing to go on with, that has been told, and
/// what is returned is how it ends.
///
/// # Errors
///
/// A sentence about wrong usage.
pub(crate) fn read(
    options: &InputOptions,
    results: &[(PathBuf, &'static str)],
    quiet: bool,
    account: &mut Account,
) -> Result<Result<Profile, Exit>, String> {
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
        complain(&format!(
            "nothing to read: no {}*{} in {}; --prefix, --suffix and the directory say where \
             profiles were saved",
            path_text(options.prefix.as_ref()),
            path_text(options.suffix.as_ref()),
            list.join(", "),
        ));
        return Ok(Err(Exit::NothingToRead));
    }
    if account.succeeded == 0 {
        complain(match account.refused.is_empty() {
            true => {
                "none of the files could be read, so nothing was written; --prefix and --suffix \
                 say which ones are profiles"
            }
            false => "none of the files could be used, so nothing was written",
        });
        return Ok(Err(Exit::SomeFailed));
    }
    if !profile.trees().selection.is_empty() && profile.trees().threads.is_empty() {
        complain(&format!(
            "nothing is left of what was read: nothing matches {}; nothing was written",
            printable(profile.trees().selection.as_bytes()),
        ));
        return Ok(Err(Exit::NothingToRead));
    }
    for option in account.without_match.iter().filter(|_| !quiet) {
        let option = printable(option.as_bytes());
        complain(&format!("no function matches {option}"));
    }
    Ok(Ok(profile))
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
    show(&View {
        profile,
        rows: &rows,
        frames: &frames,
    })
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
                Err(reason) => account.unreadable.push(Refused { path, reason }),
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

/// Renders, writes and tells; false if anything could not be written.
fn write_reports(
    view: &View<'_>,
    outputs: &Outputs,
    reports: &[Box<dyn Report + Sync>],
    options: &ResultOptions,
    account: &mut Account,
) -> bool {
    account.size = (view.processes(), view.calls(), view.seconds());
    account.killed = view.killed();
    account.compensated = view
        .profile
        .compensation()
        .map(|c| (c.subtracted_ns as f64 / 1e9, view.uncompensated()));
    account.folded = (view.folded_calls(), view.folded_functions().len());
    account.dropped = view.dropped();
    account.selection = view.profile.trees().selection.clone();
    account.running = view.running();
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
    let json_on_stdout = options.summary_json.as_deref() == Some(Path::new(STDOUT));
    if !options.quiet && !json_on_stdout {
        let text = summary(view, account.failures(), &account.outputs);
        if let Err(error) = account.summary.say(&text) {
            complain(&format!("can't write the summary: {error}"));
            all_written = false;
        }
    }
    all_written
}
