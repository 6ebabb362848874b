//! Reading the call trees back. Whatever passes may be indexed without looking:
//! columns are equally long, parents come before their children, indices exist.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use crate::format::marshal::{Reader, Value};
use crate::format::pstats::read_label;
use crate::format::read_error::ReadError;
use crate::model::{
    ANY_THREAD, CALIBRATION_NUMBERS, Calibration, Ending, FIRST_CALIBRATION_NUMBERS,
    FoldedFunction, Function, FunctionKind, Nodes, Process, RanIn, ThreadTree, Trees,
};

/// Reads the value of `key`, if it is one of the trees' keys; else returns false
/// and leaves the value to the caller.
pub(in crate::format) fn read_key(
    reader: &mut Reader<'_>,
    key: &[u8],
    trees: &mut Trees,
) -> Result<bool, ReadError> {
    match key {
        b"recordings" => trees.recordings = reader.list(read_id)?,
        b"processes" => trees.processes = reader.list(read_process)?,
        b"functions" => trees.functions = reader.list(read_function)?,
        b"threads" => trees.threads = reader.list(read_thread)?,
        b"selection" => trees.selection = String::from_utf8_lossy(reader.string()?).into(),
        b"thread_names" => trees.thread_names = reader.list(read_text)?,
        b"ran_function" => read_ran_in(reader, trees, |ran, value| ran.function = value)?,
        b"ran_thread" => read_ran_in(reader, trees, |ran, value| ran.thread = value)?,
        b"ran_processes" => read_ran_in(reader, trees, |ran, value| ran.processes = value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Checks what can only be checked when all keys have been read.
pub(in crate::format) fn check(trees: &Trees, offset: usize) -> Result<(), ReadError> {
    if trees.recordings.is_empty() && !trees.threads.is_empty() {
        // Nothing could tell whether they were counted already.
        return Err(ReadError::invalid(offset, "call trees of no recording"));
    }
    let functions = trees.functions.len();
    let ran_nowhere = |ran: &RanIn| {
        ran.function as usize >= functions
            || ran.thread != ANY_THREAD && ran.thread as usize >= trees.thread_names.len()
    };
    if trees.ran_in.iter().any(ran_nowhere) {
        return Err(ReadError::invalid(offset, "a place where no function ran"));
    }
    for thread in &trees.threads {
        if thread.process as usize >= trees.processes.len() {
            return Err(ReadError::invalid(offset, "a thread of no process"));
        }
        let folded = thread.folded.iter().map(|folded| &folded.function);
        let mut called = thread.nodes.kinds().iter().chain(folded);
        if called.any(|&function| function as usize >= functions) {
            return Err(ReadError::invalid(offset, "a call of no function"));
        }
    }
    Ok(())
}

/// Reads 16 random or hashed bytes.
pub(in crate::format) fn read_id(reader: &mut Reader<'_>) -> Result<[u8; 16], ReadError> {
    let offset = reader.offset();
    reader
        .string()?
        .try_into()
        .map_err(|_| ReadError::invalid(offset, "an id that is not 16 bytes long"))
}

fn read_text(reader: &mut Reader<'_>) -> Result<Box<[u8]>, ReadError> {
    Ok(reader.string()?.into())
}

fn read_number<T: TryFrom<i128>>(reader: &mut Reader<'_>) -> Result<T, ReadError> {
    let offset = reader.offset();
    T::try_from(reader.int()?).map_err(|_| ReadError::invalid(offset, "a number out of its range"))
}

fn read_process(reader: &mut Reader<'_>) -> Result<Process, ReadError> {
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
            b"clock" => process.clock = read_text(reader)?,
            b"clock_resolution_ns" => process.clock_resolution_ns = reader.float()?,
            b"start_unix_ns" => process.start_unix_ns = read_number(reader)?,
            b"duration_ns" => process.duration_ns = read_number(reader)?,
            b"ending" => process.ending = read_ending(reader)?,
            b"dropped_calls" => process.dropped_calls = read_number(reader)?,
            b"calibration_ps" => process.calibration = read_calibration(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    // Empty dicts take two bytes in the file and hundred times that in memory.
    if !has_pid {
        return Err(ReadError::invalid(offset, "a process without a pid"));
    }
    Ok(process)
}

fn read_calibration(reader: &mut Reader<'_>) -> Result<Option<Calibration>, ReadError> {
    let offset = reader.offset();
    reader.object(|reader, value| match value {
        Value::Tuple(count @ FIRST_CALIBRATION_NUMBERS..=CALIBRATION_NUMBERS) => {
            let mut numbers = [0; CALIBRATION_NUMBERS];
            for number in numbers.iter_mut().take(count) {
                *number = read_number(reader)?;
            }
            Ok(Calibration::from_numbers(numbers))
        }
        other => Err(Reader::unexpected(offset, "six to twelve numbers", other)),
    })
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

fn read_function(reader: &mut Reader<'_>) -> Result<Function, ReadError> {
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

fn read_thread(reader: &mut Reader<'_>) -> Result<ThreadTree, ReadError> {
    let offset = reader.offset();
    let mut thread = ThreadTree::default();
    let mut has_process = false;
    let [mut parents, mut kinds] = [const { Vec::new() }; 2];
    let [mut calls, mut resumes, mut totals] = [const { Vec::new() }; 3];
    let mut folded = FoldedColumns::default();
    reader.dict(|reader| {
        match reader.string()? {
            b"process" => {
                thread.process = read_number(reader)?;
                has_process = true;
            }
            b"name" => thread.name = read_text(reader)?,
            b"parent" => parents = read_column(reader, u32::from_le_bytes)?,
            b"function" => kinds = read_column(reader, u32::from_le_bytes)?,
            b"calls" => calls = read_column(reader, u64::from_le_bytes)?,
            b"resumes" => resumes = read_column(reader, u64::from_le_bytes)?,
            b"total" => totals = read_column(reader, u64::from_le_bytes)?,
            b"class_calls" => thread.class_calls = read_column(reader, u32::from_le_bytes)?,
            b"overhead_ps" => thread.overhead_ps = read_column(reader, u64::from_le_bytes)?,
            b"folded_function" => folded.function = read_column(reader, u32::from_le_bytes)?,
            b"folded_calls" => folded.calls = read_column(reader, u64::from_le_bytes)?,
            b"folded_resumes" => folded.resumes = read_column(reader, u64::from_le_bytes)?,
            b"folded_self" => folded.self_time = read_column(reader, u64::from_le_bytes)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if !has_process {
        return Err(ReadError::invalid(offset, "a thread of no process"));
    }
    thread.nodes = Nodes::from_columns([parents, kinds], [calls, resumes, totals])
        .map_err(|what| ReadError::invalid(offset, what))?;
    let is_column = |len: usize| len == 0 || len == thread.nodes.len();
    if !is_column(thread.class_calls.len()) || !is_column(thread.overhead_ps.len()) {
        return Err(ReadError::invalid(offset, "columns of different lengths"));
    }
    thread.folded = folded.rows(offset)?;
    Ok(thread)
}

/// Reads one column of the rows that say where functions ran.
fn read_ran_in(
    reader: &mut Reader<'_>,
    trees: &mut Trees,
    set: fn(&mut RanIn, u32),
) -> Result<(), ReadError> {
    let offset = reader.offset();
    let column = read_column(reader, u32::from_le_bytes)?;
    let rows = &mut trees.ran_in;
    if rows.is_empty() {
        rows.resize(column.len(), RanIn::default());
    }
    if rows.len() != column.len() {
        return Err(ReadError::invalid(offset, "columns of different lengths"));
    }
    for (row, value) in rows.iter_mut().zip(column) {
        set(row, value);
    }
    Ok(())
}

#[derive(Default)]
struct FoldedColumns {
    function: Vec<u32>,
    calls: Vec<u64>,
    resumes: Vec<u64>,
    self_time: Vec<u64>,
}

impl FoldedColumns {
    fn rows(self, offset: usize) -> Result<Vec<FoldedFunction>, ReadError> {
        let len = self.function.len();
        if [&self.calls, &self.resumes, &self.self_time]
            .iter()
            .any(|column| column.len() != len)
        {
            return Err(ReadError::invalid(offset, "columns of different lengths"));
        }
        let figures = self.calls.into_iter().zip(self.resumes).zip(self.self_time);
        Ok(self
            .function
            .into_iter()
            .zip(figures)
            .map(|(function, ((calls, resumes), self_time))| FoldedFunction {
                function,
                calls,
                resumes,
                self_time,
            })
            .collect())
    }
}

fn read_column<T, const N: usize>(
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
