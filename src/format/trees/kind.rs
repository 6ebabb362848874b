//! Reads and writes kinds of nodes: None for a function, or a tuple for anything else.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{read_number, read_text};
use crate::format::marshal::{Reader, Value, Writer};
use crate::format::read_error::ReadError;
use crate::model::{FunctionKind, NodeKind, Trees};

const OVERFLOW: &[u8] = b"overflow";
const EXCLUDED: &[u8] = b"excluded";
const PROCESS: &[u8] = b"process";
const THREAD: &[u8] = b"thread";
const MERGED_PROCESSES: &[u8] = b"merged processes";
const MERGED_THREADS: &[u8] = b"merged threads";
const FORKED: &[u8] = b"forked";

/// Reads one kind. All functions are number 0: [`number_functions`] numbers them.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<NodeKind, ReadError> {
    let offset = reader.offset();
    let unknown = || ReadError::invalid(offset, "an unknown kind of node");
    reader.object(|reader, value| match value {
        Value::None => Ok(NodeKind::Function(0)),
        Value::Tuple(count) => match (reader.string()?, count) {
            (OVERFLOW, 1) => Ok(NodeKind::Overflow),
            (EXCLUDED, 1) => Ok(NodeKind::Excluded),
            (PROCESS, 2) => Ok(NodeKind::Process(read_number(reader)?)),
            (THREAD, 3) => Ok(NodeKind::Thread {
                name: read_text(reader)?,
                threads: read_number(reader)?,
            }),
            (MERGED_PROCESSES, 1) => Ok(NodeKind::MergedProcesses),
            (MERGED_THREADS, 1) => Ok(NodeKind::MergedThreads),
            (FORKED, 2) => Ok(NodeKind::Forked {
                path: read_text(reader)?,
            }),
            _ => Err(unknown()),
        },
        other => Err(Reader::unexpected(offset, "None or a tuple", other)),
    })
}

pub(super) fn write<'a>(writer: &mut Writer<'a>, kind: &'a NodeKind) {
    let mut tuple = |count, name| {
        writer.tuple(count);
        writer.text(name);
    };
    match kind {
        NodeKind::Function(_) => writer.none(),
        NodeKind::Overflow => tuple(1, OVERFLOW),
        NodeKind::Excluded => tuple(1, EXCLUDED),
        NodeKind::Process(process) => {
            tuple(2, PROCESS);
            writer.int((*process).into());
        }
        NodeKind::Thread { name, threads } => {
            tuple(3, THREAD);
            writer.text(name);
            writer.int((*threads).into());
        }
        NodeKind::MergedProcesses => tuple(1, MERGED_PROCESSES),
        NodeKind::MergedThreads => tuple(1, MERGED_THREADS),
        NodeKind::Forked { path } => {
            tuple(2, FORKED);
            writer.text(path);
        }
    }
}

/// Writes a function's tuple for a kind that is no function, so that indices of functions
/// mean something to readers that know no kinds.
pub(super) fn write_stand_in(writer: &mut Writer<'_>, kind: &NodeKind) {
    let name: &[u8] = match kind {
        NodeKind::Function(_) | NodeKind::Overflow => b"<overflow>",
        NodeKind::Excluded => b"<excluded>",
        NodeKind::Process(_) => b"<process>",
        NodeKind::Thread { .. } => b"<thread>",
        NodeKind::MergedProcesses => b"<merged processes>",
        NodeKind::MergedThreads => b"<merged threads>",
        NodeKind::Forked { .. } => b"<forked>",
    };
    writer.tuple(8);
    writer.int(FunctionKind::Native as i128);
    writer.int(0);
    writer.text(b"~");
    writer.int(0);
    for text in [name, b"", b""] {
        writer.text(text);
    }
    writer.none();
}

/// Removes the placeholders from the functions of a file, and numbers the others.
///
/// # Errors
/// There are not as many kinds as functions.
pub(in crate::format) fn number_functions(
    trees: &mut Trees,
    offset: usize,
) -> Result<(), ReadError> {
    let written = std::mem::take(&mut trees.functions);
    if trees.kinds.is_empty() {
        trees.kinds = vec![NodeKind::Function(0); written.len()];
    }
    if trees.kinds.len() != written.len() {
        return Err(ReadError::invalid(offset, "not as many kinds as functions"));
    }
    for (function, kind) in written.into_iter().zip(&mut trees.kinds) {
        if let NodeKind::Function(index) = kind {
            *index = trees.functions.len() as u32;
            trees.functions.push(function);
        }
    }
    Ok(())
}
