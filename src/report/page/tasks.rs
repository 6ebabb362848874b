//! The logical tree of coroutines: what `edbprof tree --tasks` shows.

use serde_json::{Value, json};

use super::functions::Functions;
use crate::analysis::merge_siblings::merge_siblings;
use crate::analysis::tasks::tasks;
use crate::model::Function;
use crate::model::walk::Children;
use crate::report::View;
use crate::report::machinery::is_event_loop;
use crate::report::roles::module;

/// Coroutines that the page has at most.
const MOST: usize = 10_000;

/// Returns the coroutines, callers before what they await; nothing if none ran.
pub(super) fn task_rows(view: &View<'_>, functions: &Functions) -> Vec<Value> {
    let tree = merge_siblings(view.tree());
    if tree.awaits.is_empty() {
        return Vec::new();
    }
    let paths = view.paths();
    let is_machinery = |function: &Function| is_event_loop(&module(function, &paths));
    let shown = tasks(&tree, is_machinery);
    let weight = |node: u32| {
        let awaiting = shown.awaits.get(node).unwrap_or_default().awaiting;
        awaiting.saturating_add(shown.nodes.totals()[node as usize])
    };
    let children = Children::of(&shown.nodes);
    let mut rows = Vec::new();
    // The next one is the last.
    let mut next: Vec<(u32, u32)> = Vec::new();
    let push = |next: &mut Vec<_>, siblings: &[u32], depth: u32| {
        let mut siblings = siblings.to_vec();
        siblings.sort_by_key(|&node| weight(node));
        next.extend(siblings.into_iter().map(|node| (node, depth)));
    };
    push(&mut next, children.roots(), 0);
    while let Some((node, depth)) = next.pop().filter(|_| rows.len() < MOST) {
        let row = shown.nodes.row(node as usize);
        let awaits = shown.awaits.get(node).unwrap_or_default();
        rows.push(json!({
            "depth": depth,
            "function": functions.index(row.kind),
            "starts": row.calls,
            "running": row.total,
            "awaiting": awaits.awaiting,
            "longest": awaits.longest_run,
        }));
        push(&mut next, children.under(node), depth + 1);
    }
    rows
}
