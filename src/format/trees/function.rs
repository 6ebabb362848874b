//! Reads and writes the tuple of one function.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{read_number, read_text};
use crate::format::marshal::{Reader, Value, Writer};
use crate::format::pstats::{read_label, write_label};
use crate::format::read_error::ReadError;
use crate::model::{Function, FunctionKind};

pub(in crate::format) fn read(reader: &mut Reader<'_>) -> Result<Function, ReadError> {
    reader.tuple(8, "a function's tuple of eight", |reader| {
        let offset = reader.offset();
        let kind = match reader.int()? {
            0 => FunctionKind::Python,
            1 => FunctionKind::Builtin,
            2 => FunctionKind::Native,
            _ => return Err(ReadError::invalid(offset, "an unknown kind of function")),
        };
        let flags = read_number(reader)?;
        let label = read_label(reader)?;
        let qualified_name = read_text(reader)?;
        let module = read_text(reader)?;
        let offset = reader.offset();
        let generic = reader.object(|reader, value| match value {
            Value::None => Ok(None),
            Value::Tuple(3) => read_label(reader).map(Some),
            other => Err(Reader::unexpected(offset, "None or a function", other)),
        })?;
        Ok(Function {
            kind,
            flags,
            label,
            qualified_name,
            module,
            generic,
        })
    })
}

pub(in crate::format) fn write<'a>(writer: &mut Writer<'a>, function: &'a Function) {
    writer.tuple(8);
    writer.int(function.kind as i128);
    writer.int(i128::from(function.flags));
    write_label(writer, &function.label);
    writer.text(&function.qualified_name);
    writer.text(&function.module);
    match &function.generic {
        None => writer.none(),
        Some(generic) => {
            writer.tuple(3);
            write_label(writer, generic);
        }
    }
}
