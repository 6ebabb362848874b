//! The pstats dictionary as a value: figures by function and by caller.

use std::collections::BTreeSet;

use super::{Callers, Counts, Label, LabelId, LabelRef, Labels};

/// One function's line of the dictionary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The function's own figures.
    pub counts: Counts,
    /// Figures of the calls by each direct caller; a caller need not have a row itself.
    pub callers: Callers,
    /// Callers of which only calls are known; their times are 0.
    pub untimed: BTreeSet<LabelId>,
}

impl Row {
    /// Adds to the figures under `caller`. Once it has times, it keeps them.
    pub fn add_caller(&mut self, caller: LabelId, more: &Counts, untimed: bool) {
        self.add_callers(std::iter::once((caller, *more, untimed)));
    }

    /// Adds to the figures under callers, like [`add_caller`](Self::add_caller).
    pub(crate) fn add_callers(
        &mut self,
        more: impl Iterator<Item = (LabelId, Counts, bool)> + Clone,
    ) {
        let untimed = more.clone().filter(|&(.., untimed)| untimed);
        let new = untimed.filter(|(caller, ..)| !self.callers.contains_key(caller));
        self.untimed.extend(new.map(|(caller, ..)| caller));
        if !self.untimed.is_empty() {
            for (caller, ..) in more.clone().filter(|&(.., untimed)| !untimed) {
                self.untimed.remove(&caller);
            }
        }
        let more = more.map(|(caller, counts, _)| (caller, counts));
        self.callers.add(more);
    }
}

/// A pstats dictionary with interned labels, in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    labels: Labels,
    /// Boxed, because most labels of some files are only callers, each of which then takes only a
    /// pointer.
    rows: Vec<Option<Box<Row>>>,
    order: Vec<LabelId>,
}

impl Rows {
    /// Makes rows of functions in order of first appearance, each with its row and in `labels`.
    pub(crate) fn of_parts(labels: Labels, all: impl Iterator<Item = (LabelId, Row)>) -> Rows {
        let mut rows = Vec::new();
        rows.resize_with(labels.len(), || None);
        let mut rows = Rows {
            labels,
            rows,
            order: Vec::new(),
        };
        for (id, row) in all {
            *rows.row_mut(id) = row;
        }
        rows
    }

    /// The id of `label`, new if it was not seen before.
    pub fn intern<'a>(&mut self, label: impl Into<LabelRef<'a>>) -> LabelId {
        let id = self.labels.intern(label);
        if self.rows.len() < self.labels.len() {
            self.rows.push(None);
        }
        id
    }

    /// The label with that id.
    pub fn label(&self, id: LabelId) -> &Label {
        &self.labels()[id as usize]
    }

    /// All labels, a label's id being its position.
    pub fn labels(&self) -> &[Label] {
        self.labels.as_slice()
    }

    /// Labels of the rows, as a table to look them up in.
    pub fn label_table(&self) -> &Labels {
        &self.labels
    }

    /// The id of a label that was interned before.
    pub fn find(&self, label: &Label) -> Option<LabelId> {
        self.labels.find(label)
    }

    /// Adds to the row of `id`.
    pub fn add(&mut self, id: LabelId, more: &Counts) {
        match self.row(id) {
            // Not added to 0.0, which would make a 0 of -0.
            None => self.row_mut(id).counts = *more,
            Some(_) => self.row_mut(id).counts.add(more),
        }
    }

    /// The row of `id`, made empty where there is none yet.
    pub fn row_mut(&mut self, id: LabelId) -> &mut Row {
        let slot = &mut self.rows[id as usize];
        if slot.is_none() {
            self.order.push(id);
        }
        slot.get_or_insert_default()
    }

    /// The places of all rows, by their labels' ids.
    pub(crate) fn slots_mut(&mut self) -> &mut [Option<Box<Row>>] {
        &mut self.rows
    }

    /// Returns the row of `id`, if there is one: a label may occur only as a caller.
    pub fn row(&self, id: LabelId) -> Option<&Row> {
        self.rows[id as usize].as_deref()
    }

    /// All rows in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (LabelId, &Row)> {
        self.order
            .iter()
            .filter_map(|&id| Some((id, self.row(id)?)))
    }

    /// The labels, and all rows in order of first appearance.
    pub(crate) fn into_parts(self) -> (Labels, impl Iterator<Item = (LabelId, Row)>) {
        let mut rows = self.rows;
        let order = self.order.into_iter();
        let rows = order.filter_map(move |id| Some((id, *rows[id as usize].take()?)));
        (self.labels, rows)
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
