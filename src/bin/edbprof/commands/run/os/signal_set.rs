//! Sets of signals.

use std::mem;
use std::os::raw::c_int;

/// A set of signals.
#[derive(Clone, Copy)]
pub(in crate::commands) struct SignalSet(pub(super) libc::sigset_t);

impl SignalSet {
    /// All signals.
    pub(in crate::commands) fn all() -> SignalSet {
        // SAFETY: all zeros are a valid set, and the call fills in the whole set.
        unsafe {
            let mut set = mem::zeroed();
            libc::sigfillset(&raw mut set);
            SignalSet(set)
        }
    }

    /// Returns the set of the signals `numbers`.
    pub(in crate::commands) fn of(numbers: &[c_int]) -> SignalSet {
        // SAFETY: all zeros are a valid set, and the calls change a valid set.
        unsafe {
            let mut set = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for &number in numbers {
                libc::sigaddset(&raw mut set, number);
            }
            SignalSet(set)
        }
    }

    /// Returns the signals that have arrived and were not taken yet.
    pub(in crate::commands) fn pending() -> SignalSet {
        let mut pending = SignalSet::of(&[]);
        // SAFETY: the call fills in a valid set.
        unsafe { libc::sigpending(&raw mut pending.0) };
        pending
    }

    /// Returns true if the set has the signal.
    pub(in crate::commands) fn has(&self, number: c_int) -> bool {
        // SAFETY: the set is valid; the call refuses invalid numbers.
        unsafe { libc::sigismember(&self.0, number) == 1 }
    }

    /// Adds the signal.
    pub(in crate::commands) fn add(&mut self, number: c_int) {
        // SAFETY: the set is valid; the call refuses invalid numbers.
        unsafe { libc::sigaddset(&raw mut self.0, number) };
    }

    /// Removes the signal.
    pub(in crate::commands) fn remove(&mut self, number: c_int) {
        // SAFETY: the set is valid; the call refuses invalid numbers.
        unsafe { libc::sigdelset(&raw mut self.0, number) };
    }
}
