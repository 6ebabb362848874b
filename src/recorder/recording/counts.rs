//! Numbers of calls by function.

use super::Recording;
use crate::model::Function;

impl Recording {
    /// Calls of each function so far, in the order of the function table; 0 for functions that
    /// are hidden or that `is_counted` rejects.
    pub(crate) fn calls_by_function(&self, is_counted: impl Fn(&Function) -> bool) -> Vec<u64> {
        let shared = self.lock();
        let mut calls = vec![0_u64; shared.functions.entries().len()];
        for (index, node) in (0..shared.threads.len()).flat_map(|slot| shared.nodes(slot)) {
            // A root has another number in place of its calls.
            if node.parent == index {
                continue;
            }
            if let Some(calls) = calls.get_mut(node.function() as usize) {
                *calls = calls.saturating_add(node.calls());
            }
        }
        for (calls, entry) in calls.iter_mut().zip(shared.functions.entries()) {
            if *calls > 0 && (entry.hidden || !is_counted(&entry.function)) {
                *calls = 0;
            }
        }
        calls
    }
}
