//! Places of the frames of a differential flame graph.

use crate::analysis::diff::{PathChange, PathChanges};
use crate::model::NO_PARENT;

/// Narrower frames, as a share of the width, are left out.
const LEAST: f64 = 0.001;
/// Levels that are drawn.
const MAX_LEVELS: usize = 200;

/// One frame.
#[derive(Debug)]
pub(super) struct Placed {
    /// Index of the path.
    pub(super) path: usize,
    /// 0 for the uppermost.
    pub(super) level: usize,
    /// Left edge, nanoseconds from the graph's.
    pub(super) start: f64,
    /// Width, nanoseconds.
    pub(super) total: f64,
}

/// Frames of one of the two graphs.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) frames: Vec<Placed>,
    pub(super) levels: usize,
    /// Width, nanoseconds.
    pub(super) total: f64,
}

impl Graph {
    /// Places the paths after, and those that are gone.
    pub(super) fn both(changes: &PathChanges) -> [Graph; 2] {
        let paths = &changes.paths;
        let mut children = vec![Vec::new(); paths.len()];
        let mut roots = Vec::new();
        let mut gone = Vec::new();
        for (at, path) in paths.iter().enumerate() {
            let parent = paths.get(path.parent as usize);
            match is_gone(path) && !parent.is_some_and(is_gone) {
                true => gone.push(at),
                false if path.parent == NO_PARENT => roots.push(at),
                false => children[path.parent as usize].push(at),
            }
        }
        let after: fn(&PathChange) -> f64 = |path| path.after.total_ns;
        let before: fn(&PathChange) -> f64 = |path| path.before.total_ns;
        let [upper, lower] = [(&roots, after), (&gone, before)];
        let width = |(roots, of): (&Vec<usize>, fn(&PathChange) -> f64)| -> f64 {
            roots.iter().map(|&root| of(&paths[root])).sum()
        };
        let least = width(upper).max(width(lower)) * LEAST;
        [upper, lower].map(|(roots, of)| {
            let mut graph = Graph {
                total: width((roots, of)),
                ..Graph::default()
            };
            graph.place(paths, roots, &children, of, least);
            graph
        })
    }

    fn place(
        &mut self,
        paths: &[PathChange],
        roots: &[usize],
        children: &[Vec<usize>],
        width: fn(&PathChange) -> f64,
        least: f64,
    ) {
        let mut open = vec![(roots, 0, 0.0)];
        while let Some((siblings, level, mut start)) = open.pop() {
            let wide = siblings.iter().copied();
            let wide = wide.filter(|&path| width(&paths[path]) > least);
            let mut wide: Vec<_> = wide.collect();
            wide.sort_by(|&a, &b| width(&paths[b]).total_cmp(&width(&paths[a])));
            for path in wide {
                let total = width(&paths[path]);
                self.frames.push(Placed {
                    path,
                    level,
                    start,
                    total,
                });
                self.levels = self.levels.max(level + 1);
                if level + 1 < MAX_LEVELS {
                    open.push((&children[path], level + 1, start));
                }
                start += total;
            }
        }
    }
}

/// Returns true if nothing takes this path after.
fn is_gone(path: &PathChange) -> bool {
    path.after == Default::default() && path.before != Default::default()
}
