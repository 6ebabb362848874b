//! One node for each call path: siblings of one function, which stand beside each other
//! where several threads or processes were recorded, become one.

use super::frames::Frames;
use crate::model::NO_PARENT;
use crate::model::builder::TreeBuilder;

/// A tree of frames to which nodes are added; those of one function below one parent are
/// one node.
pub(crate) struct FramesBuilder<'f> {
    /// What the nodes are made of.
    from: &'f Frames,
    tree: TreeBuilder,
    estimated: Vec<bool>,
}

impl<'f> FramesBuilder<'f> {
    pub(crate) fn new(from: &'f Frames) -> Self {
        FramesBuilder {
            from,
            tree: TreeBuilder::new(),
            estimated: Vec::new(),
        }
    }

    /// The node of `function` below `parent`, new and with nothing in it if there was none.
    pub(crate) fn child(&mut self, parent: u32, function: u32) -> u32 {
        let node = self.tree.child(parent, function);
        self.estimated.resize(self.tree.len(), false);
        node
    }

    /// Adds the figures of `more`, one of the nodes that this one is made of.
    pub(crate) fn add(&mut self, node: u32, more: u32) {
        let (nodes, at) = (&self.from.nodes, more as usize);
        self.tree.add(
            node,
            nodes.calls()[at],
            nodes.resumes()[at],
            nodes.totals()[at],
        );
        self.estimated[node as usize] |= self.from.estimated[at];
    }

    /// The tree.
    pub(crate) fn finish(self) -> Frames {
        Frames {
            functions: self.from.functions.clone(),
            nodes: self.tree.finish(),
            estimated: self.estimated,
        }
    }
}

/// `frames` with siblings of one function joined. What was recorded and what is an
/// estimate stay apart, having functions of their own.
pub fn join(frames: &Frames) -> Frames {
    let nodes = &frames.nodes;
    let mut joined = FramesBuilder::new(frames);
    let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &function) in (0..).zip(nodes.kinds()) {
        let parent = nodes.parents()[node as usize];
        let parent = places.get(parent as usize).copied().unwrap_or(NO_PARENT);
        let place = joined.child(parent, function);
        joined.add(place, node);
        places.push(place);
    }
    joined.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nodes;

    #[test]
    fn siblings_of_one_function_become_one_and_their_children_too() {
        // 0 ─┬─ 1 ─── 2      0 ─── 1 ─── 2
        //    └─ 0
        let frames = Frames {
            functions: Vec::new(),
            nodes: Nodes::from_columns(
                [
                    vec![NO_PARENT, 0, 0, NO_PARENT, 1, 3, 5],
                    vec![0, 1, 0, 0, 2, 1, 2],
                ],
                [
                    vec![1, 2, 3, 4, 5, 6, 7],
                    vec![0, 0, 0, 0, 1, 0, 1],
                    vec![100, 50, 10, 30, 20, 20, u64::MAX],
                ],
            )
            .unwrap(),
            estimated: vec![false, false, false, false, false, false, true],
        };
        let joined = join(&frames);
        assert_eq!(joined.nodes.parents(), [NO_PARENT, 0, 0, 1]);
        assert_eq!(joined.nodes.kinds(), [0, 1, 0, 2]);
        assert_eq!(joined.nodes.calls(), [5, 8, 3, 12]);
        assert_eq!(joined.nodes.resumes(), [0, 0, 0, 2]);
        assert_eq!(joined.nodes.totals(), [130, 70, 10, u64::MAX]);
        assert_eq!(joined.estimated, [false, false, false, true]);
        assert_eq!(join(&joined).nodes, joined.nodes);
    }
}
