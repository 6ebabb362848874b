//! Reads a pstats dictionary of any profiler.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::entries::{Entries, EntriesSink, SeenFile};
use crate::format::marshal::{Reader, Value};
use crate::format::read_error::ReadError;
use crate::model::{Counts, Label, LabelId, LabelRef, Labels, Rows};

/// Reads the dictionary that `bytes` begin with, and ignores all that follows.
///
/// # Errors
/// `bytes` begin with anything else, or an entry is bad.
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
    let mut sink = EntriesSink::new(known, reader.len_ahead());
    read_into(reader, &mut sink)?;
    Ok(sink.finish())
}

fn read_into<'a>(reader: &mut Reader<'a>, sink: &mut EntriesSink<'_>) -> Result<(), ReadError> {
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

/// Reads the figures of a caller. Returns them, and true if they have no times.
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

/// Parts of labels read so far, by marshal numbers, because most labels and files of a file are
/// references.
#[derive(Default)]
struct SeenLabels<'a> {
    labels: Vec<Option<LabelId>>,
    /// Positions in `files`.
    file_of: Vec<Option<u32>>,
    files: Vec<SeenFile<'a>>,
}

impl<'a> SeenLabels<'a> {
    fn read(
        &mut self,
        reader: &mut Reader<'a>,
        sink: &mut EntriesSink<'_>,
    ) -> Result<LabelId, ReadError> {
        let number = reader.number_ahead();
        if let Some((number, true)) = number {
            if let Some(&Some(known)) = self.labels.get(number) {
                reader.skip_reference();
                return Ok(known);
            }
        }
        let id = reader.tuple(3, "a function's tuple (file, line, name)", |reader| {
            let (mut file, at) = self.read_file(reader, sink)?;
            let (line, name) = read_line_and_name(reader)?;
            let id = sink.label(&mut file, line, name);
            if let Some(seen) = at.and_then(|at| self.files.get_mut(at)) {
                *seen = file;
            }
            Ok(id)
        })?;
        if let Some((number, _)) = number {
            set(&mut self.labels, number, id);
        }
        Ok(id)
    }

    /// Reads the file of a label; if it has a number, it is also in `files`.
    fn read_file(
        &mut self,
        reader: &mut Reader<'a>,
        sink: &EntriesSink<'_>,
    ) -> Result<(SeenFile<'a>, Option<usize>), ReadError> {
        let number = reader.number_ahead();
        if let Some((number, true)) = number {
            let at = self.file_of.get(number).copied().flatten();
            let at = at.map(|at| at as usize);
            if let Some(&file) = at.and_then(|at| self.files.get(at)) {
                reader.skip_text_again(file.text)?;
                return Ok((file, at));
            }
        }
        let file = sink.file(reader.string()?);
        let Some((number, _)) = number else {
            return Ok((file, None));
        };
        let at = self.files.len();
        set(&mut self.file_of, number, at as u32);
        self.files.push(file);
        Ok((file, Some(at)))
    }
}

/// Notes `value` for the object with that number. Numbers are assigned in the order of reading, so
/// none is far beyond the last one.
fn set<T: Copy>(of: &mut Vec<Option<T>>, number: usize, value: T) {
    if of.len() <= number {
        of.resize(number + 1, None);
    }
    if let Some(slot) = of.get_mut(number) {
        *slot = Some(value);
    }
}

/// Reads the three parts of a label.
pub(in crate::format) fn read_label(reader: &mut Reader<'_>) -> Result<Label, ReadError> {
    Ok(read_label_ref(reader)?.to_label())
}

fn read_label_ref<'a>(reader: &mut Reader<'a>) -> Result<LabelRef<'a>, ReadError> {
    let file = reader.string()?;
    let (line, name) = read_line_and_name(reader)?;
    Ok(LabelRef { file, line, name })
}

fn read_line_and_name<'a>(reader: &mut Reader<'a>) -> Result<(i64, &'a [u8]), ReadError> {
    let offset = reader.offset();
    let line = i64::try_from(reader.int()?)
        .map_err(|_| ReadError::invalid(offset, "a line number beyond 2^63"))?;
    Ok((line, reader.string()?))
}
