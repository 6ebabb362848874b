//! Reads one input, whatever it is: a `.prof` file, a live file, a plain one with its
//! sidecar.

use std::collections::BTreeSet;

use edbprof::analysis::group::{Unselectable, Wanted};
use edbprof::format::live::{self, Now};
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::format::pstats::Entries;
use edbprof::format::sidecar;
use edbprof::model::Labels;

use crate::discover::{self, Input, Refused};
use crate::read_error::ReadError;

/// What is wanted of a file.
pub(crate) struct ReadWanted {
    pub(crate) file: Result<Option<ProfFile<Entries>>, Unselectable>,
    /// How it went with its sidecar.
    pub(crate) sidecar: Result<(), Refused>,
    /// Options that choose functions and match none of its.
    pub(crate) without_match: BTreeSet<String>,
}

/// Reads `input` as [`read_input`] does, and takes what is wanted of it.
///
/// # Errors
///
/// When it can't be read.
pub(crate) fn read_wanted(
    input: &Input,
    wanted: &Wanted,
    known: &Labels,
) -> Result<ReadWanted, ReadError> {
    let (file, sidecar) = read_input(input, known)?;
    let without_match = match &file {
        ProfFile::Exact(trees, _) if trees.selection.is_empty() => {
            wanted.selection.without_match(&trees.functions)
        }
        // Of a part nobody knows what has matched.
        _ => BTreeSet::new(),
    };
    Ok(ReadWanted {
        file: wanted.of(file),
        sidecar,
        without_match,
    })
}

/// A file, and how it went with its sidecar.
type Read = (ProfFile<Entries>, Result<(), Refused>);

/// Reads `input`; `known` are the labels that need not be built again.
///
/// # Errors
///
/// When it can't be read.
fn read_input(input: &Input, known: &Labels) -> Result<Read, ReadError> {
    let bytes = match discover::read(&input.path, input.any_owner) {
        Ok(bytes) if bytes.starts_with(&live::MAGIC) => match read_live(input, bytes)? {
            Some(file) => return Ok((file, Ok(()))),
            None => read_finished(input)?,
        },
        Ok(bytes) => bytes,
        Err(reason) if input.path.exists() => return Err(reason),
        Err(reason) => read_finished(input).map_err(|_| reason)?,
    };
    let mut file = prof::read_entries(&bytes, known)?;
    let mut read = Ok(());
    // With call trees at hand a sidecar has nothing to add.
    if let (ProfFile::Plain(plain), Some(path)) = (&mut file, discover::sidecar(input)) {
        let content =
            discover::read(&path, input.any_owner).and_then(|bytes| Ok(sidecar::decode(&bytes)?));
        match content {
            Ok(calls) => plain.sidecar = calls,
            Err(why) => {
                let reason = why.to_string();
                read = Err(Refused { path, reason });
            }
        }
    }
    Ok((file, read))
}

/// Reads a live file, of which `bytes` were there a moment ago. Nothing if its process
/// has ended regularly since, and taken it away.
fn read_live(input: &Input, mut bytes: Vec<u8>) -> Result<Option<ProfFile<Entries>>, ReadError> {
    let facts = live::facts(&bytes)?;
    let now = if facts.process.is_running() {
        Now::Running
    } else {
        // It may have written to the end, while the file was read.
        match discover::read(&input.path, input.any_owner) {
            Ok(last) => bytes = last,
            Err(reason) if input.path.exists() => return Err(reason),
            Err(_) => return Ok(None),
        }
        Now::Gone
    };
    let trees = live::read(&bytes, now)?;
    Ok(Some(ProfFile::Exact(trees, PlainInputs::default())))
}

/// The file that a process has written before it took the live file `input` away.
fn read_finished(input: &Input) -> Result<Vec<u8>, ReadError> {
    match discover::beside_live(&input.path) {
        Some(finished) => discover::read(&finished, input.any_owner),
        None => Err(ReadError::Gone),
    }
}
