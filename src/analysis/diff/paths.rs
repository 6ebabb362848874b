//! Changes on call paths: the display trees of both sides as one tree.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Change, Diff, Figures};
use crate::analysis::display_tree::DisplayTree;
use crate::model::{Function, NO_PARENT};

/// One call path on both sides.
#[derive(Clone, Debug)]
pub struct PathChange {
    /// Index of the caller's path, or `NO_PARENT`.
    pub parent: u32,
    /// Index into [`PathChanges::functions`].
    pub function: u32,
    /// Figures before; zeros if nothing took this path.
    pub before: Figures,
    /// Figures after; zeros if nothing takes this path.
    pub after: Figures,
}

impl PathChange {
    /// Returns this path's figures as those of a function.
    pub fn as_change(&self, function: &Function) -> Change {
        let known = |figures: Figures| (figures != Figures::default()).then_some(figures);
        Change {
            before: known(self.before),
            after: known(self.after),
            ..Change::new(function, &[], &[])
        }
    }
}

/// All call paths of both sides, callers before their callees.
#[derive(Debug, Default)]
pub struct PathChanges {
    /// Functions that paths end in.
    pub functions: Vec<Function>,
    /// The paths.
    pub paths: Vec<PathChange>,
}

impl PathChanges {
    /// Compares the call paths of the runs of two sides, before and after, which `diff` has compared
    /// already.
    pub fn new(diff: &Diff, sides: [Vec<DisplayTree>; 2]) -> PathChanges {
        let mut builder = Builder {
            diff,
            changes: PathChanges {
                functions: diff
                    .functions()
                    .iter()
                    .map(|change| change.function.clone())
                    .collect(),
                paths: Vec::new(),
            },
            others: HashMap::new(),
            callees: Callees::default(),
            last: 0,
        };
        for (side, trees) in sides.into_iter().enumerate() {
            let runs = trees.len();
            // Each tree is freed once it is added.
            for tree in trees {
                builder.add(side, runs, &tree);
            }
        }
        builder.changes
    }
}

impl PathChanges {
    /// Returns the time of all paths before, nanoseconds.
    pub fn whole_before(&self) -> f64 {
        self.paths.iter().map(|path| path.before.self_ns).sum()
    }

    /// Returns the time of all paths after, nanoseconds.
    pub fn whole_after(&self) -> f64 {
        self.paths.iter().map(|path| path.after.self_ns).sum()
    }
}

struct Builder<'d> {
    diff: &'d Diff,
    changes: PathChanges,
    /// Frames that are no functions, by their names.
    others: HashMap<Box<[u8]>, u32>,
    callees: Callees,
    /// The path that was requested last.
    last: usize,
}

impl Builder<'_> {
    fn add(&mut self, side: usize, runs: usize, tree: &DisplayTree) {
        let functions: Vec<u32> = tree
            .functions
            .iter()
            .map(|function| self.function(side, function))
            .collect();
        let self_times = tree.nodes.self_times();
        let more = tree.nodes.len().saturating_sub(self.changes.paths.len());
        self.changes.paths.reserve(more);
        self.callees.reserve(more);
        let mut paths: Vec<u32> = Vec::with_capacity(tree.nodes.len());
        let is_waiting_compared = self.diff.has_waiting == [true; 2];
        for ((node, row), self_ns) in (0..).zip(tree.nodes.rows()).zip(self_times) {
            let parent = match row.parent {
                NO_PARENT => NO_PARENT,
                parent => paths[parent as usize],
            };
            let path = self.path(parent, functions[row.kind as usize]);
            paths.push(path);
            let path = &mut self.changes.paths[path as usize];
            let figures = match side {
                0 => &mut path.before,
                _ => &mut path.after,
            };
            let runs = runs as f64;
            figures.calls += row.calls as f64 / runs;
            figures.primitive_calls += row.calls as f64 / runs;
            figures.self_ns += self_ns as f64 / runs;
            figures.total_ns += row.total as f64 / runs;
            if is_waiting_compared {
                figures.waiting_ns += tree.waits.get(node).total() as f64 / runs;
            }
        }
    }

    fn function(&mut self, side: usize, function: &Function) -> u32 {
        if let Some(id) = self.diff.sides[side].find(&function.label) {
            return self.diff.match_of[side][id as usize];
        }
        let new = self.changes.functions.len() as u32;
        let id = *self
            .others
            .entry(function.label.name.clone())
            .or_insert(new);
        if id == new {
            self.changes.functions.push(function.clone());
        }
        id
    }

    fn path(&mut self, parent: u32, function: u32) -> u32 {
        // Both sides have much the same paths in the same order, so the next one usually needs no
        // search.
        self.last += 1;
        let next = self.changes.paths.get(self.last);
        if next.is_some_and(|next| (next.parent, next.function) == (parent, function)) {
            return self.last as u32;
        }
        let new = self.changes.paths.len() as u32;
        let id = self.callees.find_or_add(parent, function, new);
        if id == new {
            self.changes.paths.push(PathChange {
                parent,
                function,
                before: Figures::default(),
                after: Figures::default(),
            });
        }
        self.last = id as usize;
        id
    }
}

/// Number of a caller's callees that are in a list. Further ones are in a table, where finding
/// takes several times as long.
const LISTED: usize = 16;

/// Finds the path of a callee below the path of its caller.
#[derive(Default)]
struct Callees {
    /// First path in the list of each caller, or `NO_PARENT`. That of the roots comes first.
    first: Vec<u32>,
    /// Function of each path, and the next path in the list that it is in, or `NO_PARENT`.
    paths: Vec<(u32, u32)>,
    /// Paths that are in no list, by caller and function.
    unlisted: HashMap<(u32, u32), u32, RandomState>,
}

impl Callees {
    fn reserve(&mut self, more: usize) {
        self.first.reserve(more + 1);
        self.paths.reserve(more);
    }

    /// Returns the path of `function` below `caller`: `new`, the next index, if there was none.
    fn find_or_add(&mut self, caller: u32, function: u32, new: u32) -> u32 {
        if self.first.is_empty() {
            self.first.push(NO_PARENT);
        }
        // `NO_PARENT` becomes 0.
        let list = caller.wrapping_add(1) as usize;
        let (mut last, mut next) = (NO_PARENT, self.first[list]);
        for _ in 0..LISTED {
            if next == NO_PARENT {
                match last {
                    NO_PARENT => self.first[list] = new,
                    last => self.paths[last as usize].1 = new,
                }
                self.add(function);
                return new;
            }
            let (of, after) = self.paths[next as usize];
            if of == function {
                return next;
            }
            (last, next) = (next, after);
        }
        let id = *self.unlisted.entry((caller, function)).or_insert(new);
        if id == new {
            self.add(function);
        }
        id
    }

    fn add(&mut self, function: u32) {
        self.first.push(NO_PARENT);
        self.paths.push((function, NO_PARENT));
    }
}
