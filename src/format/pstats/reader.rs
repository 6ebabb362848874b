//! Reads a pstats dictionary of any profiler.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::entries::{Entries, EntriesSink};
use crate::format::marshal::{Reader, Value};
use crate::format::read_error::ReadError;
use crate::model::{Counts, Label, LabelId, LabelRef, Labels, Rows};

/// Reads the dictionary that `bytes` begin with; what follows it is not looked at.
///
/// # Errors
/// `bytes` begin with anything else. One bad entry refuses the whole.
pub fn decode(bytes: &[u8]) -> Result<Rows, ReadError> {
    read(&mut Reader::new(bytes, 0))
}

/// Reads the dictionary that is `reader`'s next object.
pub(in crate::format) fn read(reader: &mut Reader<'_>) -> Result<Rows, ReadError> {
    Ok(read_entries(reader, &Labels::default())?.into_rows())
}

/// Like [`read`], if the labels `known` have ids already.
pub(in crate::format) fn read_entries(
    reader: &mut Reader<'_>,
    known: &Labels,
) -> Result<Entries, ReadError> {
    let mut sink = EntriesSink::new(known);
    read_into(reader, &mut sink)?;
    Ok(sink.finish())
}

fn read_into(reader: &mut Reader<'_>, sink: &mut EntriesSink<'_>) -> Result<(), ReadError> {
    let mut labels = SeenLabels::default();
    reader.dict(|reader| {
        let id = labels.read(reader, sink)?;
        let counts = reader.tuple(5, "a tuple (cc, nc, tt, ct, callers)", |reader| {
            let ([cc, nc], [tt, ct]) = reader.figures()?;
            let counts = Counts { cc, nc, tt, ct };
            reader.dict(|reader| {
                let caller = labels.read(reader, sink)?;
                let (counts, untimed) = caller_counts(reader)?;
                sink.caller(caller, counts, untimed);
                Ok(())
            })?;
            Ok(counts)
        })?;
        sink.function(id, counts);
        Ok(())
    })
}

/// The figures under a caller, and whether they have no times.
fn caller_counts(reader: &mut Reader<'_>) -> Result<(Counts, bool), ReadError> {
    const EXPECTED: &str = "a caller's tuple (nc, cc, tt, ct)";
    let figures = |reader: &mut Reader<'_>| {
        let ([nc, cc], [tt, ct]) = reader.figures()?;
        Ok((Counts { cc, nc, tt, ct }, false))
    };
    let offset = reader.offset();
    if reader.begin_short_tuple(4) {
        return figures(reader);
    }
    reader.object(|reader, value| match value {
        Value::Tuple(4) => figures(reader),
        Value::Int(calls) => {
            let counts = Counts {
                nc: calls,
                cc: calls,
                ..Counts::default()
            };
            Ok((counts, true))
        }
        other => Err(Reader::unexpected(offset, EXPECTED, other)),
    })
}

/// Labels read so far by their marshal numbers, because most labels of a file are references.
#[derive(Default)]
struct SeenLabels(Vec<Option<LabelId>>);

impl SeenLabels {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        sink: &mut EntriesSink<'_>,
    ) -> Result<LabelId, ReadError> {
        let number = reader.number_ahead();
        if let Some((number, true)) = number {
            if let Some(&Some(known)) = self.0.get(number) {
                reader.skip_reference();
                return Ok(known);
            }
        }
        let expected = "a function's tuple (file, line, name)";
        let id = sink.label(reader.tuple(3, expected, read_label_ref)?);
        // Only what was read in order: numbers beyond the last one do not exist.
        if let Some((number, _)) = number {
            if self.0.len() <= number {
                self.0.resize(number + 1, None);
            }
            if let Some(slot) = self.0.get_mut(number) {
                *slot = Some(id);
            }
        }
        Ok(id)
    }
}

/// Reads the three parts of a label.
pub(in crate::format) fn read_label(reader: &mut Reader<'_>) -> Result<Label, ReadError> {
    Ok(read_label_ref(reader)?.to_label())
}

fn read_label_ref<'a>(reader: &mut Reader<'a>) -> Result<LabelRef<'a>, ReadError> {
    let file = reader.string()?;
    let offset = reader.offset();
    let line = i64::try_from(reader.int()?)
        .map_err(|_| ReadError::invalid(offset, "a line number beyond 2^63"))?;
    let name = reader.string()?;
    Ok(LabelRef { file, line, name })
}
