//! Collapses the frames of libraries: of a call into a library the first frame is shown
//! and, below it, the program's functions that it calls back. All frames in between are one
//! line.

use std::collections::HashMap;

use crate::analysis::display_tree::{DisplayTree, DisplayTreeBuilder};
use crate::model::{Function, FunctionKind, NO_PARENT};
use crate::report::paths::{CodeOrigin, PathShortener, origin};

/// What stands in the column of functions for a run of library frames.
pub(super) const RUN: u32 = u32::MAX;
/// Modules that are named.
const NAMED: usize = 3;

/// Library frames that are shown as one.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// How many of at least the least total.
    pub(super) frames: usize,
    /// How many of less.
    pub(super) left_out: usize,
    /// Self time by module.
    modules: HashMap<String, u64>,
}

/// Runs by their nodes, whose function is [`RUN`].
pub(super) type Runs = HashMap<u32, Run>;

/// Returns `frames`, in which siblings are merged, with library frames collapsed if two or
/// more of at least `least` nanoseconds would be shown.
pub(super) fn collapse(
    frames: &DisplayTree,
    paths: &PathShortener,
    least: u64,
) -> (DisplayTree, Runs) {
    let nodes = &frames.nodes;
    let entries = entries(frames);
    let mut runs = runs(frames, &entries, paths, least);
    runs.retain(|_, run| run.frames > 1);
    let mut collapsed = DisplayTreeBuilder::new(frames);
    let mut placed: Vec<u32> = Vec::with_capacity(nodes.len());
    let mut collapsed_runs = Runs::new();
    for (node, &entry) in (0..).zip(&entries) {
        let parent = nodes.parents()[node as usize];
        let parent = placed.get(parent as usize).copied().unwrap_or(NO_PARENT);
        let is_collapsed = entry != node && runs.contains_key(&entry);
        let place = match is_collapsed {
            true => collapsed.child(placed[entry as usize], RUN),
            false => collapsed.child(parent, nodes.kinds()[node as usize]),
        };
        // What is below another frame of the run is in that one's figures.
        if place != parent {
            collapsed.add(place, node);
        }
        placed.push(place);
        if is_collapsed && !collapsed_runs.contains_key(&place) {
            let run = runs.get_mut(&entry).map(std::mem::take);
            collapsed_runs.insert(place, run.unwrap_or_default());
        }
    }
    (collapsed.finish(), collapsed_runs)
}

/// For each library frame that another one has called, the frame by which the library
/// was entered; for any other itself.
fn entries(frames: &DisplayTree) -> Vec<u32> {
    let nodes = &frames.nodes;
    let library: Vec<_> = frames.functions.iter().map(is_library).collect();
    let is_library = |node: u32| {
        let function = nodes.kinds().get(node as usize);
        function.is_some_and(|&function| library[function as usize])
    };
    let mut entries: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0..).zip(nodes.parents()) {
        let within = is_library(node) && is_library(parent);
        entries.push(if within {
            entries[parent as usize]
        } else {
            node
        });
    }
    entries
}

/// The library frames that lie below each entry; modules of those with `least`
/// nanoseconds.
fn runs(frames: &DisplayTree, entries: &[u32], paths: &PathShortener, least: u64) -> Runs {
    let nodes = &frames.nodes;
    let self_times = nodes.self_times();
    let mut runs = Runs::new();
    for (node, &entry) in (0..).zip(entries) {
        if entry == node {
            continue;
        }
        let at = node as usize;
        let run = runs.entry(entry).or_default();
        if nodes.totals()[at] < least {
            run.left_out += 1;
            continue;
        }
        run.frames += 1;
        let function = &frames.functions[nodes.kinds()[at] as usize];
        let time = run.modules.entry(module(function, paths)).or_default();
        *time = time.saturating_add(self_times[at]);
    }
    runs
}

impl Run {
    /// The modules with the most self time: `json, re`; builtins have none.
    pub(super) fn modules(&self) -> String {
        let mut modules: Vec<_> = self.modules.iter().collect();
        modules.retain(|(module, _)| !module.is_empty());
        modules.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let mut names: Vec<_> = modules.iter().map(|(module, _)| module.as_str()).collect();
        if names.is_empty() {
            return "builtins".to_owned();
        }
        if names.len() > NAMED {
            names.truncate(NAMED);
            names.push("…");
        }
        names.join(", ")
    }
}

/// Whether `function` is nothing that the program's authors have written. Spans of
/// native code were named by somebody who wants to see them; overflow calls may be of any.
fn is_library(function: &Function) -> bool {
    function.kind != FunctionKind::Native && origin(&function.label) != CodeOrigin::Program
}

/// The package or module that a library's file belongs to; nothing for builtins.
fn module(function: &Function, paths: &PathShortener) -> String {
    let short = paths.short(&function.label.file);
    let short = match short
        .strip_prefix("<frozen ")
        .and_then(|name| name.strip_suffix('>'))
    {
        Some(frozen) => frozen.split('.').next(),
        None => short.split(['/', '\\']).next(),
    };
    let name = short.unwrap_or_default();
    name.strip_suffix(".py").unwrap_or(name).to_owned()
}
