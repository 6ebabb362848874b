//! Reads and writes the parts of the dicts: numbers, texts, ids and columns.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use crate::format::marshal::{Reader, Writer};
use crate::format::read_error::ReadError;

pub(in crate::format) fn read_number<T: TryFrom<i128>>(
    reader: &mut Reader<'_>,
) -> Result<T, ReadError> {
    let offset = reader.offset();
    T::try_from(reader.int()?).map_err(|_| ReadError::invalid(offset, "a number out of its range"))
}

pub(in crate::format) fn write_number<'a>(
    writer: &mut Writer<'a>,
    key: &'a [u8],
    value: impl Into<i128>,
) {
    writer.text(key);
    writer.int(value.into());
}

pub(in crate::format) fn read_text(reader: &mut Reader<'_>) -> Result<Box<[u8]>, ReadError> {
    Ok(reader.string()?.into())
}

pub(super) fn write_text<'a>(writer: &mut Writer<'a>, key: &'a [u8], value: &'a [u8]) {
    writer.text(key);
    writer.text(value);
}

pub(super) fn write_texts<'a>(writer: &mut Writer<'a>, key: &'a [u8], texts: &'a [Box<[u8]>]) {
    writer.text(key);
    writer.list(texts.len());
    for text in texts {
        writer.text(text);
    }
}

/// Reads 16 random or hashed bytes.
pub(in crate::format) fn read_id(reader: &mut Reader<'_>) -> Result<[u8; 16], ReadError> {
    let offset = reader.offset();
    let id = reader.string()?.try_into();
    id.map_err(|_| ReadError::invalid(offset, "an id that is not 16 bytes long"))
}

/// Reads a column of integers of `N` bytes.
pub(super) fn read_column<T, const N: usize>(
    reader: &mut Reader<'_>,
    value: fn([u8; N]) -> T,
) -> Result<Vec<T>, ReadError> {
    let offset = reader.offset();
    let bytes = reader.string()?;
    let values = bytes.chunks_exact(N);
    if !values.remainder().is_empty() {
        return Err(ReadError::invalid(offset, "a column of broken length"));
    }
    let mut column = Vec::with_capacity(values.len());
    column.extend(values.filter_map(|bytes| bytes.try_into().ok()).map(value));
    Ok(column)
}

pub(super) fn write_column<'a, const N: usize>(
    writer: &mut Writer<'a>,
    key: &'a [u8],
    values: impl ExactSizeIterator<Item = [u8; N]>,
) {
    writer.text(key);
    writer.bytes_of(values);
}

/// Reads one column of `rows`. The first column makes the rows, and all others must be as long.
pub(super) fn read_into<R: Clone + Default, T, const N: usize>(
    reader: &mut Reader<'_>,
    rows: &mut Vec<R>,
    value: fn([u8; N]) -> T,
    set: fn(&mut R, T),
) -> Result<(), ReadError> {
    let offset = reader.offset();
    let column = read_column(reader, value)?;
    if rows.is_empty() {
        rows.resize(column.len(), R::default());
    }
    if rows.len() != column.len() {
        return Err(ReadError::invalid(offset, "columns of different lengths"));
    }
    for (row, value) in rows.iter_mut().zip(column) {
        set(row, value);
    }
    Ok(())
}
