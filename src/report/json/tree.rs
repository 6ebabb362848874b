//! The heaviest part of the call tree as JSON.

use serde_json::{Value, json};

use super::names::{extend, named, of_command};
use super::waiting;
use crate::analysis::merge_siblings::merge_siblings;
use crate::model::NO_PARENT;
use crate::report::View;

/// Returns the `limit` nodes that took most time, each after its caller, and the number of nodes
/// that are left out. Nodes below `threshold`, a share of the whole, are left out, too.
pub fn tree(view: &View<'_>, threshold: f64, limit: usize) -> Value {
    let tree = merge_siblings(view.tree());
    let nodes = &tree.nodes;
    let whole = tree.whole();
    let least = (threshold * whole as f64).ceil() as u64;
    let mut chosen: Vec<u32> = (0..nodes.len() as u32).collect();
    chosen.retain(|&node| nodes.totals()[node as usize] >= least);
    // A caller takes at least as long as its callees and comes before them, so each node's caller
    // is kept.
    chosen.sort_by_key(|&node| (std::cmp::Reverse(nodes.totals()[node as usize]), node));
    chosen.truncate(limit);
    chosen.sort_unstable();
    let own = nodes.self_times();
    let mut places = vec![-1_i64; nodes.len()];
    let mut functions: Vec<Value> = Vec::new();
    let mut known = vec![None; tree.functions.len()];
    let mut shown = Vec::with_capacity(chosen.len());
    for (place, &node) in (0..).zip(&chosen) {
        let at = node as usize;
        let row = nodes.row(at);
        places[at] = place;
        let function = *known[row.kind as usize].get_or_insert_with(|| {
            functions.push(named(&tree.functions[row.kind as usize]));
            functions.len() - 1
        });
        shown.push(json!({
            "parent": match row.parent {
                NO_PARENT => -1,
                parent => places[parent as usize],
            },
            "function": function,
            "calls": row.calls,
            "resumes": row.resumes,
            "total_ns": row.total,
            "self_ns": own[at],
            "waiting": waiting(&tree.waits.get(node)),
            "estimated": tree.estimated[at],
        }));
    }
    let mut value = of_command("tree");
    let left_out = nodes.len() - shown.len();
    extend(
        &mut value,
        json!({
            "title": view.title(),
            "remarks": view.remarks(),
            "total_ns": whole,
            "functions": functions,
            "nodes": shown,
            "left_out": {"nodes": left_out, "below_ns": least},
        }),
    );
    value
}
