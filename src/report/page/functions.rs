//! The functions of the page, and the part that each has in the program.

use std::collections::HashMap;

use crate::analysis::display_tree::DisplayTree;
use crate::model::{Function, Label, NodeKind, Process};
use crate::report::View;
use crate::report::paths::{CodeOrigin, PathShortener, origin};
use crate::report::roles::{Role, roles};

/// Parts that functions have in the program: the enum `Role` of page/src/data/profile.ts.
pub(super) const OWN: u8 = 0;
pub(super) const LIBRARY: u8 = 1;
pub(super) const BUILTIN: u8 = 2;
const IMPORT: u8 = 3;
const PROCESS: u8 = 4;
const THREAD: u8 = 5;
pub(super) const OTHER: u8 = 6;

/// Functions of the page: those of the tree, and one for collapsed calls.
pub(super) struct Functions {
    /// For each function of the tree the one that is shown for it.
    indices: Vec<u32>,
    roles: Vec<u8>,
}

impl Functions {
    /// Collects the functions of `view`. An estimated one whose label a recorded one has is the
    /// same function.
    pub(super) fn of(view: &View<'_>) -> Functions {
        let tree = view.tree();
        let recorded = view.profile.shown_trees().kinds.len();
        let mut known: HashMap<&Label, u32> = HashMap::new();
        let mut indices: Vec<u32> = (0..tree.functions.len() as u32).collect();
        for (index, function) in tree.functions.iter().enumerate() {
            let first = *known.entry(&function.label).or_insert(index as u32);
            if index >= recorded {
                indices[index] = first;
            }
        }
        Functions {
            indices,
            roles: page_roles(view),
        }
    }

    /// Collects the functions of a comparison, those from `others` on being no functions; the
    /// nodes of `tree` call them in `processes`.
    pub(super) fn compared(tree: &DisplayTree, others: usize, processes: &[Process]) -> Functions {
        let labels = tree.functions.iter().map(|function| &function.label);
        let paths = PathShortener::new(labels);
        let roles = roles(tree, processes, &paths).into_iter();
        let roles = roles.zip(&tree.functions).enumerate();
        let roles = roles.map(|(index, (role, function))| match index < others {
            true => page_role(role, function),
            false => OTHER,
        });
        Functions {
            indices: (0..tree.functions.len() as u32).collect(),
            roles: roles.collect(),
        }
    }

    /// Functions for a tree of `number` functions that are the program's own.
    #[cfg(test)]
    pub(super) fn plain(number: usize) -> Functions {
        Functions {
            indices: (0..number as u32).collect(),
            roles: vec![OWN; number],
        }
    }

    /// Number of functions, the one for collapsed calls included.
    pub(super) fn len(&self) -> usize {
        self.indices.len() + 1
    }

    /// Index in the page of the tree's function `kind`.
    pub(super) fn index(&self, kind: u32) -> u32 {
        self.indices[kind as usize]
    }

    /// Part that each function of the tree has in the program.
    pub(super) fn roles(&self) -> &[u8] {
        &self.roles
    }

    /// Index of the function for collapsed calls.
    pub(super) fn collapsed(&self) -> u32 {
        self.indices.len() as u32
    }
}

fn page_roles(view: &View<'_>) -> Vec<u8> {
    let tree = view.tree();
    let trees = view.profile.shown_trees();
    let paths = view.paths();
    let roles = roles(tree, &trees.processes, &paths);
    let one = |(index, (role, function)): (usize, (Role, &Function))| match trees.kinds.get(index) {
        Some(NodeKind::Process(_) | NodeKind::MergedProcesses) => PROCESS,
        Some(NodeKind::Thread { .. } | NodeKind::MergedThreads) => THREAD,
        Some(NodeKind::Overflow | NodeKind::Excluded | NodeKind::Forked { .. }) => OTHER,
        _ => page_role(role, function),
    };
    let roles = roles.into_iter().zip(&tree.functions).enumerate();
    roles.map(one).collect()
}

fn page_role(role: Role, function: &Function) -> u8 {
    match role {
        Role::Import => IMPORT,
        Role::Own | Role::Started => OWN,
        _ if origin(&function.label) == CodeOrigin::Builtin => BUILTIN,
        Role::Launcher | Role::Library | Role::Machinery | Role::Waiting => LIBRARY,
    }
}
