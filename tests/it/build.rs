//! Small values of the crate's types, for tests.

use edbprof::analysis::display_tree::DisplayTree;
use edbprof::model::{Counts, Function, FunctionKind, Label, NodeRow, Nodes, Rows};

/// Returns the label of a function at `line` of `file`.
pub(crate) fn label(file: &str, line: i64, name: &str) -> Label {
    Label {
        file: file.as_bytes().into(),
        line,
        name: name.as_bytes().into(),
    }
}

/// Returns a Python function.
pub(crate) fn function(label: Label) -> Function {
    Function {
        kind: FunctionKind::Python,
        flags: 0,
        label,
        qualified_name: Box::default(),
        module: Box::default(),
        generic: None,
    }
}

/// Returns nodes of rows `(parent, function, calls, total)`.
pub(crate) fn nodes(rows: &[(u32, u32, u64, u64)]) -> Nodes {
    let rows = rows.iter().map(|&(parent, kind, calls, total)| NodeRow {
        parent,
        kind,
        calls,
        resumes: 0,
        total,
    });
    rows.collect()
}

/// Returns a tree of nodes `(parent, function, total)`, each called once. A function is a
/// name, or a file and a name with a space between.
pub(crate) fn display_tree(nodes: &[(u32, &str, u64)]) -> DisplayTree {
    let mut tree = DisplayTree::default();
    for &(parent, name, total) in nodes {
        let end_of_file = match name.starts_with('<') {
            true => name.find("> ").map(|end| end + 1),
            false => name.find(' '),
        };
        let (file, name) = match end_of_file {
            Some(end) => (&name[..end], &name[end + 1..]),
            None => ("/app/main.py", name),
        };
        let function = function(label(file, 3, name));
        let known = tree.functions.iter().position(|known| *known == function);
        let kind = known.unwrap_or(tree.functions.len()) as u32;
        if known.is_none() {
            tree.functions.push(function);
        }
        tree.nodes.push(NodeRow {
            parent,
            kind,
            calls: 1,
            resumes: 0,
            total,
        });
        tree.estimated.push(false);
    }
    tree
}

/// Returns rows of `(caller, callee, calls, self time, inclusive time)` of functions that
/// `label` names. Calls by nobody have an empty caller.
pub(crate) fn rows(edges: &[(&str, &str, i128, f64, f64)], label: impl Fn(&str) -> Label) -> Rows {
    let mut rows = Rows::default();
    for &(caller, callee, nc, tt, ct) in edges {
        let counts = Counts { cc: nc, nc, tt, ct };
        let id = rows.intern(&label(callee));
        rows.row_mut(id).counts.add(&counts);
        if !caller.is_empty() {
            let caller = rows.intern(&label(caller));
            rows.row_mut(id).callers.insert(caller, counts);
        }
    }
    rows
}
