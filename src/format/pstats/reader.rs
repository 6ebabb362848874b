//! Reading the pstats dictionary, whoever wrote it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::{Counts, LabelId, Row, Rows};
use crate::format::marshal::{Reader, Value};
use crate::format::read_error::ReadError;
use crate::format::trees::Label;

/// Reads the dictionary that `bytes` begin with; what follows it is not looked at.
///
/// # Errors
/// `bytes` begin with anything else. One bad entry refuses the whole.
pub fn decode(bytes: &[u8]) -> Result<Rows, ReadError> {
    read(&mut Reader::new(bytes, 0))
}

/// Reads the dictionary that is `reader`'s next object.
pub(in crate::format) fn read(reader: &mut Reader<'_>) -> Result<Rows, ReadError> {
    let mut rows = Rows::default();
    let mut labels = KnownLabels::default();
    reader.dict(|reader| {
        let id = labels.read(reader, &mut rows)?;
        let row = reader.tuple(5, "a tuple (cc, nc, tt, ct, callers)", |reader| {
            let counts = Counts {
                cc: reader.int()?,
                nc: reader.int()?,
                tt: reader.float()?,
                ct: reader.float()?,
            };
            let mut row = Row {
                counts,
                ..Row::default()
            };
            reader.dict(|reader| {
                let caller = labels.read(reader, &mut rows)?;
                let (counts, untimed) = caller_counts(reader)?;
                row.callers.insert(caller, counts);
                if untimed {
                    row.untimed.insert(caller);
                } else {
                    row.untimed.remove(&caller);
                }
                Ok(())
            })?;
            Ok(row)
        })?;
        *rows.row_mut(id) = row;
        Ok(())
    })?;
    Ok(rows)
}

/// The figures under a caller, and whether they have no times.
fn caller_counts(reader: &mut Reader<'_>) -> Result<(Counts, bool), ReadError> {
    const EXPECTED: &str = "a caller's tuple (nc, cc, tt, ct)";
    let offset = reader.offset();
    reader.object(|reader, value| match value {
        Value::Tuple(4) => {
            let counts = Counts {
                nc: reader.int()?,
                cc: reader.int()?,
                tt: reader.float()?,
                ct: reader.float()?,
            };
            Ok((counts, false))
        }
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

/// The labels read so far by their marshal numbers: most stand for themselves as
/// references, over and over.
#[derive(Default)]
struct KnownLabels(Vec<Option<LabelId>>);

impl KnownLabels {
    fn read(&mut self, reader: &mut Reader<'_>, rows: &mut Rows) -> Result<LabelId, ReadError> {
        let number = reader.number_ahead();
        if let Some((number, true)) = number {
            if let Some(&Some(known)) = self.0.get(number) {
                reader.skip()?;
                return Ok(known);
            }
        }
        let label = reader.tuple(3, "a function's tuple (file, line, name)", read_label)?;
        let id = rows.intern(&label);
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
    let file = reader.string()?.into();
    let offset = reader.offset();
    let line = i64::try_from(reader.int()?)
        .map_err(|_| ReadError::invalid(offset, "a line number beyond 2^63"))?;
    let name = reader.string()?.into();
    Ok(Label { file, line, name })
}
