//! Differences on call paths, as an indented tree.

use std::collections::HashMap;

use super::sentence::{sentence, signed_duration};
use super::{Limits, Names};
use crate::analysis::diff::{Order, PathChange, PathChanges, by_name};
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
    let is_changed = |path: &PathChange| {
        let (was, is) = (&path.before, &path.after);
        was.calls != is.calls || was.self_ns != is.self_ns
    };
    let mut changed: Vec<usize> = (0..paths.len())
        .filter(|&path| is_changed(&paths[path]))
        .collect();
    let compare = |&a: &usize, &b: &usize| {
        let key = |path: usize| limits.order.key(&paths[path].before, &paths[path].after);
        let function = |path: usize| &changes.functions[paths[path].function as usize];
        Order::compare_keys(key(a), key(b))
            .then_with(|| by_name(function(a), function(b)))
            .then(a.cmp(&b))
    };
    let rest = changed.len().saturating_sub(limits.lines);
    if rest > 0 {
        changed.select_nth_unstable_by(limits.lines, compare);
        changed.truncate(limits.lines);
    }
    let mut is_shown = vec![false; paths.len()];
    let mut is_chosen = vec![false; paths.len()];
    for &path in &changed {
        is_chosen[path] = true;
        let mut next = path as u32;
        while next != NO_PARENT && !is_shown[next as usize] {
            is_shown[next as usize] = true;
            next = paths[next as usize].parent;
        }
    }
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (path, change) in paths.iter().enumerate().filter(|(path, _)| is_shown[*path]) {
        match change.parent {
            NO_PARENT => roots.push(path),
            parent => children.entry(parent as usize).or_default().push(path),
        }
    }
    if roots.is_empty() {
        return "No call path's calls or times differ.\n".to_owned();
    }
    let by_total = |siblings: &mut Vec<usize>| {
        siblings.sort_by(|&a, &b| {
            let size = |path: usize| {
                let (was, is) = (paths[path].before, paths[path].after);
                (is.total_ns - was.total_ns).abs()
            };
            size(a).total_cmp(&size(b)).then(b.cmp(&a))
        });
    };
    let mut text = String::new();
    by_total(&mut roots);
    let mut open: Vec<(usize, usize)> = roots.into_iter().map(|path| (path, 0)).collect();
    while let Some((first, depth)) = open.pop() {
        let mut chain = vec![first];
        let mut path = first;
        while !is_chosen[path]
            && let Some(&[child]) = children.get(&path).map(Vec::as_slice)
        {
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
        let mut below = children.remove(&path).unwrap_or_default();
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
