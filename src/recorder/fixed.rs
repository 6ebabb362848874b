//! A box that may be moved while raw pointers into it are in use.
//!
//! `Box` claims to be the only way to its content, and moving it makes that claim
//! anew: pointers taken before are then invalid by Rust's aliasing rules.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

/// Owns a value at one address until it is dropped; gives it out shared only.
pub(crate) struct Fixed<T>(NonNull<T>);

// SAFETY: owns its value and gives out shared references, as a `Box` behind a shared
// reference would.
unsafe impl<T: Send + Sync> Send for Fixed<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Fixed<T> {}

impl<T> Fixed<T> {
    /// Puts `value` where it stays.
    pub(crate) fn new(value: T) -> Fixed<T> {
        Fixed(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The address; valid until the owner is dropped.
    pub(crate) fn address(&self) -> NonNull<T> {
        self.0
    }
}

impl<T> Deref for Fixed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value lives until `drop`, and no `&mut` to it is made before.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Fixed<T> {
    fn drop(&mut self) {
        // SAFETY: leaked from a Box in `new`, taken back once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: fmt::Debug> fmt::Debug for Fixed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
