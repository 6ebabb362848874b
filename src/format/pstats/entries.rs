//! A pstats dictionary as it stands in a file, for whoever adds up many of them: the
//! labels that are known from other files are numbers already, nothing is sorted.

use super::{Counts, LabelId, Labels, Row, Rows};

/// One function's line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) label: LabelId,
    pub(crate) counts: Counts,
    /// Where its callers end in those of all; they begin where the last one's end.
    callers_end: usize,
}

/// The lines of one file. Each function has one, and each of its callers one in that.
#[derive(Clone, Debug)]
pub struct Entries {
    /// How many labels were known; the ids of new ones begin there.
    pub(super) known: usize,
    /// The new ones.
    pub(super) new: Labels,
    entries: Vec<Entry>,
    callers: Vec<(LabelId, Counts)>,
    /// Where the callers of the entry begin that is being read.
    start: usize,
}

impl Entries {
    pub(super) fn new(known: &Labels) -> Self {
        Entries {
            known: known.len(),
            new: known.none(),
            entries: Vec::new(),
            callers: Vec::new(),
            start: 0,
        }
    }

    pub(super) fn push_caller(&mut self, caller: LabelId, counts: Counts) {
        self.callers.push((caller, counts));
    }

    /// Ends an entry, of which all callers were pushed. A caller that stood there twice
    /// counts as in a dict: the last one.
    pub(super) fn push(&mut self, label: LabelId, counts: Counts) {
        if let Some(callers) = self.callers.get_mut(self.start..) {
            if !callers.is_sorted_by(|a, b| a.0 < b.0) {
                // Stable, so that the last one comes first once it is turned around.
                callers.reverse();
                callers.sort_by_key(|caller| caller.0);
                let mut unique = self.callers.split_off(self.start);
                unique.dedup_by_key(|caller| caller.0);
                self.callers.append(&mut unique);
            }
        }
        self.start = self.callers.len();
        self.entries.push(Entry {
            label,
            counts,
            callers_end: self.start,
        });
    }

    /// The labels that were not known when it was read; their ids go on from the others'.
    pub fn new_labels(&self) -> &Labels {
        &self.new
    }

    /// How many labels were known when it was read.
    pub fn known_labels(&self) -> usize {
        self.known
    }

    /// All entries, each with its callers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Entry, &[(LabelId, Counts)])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let callers = self.callers.get(start..entry.callers_end);
            start = entry.callers_end;
            (entry, callers.unwrap_or_default())
        })
    }

    /// As a dictionary of its own, where no labels were known.
    pub(super) fn into_rows(self) -> Rows {
        let mut rows = Rows::default();
        rows.rows.resize(self.new.len(), None);
        for (entry, callers) in self.iter() {
            *rows.row_mut(entry.label) = Row {
                counts: entry.counts,
                callers: callers.iter().copied().collect(),
            };
        }
        rows.labels = self.new;
        rows
    }

    /// Makes it as a dict would be: of functions that stand there twice, the last counts,
    /// in the first one's place.
    pub(super) fn without_repetitions(self) -> Self {
        let mut seen = vec![false; self.known + self.new.len()];
        let repeated = self.entries.iter().any(|entry| {
            let seen = seen.get_mut(entry.label as usize);
            seen.is_some_and(|seen| std::mem::replace(seen, true))
        });
        if !repeated {
            return self;
        }
        let mut places = std::collections::HashMap::new();
        let mut last: Vec<(&Entry, &[(LabelId, Counts)])> = Vec::new();
        for entry in self.iter() {
            let place = *places.entry(entry.0.label).or_insert(last.len());
            match last.get_mut(place) {
                Some(before) => *before = entry,
                None => last.push(entry),
            }
        }
        let mut entries = Entries {
            known: self.known,
            new: self.new.clone(),
            entries: Vec::new(),
            callers: Vec::new(),
            start: 0,
        };
        for (entry, callers) in last {
            entries.callers.extend_from_slice(callers);
            entries.push(entry.label, entry.counts);
        }
        entries
    }
}
