//! The texts of the page's data: functions, files, generic functions and remarks.
//!
//! Texts of which there are few are in one JSON object. There may be many functions and files, so
//! these are in parts. The page reads the parts one by one, so that it never blocks for long.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::columns::Columns;
use super::exact::{Exact, ExactRow};
use super::functions::{BUILTIN, Functions, LIBRARY, OTHER, OWN};
use super::tasks::task_rows;
use super::varint::{push, push_signed};
use crate::model::{Function, Label};
use crate::report::View;
use crate::report::display::{function_name, printable, short_name};
use crate::report::json::extend;
use crate::report::paths::{CodeOrigin, PathShortener, origin};

/// Version of the data, which page/src/data/profile.ts reads.
const VERSION: u32 = 2;

/// Values of an array in JSON that the page reads at once.
const PART: usize = 1 << 14;

/// Beginning of the data.
pub(super) struct Header {
    pub(super) json: Value,
    /// Functions, files and exact rows.
    pub(super) parts: Vec<u8>,
}

/// Returns the beginning of the data.
pub(super) fn header(
    view: &View<'_>,
    functions: &Functions,
    exact: &Exact,
    columns: &Columns,
    remarks: &[String],
) -> Header {
    let tree = view.tree();
    let labels = tree.functions.iter().map(|function| &function.label);
    let paths = PathShortener::new(labels.chain(view.rows.labels()));
    let mut header = texts(
        tree.functions.iter().zip(functions.roles()),
        &exact.without_node,
        exact.rows.iter().map(ExactRow::json).collect(),
        &paths,
        columns,
    );
    let more = json!({
        "title": view.title(),
        "remarks": remarks,
        "generics": generics(view, &paths),
        "tasks": task_rows(view, functions),
    });
    extend(&mut header.json, more);
    header
}

/// Returns the header for functions, the last of which have no node. Exact figures of some
/// functions are function, calls, self time and total.
pub(super) fn texts<'a>(
    functions: impl Iterator<Item = (&'a Function, &'a u8)>,
    without_node: &'a [Label],
    exact: Vec<[Value; 4]>,
    paths: &PathShortener,
    columns: &Columns,
) -> Header {
    let mut files = Files::default();
    let mut columns_of = FunctionColumns::default();
    for (function, &role) in functions {
        columns_of.push(
            function_name(function),
            files.index(&function.label),
            &function.label,
            role,
        );
    }
    let collapsed = Function::stand_in("<collapsed>").label;
    columns_of.push("<collapsed>".to_owned(), -1, &collapsed, OTHER);
    for label in without_node {
        let role = match origin(label) {
            CodeOrigin::Program => OWN,
            CodeOrigin::Builtin => BUILTIN,
            CodeOrigin::Library | CodeOrigin::Standard => LIBRARY,
        };
        columns_of.push(short_name(&label.name), files.index(label), label, role);
    }
    let json = json!({
        "version": VERSION,
        "nodes": columns.nodes,
        "callers": columns.callers,
        "estimated": columns.estimated,
        "functions": columns_of.names.len(),
        "files": files.paths.len(),
        "exact": exact.len(),
        "generics": [],
        "tasks": [],
    });
    let mut parts = columns_of.bytes();
    let files = files.paths.iter();
    let files = files.flat_map(|path| [printable(path), paths.short(path)]);
    push_values(&mut parts, &files.map(Value::from).collect::<Vec<_>>());
    push_values(&mut parts, &exact.concat());
    Header { json, parts }
}

/// Appends `values` as arrays in JSON, each preceded by its length.
fn push_values(bytes: &mut Vec<u8>, values: &[Value]) {
    for part in values.chunks(PART) {
        let text = json!(part).to_string();
        push(bytes, text.len() as u64);
        bytes.extend(text.as_bytes());
    }
}

#[derive(Default)]
struct FunctionColumns {
    names: Vec<Value>,
    files: Vec<i64>,
    lines: Vec<i64>,
    roles: Vec<u8>,
}

impl FunctionColumns {
    fn push(&mut self, name: String, file: i64, label: &Label, role: u8) {
        self.names.push(name.into());
        self.files.push(file);
        self.lines.push(label.line);
        self.roles.push(role);
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_values(&mut bytes, &self.names);
        for column in [&self.files, &self.lines] {
            for &value in column {
                push_signed(&mut bytes, value);
            }
        }
        bytes.extend(&self.roles);
        bytes
    }
}

/// Files of functions, each once.
#[derive(Default)]
struct Files<'a> {
    paths: Vec<&'a [u8]>,
    indices: HashMap<&'a [u8], i64>,
}

impl<'a> Files<'a> {
    /// Returns the index of the file of `label`, or -1 for a builtin.
    fn index(&mut self, label: &'a Label) -> i64 {
        if origin(label) == CodeOrigin::Builtin {
            return -1;
        }
        let paths = &mut self.paths;
        *self.indices.entry(&label.file).or_insert_with(|| {
            paths.push(&label.file);
            paths.len() as i64 - 1
        })
    }
}

fn generics(view: &View<'_>, paths: &PathShortener) -> Vec<Value> {
    let text = |label: &Label| {
        let name = short_name(&label.name);
        match paths.location(label) {
            place if place.is_empty() => name,
            place => format!("{name} {place}"),
        }
    };
    let mut calls = Vec::new();
    for (generic, callers) in &view.profile.dispatch_counts() {
        for (caller, implementations) in callers {
            for (implementation, number) in implementations {
                calls.push(json!({
                    "generic": text(generic),
                    "caller": text(caller),
                    "implementation": text(implementation),
                    "calls": number,
                }));
            }
        }
    }
    calls
}
