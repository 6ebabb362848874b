//! Labels of rows as a tree shows them, in their order.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::model::Rows;
use crate::model::native_name::without_address;

/// A label without the address of an object, which differs in every process.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ShownLabel<'r> {
    pub(super) file: &'r [u8],
    pub(super) line: i64,
    pub(super) name: Cow<'r, [u8]>,
}

/// Returns the labels of `rows` in their order, and the place there of each label's id.
pub(super) fn shown_labels(rows: &Rows) -> (Vec<ShownLabel<'_>>, Vec<u32>) {
    // Files are compared once, not at every label: the rank of a file is a number.
    let table = rows.label_table();
    let files = table.label_of_each_file();
    let mut files: Vec<(&[u8], u32)> = files.map(|(number, of)| (&*of.file, number)).collect();
    files.par_sort_unstable();
    let mut ranks = vec![0; table.files()];
    for (rank, &(_, number)) in (0..).zip(&files) {
        ranks[number as usize] = rank;
    }
    let labels = (0..).zip(rows.labels()).map(|(id, label)| {
        let name = without_address(&label.name);
        (ranks[table.file_of(id) as usize], label.line, name, id)
    });
    let mut sorted: Vec<(u32, i64, Cow<'_, [u8]>, u32)> = labels.collect();
    sorted.par_sort_unstable();
    let mut ids = vec![0; sorted.len()];
    let mut shown: Vec<ShownLabel<'_>> = Vec::with_capacity(sorted.len());
    for (rank, line, name, id) in sorted {
        let label = ShownLabel {
            file: files[rank as usize].0,
            line,
            name,
        };
        if shown.last() != Some(&label) {
            shown.push(label);
        }
        ids[id as usize] = shown.len() as u32 - 1;
    }
    (shown, ids)
}
