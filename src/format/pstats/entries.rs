//! A pstats dictionary as it is in a file, for adding up many of them. Labels that are known from
//! other files are numbers already.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::HashMap;

use crate::model::{Counts, FileHash, LabelId, LabelRef, Labels, Row, Rows};

/// Figures of one function, or of one of its callers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) label: LabelId,
    /// For a caller, true if only its calls are known.
    pub(crate) untimed: bool,
    pub(crate) counts: Counts,
}

/// Entries of one file: one for each function, and for each of its callers.
#[derive(Clone, Debug)]
pub struct Entries {
    known: usize,
    new: Labels,
    /// Each function, and the end of its callers in `callers`. They begin where those of the
    /// function before end.
    functions: Vec<(Entry, usize)>,
    callers: Vec<Entry>,
}

impl Entries {
    /// Number of labels that were known when the file was read. New labels have the ids from this
    /// number on.
    pub(crate) fn known_labels(&self) -> usize {
        self.known
    }

    /// Labels that were not known.
    pub(crate) fn new_labels(&self) -> &Labels {
        &self.new
    }

    /// All functions, each with its callers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Entry, &[Entry])> {
        let mut start = 0;
        self.functions.iter().map(move |(function, end)| {
            let callers = self.callers.get(start..*end);
            start = *end;
            (function, callers.unwrap_or_default())
        })
    }

    /// Returns the same as rows, if no labels were known.
    pub(crate) fn into_rows(self) -> Rows {
        let Entries {
            new: labels,
            functions,
            callers,
            ..
        } = self;
        let mut callers = callers.into_iter();
        let mut start = 0;
        let rows = functions.into_iter().map(move |(function, end)| {
            let callers = callers
                .by_ref()
                .take(end - std::mem::replace(&mut start, end));
            let mut row = Row {
                counts: function.counts,
                ..Row::default()
            };
            let callers = callers.map(|caller| {
                if caller.untimed {
                    row.untimed.insert(caller.label);
                }
                (caller.label, caller.counts)
            });
            row.callers = callers.collect();
            (function.label, row)
        });
        Rows::of_parts(labels, rows)
    }
}

/// Bytes that a function, a label and a caller take in files of many functions.
const BYTES_OF_FUNCTION: usize = 150;
const BYTES_OF_LABEL: usize = 200;
const BYTES_OF_CALLER: usize = 56;

/// A file that functions are in, as one string of a profile names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenFile<'t> {
    pub(super) text: &'t [u8],
    hash: FileHash,
    /// Its number among the known labels' files, if it is one of theirs.
    known: Option<u32>,
    /// Its number among the new labels' files, if it is one of theirs.
    new: Option<u32>,
}

/// Builds [`Entries`].
pub(super) struct EntriesSink<'a> {
    known: &'a Labels,
    entries: Entries,
    /// Index of the next function's first caller.
    start: usize,
}

impl<'a> EntriesSink<'a> {
    /// Begins to build the entries of a file of `bytes` bytes.
    pub(super) fn new(known: &'a Labels, bytes: usize) -> Self {
        let mut functions = Vec::new();
        let mut callers = Vec::new();
        // About as many as most files have, so that they are not moved. Without the memory, they
        // grow as needed.
        let _ = functions.try_reserve(bytes / BYTES_OF_FUNCTION);
        let _ = callers.try_reserve(bytes / BYTES_OF_CALLER);
        let mut new = known.none();
        if known.is_empty() {
            new.reserve(bytes / BYTES_OF_LABEL);
        }
        EntriesSink {
            known,
            entries: Entries {
                known: known.len(),
                new,
                functions,
                callers,
            },
            start: 0,
        }
    }

    /// Returns the entries as a dict would have them. If a function has two, the last one counts,
    /// in the place of the first.
    pub(super) fn finish(self) -> Entries {
        let entries = self.entries;
        let mut seen = vec![false; entries.known + entries.new.len()];
        let repeated = entries.functions.iter().any(|(function, _)| {
            let seen = seen.get_mut(function.label as usize);
            seen.is_some_and(|seen| std::mem::replace(seen, true))
        });
        if !repeated {
            return entries;
        }
        let mut places = HashMap::new();
        let mut last: Vec<(&Entry, &[Entry])> = Vec::new();
        for function in entries.iter() {
            let place = *places.entry(function.0.label).or_insert(last.len());
            match last.get_mut(place) {
                Some(before) => *before = function,
                None => last.push(function),
            }
        }
        let mut functions = Vec::with_capacity(last.len());
        let mut callers = Vec::new();
        for (&function, its_callers) in last {
            callers.extend_from_slice(its_callers);
            functions.push((function, callers.len()));
        }
        Entries {
            functions,
            callers,
            ..entries
        }
    }

    /// Looks a file up, for its labels.
    pub(super) fn file<'t>(&self, text: &'t [u8]) -> SeenFile<'t> {
        let (known, hash) = self.known.find_file(text);
        SeenFile {
            text,
            hash,
            known,
            new: None,
        }
    }

    /// The id of a label of `file`.
    pub(super) fn label(&mut self, file: &mut SeenFile<'_>, line: i64, name: &[u8]) -> LabelId {
        let label = LabelRef {
            file: file.text,
            line,
            name,
        };
        let hash = self.known.hash_in_file(file.hash, label);
        let known = file.known;
        let known = known.and_then(|number| self.known.find_in_file(hash, number, label));
        if let Some(id) = known {
            return id;
        }
        let new = &mut self.entries.new;
        let id = match file.new {
            Some(number) => new.intern_in_file(hash, number, label),
            None => new.intern_hashed(hash, label),
        };
        file.new = Some(new.file_of(id));
        self.known.len() as LabelId + id
    }

    /// Adds the figures of a caller, `untimed` as in [`Row`]. Its function follows later.
    pub(super) fn caller(&mut self, label: LabelId, counts: Counts, untimed: bool) {
        self.entries.callers.push(Entry {
            label,
            untimed,
            counts,
        });
    }

    /// Adds a function, after all of its callers.
    pub(super) fn function(&mut self, label: LabelId, counts: Counts) {
        let callers = &mut self.entries.callers;
        let its_callers = callers.get(self.start..).unwrap_or_default();
        if !its_callers.is_sorted_by(|a, b| a.label < b.label) {
            // The last entry counts where a caller has two, because a dict keeps the last.
            let mut its_callers = callers.split_off(self.start);
            its_callers.reverse();
            its_callers.sort_by_key(|caller| caller.label);
            its_callers.dedup_by_key(|caller| caller.label);
            callers.append(&mut its_callers);
        }
        self.start = callers.len();
        let function = Entry {
            label,
            untimed: false,
            counts,
        };
        self.entries.functions.push((function, self.start));
    }
}
