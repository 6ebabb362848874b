//! Adds up dispatch counts.

use std::sync::Arc;

use crate::model::DispatchCounts;

/// Adds `more` to `counts`.
pub fn add(counts: &mut DispatchCounts, more: &DispatchCounts) {
    for (generic, callers) in more {
        let sums = counts.entry(Arc::clone(generic)).or_default();
        for (caller, implementations) in callers {
            let sums = sums.entry(Arc::clone(caller)).or_default();
            for (implementation, &calls) in implementations {
                let sum = sums.entry(Arc::clone(implementation)).or_default();
                *sum = sum.saturating_add(calls);
            }
        }
    }
}
