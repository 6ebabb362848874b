//! Writing the pstats dictionary.

use crate::format::marshal::{Ref, Writer};
use crate::model::{Counts, Label, LabelId, Rows};

/// Returns the marshalled dictionary, with rows in their order of first appearance.
pub fn encode(rows: &Rows) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer, rows);
    writer.finish()
}

/// Writes the dictionary as the next object of `writer`.
pub(in crate::format) fn write<'a>(writer: &mut Writer<'a>, rows: &'a Rows) {
    let mut labels = WrittenLabels(vec![None; rows.labels().len()]);
    writer.dict();
    for (id, row) in rows.iter() {
        labels.write(writer, rows, id);
        let Counts { cc, nc, tt, ct } = row.counts;
        writer.tuple(5);
        writer.int(cc);
        writer.int(nc);
        writer.float(tt);
        writer.float(ct);
        writer.dict();
        for (&caller, counts) in &row.callers {
            labels.write(writer, rows, caller);
            if row.untimed.contains(&caller) {
                writer.int(counts.nc);
                continue;
            }
            writer.tuple(4);
            writer.int(counts.nc);
            writer.int(counts.cc);
            writer.float(counts.tt);
            writer.float(counts.ct);
        }
        writer.end_dict();
    }
    writer.end_dict();
}

/// The labels' tuples that are in the file already, by label id.
struct WrittenLabels(Vec<Option<Ref>>);

impl WrittenLabels {
    fn write<'a>(&mut self, writer: &mut Writer<'a>, rows: &'a Rows, id: LabelId) {
        let slot = &mut self.0[id as usize];
        if let Some(known) = *slot {
            return writer.again(known);
        }
        *slot = Some(writer.numbered_tuple(3));
        write_label(writer, rows.label(id));
    }
}

/// Writes the three parts of `label` into a tuple that was begun.
pub(in crate::format) fn write_label<'a>(writer: &mut Writer<'a>, label: &'a Label) {
    writer.text(&label.file);
    writer.int(i128::from(label.line));
    writer.text(&label.name);
}
