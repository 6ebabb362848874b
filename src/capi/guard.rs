//! Keeps panics on this side of the boundary.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::edbprof_status::{self, *};

/// Runs `body`; a panic in it becomes [`EDBPROF_INTERNAL_ERROR`].
pub(super) fn guard(body: impl FnOnce() -> edbprof_status) -> edbprof_status {
    // What a panic may leave half done lies behind locks whose poison is ignored, and
    // every state of it is one that readers cope with.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(EDBPROF_INTERNAL_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guard(|| panic!("on purpose")), EDBPROF_INTERNAL_ERROR);
        assert_eq!(guard(|| EDBPROF_OK), EDBPROF_OK);
    }
}
