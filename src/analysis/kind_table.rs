//! Tables of functions and kinds that grow as nodes of a new tree need them.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

use crate::model::{Function, NodeKind, Occurrence, ThreadTree, Trees};

/// Functions and kinds without duplicates.
#[derive(Default)]
pub(super) struct KindTable {
    functions: Interned<Function>,
    kinds: Interned<NodeKind>,
    /// The index of each kind of the trees that this table is made from.
    known: Vec<Option<u32>>,
}

impl KindTable {
    /// Returns the index of `kind`, new if it was not seen before. A function in it must be
    /// one of this table.
    pub(super) fn kind(&mut self, kind: NodeKind) -> u32 {
        self.kinds.id(&kind)
    }

    /// Returns the index of the kind of calls of `function`.
    pub(super) fn function(&mut self, function: &Function) -> u32 {
        let function = self.functions.id(function);
        self.kind(NodeKind::Function(function))
    }

    /// Returns the index of the item of `kind` in `trees`, which must be the same trees in each
    /// call. Trees have many nodes of few kinds, so each kind is looked up once.
    pub(super) fn same(&mut self, trees: &Trees, kind: u32) -> u32 {
        self.known.resize(trees.kinds.len(), None);
        if let Some(known) = self.known[kind as usize] {
            return known;
        }
        let id = match trees.function(kind) {
            Some(function) => self.function(function),
            None => self.kinds.id(&trees.kinds[kind as usize]),
        };
        self.known[kind as usize] = Some(id);
        id
    }

    /// Returns the functions and the kinds by their indices.
    pub(super) fn into_parts(self) -> (Vec<Function>, Vec<NodeKind>) {
        (self.functions.items, self.kinds.items)
    }

    /// Returns `trees` with `threads`, which index this table, in place of their own. Empty
    /// threads are left out.
    pub(super) fn into_trees(self, trees: &Trees, mut threads: Vec<ThreadTree>) -> Trees {
        threads.retain(|thread| !thread.is_empty());
        // Known of an aggregate's kinds only. For those that stay in part, this is the most
        // that it may be.
        let occurrences = trees.occurrences.iter().filter_map(|occurrence| {
            let kind = self.find(trees, occurrence.kind)?;
            Some(Occurrence {
                kind,
                ..*occurrence
            })
        });
        Trees {
            occurrences: occurrences.collect(),
            functions: self.functions.items,
            kinds: self.kinds.items,
            threads,
            recordings: trees.recordings.clone(),
            processes: trees.processes.clone(),
            selection: trees.selection.clone(),
            thread_names: trees.thread_names.clone(),
        }
    }

    fn find(&self, trees: &Trees, kind: u32) -> Option<u32> {
        let kind = match trees.function(kind) {
            Some(function) => &NodeKind::Function(*self.functions.ids.get(function)?),
            None => &trees.kinds[kind as usize],
        };
        self.kinds.ids.get(kind).copied()
    }
}

struct Interned<T> {
    items: Vec<T>,
    ids: HashMap<T, u32, RandomState>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Interned {
            items: Vec::new(),
            ids: HashMap::default(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    fn id(&mut self, item: &T) -> u32 {
        if let Some(&id) = self.ids.get(item) {
            return id;
        }
        let id = self.items.len() as u32;
        self.items.push(item.clone());
        self.ids.insert(item.clone(), id);
        id
    }
}
