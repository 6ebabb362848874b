//! Where each frame of a flame graph lies: level by level, the widest child
//! first, so that what was too small to draw is always at the right end.

use crate::format::trees::NO_PARENT;
use crate::profile::frames::Frames;
use crate::profile::walk::Children;

/// Levels that are drawn; what lies deeper is counted, not drawn. A recursion
/// 50,000 deep would make a picture a million pixels high.
pub(super) const MAX_LEVELS: usize = 400;

/// One drawn frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Index into the tree's columns.
    pub(super) node: u32,
    /// Left edge, nanoseconds from the graph's.
    pub(super) start: u64,
    /// Width, nanoseconds.
    pub(super) total: u64,
    /// What its children take that are not drawn, nanoseconds.
    pub(super) hidden: u64,
    /// Children that are drawn; they follow each other in the next level.
    pub(super) children: u32,
}

/// The drawn part of one tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The frames of level 0 from left to right, then those of level 1, ...
    pub(super) frames: Vec<Placed>,
    /// Where in `frames` each level begins.
    pub(super) levels: Vec<usize>,
    /// Frames that are wide enough but beyond [`MAX_LEVELS`].
    pub(super) too_deep: usize,
}

impl Layout {
    /// Places all nodes of `tree` whose total is at least `least` nanoseconds.
    pub(super) fn new(tree: &Frames, least: u64) -> Self {
        let mut layout = Layout::default();
        let children = Children::of(&tree.nodes);
        let least = least.max(1);
        let mut parents = vec![Placed::root()];
        let mut depth = 0;
        while !parents.is_empty() {
            let mut level = Vec::new();
            for parent in &mut parents {
                let mut start = parent.start;
                let siblings = match parent.node {
                    NO_PARENT => children.roots(),
                    node => children.under(node),
                };
                for node in widest_first(tree, siblings) {
                    let total = tree.nodes.total[node as usize];
                    if total < least {
                        parent.hidden = parent.hidden.saturating_add(total);
                        continue;
                    }
                    level.push(Placed {
                        node,
                        start,
                        total,
                        hidden: 0,
                        children: 0,
                    });
                    parent.children += 1;
                    start = start.saturating_add(total);
                }
                if depth == MAX_LEVELS {
                    parent.hidden = parent.hidden.saturating_add(start - parent.start);
                    parent.children = 0;
                }
            }
            if depth > 0 {
                layout.levels.push(layout.frames.len());
                layout.frames.append(&mut parents);
            }
            if depth == MAX_LEVELS {
                layout.too_deep = level.len();
                break;
            }
            parents = level;
            depth += 1;
        }
        layout
    }

    /// The frames of each level.
    pub(super) fn by_level(&self) -> impl Iterator<Item = &[Placed]> {
        let ends = self
            .levels
            .iter()
            .skip(1)
            .copied()
            .chain([self.frames.len()]);
        self.levels
            .iter()
            .zip(ends)
            .map(|(&start, end)| &self.frames[start..end])
    }

    /// How many frames have no parent.
    pub(super) fn roots(&self) -> usize {
        self.levels.get(1).copied().unwrap_or(self.frames.len())
    }
}

impl Placed {
    /// The invisible frame whose children are the tree's roots.
    fn root() -> Self {
        Placed {
            node: NO_PARENT,
            start: 0,
            total: 0,
            hidden: 0,
            children: 0,
        }
    }
}

/// `siblings` widest first, and equal ones by label, so that the same tree always
/// gives the same picture.
fn widest_first(tree: &Frames, siblings: &[u32]) -> Vec<u32> {
    let total = |node: u32| tree.nodes.total[node as usize];
    let label = |node: u32| {
        let function = tree.nodes.function[node as usize];
        &tree.functions[function as usize].label
    };
    let mut nodes = siblings.to_vec();
    nodes.sort_by(|&a, &b| total(b).cmp(&total(a)).then_with(|| label(a).cmp(label(b))));
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::tests::tree;

    #[test]
    fn children_lie_above_their_parent_widest_first() {
        let tree = tree(&[
            (NO_PARENT, "main", 100),
            (0, "small", 5),
            (0, "wide", 60),
            (2, "leaf", 60),
            (0, "tiny", 1),
            (NO_PARENT, "other", 100),
        ]);
        let layout = Layout::new(&tree, 2);
        let places: Vec<_> = layout
            .frames
            .iter()
            .map(|f| (f.node, f.start, f.total, f.hidden, f.children))
            .collect();
        assert_eq!(
            places,
            [
                (0, 0, 100, 1, 2),
                (5, 100, 100, 0, 0),
                (2, 0, 60, 0, 1),
                (1, 60, 5, 0, 0),
                (3, 0, 60, 0, 0)
            ]
        );
        assert_eq!(layout.levels, [0, 2, 4]);
        assert_eq!((layout.roots(), layout.too_deep), (2, 0));
    }

    #[test]
    fn what_is_too_deep_is_hidden_and_counted() {
        let chain: Vec<_> = (0..MAX_LEVELS as u32 + 7)
            .map(|node| (node.checked_sub(1).unwrap_or(NO_PARENT), "f", 10))
            .collect();
        let layout = Layout::new(&tree(&chain), 0);
        assert_eq!(layout.frames.len(), MAX_LEVELS);
        assert_eq!(layout.too_deep, 1);
        let last = layout.frames[MAX_LEVELS - 1];
        assert_eq!((last.hidden, last.children), (10, 0));
    }

    #[test]
    fn an_empty_tree_has_no_levels() {
        let layout = Layout::new(&Frames::default(), 0);
        assert_eq!((layout.levels.len(), layout.roots()), (0, 0));
        assert_eq!(layout.by_level().count(), 0);
    }
}
