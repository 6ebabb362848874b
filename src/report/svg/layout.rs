//! Places the frames of a flame graph: level by level, the widest child first. One frame at the
//! right end is for all that are not drawn.

use crate::analysis::display_tree::DisplayTree;
use crate::model::walk::Children;

/// Number of levels that are drawn. A recursion 50,000 deep would make a picture a million pixels
/// high.
pub(super) const MAX_LEVELS: usize = 400;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) content: Content,
    /// Left edge, nanoseconds from the graph's.
    pub(super) start: u64,
    /// Width, nanoseconds.
    pub(super) total: u64,
}

/// Content of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A node of the tree.
    Node {
        /// Index into the tree's columns.
        node: u32,
        /// Children that have a frame; they follow each other in the next level.
        children: u32,
        /// Frames that are not drawn, at the right end.
        rest: Rest,
    },
    /// Several nodes that have no frame of their own.
    Rest(Rest),
}

/// Children of one node that have no frame of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// Their time, nanoseconds.
    pub(super) total: u64,
    /// Number of functions.
    pub(super) functions: u32,
    /// Number of levels that the picture lacks above them.
    pub(super) deeper: u32,
}

/// The drawn part of one tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The frames of level 0 from left to right, then those of level 1, ...
    pub(super) frames: Vec<Placed>,
    /// Position in `frames` at which each level begins.
    pub(super) levels: Vec<usize>,
    /// Number of nodes of level 0, and the frames that are not drawn beside them.
    pub(super) roots: (u32, Rest),
}

impl Layout {
    /// Places all nodes of `tree` whose total is at least `least` nanoseconds; `heights` are those
    /// of the whole tree.
    pub(super) fn new(tree: &DisplayTree, heights: &[u32], least: u64) -> Self {
        let mut layout = Layout::default();
        let children = Children::of(&tree.nodes);
        let least = least.max(1);
        layout.roots = layout.place(tree, heights, children.roots(), 0, least, false);
        let mut level = 0..layout.frames.len();
        while !level.is_empty() {
            layout.levels.push(level.start);
            let last = layout.levels.len() == MAX_LEVELS;
            for at in level.clone() {
                let Placed { content, start, .. } = layout.frames[at];
                if let Content::Node { node, .. } = content {
                    let siblings = children.under(node);
                    let (children, rest) =
                        layout.place(tree, heights, siblings, start, least, last);
                    layout.frames[at].content = Content::Node {
                        node,
                        children,
                        rest,
                    };
                }
            }
            level = level.end..layout.frames.len();
        }
        layout
    }

    /// Appends the frames of `siblings`. Returns the number of nodes among them, and the rest.
    fn place(
        &mut self,
        tree: &DisplayTree,
        heights: &[u32],
        siblings: &[u32],
        mut start: u64,
        least: u64,
        last: bool,
    ) -> (u32, Rest) {
        let total = |node: u32| tree.nodes.totals()[node as usize];
        let mut rest = Rest::default();
        let mut wide = Vec::new();
        for &node in siblings {
            if total(node) >= least && !last {
                wide.push(node);
                continue;
            }
            rest.total = rest.total.saturating_add(total(node));
            rest.functions += 1;
            if total(node) >= least {
                rest.deeper = rest.deeper.max(1 + heights[node as usize]);
            }
        }
        // Equal ones by label, so that the same tree always gives the same picture.
        let label = |node: u32| {
            let function = tree.nodes.kinds()[node as usize];
            &tree.functions[function as usize].label
        };
        wide.sort_by(|&a, &b| total(b).cmp(&total(a)).then_with(|| label(a).cmp(label(b))));
        let nodes = wide.iter().map(|&node| {
            let content = Content::Node {
                node,
                children: 0,
                rest: Rest::default(),
            };
            (content, total(node))
        });
        let collapsed = (rest.total > 0).then_some((Content::Rest(rest), rest.total));
        for (content, total) in nodes.chain(collapsed) {
            self.frames.push(Placed {
                content,
                start,
                total,
            });
            start = start.saturating_add(total);
        }
        (wide.len() as u32, rest)
    }

    /// The frames of each level.
    pub(super) fn by_level(&self) -> impl Iterator<Item = &[Placed]> {
        let ends = self.levels.iter().skip(1).copied();
        let ends = ends.chain([self.frames.len()]);
        let starts = self.levels.iter().copied();
        starts
            .zip(ends)
            .map(|(start, end)| &self.frames[start..end])
    }

    /// The nodes that have a frame, with their children and what follows these.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, u32, Rest)> {
        self.frames.iter().filter_map(|frame| match frame.content {
            Content::Node {
                node,
                children,
                rest,
            } => Some((node as usize, children, rest)),
            Content::Rest(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NO_PARENT;
    use crate::report::svg::tests::tree;

    fn layout(tree: &DisplayTree, least: u64) -> Layout {
        Layout::new(tree, &tree.heights(), least)
    }

    #[test]
    fn children_lie_above_their_parent_widest_first_and_the_rest_last() {
        let tree = tree(&[
            (NO_PARENT, "main", 100),
            (0, "small", 5),
            (0, "wide", 60),
            (2, "leaf", 60),
            (0, "tiny", 1),
            (0, "less", 2),
            (NO_PARENT, "other", 100),
        ]);
        let layout = layout(&tree, 3);
        let node = |node, start, children, rest| Placed {
            content: Content::Node {
                node,
                children,
                rest,
            },
            start,
            total: tree.nodes.totals()[node as usize],
        };
        let (none, rest) = (
            Rest::default(),
            Rest {
                total: 3,
                functions: 2,
                deeper: 0,
            },
        );
        let collapsed = Placed {
            content: Content::Rest(rest),
            start: 65,
            total: 3,
        };
        assert_eq!(
            layout.frames,
            [
                node(0, 0, 2, rest),
                node(6, 100, 0, none),
                node(2, 0, 1, none),
                node(1, 60, 0, none),
                collapsed,
                node(3, 0, 0, none),
            ]
        );
        assert_eq!(layout.levels, [0, 2, 5]);
        assert_eq!(layout.roots, (2, none));
    }

    #[test]
    fn what_is_too_deep_is_one_frame() {
        let chain: Vec<_> = (0..MAX_LEVELS as u32 + 7)
            .map(|node| (node.checked_sub(1).unwrap_or(NO_PARENT), "f", 10))
            .collect();
        let layout = layout(&tree(&chain), 0);
        assert_eq!(layout.frames.len(), MAX_LEVELS + 1);
        let rest = Rest {
            total: 10,
            functions: 1,
            deeper: 7,
        };
        assert_eq!(layout.frames[MAX_LEVELS].content, Content::Rest(rest));
    }

    #[test]
    fn an_empty_tree_has_no_levels() {
        let layout = layout(&DisplayTree::default(), 0);
        assert_eq!((layout.levels.len(), layout.frames.len()), (0, 0));
        assert_eq!(layout.by_level().count(), 0);
    }
}
