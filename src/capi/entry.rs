//! The way in from C: pointers become references, and panics become statuses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::edbprof_status::{self, *};

/// Result of a function's body; the status says why there is no `T`.
pub(super) type Attempt<T = ()> = Result<T, edbprof_status>;

impl From<Attempt> for edbprof_status {
    fn from(attempt: Attempt) -> edbprof_status {
        attempt.map_or_else(|status| status, |()| EDBPROF_OK)
    }
}

/// A type that hosts know by pointers alone.
///
/// # Safety
/// * Every pointer to it that the library hands out is NULL or points to an `Object`.
pub(super) unsafe trait Handle {
    /// The type behind the pointers.
    type Object;
}

/// The object behind a handle. Each function below gives it to a closure that can't keep it.
///
/// # Safety
/// * `handle` is NULL, or the library has handed it out.
/// * The object is not freed while the result is used.
#[inline(always)]
unsafe fn object<'call, H: Handle>(handle: *const H) -> Attempt<&'call H::Object> {
    let object = handle.cast::<H::Object>();
    debug_assert!(object.is_aligned());
    // SAFETY: NULL or a pointer to an `Object` (contract of `Handle`) that is not freed.
    unsafe { object.as_ref() }.ok_or(EDBPROF_NULL_POINTER)
}

/// Calls `body` with the object behind a handle. `body` never panics: the hot path.
///
/// # Safety
/// * `handle` is NULL, or the library has handed it out.
/// * The object is not freed before `body` returns.
#[inline(always)]
pub(super) unsafe fn with_unguarded<H: Handle>(
    handle: *const H,
    body: impl FnOnce(&H::Object) -> edbprof_status,
) -> edbprof_status {
    // SAFETY: the contracts are the same, and `body` can't keep the reference.
    match unsafe { object(handle) } {
        Ok(object) => body(object),
        Err(status) => status,
    }
}

/// Calls `body` with the object behind a handle.
///
/// # Safety
/// * Those of [`with_unguarded`].
pub(super) unsafe fn with<H: Handle, R: Into<edbprof_status>>(
    handle: *const H,
    body: impl FnOnce(&H::Object) -> R,
) -> edbprof_status {
    // SAFETY: the contracts are the same.
    unsafe { with_unguarded(handle, |object| guarded(|| body(object))) }
}

/// Calls `body` with the object behind a handle. Returns `none` without an object.
///
/// # Safety
/// * Those of [`with_unguarded`].
pub(super) unsafe fn get<H: Handle, T>(
    handle: *const H,
    none: T,
    body: impl FnOnce(&H::Object) -> T,
) -> T {
    // SAFETY: the contracts are the same, and `body` can't keep the reference.
    guard(|| Ok(body(unsafe { object(handle) }?))).unwrap_or(none)
}

/// Calls `body` with the object behind a handle, and writes the result to `*out`; `none` if
/// there is no result.
///
/// # Safety
/// * Those of [`with_unguarded`].
/// * `out` is NULL or writable.
pub(super) unsafe fn make_with<H: Handle, T>(
    handle: *const H,
    out: *mut T,
    none: T,
    body: impl FnOnce(&H::Object) -> Attempt<T>,
) -> edbprof_status {
    // SAFETY: the contracts are the same, and `body` can't keep the reference.
    unsafe { make(out, none, || body(object(handle)?)) }
}

/// Writes the result of `body` to `*out`; `none` if there is no result.
///
/// # Safety
/// * `out` is NULL or writable.
pub(super) unsafe fn make<T>(
    out: *mut T,
    none: T,
    body: impl FnOnce() -> Attempt<T>,
) -> edbprof_status {
    if out.is_null() {
        return EDBPROF_NULL_POINTER;
    }
    debug_assert!(out.is_aligned());
    let (value, status) = match guard(body) {
        Ok(value) => (value, EDBPROF_OK),
        Err(status) => (none, status),
    };
    // SAFETY: not NULL, hence writable (contract).
    unsafe { out.write(value) };
    status
}

/// Runs `body`, and returns what [`guard`] makes of it as a status.
pub(super) fn guarded<R: Into<edbprof_status>>(body: impl FnOnce() -> R) -> edbprof_status {
    guard(|| Ok(body().into())).unwrap_or_else(|status| status)
}

/// Runs `body`; a panic in it becomes [`EDBPROF_INTERNAL_ERROR`].
pub(super) fn guard<T>(body: impl FnOnce() -> Attempt<T>) -> Attempt<T> {
    // State that a panic leaves half changed is behind locks whose poison is ignored, and
    // readers cope with each such state.
    let body = AssertUnwindSafe(|| {
        #[cfg(test)]
        defect::strike();
        body()
    });
    catch_unwind(body).unwrap_or(Err(EDBPROF_INTERNAL_ERROR))
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
        assert_eq!(
            guard::<()>(|| panic!("on purpose")),
            Err(EDBPROF_INTERNAL_ERROR)
        );
        assert_eq!(guard(|| Ok(7)), Ok(7));
    }
}
