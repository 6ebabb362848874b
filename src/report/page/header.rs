//! The texts of the page's data: functions, files, generic functions and remarks, as JSON.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::columns::Columns;
use super::exact::{Exact, ExactRow};
use super::functions::{BUILTIN, Functions, LIBRARY, OTHER, OWN};
use super::tasks::task_rows;
use crate::model::{Function, Label};
use crate::report::View;
use crate::report::display::{function_name, printable, short_name};
use crate::report::json::extend;
use crate::report::paths::{CodeOrigin, PathShortener, origin};

/// Version of the data, which page/src/data/profile.ts reads.
const VERSION: u32 = 1;

/// Returns the header of the data.
pub(super) fn header(
    view: &View<'_>,
    functions: &Functions,
    exact: &Exact,
    columns: &Columns,
    remarks: &[String],
) -> String {
    let tree = view.tree();
    let labels = tree.functions.iter().map(|function| &function.label);
    let paths = PathShortener::new(labels.chain(view.rows.labels()));
    let mut header = texts(
        tree.functions.iter().zip(functions.roles()),
        &exact.without_node,
        &paths,
        columns,
    );
    let more = json!({
        "title": view.title(),
        "remarks": remarks,
        "generics": generics(view, &paths),
        "tasks": task_rows(view, functions),
        "exact": exact.rows.iter().map(ExactRow::json).collect::<Vec<_>>(),
    });
    extend(&mut header, more);
    header.to_string()
}

/// Returns the parts of the header that follow from functions, the last of which have no node.
pub(super) fn texts<'a>(
    functions: impl Iterator<Item = (&'a Function, &'a u8)>,
    without_node: &'a [Label],
    paths: &PathShortener,
    columns: &Columns,
) -> Value {
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
    let files = files
        .paths
        .iter()
        .map(|path| json!({ "path": printable(path), "short": paths.short(path) }));
    json!({
        "version": VERSION,
        "nodes": columns.nodes,
        "estimated": columns.estimated,
        "functions": {
            "name": columns_of.names,
            "file": columns_of.files,
            "line": columns_of.lines,
            "role": columns_of.roles,
        },
        "files": files.collect::<Vec<_>>(),
        "generics": [],
        "tasks": [],
        "exact": [],
    })
}

#[derive(Default)]
struct FunctionColumns {
    names: Vec<String>,
    files: Vec<i64>,
    lines: Vec<i64>,
    roles: Vec<u8>,
}

impl FunctionColumns {
    fn push(&mut self, name: String, file: i64, label: &Label, role: u8) {
        self.names.push(name);
        self.files.push(file);
        self.lines.push(label.line);
        self.roles.push(role);
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
