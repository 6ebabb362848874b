//! The function table of a recording: from the host's keys to names.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::model::{Function, FunctionKind};

/// A function, with a fact that only the recorder needs.
#[derive(Debug)]
pub(crate) struct FunctionEntry {
    pub(crate) function: Function,
    /// True for a part of the profiler itself, which is removed from the tree when it is saved.
    pub(crate) hidden: bool,
}

/// Functions in order of first sight, found by key.
#[derive(Debug, Default)]
pub(crate) struct FunctionTable {
    entries: Vec<FunctionEntry>,
    by_key: HashMap<u64, u32, FixedState>,
}

impl FunctionTable {
    /// Index of the function that the host names `key`.
    pub(crate) fn find(&self, key: u64) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    /// Returns true if the function at `index` is the profiler's own.
    pub(crate) fn is_hidden(&self, index: u32) -> bool {
        let entry = self.entries.get(index as usize);
        entry.is_none_or(|entry| entry.hidden)
    }

    /// Returns true if the interpreter runs the function at `index`.
    pub(crate) fn is_python(&self, index: u32) -> bool {
        let entry = self.entries.get(index as usize);
        entry.is_some_and(|entry| entry.function.kind == FunctionKind::Python)
    }

    /// Adds a function under `key`. A known key keeps its function, because nodes refer to it.
    /// Returns false when there is no memory, or there are 2^32 functions.
    pub(crate) fn define(&mut self, key: u64, entry: FunctionEntry) -> bool {
        if self.by_key.contains_key(&key) {
            return true;
        }
        let Ok(index) = u32::try_from(self.entries.len()) else {
            return false;
        };
        if self.entries.try_reserve(1).is_err() || self.by_key.try_reserve(1).is_err() {
            return false;
        }
        self.entries.push(entry);
        self.by_key.insert(key, index);
        true
    }

    /// All functions in order of their indices.
    pub(crate) fn entries(&self) -> &[FunctionEntry] {
        &self.entries
    }
}
