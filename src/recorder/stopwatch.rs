//! Ticks that add up, in one word: whether they run at the moment is in the sign.

use std::sync::atomic::{
    AtomicI64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Starting subtracts the tick, stopping adds it: negative while it runs, for what it
/// has measured before is less than any later tick, the first being 1. One store
/// commits either. The owning thread starts and stops it, any may read it.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct Stopwatch(AtomicI64);

impl Stopwatch {
    /// Runs from tick `now` on, which the thread has stored as that of its latest
    /// event before.
    #[inline]
    pub(crate) fn start(&self, now: u64) {
        // Load and store, not fetch_sub: one writer, so no locked instruction.
        let ticks = self.0.load(Relaxed).wrapping_sub(now as i64);
        self.0.store(ticks, Release);
    }

    /// Stands from tick `now` on, stored before as in [`Stopwatch::start`].
    #[inline]
    pub(crate) fn stop(&self, now: u64) {
        let ticks = self.0.load(Relaxed).wrapping_add(now as i64);
        self.0.store(ticks, Release);
    }

    /// What it has measured, while it runs up to the tick that `latest` gives: that of
    /// the thread's latest event, or later.
    pub(crate) fn read(&self, latest: impl Fn() -> u64) -> u64 {
        let mut ticks = self.0.load(Acquire);
        while ticks < 0 {
            // Not before it was started, for that was stored first.
            let latest = latest();
            let again = self.0.load(Acquire);
            if again == ticks {
                // Nor after it was stopped: it ran all the while.
                return ticks.wrapping_add(latest as i64).max(0) as u64;
            }
            ticks = again;
        }
        ticks as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_says_whether_it_runs() {
        let watch = Stopwatch::default();
        let runs = || watch.0.load(Relaxed) < 0;
        assert!(!runs());
        watch.start(10);
        assert!(runs());
        assert_eq!(watch.read(|| 25), 15);
        watch.stop(30);
        assert!(!runs());
        assert_eq!(watch.read(|| 99), 20);
        watch.start(40);
        assert!(runs());
        watch.stop(45);
        assert_eq!(watch.read(|| 99), 25);
    }
}
