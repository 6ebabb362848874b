//! Adds up pstats rows.

use crate::format::pstats::Entries;
use crate::model::{Counts, Label, LabelId, Row, Rows};

/// Adds `more` to `rows`, as `pstats.Stats.add` does: the figures of each function, and those under
/// each of its callers.
pub fn add(rows: &mut Rows, more: &Rows) {
    let ids: Vec<LabelId> = more
        .labels()
        .iter()
        .map(|label| rows.intern(label))
        .collect();
    add_at(rows, more, &ids);
}

/// Returns `rows` with files named without their directories, as `pstats.Stats.strip_dirs` does.
/// Functions that then have one label are added up. So are callers that have one label, of which
/// pstats keeps the last.
pub(crate) fn strip_dirs(rows: &Rows) -> Rows {
    let mut stripped = Rows::default();
    let ids: Vec<LabelId> = rows
        .labels()
        .iter()
        .map(|label| stripped.intern(&base_name(label)))
        .collect();
    add_at(&mut stripped, rows, &ids);
    stripped
}

/// Adds `more`, whose labels are `ids` here.
fn add_at(rows: &mut Rows, more: &Rows, ids: &[LabelId]) {
    for (id, row) in more.iter() {
        let sum = ids[id as usize];
        rows.add(sum, &row.counts);
        let callers = (&row.callers).into_iter().map(|(&caller, &counts)| {
            let untimed = row.untimed.contains(&caller);
            (ids[caller as usize], counts, untimed)
        });
        rows.row_mut(sum).add_callers(callers);
    }
}

fn base_name(label: &Label) -> Label {
    let file = label.file.rsplit(|byte| *byte == b'/').next();
    Label {
        file: file.unwrap_or_default().into(),
        ..label.clone()
    }
}

/// Adds the entries of several files, with the result of [`add`] for one after the other. All
/// processors take part, each for some of the functions.
pub(super) fn add_entries(rows: &mut Rows, mut files: Vec<Entries>) {
    use rayon::prelude::*;

    if rows.labels().is_empty() && !files.is_empty() {
        // Takes over the first file's labels, which are most of those of a large file.
        *rows = files.remove(0).into_rows();
    }
    let mut files_ids: Vec<Ids> = Vec::with_capacity(files.len());
    for entries in &files {
        let new = entries.new_labels().as_slice().iter();
        let ids = Ids {
            known: entries.known_labels(),
            new: new.map(|label| rows.intern(label)).collect(),
        };
        for (function, _) in entries.iter() {
            let id = ids.of(function.label);
            if rows.row(id).is_none() {
                rows.row_mut(id).counts = Counts::NOTHING;
            }
        }
        files_ids.push(ids);
    }
    let slots = rows.slots_mut();
    let parts = 2 * rayon::current_num_threads();
    let part = slots.len().div_ceil(parts).max(1);
    let parts = slots.par_chunks_mut(part).enumerate();
    parts.for_each(|(number, slots)| {
        for (entries, ids) in files.iter().zip(&files_ids) {
            for (function, callers) in entries.iter() {
                let place = (ids.of(function.label) as usize).checked_sub(number * part);
                let Some(Some(sum)) = place.and_then(|place| slots.get_mut(place)) else {
                    continue;
                };
                sum.counts.add(&function.counts);
                let callers = callers.iter();
                let callers = callers.map(|of| (ids.of(of.label), of.counts, of.untimed));
                sum.add_callers(callers);
            }
        }
    });
}

/// Ids in the sum for the ids of a file.
struct Ids {
    /// Ids below this one are the same in both.
    known: usize,
    /// Ids in the sum of the other ids.
    new: Vec<LabelId>,
}

impl Ids {
    fn of(&self, id: LabelId) -> LabelId {
        let new = (id as usize).checked_sub(self.known);
        new.map_or(id, |new| self.new[new])
    }
}

/// Numbers the labels of `rows` in the order in which a file of them is read. So writing and
/// reading changes nothing, not even the order of callers.
pub(super) fn renumbered(rows: Rows) -> Rows {
    let mut order: Vec<LabelId> = Vec::with_capacity(rows.labels().len());
    let mut new: Vec<Option<LabelId>> = vec![None; rows.labels().len()];
    for (id, row) in rows.iter() {
        for &id in std::iter::once(&id).chain(row.callers.keys()) {
            new[id as usize].get_or_insert_with(|| {
                order.push(id);
                order.len() as LabelId - 1
            });
        }
    }
    if order.len() == new.len() && order.is_sorted() {
        return rows;
    }
    let new = |id: LabelId| new[id as usize].unwrap_or_default();
    let (labels, rows) = rows.into_parts();
    // One row after the other, so that there are never two of each.
    let rows = rows.map(|(id, row)| {
        let callers = row.callers.into_iter();
        let callers = callers.map(|(caller, counts)| (new(caller), counts));
        let row = Row {
            counts: row.counts,
            callers: callers.collect(),
            untimed: row.untimed.into_iter().map(new).collect(),
        };
        (new(id), row)
    });
    Rows::of_parts(labels.reordered(&order), rows)
}
