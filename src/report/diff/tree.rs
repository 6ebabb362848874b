//! Differences on call paths, as an indented tree.

use super::sentence::{sentence, signed_duration};
use super::{Limits, Names};
use crate::analysis::diff::PathChanges;
use crate::model::NO_PARENT;

/// Deepest indentation, levels: deeper paths would have no room for their names.
const DEEPEST: usize = 40;

/// Returns the paths that changed most, below the paths that lead to them.
pub fn tree(changes: &PathChanges, names: &Names, limits: Limits) -> String {
    let paths = &changes.paths;
    let change = |path: usize| {
        let function = &changes.functions[paths[path].function as usize];
        paths[path].as_change(function)
    };
    let mut changed: Vec<_> = (0..paths.len())
        .map(|path| (path, change(path)))
        .filter(|(_, change)| change.calls() != 0.0 || change.self_ns() != 0.0)
        .collect();
    changed.sort_by(|a, b| limits.order.compare(&a.1, &b.1).then(a.0.cmp(&b.0)));
    let rest = changed.len().saturating_sub(limits.lines);
    let mut is_shown = vec![false; paths.len()];
    let mut is_chosen = vec![false; paths.len()];
    for (path, _) in changed.iter().take(limits.lines) {
        is_chosen[*path] = true;
        let mut next = *path as u32;
        while next != NO_PARENT && !is_shown[next as usize] {
            is_shown[next as usize] = true;
            next = paths[next as usize].parent;
        }
    }
    let mut children = vec![Vec::new(); paths.len()];
    let mut roots = Vec::new();
    for (path, change) in paths.iter().enumerate().filter(|(path, _)| is_shown[*path]) {
        match change.parent {
            NO_PARENT => roots.push(path),
            parent => children[parent as usize].push(path),
        }
    }
    if roots.is_empty() {
        return "No call path's calls or times differ.\n".to_owned();
    }
    let by_total = |siblings: &mut Vec<usize>| {
        siblings.sort_by(|&a, &b| {
            let size = |path: usize| change(path).total_ns().abs();
            size(a).total_cmp(&size(b)).then(b.cmp(&a))
        });
    };
    let mut text = String::new();
    by_total(&mut roots);
    let mut open: Vec<(usize, usize)> = roots.into_iter().map(|path| (path, 0)).collect();
    while let Some((first, depth)) = open.pop() {
        let mut chain = vec![first];
        let mut path = first;
        while let (false, &[child]) = (is_chosen[path], &children[path][..]) {
            chain.push(child);
            path = child;
        }
        let change = change(path);
        let named = chain.iter().map(|&path| {
            let function = paths[path].function as usize;
            names.name(&changes.functions[function])
        });
        text.push_str(&format!(
            "{:indent$}{}: total {}; self {}\n",
            "",
            joined(&named.collect::<Vec<_>>()),
            signed_duration(change.total_ns()),
            sentence(&change),
            indent = 2 * depth.min(DEEPEST),
        ));
        let mut below = std::mem::take(&mut children[path]);
        by_total(&mut below);
        open.extend(below.into_iter().map(|child| (child, depth + 1)));
    }
    if rest > 0 {
        text.push_str(&format!(
            "{rest} call paths differ less; --limit=0 shows all\n"
        ));
    }
    text
}

/// Returns callers and callees that have nothing beside them, as one line.
fn joined(names: &[String]) -> String {
    match names {
        [first, between @ .., last] if between.len() > 1 => {
            format!("{first} > ({} frames) > {last}", between.len())
        }
        names => names.join(" > "),
    }
}
