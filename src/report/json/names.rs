//! Functions as JSON, in the same form in every command.

use serde_json::{Value, json};

use crate::model::{Function, Label, function_id};
use crate::report::display::{function_name, printable, short_name};

/// Returns the id of a function: 16 hexadecimal digits, the same in all reports of all runs.
pub fn id(label: &Label) -> String {
    format!("{:016x}", function_id(label))
}

/// Returns an object with `id`, `name`, `module`, `file` and `line`.
pub fn named(function: &Function) -> Value {
    json!({
        "id": id(&function.label),
        "name": function_name(function),
        "module": printable(&function.module),
        "file": printable(&function.label.file),
        "line": function.label.line,
    })
}

/// Returns the same of a function of which perhaps only the label is known.
pub(super) fn named_by_label(label: &Label, function: Option<&Function>) -> Value {
    match function {
        Some(function) => named(function),
        None => json!({
            "id": id(label),
            "name": short_name(&label.name),
            "module": "",
            "file": printable(&label.file),
            "line": label.line,
        }),
    }
}

/// Returns an object of `command`, to which more is added.
pub fn of_command(command: &str) -> Value {
    json!({"edbprof_json": 1, "command": command})
}

/// Adds the entries of `more` to `object`.
pub fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
