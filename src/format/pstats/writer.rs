//! Writes the pstats dictionary.

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
    let mut labels = WrittenLabels {
        labels: vec![None; rows.labels().len()],
        files: vec![None; rows.label_table().files()],
    };
    writer.dict();
    for (id, row) in rows.iter() {
        labels.write(writer, rows, id);
        let Counts { cc, nc, tt, ct } = row.counts;
        writer.tuple(5);
        writer.figures([cc, nc], [tt, ct]);
        writer.dict();
        for (&caller, counts) in &row.callers {
            labels.write(writer, rows, caller);
            if row.untimed.contains(&caller) {
                writer.int(counts.nc);
                continue;
            }
            writer.tuple(4);
            writer.figures([counts.nc, counts.cc], [counts.tt, counts.ct]);
        }
        writer.end_dict();
    }
    writer.end_dict();
}

/// The objects that are in the file already.
struct WrittenLabels {
    /// The labels' tuples, by label id.
    labels: Vec<Option<Ref>>,
    /// Names of files, by their numbers.
    files: Vec<Option<Ref>>,
}

impl WrittenLabels {
    fn write<'a>(&mut self, writer: &mut Writer<'a>, rows: &'a Rows, id: LabelId) {
        let slot = &mut self.labels[id as usize];
        if let Some(known) = *slot {
            return writer.again(known);
        }
        *slot = Some(writer.numbered_tuple(3));
        let Label { file, line, name } = rows.label(id);
        let slot = &mut self.files[rows.label_table().file_of(id) as usize];
        match *slot {
            Some(known) => writer.again(known),
            None => *slot = writer.text_numbered(file),
        }
        writer.int(i128::from(*line));
        writer.text(name);
    }
}

/// Writes the three parts of `label` into a tuple that was begun.
pub(in crate::format) fn write_label<'a>(writer: &mut Writer<'a>, label: &'a Label) {
    writer.text(&label.file);
    writer.int(i128::from(label.line));
    writer.text(&label.name);
}
