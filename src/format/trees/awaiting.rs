//! Columns of awaiting in a thread's dict.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{read_into, write_column};
use crate::format::marshal::{Reader, Writer};
use crate::format::read_error::ReadError;
use crate::model::{Awaiting, LongRun, NodeAwaits, ThreadTree};

/// Columns as they are read.
#[derive(Default)]
pub(super) struct Columns {
    nodes: Vec<(u32, Awaiting)>,
    runs: Vec<LongRun>,
    of_nodes: u32,
    of_runs: u32,
}

impl Columns {
    /// Returns true if all columns are there that belong together.
    pub(super) fn are_complete(&self) -> bool {
        matches!(self.of_nodes, 0 | 3) && matches!(self.of_runs, 0 | 3)
    }
}

/// Reads the value of `key` if it is a column of awaiting; else returns false.
pub(super) fn read_column_of(
    reader: &mut Reader<'_>,
    key: &[u8],
    columns: &mut Columns,
) -> Result<bool, ReadError> {
    let Columns { nodes, runs, .. } = columns;
    let number = u64::from_le_bytes;
    let index = u32::from_le_bytes;
    let is_of_run = key.starts_with(b"run_");
    match key {
        b"awaiting_node" => read_into(reader, nodes, index, |row, value| row.0 = value)?,
        b"awaiting" => read_into(reader, nodes, number, |row, value| row.1.awaiting = value)?,
        b"awaiting_longest_run" => read_into(reader, nodes, number, |row, value| {
            row.1.longest_run = value;
        })?,
        b"run_node" => read_into(reader, runs, index, |run, value| run.node = value)?,
        b"run_start_unix_ns" => read_into(reader, runs, number, |run, value| {
            run.start_unix_ns = value;
        })?,
        b"run_duration" => read_into(reader, runs, number, |run, value| run.duration = value)?,
        _ => return Ok(false),
    }
    match is_of_run {
        true => columns.of_runs += 1,
        false => columns.of_nodes += 1,
    }
    Ok(true)
}

/// Adds the columns to the tree, after all its other columns were read.
///
/// # Errors
/// A row is of a node that the tree does not have.
pub(super) fn add(thread: &mut ThreadTree, columns: &Columns) -> Result<(), &'static str> {
    let of_runs = columns.runs.iter().map(|run| run.node);
    let mut nodes = columns.nodes.iter().map(|(node, _)| *node).chain(of_runs);
    if nodes.any(|node| node as usize >= thread.nodes.len()) {
        return Err("awaiting of a node that is not there");
    }
    for (node, awaiting) in &columns.nodes {
        thread.awaits.add(*node, awaiting);
    }
    columns
        .runs
        .iter()
        .for_each(|run| thread.awaits.add_run(*run));
    Ok(())
}

/// Writes the columns, if coroutines ran.
pub(super) fn write(writer: &mut Writer<'_>, awaits: &NodeAwaits) {
    if awaits.is_empty() {
        return;
    }
    let column =
        |of: fn(&Awaiting) -> u64| awaits.iter().map(move |(_, row)| of(&row).to_le_bytes());
    let nodes = awaits.iter().map(|(node, _)| node.to_le_bytes());
    write_column(writer, b"awaiting_node", nodes);
    write_column(writer, b"awaiting", column(|row| row.awaiting));
    write_column(
        writer,
        b"awaiting_longest_run",
        column(|row| row.longest_run),
    );
    let runs = awaits.runs().iter();
    write_column(
        writer,
        b"run_node",
        runs.clone().map(|run| run.node.to_le_bytes()),
    );
    let starts = runs.clone().map(|run| run.start_unix_ns.to_le_bytes());
    write_column(writer, b"run_start_unix_ns", starts);
    write_column(
        writer,
        b"run_duration",
        runs.map(|run| run.duration.to_le_bytes()),
    );
}
