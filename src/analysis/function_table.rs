//! A table of functions that grows as functions occur.

use std::collections::HashMap;

use crate::model::{Function, RanIn, ThreadTree, Trees};

/// Functions without duplicates.
#[derive(Default)]
pub(super) struct FunctionTable {
    functions: Vec<Function>,
    ids: HashMap<Function, u32>,
}

impl FunctionTable {
    /// Returns the index of `function`, new if it was not seen before.
    pub(super) fn id(&mut self, function: &Function) -> u32 {
        if let Some(&id) = self.ids.get(function) {
            return id;
        }
        let id = self.functions.len() as u32;
        self.functions.push(function.clone());
        self.ids.insert(function.clone(), id);
        id
    }

    /// Returns the functions by their indices.
    pub(super) fn into_functions(self) -> Vec<Function> {
        self.functions
    }

    /// Returns `trees` with `threads`, which index this table, in place of their own. Empty
    /// threads are left out.
    pub(super) fn into_trees(self, trees: &Trees, mut threads: Vec<ThreadTree>) -> Trees {
        threads.retain(|thread| !thread.is_empty());
        // Known of an aggregate's functions only. For those that stay in part, this is the
        // most that it may be.
        let occurrences = trees.ran_in.iter().filter_map(|occurrence| {
            let function = &trees.functions[occurrence.function as usize];
            let &function = self.ids.get(function)?;
            Some(RanIn {
                function,
                ..*occurrence
            })
        });
        Trees {
            ran_in: occurrences.collect(),
            functions: self.functions,
            threads,
            recordings: trees.recordings.clone(),
            processes: trees.processes.clone(),
            selection: trees.selection.clone(),
            thread_names: trees.thread_names.clone(),
        }
    }
}
