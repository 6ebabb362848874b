//! Reads and writes the dict of one thread.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{
    read_column, read_into, read_number, read_text, write_column, write_number, write_text,
};
use super::{awaiting, waiting};
use crate::format::marshal::{Reader, Writer};
use crate::format::read_error::ReadError;
use crate::model::{Nodes, OverflowCalls, ThreadTree, UnfinishedCalls};

pub(super) fn read(reader: &mut Reader<'_>) -> Result<ThreadTree, ReadError> {
    let offset = reader.offset();
    let mut thread = ThreadTree::default();
    let mut has_process = false;
    let [mut parents, mut kinds] = [const { Vec::new() }; 2];
    let [mut calls, mut resumes, mut totals] = [const { Vec::new() }; 3];
    let [mut columns_of_overflow, mut columns_of_unfinished] = [0, 0];
    let (mut waits, mut columns_of_waiting) = (Vec::new(), 0);
    let mut awaits = awaiting::Columns::default();
    reader.dict(|reader| {
        let key = reader.string()?;
        match key {
            b"process" => {
                thread.process = read_number(reader)?;
                has_process = true;
            }
            b"name" => thread.name = read_text(reader)?,
            b"threads" => thread.threads = read_number(reader)?,
            b"parent" => parents = read_column(reader, u32::from_le_bytes)?,
            b"function" => kinds = read_column(reader, u32::from_le_bytes)?,
            b"calls" => calls = read_column(reader, u64::from_le_bytes)?,
            b"resumes" => resumes = read_column(reader, u64::from_le_bytes)?,
            b"total" => totals = read_column(reader, u64::from_le_bytes)?,
            b"class_calls" => thread.class_calls = read_column(reader, u32::from_le_bytes)?,
            b"overhead_ps" => thread.overhead_ps = read_column(reader, u64::from_le_bytes)?,
            _ if waiting::read_column_of(reader, key, &mut waits)? => columns_of_waiting += 1,
            _ if awaiting::read_column_of(reader, key, &mut awaits)? => {}
            _ => {
                if read_overflow(reader, key, &mut thread.overflow)? {
                    columns_of_overflow += 1;
                } else if read_unfinished(reader, key, &mut thread.unfinished)? {
                    columns_of_unfinished += 1;
                } else {
                    return reader.skip();
                }
            }
        }
        Ok(())
    })?;
    if !has_process {
        return Err(ReadError::invalid(offset, "a thread of no process"));
    }
    thread.nodes = Nodes::from_columns([parents, kinds], [calls, resumes, totals])
        .map_err(|what| ReadError::invalid(offset, what))?;
    let is_column = |len: usize| len == 0 || len == thread.nodes.len();
    let are_equally_long = is_column(thread.class_calls.len())
        && is_column(thread.overhead_ps.len())
        && matches!(columns_of_overflow, 0 | 4)
        && matches!(columns_of_unfinished, 0 | 3)
        && matches!(columns_of_waiting, 0 | 4)
        && awaits.are_complete();
    if !are_equally_long {
        return Err(ReadError::invalid(offset, "columns of different lengths"));
    }
    waiting::add(&mut thread, &waits)
        .and_then(|()| awaiting::add(&mut thread, &awaits))
        .map_err(|what| ReadError::invalid(offset, what))?;
    Ok(thread)
}

pub(super) fn write<'a>(writer: &mut Writer<'a>, thread: &'a ThreadTree) {
    writer.dict();
    write_number(writer, b"process", thread.process);
    write_text(writer, b"name", &thread.name);
    if thread.threads != 1 {
        write_number(writer, b"threads", thread.threads);
    }
    let nodes = &thread.nodes;
    let u32s = |value: &u32| value.to_le_bytes();
    let u64s = |value: &u64| value.to_le_bytes();
    write_column(writer, b"parent", nodes.parents().iter().map(u32s));
    write_column(writer, b"function", nodes.kinds().iter().map(u32s));
    write_column(writer, b"calls", nodes.calls().iter().map(u64s));
    write_column(writer, b"resumes", nodes.resumes().iter().map(u64s));
    write_column(writer, b"total", nodes.totals().iter().map(u64s));
    if !thread.class_calls.is_empty() {
        write_column(writer, b"class_calls", thread.class_calls.iter().map(u32s));
    }
    if !thread.overhead_ps.is_empty() {
        write_column(writer, b"overhead_ps", thread.overhead_ps.iter().map(u64s));
    }
    if !thread.overflow.is_empty() {
        write_overflow(writer, &thread.overflow);
    }
    if !thread.unfinished.is_empty() {
        write_unfinished(writer, &thread.unfinished);
    }
    waiting::write(writer, &thread.waits);
    awaiting::write(writer, &thread.awaits);
    writer.end_dict();
}

/// Reads the value of `key` if it is a column of overflow calls; else returns false.
fn read_overflow(
    reader: &mut Reader<'_>,
    key: &[u8],
    rows: &mut Vec<OverflowCalls>,
) -> Result<bool, ReadError> {
    let number = u64::from_le_bytes;
    match key {
        b"overflow_function" | b"folded_function" => {
            read_into(reader, rows, u32::from_le_bytes, |row, value| {
                row.kind = value
            })?;
        }
        b"overflow_calls" | b"folded_calls" => {
            read_into(reader, rows, number, |row, value| row.calls = value)?
        }
        b"overflow_resumes" | b"folded_resumes" => {
            read_into(reader, rows, number, |row, value| row.resumes = value)?;
        }
        b"overflow_self" | b"folded_self" => {
            read_into(reader, rows, number, |row, value| row.self_time = value)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn write_overflow<'a>(writer: &mut Writer<'a>, rows: &'a [OverflowCalls]) {
    let kinds = rows.iter().map(|row| row.kind.to_le_bytes());
    let calls = rows.iter().map(|row| row.calls.to_le_bytes());
    let resumes = rows.iter().map(|row| row.resumes.to_le_bytes());
    let self_times = rows.iter().map(|row| row.self_time.to_le_bytes());
    write_column(writer, b"overflow_function", kinds);
    write_column(writer, b"overflow_calls", calls);
    write_column(writer, b"overflow_resumes", resumes);
    write_column(writer, b"overflow_self", self_times);
}

/// Reads the value of `key` if it is a column of unfinished calls; else returns false.
fn read_unfinished(
    reader: &mut Reader<'_>,
    key: &[u8],
    rows: &mut Vec<UnfinishedCalls>,
) -> Result<bool, ReadError> {
    let number = u64::from_le_bytes;
    match key {
        b"unfinished_function" => read_into(reader, rows, u32::from_le_bytes, |row, value| {
            row.kind = value;
        })?,
        b"unfinished_calls" => read_into(reader, rows, number, |row, value| row.calls = value)?,
        b"unfinished_innermost" => {
            read_into(reader, rows, number, |row, value| row.innermost = value)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn write_unfinished<'a>(writer: &mut Writer<'a>, rows: &'a [UnfinishedCalls]) {
    let kinds = rows.iter().map(|row| row.kind.to_le_bytes());
    let calls = rows.iter().map(|row| row.calls.to_le_bytes());
    let innermost = rows.iter().map(|row| row.innermost.to_le_bytes());
    write_column(writer, b"unfinished_function", kinds);
    write_column(writer, b"unfinished_calls", calls);
    write_column(writer, b"unfinished_innermost", innermost);
}
