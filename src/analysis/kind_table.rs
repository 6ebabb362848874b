//! What the nodes of a tree that is being made stand for, each function and kind once.

use std::collections::HashMap;

use crate::model::{Function, NodeKind, Trees};

/// Functions and kinds, numbered in order of first use.
#[derive(Default)]
pub(super) struct KindTable {
    pub(super) functions: Vec<Function>,
    function_ids: HashMap<Function, u32>,
    pub(super) kinds: Vec<NodeKind>,
    kind_ids: HashMap<NodeKind, u32>,
}

impl KindTable {
    /// Index of `kind`, whose function is one of this table's.
    pub(super) fn kind(&mut self, kind: NodeKind) -> u32 {
        index_of(kind, &mut self.kinds, &mut self.kind_ids)
    }

    /// Index of the kind of calls of `function`.
    pub(super) fn function(&mut self, function: Function) -> u32 {
        let function = index_of(function, &mut self.functions, &mut self.function_ids);
        self.kind(NodeKind::Function(function))
    }

    /// Index of what is `kind` in `trees`.
    pub(super) fn same(&mut self, trees: &Trees, kind: u32) -> u32 {
        match trees.function(kind) {
            Some(function) => self.function(function.clone()),
            None => self.kind(trees.kinds[kind as usize].clone()),
        }
    }

    /// Index of that kind of `trees`, if it was used.
    pub(super) fn find(&self, trees: &Trees, kind: u32) -> Option<u32> {
        let kind = match trees.function(kind) {
            Some(function) => &NodeKind::Function(*self.function_ids.get(function)?),
            None => &trees.kinds[kind as usize],
        };
        self.kind_ids.get(kind).copied()
    }
}

fn index_of<T: Clone + Eq + std::hash::Hash>(
    item: T,
    items: &mut Vec<T>,
    ids: &mut HashMap<T, u32>,
) -> u32 {
    if let Some(&known) = ids.get(&item) {
        return known;
    }
    let new = items.len() as u32;
    items.push(item.clone());
    ids.insert(item, new);
    new
}
