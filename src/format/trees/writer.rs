//! Writing the call trees into the dict that [`prof`](crate::format::prof) keeps.

use crate::format::marshal::Writer;
use crate::format::pstats::write_label;
use crate::model::{CALIBRATION_NUMBERS, FoldedFunction, Function, Nodes, Process, RanIn, Trees};

/// Writes the keys of `trees` into the dict that `writer` is in.
pub(in crate::format) fn write<'a>(writer: &mut Writer<'a>, trees: &'a Trees) {
    writer.text(b"recordings");
    writer.list(trees.recordings.len());
    for id in &trees.recordings {
        writer.bytes(id);
    }

    writer.text(b"processes");
    writer.list(trees.processes.len());
    for process in &trees.processes {
        write_process(writer, process);
    }

    writer.text(b"functions");
    writer.list(trees.functions.len());
    for function in &trees.functions {
        write_function(writer, function);
    }

    writer.text(b"threads");
    writer.list(trees.threads.len());
    for thread in &trees.threads {
        writer.dict();
        int(writer, b"process", thread.process);
        text(writer, b"name", &thread.name);
        write_nodes(writer, &thread.nodes);
        if !thread.class_calls.is_empty() {
            writer.text(b"class_calls");
            writer.bytes_of(thread.class_calls.iter().map(|value| value.to_le_bytes()));
        }
        if !thread.overhead_ps.is_empty() {
            writer.text(b"overhead_ps");
            writer.bytes_of(thread.overhead_ps.iter().map(|value| value.to_le_bytes()));
        }
        if !thread.folded.is_empty() {
            write_folded(writer, &thread.folded);
        }
        writer.end_dict();
    }

    if !trees.selection.is_empty() {
        text(writer, b"selection", trees.selection.as_bytes());
    }
    if !trees.ran_in.is_empty() {
        writer.text(b"thread_names");
        writer.list(trees.thread_names.len());
        for name in &trees.thread_names {
            writer.text(name);
        }
        write_ran_in(writer, &trees.ran_in);
    }
}

fn write_ran_in(writer: &mut Writer<'_>, ran_in: &[RanIn]) {
    type Figure = fn(&RanIn) -> u32;
    let columns: [(&[u8], Figure); 3] = [
        (b"ran_function", |ran| ran.function),
        (b"ran_thread", |ran| ran.thread),
        (b"ran_processes", |ran| ran.processes),
    ];
    for (key, figure) in columns {
        writer.text(key);
        writer.bytes_of(ran_in.iter().map(|ran| figure(ran).to_le_bytes()));
    }
}

fn write_process<'a>(writer: &mut Writer<'a>, process: &'a Process) {
    writer.dict();
    let identity = &process.identity;
    int(writer, b"pid", identity.pid);
    int(writer, b"parent_pid", process.parent_pid);
    int(writer, b"process_start", identity.start);
    writer.text(b"boot_id");
    writer.bytes(&identity.boot_id);
    int(writer, b"pid_namespace", identity.pid_namespace);
    int(writer, b"program", identity.program);
    writer.text(b"argv");
    writer.list(process.argv.len());
    for argument in &process.argv {
        writer.text(argument);
    }
    text(writer, b"host", &process.host);
    text(writer, b"hook", &process.hook);
    text(writer, b"clock", &process.clock);
    writer.text(b"clock_resolution_ns");
    writer.float(process.clock_resolution_ns);
    int(writer, b"start_unix_ns", process.start_unix_ns);
    int(writer, b"duration_ns", process.duration_ns);
    int(writer, b"ending", process.ending as u8);
    int(writer, b"dropped_calls", process.dropped_calls);
    if let Some(calibration) = process.calibration {
        writer.text(b"calibration_ps");
        writer.tuple(CALIBRATION_NUMBERS);
        for number in calibration.numbers() {
            writer.int(number.into());
        }
    }
    writer.end_dict();
}

fn write_function<'a>(writer: &mut Writer<'a>, function: &'a Function) {
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

fn write_nodes(writer: &mut Writer<'_>, nodes: &Nodes) {
    for (key, column) in [
        (&b"parent"[..], nodes.parents()),
        (b"function", nodes.kinds()),
    ] {
        writer.text(key);
        writer.bytes_of(column.iter().map(|value| value.to_le_bytes()));
    }
    for (key, column) in [
        (&b"calls"[..], nodes.calls()),
        (b"resumes", nodes.resumes()),
        (b"total", nodes.totals()),
    ] {
        writer.text(key);
        writer.bytes_of(column.iter().map(|value| value.to_le_bytes()));
    }
}

fn write_folded(writer: &mut Writer<'_>, folded: &[FoldedFunction]) {
    writer.text(b"folded_function");
    writer.bytes_of(folded.iter().map(|figures| figures.function.to_le_bytes()));
    type Figure = fn(&FoldedFunction) -> u64;
    let columns: [(&[u8], Figure); 3] = [
        (b"folded_calls", |figures| figures.calls),
        (b"folded_resumes", |figures| figures.resumes),
        (b"folded_self", |figures| figures.self_time),
    ];
    for (key, figure) in columns {
        writer.text(key);
        writer.bytes_of(folded.iter().map(|figures| figure(figures).to_le_bytes()));
    }
}

fn int<'a>(writer: &mut Writer<'a>, key: &'a [u8], value: impl Into<i128>) {
    writer.text(key);
    writer.int(value.into());
}

fn text<'a>(writer: &mut Writer<'a>, key: &'a [u8], value: &'a [u8]) {
    writer.text(key);
    writer.text(value);
}
