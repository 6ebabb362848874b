//! Reads and writes the dict of one process.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::fields::{read_id, read_number, read_text, write_number, write_text, write_texts};
use crate::format::calibration;
use crate::format::marshal::{Reader, Writer};
use crate::format::read_error::ReadError;
use crate::model::{Ending, Process};

pub(in crate::format) fn read(reader: &mut Reader<'_>) -> Result<Process, ReadError> {
    let offset = reader.offset();
    let mut process = Process::default();
    let mut has_pid = false;
    reader.dict(|reader| {
        match reader.string()? {
            b"pid" => {
                process.identity.pid = read_number(reader)?;
                has_pid = true;
            }
            b"parent_pid" => process.parent_pid = read_number(reader)?,
            b"process_start" => process.identity.start = read_number(reader)?,
            b"boot_id" => process.identity.boot_id = read_id(reader)?,
            b"pid_namespace" => process.identity.pid_namespace = read_number(reader)?,
            b"program" => process.identity.program = read_number(reader)?,
            b"argv" => process.argv = reader.list(read_text)?.into(),
            b"host" => process.host = read_text(reader)?,
            b"hook" => process.hook = read_text(reader)?,
            b"chosen" => process.chosen = read_text(reader)?,
            b"clock" => process.clock = read_text(reader)?,
            b"clock_resolution_ns" => process.clock_resolution_ns = reader.float()?,
            b"start_unix_ns" => process.start_unix_ns = read_number(reader)?,
            b"duration_ns" => process.duration_ns = read_number(reader)?,
            b"processor_ns" => process.processor_ns = read_number(reader)?,
            b"ending" => process.ending = read_ending(reader)?,
            b"dropped_calls" => process.dropped_calls = read_number(reader)?,
            b"recording_ns" => process.recording_ns = read_number(reader)?,
            b"unsaved_children" => process.unsaved_children = read_number(reader)?,
            b"lost_spans" => process.lost_spans = read_number(reader)?,
            b"waiting" => process.has_waiting = read_number::<u8>(reader)? > 0,
            b"estimated_waits" => process.estimated_waits = read_number(reader)?,
            b"unnoticed_entries" => process.unnoticed_entries = read_number(reader)?,
            b"calibration" => process.calibration = calibration::read(reader)?,
            b"calibration_ps" => process.calibration = calibration::read_version_1(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    // Refuses empty dicts, which take two bytes in the file and a hundred times as many in memory.
    if !has_pid {
        return Err(ReadError::invalid(offset, "a process without a pid"));
    }
    Ok(process)
}

pub(in crate::format) fn write<'a>(writer: &mut Writer<'a>, process: &'a Process) {
    writer.dict();
    let identity = &process.identity;
    write_number(writer, b"pid", identity.pid);
    write_number(writer, b"parent_pid", process.parent_pid);
    write_number(writer, b"process_start", identity.start);
    writer.text(b"boot_id");
    writer.bytes(&identity.boot_id);
    write_number(writer, b"pid_namespace", identity.pid_namespace);
    write_number(writer, b"program", identity.program);
    write_texts(writer, b"argv", &process.argv);
    write_text(writer, b"host", &process.host);
    write_text(writer, b"hook", &process.hook);
    if !process.chosen.is_empty() {
        write_text(writer, b"chosen", &process.chosen);
    }
    write_text(writer, b"clock", &process.clock);
    writer.text(b"clock_resolution_ns");
    writer.float(process.clock_resolution_ns);
    write_number(writer, b"start_unix_ns", process.start_unix_ns);
    write_number(writer, b"duration_ns", process.duration_ns);
    write_number(writer, b"processor_ns", process.processor_ns);
    write_number(writer, b"ending", process.ending as u8);
    write_number(writer, b"dropped_calls", process.dropped_calls);
    if process.unsaved_children > 0 {
        write_number(writer, b"unsaved_children", process.unsaved_children);
    }
    if process.has_waiting {
        write_number(writer, b"waiting", 1_u8);
    }
    if process.estimated_waits > 0 {
        write_number(writer, b"estimated_waits", process.estimated_waits);
    }
    if process.lost_spans > 0 {
        write_number(writer, b"lost_spans", process.lost_spans);
    }
    if process.unnoticed_entries > 0 {
        write_number(writer, b"unnoticed_entries", process.unnoticed_entries);
    }
    if let Some(calibration) = &process.calibration {
        writer.text(b"calibration");
        calibration::write(writer, calibration);
    }
    if process.recording_ns > 0 {
        write_number(writer, b"recording_ns", process.recording_ns);
    }
    writer.end_dict();
}

fn read_ending(reader: &mut Reader<'_>) -> Result<Ending, ReadError> {
    let offset = reader.offset();
    match reader.int()? {
        0 => Ok(Ending::Running),
        1 => Ok(Ending::Finished),
        2 => Ok(Ending::Killed),
        _ => Err(ReadError::invalid(offset, "an unknown way to end")),
    }
}
