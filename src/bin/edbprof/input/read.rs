//! Reads one input: a `.prof` file, a live file, or pstats rows with their sidecar.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use edbprof::analysis::merge_request::{MergeRequest, SelectionError};
use edbprof::format::extent::{profile_goes_on, sidecar_goes_on};
use edbprof::format::live::{self, Now};
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::format::pstats::Entries;
use edbprof::format::sidecar;
use edbprof::format::timeline::is_timeline;
use edbprof::model::{Function, Labels};
use edbprof::report::display::function_name;
use edbprof::report::similar::similar;

use super::discover::{finished_beside, places_of};
use super::read_error::ReadError;
use super::trust::{read_trusted, read_trusted_into, sidecar as sidecar_of};
use super::{Input, SkippedInput};

/// Selected part of a file.
pub(super) struct ReadWanted {
    /// `None` if the file is of a process that was not selected.
    pub(super) file: Result<Option<ProfFile<Entries>>, SelectionError>,
    /// Result of reading the sidecar.
    pub(super) sidecar: Result<(), SkippedInput>,
    /// Options that select functions and match none in this file.
    pub(super) without_match: BTreeSet<String>,
    /// For these options, functions of this file with similar names.
    pub(super) meant: BTreeMap<String, String>,
}

/// Reads `input` and selects the wanted part. Labels in `known` are not built again.
///
/// # Errors
///
/// When it can't be read.
pub(super) fn read_wanted(
    input: &Input,
    wanted: &MergeRequest,
    known: &Labels,
) -> Result<ReadWanted, ReadError> {
    let (file, sidecar) = read_input(input, known)?;
    let without_match = match &file {
        ProfFile::Exact(trees, _) if trees.selection.is_empty() => {
            wanted.selection.without_match(&trees.functions)
        }
        // The options that selected this part earlier may have matched functions now gone.
        _ => BTreeSet::new(),
    };
    let meant = match &file {
        ProfFile::Exact(trees, _) => meant(&without_match, &trees.functions),
        ProfFile::Plain(_) => BTreeMap::new(),
    };
    Ok(ReadWanted {
        file: wanted.of(file),
        sidecar,
        without_match,
        meant,
    })
}

/// Returns the function with a similar name for each of `options`, none of which match any of
/// `functions`.
pub(super) fn meant(
    options: &BTreeSet<String>,
    functions: &[Function],
) -> BTreeMap<String, String> {
    if options.is_empty() {
        return BTreeMap::new();
    }
    let names: BTreeSet<_> = functions.iter().map(function_name).collect();
    let meant = options.iter().filter_map(|option| {
        let (_, pattern) = option.split_once('=')?;
        let name = similar(pattern, names.iter().map(String::as_str))?;
        Some((option.clone(), name.to_owned()))
    });
    meant.collect()
}

/// A file, and the result of reading its sidecar.
type Read = (ProfFile<Entries>, Result<(), SkippedInput>);

/// Returns true if `input` is a live file that its process has left because it could not write
/// another file.
pub(super) fn is_left_live(input: &Input) -> bool {
    let header = read_trusted(&input.path, input.owners, |_| false).unwrap_or_default();
    live::facts(&header).is_ok_and(|facts| facts.is_result)
}

thread_local! {
    /// Memory that files are read into. New memory for each of many files would cost page faults.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Size of a buffer that is kept for the next file, bytes.
const MOST_KEPT: usize = 2 << 20;

fn read_input(input: &Input, known: &Labels) -> Result<Read, ReadError> {
    let buffer = BUFFER.take();
    let bytes = match read_trusted_into(buffer, &input.path, input.owners, profile_goes_on) {
        Ok(bytes) if bytes.starts_with(&live::MAGIC) => match last_content(input, bytes)? {
            Some((bytes, now)) => {
                let trees = live::read(&bytes, now)?;
                return Ok((ProfFile::Exact(trees, PlainInputs::default()), Ok(())));
            }
            None => read_finished(input)?,
        },
        Ok(bytes) if is_timeline(&bytes) => return Err(ReadError::Timeline),
        Ok(bytes) => bytes,
        Err(reason) if input.path.exists() => return Err(reason),
        Err(reason) => read_finished(input).map_err(|_| reason)?,
    };
    let mut file = prof::read_entries(&bytes, known).map_err(|error| match is_script(input) {
        true => ReadError::Script,
        false => ReadError::of_content(&bytes, error),
    })?;
    let mut read = Ok(());
    // Call trees contain everything that a sidecar would add.
    if let (ProfFile::Plain(plain), Some(path)) = (&mut file, sidecar_of(input)) {
        let content = read_trusted(&path, input.owners, sidecar_goes_on)
            .and_then(|bytes| Ok(sidecar::decode(&bytes)?));
        match content {
            Ok(calls) => plain.sidecar = calls,
            Err(why) => read = Err(SkippedInput::new(path, why)),
        }
    }
    if bytes.capacity() <= MOST_KEPT {
        BUFFER.set(bytes);
    }
    Ok((file, read))
}

fn is_script(input: &Input) -> bool {
    let suffix = input.path.extension().and_then(OsStr::to_str);
    suffix.is_some_and(|suffix| ["py", "pyw", "pyc", "pyz"].contains(&suffix))
}

/// Reads the live file `input`, which contained `bytes` a moment ago. Also returns true if its
/// process runs. Returns `None` if the process has ended regularly since and removed it.
pub(super) fn last_content(
    input: &Input,
    mut bytes: Vec<u8>,
) -> Result<Option<(Vec<u8>, Now)>, ReadError> {
    let facts = live::facts(&bytes)?;
    let now = if facts.process.has_mapped(&input.path) {
        Now::Running
    } else {
        // Read again: the process may have recorded until it ended, after the first reading.
        match read_trusted(&input.path, input.owners, profile_goes_on) {
            Ok(last) => bytes = last,
            Err(reason) if input.path.exists() => return Err(reason),
            Err(_) => return Ok(None),
        }
        Now::Gone
    };
    if live::facts(&bytes)?.is_superseded {
        return Ok(None);
    }
    Ok(Some((bytes, now)))
}

/// Reads the `.prof` file that a process wrote before it removed the live file `input`.
fn read_finished(input: &Input) -> Result<Vec<u8>, ReadError> {
    let finished = finished_beside(&input.path).ok_or(ReadError::Gone)?;
    let mut reads = places_of(finished, input.owners)
        .into_iter()
        .map(|place| read_trusted(&place, input.owners, profile_goes_on));
    let beside = reads.next().unwrap_or(Err(ReadError::Gone));
    beside.or_else(|reason| reads.find_map(Result::ok).ok_or(reason))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use edbprof::model::{Rows, Trees};

    use super::super::trust::Owners;
    use super::*;

    #[test]
    fn a_process_that_ends_after_its_file_was_moved_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join(format!("edbprof-run-{:032x}", 1));
        fs::create_dir(&place).unwrap();
        let profile = prof::encode(&Rows::default(), &Trees::default(), &PlainInputs::default());
        fs::write(place.join("edbprof_1.prof"), profile).unwrap();
        let read = |owners| {
            let input = Input {
                path: directory.path().join("edbprof_1.prof.live"),
                named: false,
                owners,
                bytes: 0,
            };
            read_input(&input, &Labels::default()).map(|_| ())
        };
        assert!(read(Owners::AnyWithoutLinks).is_ok());
        // Others may create files in such a place.
        assert!(matches!(read(Owners::Any), Err(ReadError::System(_))));
    }
}
