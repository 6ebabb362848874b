//! The `speedscope` format, for <https://www.speedscope.app>: the call tree as openings
//! and closings of frames.
//!
//! Frames of the tree are laid beside each other, so the 'time order' view is no
//! timeline; all widths are exact. What was recorded and what is estimated are two
//! profiles of one file. The format, version 0.0.1:
//! <https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts>

use super::display::{function_name, printable};
use super::paths::{CodeOrigin, origin};
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
            profiles.push(profile(&frames, false, "recorded call paths"));
        }
        if estimated(true) {
            profiles.push(profile(&frames, true, "estimated call paths"));
        }
        let functions: Vec<_> = frames.functions.iter().map(frame).collect();
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

fn frame(function: &Function) -> Value {
    let name = function_name(function);
    match origin(&function.label) {
        CodeOrigin::Builtin => json!({ "name": name }),
        _ => json!({
            "name": name,
            "file": printable(&function.label.file),
            "line": function.label.line,
        }),
    }
}

/// The paths of `frames` that are estimates, or that are not. Written piece by piece,
/// since there are as many as a million.
fn profile(frames: &DisplayTree, estimated: bool, name: &str) -> String {
    let nodes = &frames.nodes;
    let mut events = String::new();
    // Where the frame begins that comes next, and where those that are open end.
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
