//! Adds up ticks in one word, whose sign says if the stopwatch is running.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::recorder::atomic::AtomicI64;

/// Starting subtracts the current tick, stopping adds it. So the word is negative while the
/// stopwatch runs: ticks begin at 1, and those measured before are fewer than any later tick. One
/// store commits a start or a stop. The owning thread starts and stops it; any thread may read it.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct Stopwatch(AtomicI64);

impl Stopwatch {
    /// Starts it at tick `now`, which the thread has stored before as the tick of its latest event.
    #[inline]
    pub(crate) fn start(&self, now: u64) {
        // Load and store, not fetch_sub: one writer, so no locked instruction.
        let ticks = self.0.load(Relaxed).wrapping_sub(now as i64);
        self.0.store(ticks, Release);
    }

    /// Stops it at tick `now`, stored before as in [`Stopwatch::start`].
    #[inline]
    pub(crate) fn stop(&self, now: u64) {
        let ticks = self.0.load(Relaxed).wrapping_add(now as i64);
        self.0.store(ticks, Release);
    }

    /// Returns true if it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.0.load(Acquire) < 0
    }

    /// Returns the ticks measured. While it runs, they count up to the tick that `latest` returns,
    /// which is that of the thread's latest event, or later.
    pub(crate) fn read(&self, latest: impl Fn() -> u64) -> u64 {
        let mut ticks = self.0.load(Acquire);
        while ticks < 0 {
            // `latest` is not before the start, because that tick was stored first.
            let latest = latest();
            let again = self.0.load(Acquire);
            if again == ticks {
                // Nor is it after a stop, because the stopwatch ran all the while.
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
