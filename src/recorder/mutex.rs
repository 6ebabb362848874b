//! Mutex of the recorder: std's, except under ThreadSanitizer (`--cfg edbprof_tsan`).
//!
//! Std is compiled without the sanitizer, which then misses that a contended lock was taken, and
//! reports races of the values that the lock protects. The replacement has the same interface, and
//! all of its atomic operations are compiled with the crate.

#[cfg(not(edbprof_tsan))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(edbprof_tsan)]
pub(crate) use traced::{Mutex, MutexGuard};

#[cfg(edbprof_tsan)]
mod traced {
    use std::cell::UnsafeCell;
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{LockResult, TryLockError, TryLockResult};

    /// Mutex that yields the processor until it is free. It is never poisoned.
    #[derive(Debug)]
    pub(crate) struct Mutex<T> {
        locked: AtomicBool,
        value: UnsafeCell<T>,
    }

    /// Access to the value of a locked [`Mutex`].
    pub(crate) struct MutexGuard<'a, T>(&'a Mutex<T>);

    // SAFETY: a guard exists for one thread at a time, so threads only hand the value on.
    unsafe impl<T: Send> Sync for Mutex<T> {}

    impl<T> Mutex<T> {
        /// Makes a free mutex around `value`.
        pub(crate) const fn new(value: T) -> Mutex<T> {
            Mutex {
                locked: AtomicBool::new(false),
                value: UnsafeCell::new(value),
            }
        }

        /// Waits until no other thread has the lock, and takes it.
        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            loop {
                if let Ok(guard) = self.try_lock() {
                    return Ok(guard);
                }
                std::thread::yield_now();
            }
        }

        /// Takes the lock if it is free.
        pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
            if self.locked.swap(true, Ordering::Acquire) {
                return Err(TryLockError::WouldBlock);
            }
            Ok(MutexGuard(self))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: this guard alone has access while it exists.
            unsafe { &*self.0.value.get() }
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: this guard alone has access while it exists, and it is borrowed alone.
            unsafe { &mut *self.0.value.get() }
        }
    }

    impl<T> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            self.0.locked.store(false, Ordering::Release);
        }
    }
}
