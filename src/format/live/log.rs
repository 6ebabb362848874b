//! The log of a live file: facts, functions and threads.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::assemble::{Found, Functions, unknown_function};
use super::{LOG, record};
use crate::model::{Function, FunctionKind, Label};

/// Bytes that are read by position; beyond the end there are zeros.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl<'b> Bytes<'b> {
    pub(super) fn array<const N: usize>(self, at: usize) -> [u8; N] {
        let end = at.saturating_add(N);
        let bytes = self.0.get(at..end).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or([0; N])
    }

    pub(super) fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(super) fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    /// Takes the first `len` bytes; `None` if there are fewer.
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn take_u32(&mut self) -> Option<u32> {
        Some(Bytes(self.take(4)?).u32(0))
    }

    fn take_i64(&mut self) -> Option<i64> {
        Some(Bytes(self.take(8)?).u64(0) as i64)
    }

    fn take_text(&mut self) -> Option<Box<[u8]>> {
        let len = self.take_u32()?;
        Some(self.take(len as usize)?.into())
    }
}

/// Content of the records.
#[derive(Default)]
pub(super) struct Log {
    pub(super) host: Box<[u8]>,
    pub(super) hook: Box<[u8]>,
    pub(super) argv: Vec<Box<[u8]>>,
    pub(super) chosen: Box<[u8]>,
    /// Each function, with true if it is hidden.
    pub(super) functions: Vec<(Function, bool)>,
    pub(super) threads: Vec<ThreadRecord>,
}

/// A thread's tree.
pub(super) struct ThreadRecord {
    pub(super) root: u32,
    pub(super) name: Box<[u8]>,
    /// Number of the parent's calls in it, if it is a forked child's.
    pub(super) inherited: Option<u32>,
}

impl Log {
    /// Reads the log segments among these, which come with their contents.
    pub(super) fn read(segments: &[(u64, &[u8])]) -> Log {
        let mut log = Log::default();
        for (_, segment) in segments.iter().filter(|(content, _)| *content == LOG) {
            let mut rest = Bytes(segment);
            while let Some((kind, record)) = next_record(&mut rest) {
                match kind {
                    record::FACTS => log.facts(record).unwrap_or_default(),
                    // Functions are numbered in order, so a stand-in takes the place of one that
                    // can't be read.
                    record::FUNCTION => log
                        .functions
                        .push(function(record).unwrap_or_else(|| (unknown_function(), false))),
                    record::THREAD => log.threads.extend(thread(record)),
                    _ => {}
                }
            }
        }
        log
    }

    /// Returns true if there is a record of the function of that number.
    pub(super) fn knows(&self, function: u32) -> bool {
        self.functions.len() > function as usize
    }

    fn facts(&mut self, mut record: Bytes<'_>) -> Option<()> {
        self.host = record.take_text()?;
        self.hook = record.take_text()?;
        self.argv.clear();
        for _ in 0..record.take_u32()? {
            self.argv.push(record.take_text()?);
        }
        self.chosen = record.take_text().unwrap_or_default();
        Some(())
    }
}

impl Functions for Log {
    fn find(&self, number: u32) -> Found {
        match self.functions.get(number as usize) {
            Some((_, true)) => Found::Hidden,
            Some((function, false)) => Found::Visible(function.clone()),
            None => Found::Unknown,
        }
    }
}

fn next_record<'b>(rest: &mut Bytes<'b>) -> Option<(u32, Bytes<'b>)> {
    let length = rest.take_u32()? as usize;
    if length == 0 {
        return None;
    }
    let kind = rest.take_u32()?;
    let record = rest.take(length)?;
    let padding = length.next_multiple_of(8) - length;
    rest.take(padding.min(rest.0.len()));
    Some((kind, Bytes(record)))
}

fn function(mut record: Bytes<'_>) -> Option<(Function, bool)> {
    let kind = match record.take_u32()? {
        0 => FunctionKind::Python,
        1 => FunctionKind::Builtin,
        2 => FunctionKind::Native,
        _ => return None,
    };
    let flags = record.take_u32()?;
    let hidden = record.take_u32()? != 0;
    let is_generic = record.take_u32()? != 0;
    let label = |record: &mut Bytes<'_>| {
        Some(Label {
            line: record.take_i64()?,
            file: record.take_text()?,
            name: record.take_text()?,
        })
    };
    let function = Function {
        kind,
        flags,
        label: label(&mut record)?,
        qualified_name: record.take_text()?,
        module: record.take_text()?,
        generic: if is_generic {
            Some(label(&mut record)?)
        } else {
            None
        },
    };
    Some((function, hidden))
}

fn thread(mut record: Bytes<'_>) -> Option<ThreadRecord> {
    Some(ThreadRecord {
        root: record.take_u32()?,
        name: record.take_text()?,
        inherited: record.take_u32().and_then(|more| more.checked_sub(1)),
    })
}
