//! Keeps panics on this side of the boundary.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::edbprof_status::{self, *};

/// Runs `body`; a panic in it becomes [`EDBPROF_INTERNAL_ERROR`].
#[inline]
pub(super) fn guard(body: impl FnOnce() -> edbprof_status) -> edbprof_status {
    guard_or(EDBPROF_INTERNAL_ERROR, body)
}

/// Runs `body`; if it panics, returns `failed`.
#[inline]
pub(super) fn guard_or<T>(failed: T, body: impl FnOnce() -> T) -> T {
    // State that a panic leaves half changed is behind locks whose poison is ignored, and
    // readers cope with each such state.
    let body = AssertUnwindSafe(|| {
        #[cfg(test)]
        defect::strike();
        body()
    });
    catch_unwind(body).unwrap_or(failed)
}

/// A defect of the library, for tests.
#[cfg(test)]
pub(super) mod defect {
    use std::cell::Cell;

    thread_local!(static IS_PLANTED: Cell<bool> = const { Cell::new(false) });

    /// Makes the next guarded body of this thread panic.
    pub(in super::super) fn plant() {
        IS_PLANTED.set(true);
    }

    pub(super) fn strike() {
        assert!(!IS_PLANTED.take(), "on purpose");
    }
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
