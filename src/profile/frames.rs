//! The tree that pictures and terminal trees show: call trees with
//! singledispatch's wrappers taken out, joined by the estimate for inputs that
//! hold no tree.

use crate::format::trees::{Function, Nodes};

/// A call tree to be looked at. Totals are nanoseconds; the children of a node
/// never add up to more than the node.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// The function table that `nodes.function` indexes.
    pub functions: Vec<Function>,
    /// The tree, parents before children.
    pub nodes: Nodes,
    /// For each node: whether its place in the tree is an estimate (made from
    /// caller and callee pairs) and not recorded.
    pub estimated: Vec<bool>,
}
