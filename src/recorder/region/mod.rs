//! Address space that is committed from the front, in steps.
//!
//! Its content never moves, so a thread can keep pointers into it while another one commits
//! more.

#[cfg(miri)]
mod heap;
#[cfg(not(miri))]
mod mapped;

use std::ptr::NonNull;

#[cfg(miri)]
pub(crate) use heap::Region;
#[cfg(not(miri))]
pub(crate) use mapped::Region;

/// Puts memory of its own under a region that grows.
#[cfg_attr(miri, allow(dead_code))]
pub(crate) trait Backing {
    /// Puts memory of its own over the `len` bytes at `start`, or leaves the system's there.
    ///
    /// # Safety
    /// * The bytes are whole pages of a region, and follow those of the call before.
    /// * Nobody uses them yet.
    unsafe fn extend(&mut self, start: NonNull<u8>, len: usize);
}

/// Leaves a region to the system's memory.
pub(crate) struct Unbacked;

impl Backing for Unbacked {
    unsafe fn extend(&mut self, _: NonNull<u8>, _: usize) {}
}
