//! A kind of nodes: an int or a tuple.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{read_number, read_text};
use crate::format::marshal::{Reader, Value, Writer};
use crate::format::read_error::ReadError;
use crate::model::NodeKind;

const OVERFLOW: &[u8] = b"overflow";
const EXCLUDED: &[u8] = b"excluded";
const PROCESS: &[u8] = b"process";
const THREAD: &[u8] = b"thread";
const MERGED_PROCESSES: &[u8] = b"merged processes";
const MERGED_THREADS: &[u8] = b"merged threads";

pub(super) fn read(reader: &mut Reader<'_>) -> Result<NodeKind, ReadError> {
    let offset = reader.offset();
    let unknown = || ReadError::invalid(offset, "an unknown kind of node");
    reader.object(|reader, value| match value {
        Value::Int(function) => {
            let function = function.try_into().map_err(|_| unknown())?;
            Ok(NodeKind::Function(function))
        }
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
            _ => Err(unknown()),
        },
        other => Err(Reader::unexpected(offset, "an int or a tuple", other)),
    })
}

pub(super) fn write<'a>(writer: &mut Writer<'a>, kind: &'a NodeKind) {
    let mut tuple = |count, name| {
        writer.tuple(count);
        writer.text(name);
    };
    match kind {
        NodeKind::Function(function) => writer.int((*function).into()),
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
    }
}
