//! Columns of waiting in a thread's dict.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{read_into, write_column};
use crate::format::marshal::{Reader, Writer};
use crate::format::read_error::ReadError;
use crate::model::{NodeWaits, ThreadTree, Waiting};

/// Waiting of one node, as it is read.
#[derive(Clone, Default)]
pub(super) struct Row {
    node: u32,
    waiting: Waiting,
}

/// Reads the value of `key` if it is a column of waiting; else returns false.
pub(super) fn read_column_of(
    reader: &mut Reader<'_>,
    key: &[u8],
    rows: &mut Vec<Row>,
) -> Result<bool, ReadError> {
    let number = u64::from_le_bytes;
    match key {
        b"waiting_node" => read_into(reader, rows, u32::from_le_bytes, |row, value| {
            row.node = value;
        })?,
        b"waiting_blocked" => read_into(reader, rows, number, |row, value| {
            row.waiting.blocked = value;
        })?,
        b"waiting_gil" => read_into(reader, rows, number, |row, value| {
            row.waiting.gil = value;
        })?,
        b"waiting_preempted" => read_into(reader, rows, number, |row, value| {
            row.waiting.preempted = value;
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Adds the rows to the tree, after all its other columns were read.
///
/// # Errors
/// A row is of a node that the tree does not have.
pub(super) fn add(thread: &mut ThreadTree, rows: &[Row]) -> Result<(), &'static str> {
    for row in rows {
        if row.node as usize >= thread.nodes.len() {
            return Err("waiting of a node that is not there");
        }
        thread.waits.add(row.node, &row.waiting);
    }
    Ok(())
}

/// Writes the columns, if any node waited.
pub(super) fn write(writer: &mut Writer<'_>, waits: &NodeWaits) {
    if waits.is_empty() {
        return;
    }
    let column = |of: fn(&Waiting) -> u64| waits.iter().map(move |(_, row)| of(&row).to_le_bytes());
    let nodes = waits.iter().map(|(node, _)| node.to_le_bytes());
    write_column(writer, b"waiting_node", nodes);
    write_column(writer, b"waiting_blocked", column(|row| row.blocked));
    write_column(writer, b"waiting_gil", column(|row| row.gil));
    write_column(writer, b"waiting_preempted", column(|row| row.preempted));
}
