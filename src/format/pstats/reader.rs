//! Reading the pstats dictionary, whoever wrote it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::{Counts, Entries, LabelId, LabelRef, Labels, Rows};
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
    Ok(entries(reader, &Labels::default())?.into_rows())
}

/// As [`read`], where the labels `known` have ids already.
pub(in crate::format) fn read_entries(
    reader: &mut Reader<'_>,
    known: &Labels,
) -> Result<Entries, ReadError> {
    Ok(entries(reader, known)?.without_repetitions())
}

fn entries(reader: &mut Reader<'_>, known: &Labels) -> Result<Entries, ReadError> {
    let mut entries = Entries::new(known);
    let mut seen = SeenLabels {
        known,
        numbered: Vec::new(),
    };
    reader.dict(|reader| {
        let id = seen.read(reader, &mut entries.new)?;
        let counts = reader.tuple(5, "a tuple (cc, nc, tt, ct, callers)", |reader| {
            let counts = Counts {
                cc: reader.int()?,
                nc: reader.int()?,
                tt: reader.float()?,
                ct: reader.float()?,
            };
            reader.dict(|reader| {
                let caller = seen.read(reader, &mut entries.new)?;
                entries.push_caller(caller, caller_counts(reader)?);
                Ok(())
            })?;
            Ok(counts)
        })?;
        entries.push(id, counts);
        Ok(())
    })?;
    Ok(entries)
}

fn caller_counts(reader: &mut Reader<'_>) -> Result<Counts, ReadError> {
    const EXPECTED: &str = "a caller's tuple (nc, cc, tt, ct)";
    let offset = reader.offset();
    reader.object(|reader, value| match value {
        Value::Tuple(4) => Ok(Counts {
            nc: reader.int()?,
            cc: reader.int()?,
            tt: reader.float()?,
            ct: reader.float()?,
        }),
        Value::Int(calls) => Ok(Counts {
            nc: calls,
            cc: calls,
            ..Counts::default()
        }),
        other => Err(Reader::unexpected(offset, EXPECTED, other)),
    })
}

/// The labels read so far by their marshal numbers: most stand for themselves as
/// references, over and over.
struct SeenLabels<'a> {
    known: &'a Labels,
    numbered: Vec<Option<LabelId>>,
}

impl SeenLabels<'_> {
    /// Reads a label, which goes to `new` if it is not known.
    fn read(&mut self, reader: &mut Reader<'_>, new: &mut Labels) -> Result<LabelId, ReadError> {
        let number = reader.number_ahead();
        if let Some((number, true)) = number {
            if let Some(&Some(known)) = self.numbered.get(number) {
                reader.skip()?;
                return Ok(known);
            }
        }
        let label = reader.tuple(3, LABEL, read_label_ref)?;
        let hash = self.known.hash(label);
        let id = match self.known.find_hashed(hash, label) {
            Some(id) => id,
            None => self.known.len() as LabelId + new.intern_hashed(hash, label),
        };
        // Only what was read in order: numbers beyond the last one do not exist.
        if let Some((number, _)) = number {
            if self.numbered.len() <= number {
                self.numbered.resize(number + 1, None);
            }
            if let Some(slot) = self.numbered.get_mut(number) {
                *slot = Some(id);
            }
        }
        Ok(id)
    }
}

const LABEL: &str = "a function's tuple (file, line, name)";

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
