//! The frames of a tree with the roles of their functions.

use crate::analysis::display_tree::DisplayTree;
use crate::report::roles::Role;

/// A tree, and the role of each of its functions.
pub(super) struct Frames {
    pub(super) tree: DisplayTree,
    pub(super) roles: Vec<Role>,
}
