//! The `speedscope` format, for <https://www.speedscope.app>: the call tree as openings
//! and closings of frames.
//!
//! Frames of the tree are placed beside each other, so the 'time order' view is no timeline. All
//! widths are exact. Recorded stacks and estimated stacks are two profiles of one file. The format,
//! version 0.0.1: <https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts>

use super::display::{function_name, printable};
use super::paths::{CodeOrigin, PathShortener, origin};
use super::{Error, Report, View};
use crate::analysis::display_tree::DisplayTree;
use crate::analysis::merge_siblings::merge_siblings;
use crate::model::Function;
use crate::model::walk::{Step, walk};
use serde_json::{Value, json};

/// One file for speedscope.
#[derive(Clone, Copy, Debug)]
pub struct Speedscope;

impl Report for Speedscope {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let frames = merge_siblings(view.tree());
        let estimated = |is: bool| frames.estimated.contains(&is);
        let mut profiles = Vec::new();
        if estimated(false) || !estimated(true) {
            profiles.push(profile(
                &frames,
                false,
                "recorded call paths, not in order of time",
            ));
        }
        if estimated(true) {
            profiles.push(profile(
                &frames,
                true,
                "estimated call paths, not in order of time",
            ));
        }
        let paths = view.paths();
        let functions = frames.functions.iter();
        let functions: Vec<_> = functions.map(|function| frame(function, &paths)).collect();
        let text = format!(
            "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\
             \"exporter\":\"edbprof {}\",\"name\":{},\"activeProfileIndex\":0,\
             \"shared\":{{\"frames\":{}}},\"profiles\":[{}]}}\n",
            env!("CARGO_PKG_VERSION"),
            Value::from(view.title()),
            Value::from(functions),
            profiles.join(",\n"),
        );
        Ok(Some(text.into_bytes()))
    }
}

fn frame(function: &Function, paths: &PathShortener) -> Value {
    let name = name_with_module(function, paths);
    match origin(&function.label) {
        CodeOrigin::Builtin => json!({ "name": name }),
        _ => json!({
            "name": name,
            "file": printable(&function.label.file),
            "line": function.label.line,
        }),
    }
}

/// Returns the function's name behind that of its module: the recorded one, or the one that its
/// file would have.
fn name_with_module(function: &Function, paths: &PathShortener) -> String {
    let name = function_name(function);
    if origin(&function.label) == CodeOrigin::Builtin {
        return name;
    }
    let module = match &*function.module {
        b"" | b"__main__" => {
            let file = paths.short(&function.label.file);
            let stem = file.strip_suffix(".py").unwrap_or(&file);
            stem.strip_suffix("/__init__")
                .unwrap_or(stem)
                .replace('/', ".")
        }
        module => printable(module),
    };
    match name.as_str() {
        "<module>" => format!("<module> {module}"),
        _ => format!("{module}.{name}"),
    }
}

/// Returns the paths of `frames` that are estimates, or that are not. They are written piece by
/// piece, because there may be a million.
fn profile(frames: &DisplayTree, estimated: bool, name: &str) -> String {
    let nodes = &frames.nodes;
    let mut events = String::new();
    // Start of the next frame, and ends of the open ones.
    let mut at = 0_u64;
    let mut ends = Vec::new();
    walk(nodes, |step| {
        let (Step::Enter(node) | Step::Leave(node)) = step;
        // Estimates have trees of their own.
        if frames.estimated[node as usize] != estimated {
            return;
        }
        let kind = match step {
            Step::Enter(_) => {
                ends.push(at.saturating_add(nodes.totals()[node as usize]));
                "O"
            }
            Step::Leave(_) => {
                at = ends.pop().unwrap_or(at);
                "C"
            }
        };
        let comma = if events.is_empty() { "" } else { "," };
        let frame = nodes.kinds()[node as usize];
        events.push_str(&format!(
            "{comma}{{\"type\":\"{kind}\",\"frame\":{frame},\"at\":{at}}}"
        ));
    });
    format!(
        "{{\"type\":\"evented\",\"name\":\"{name}\",\"unit\":\"nanoseconds\",\
         \"startValue\":0,\"endValue\":{at},\"events\":[{events}]}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionKind, Label};

    #[test]
    fn names_have_modules() {
        for (file, module, name, expected) in [
            ("/app/a/b.py", "a.b", "f", "a.b.f"),
            ("/app/a/b.py", "", "f", "a.b.f"),
            ("/app/a/b.py", "__main__", "<module>", "<module> a.b"),
            ("/app/a/__init__.py", "", "<module>", "<module> a"),
            (
                "~",
                "builtins",
                "<built-in method builtins.len>",
                "builtins.len",
            ),
        ] {
            let function = Function {
                kind: FunctionKind::Python,
                flags: 0,
                label: Label {
                    file: file.as_bytes().into(),
                    line: 1,
                    name: name.as_bytes().into(),
                },
                qualified_name: Box::default(),
                module: module.as_bytes().into(),
                generic: None,
            };
            let root = Label {
                file: b"/app/x.py"[..].into(),
                line: 1,
                name: Box::default(),
            };
            let paths = PathShortener::new([&root]);
            assert_eq!(name_with_module(&function, &paths), expected, "{file}");
        }
    }
}
