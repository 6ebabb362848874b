//! Ownership of a thread's handle, whose address the host has.

use std::ptr::NonNull;

use super::Thread;

/// Owns a handle at one address. The recording's lock protects the owner but not the handle,
/// which the thread that attached it uses without the lock.
#[derive(Debug)]
pub(super) struct Handle(NonNull<Thread>);

// SAFETY: owns a `Thread`, which is Send; gives it out by unsafe functions only.
unsafe impl Send for Handle {}

impl Handle {
    pub(super) fn new(thread: Thread) -> Handle {
        Handle(NonNull::from(Box::leak(Box::new(thread))))
    }

    /// Moves to the address of a handle that was detached, because the host may still have it.
    ///
    /// # Safety
    /// * Nobody has the address of this handle, and no thread uses `former` meanwhile.
    pub(super) unsafe fn take_address_of(&mut self, former: &mut Handle) {
        // SAFETY: both live until `drop`, and nobody has a reference to either (contract).
        unsafe { self.0.swap(former.0) };
        std::mem::swap(&mut self.0, &mut former.0);
    }

    /// Valid until the owner is dropped.
    pub(super) fn address(&self) -> NonNull<Thread> {
        self.0
    }

    /// # Safety
    /// * The calling thread has attached the handle, or no thread uses it meanwhile.
    pub(super) unsafe fn get(&self) -> &Thread {
        // SAFETY: it lives until `drop`, and is only ever shared.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: leaked from a Box in `new`, taken back once. Nobody uses a handle of a
        // recording that is freed, or of a thread that has ended.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
