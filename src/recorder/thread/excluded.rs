//! Time that the recorder takes for itself in the middle of a call, such as making the live file.
//!
//! Such steps take milliseconds, which would be self time of the function that happens to be called
//! then. So the thread's clock is stopped meanwhile.

use super::{Home, Thread};
use crate::clock::Clock;

impl<H: Home> Thread<H> {
    /// Reading of the clock, for [`Thread::exclude_since`].
    pub(crate) fn reading(&self) -> u64 {
        self.clock.now()
    }

    /// Takes the time since the clock's reading `since` out of all calls. A clock of the host's own
    /// can't be read here, so it runs on.
    pub(crate) fn exclude_since(&self, since: u64) {
        if self.clock != Clock::Host {
            // Before the clock is read, because a wait in here belongs to no call either.
            self.begin_to_watch();
            let ticks = self.clock.now().wrapping_sub(since);
            // Counters of two processors differ by a little.
            if ticks as i64 > 0 {
                self.epoch.set(self.epoch.get().wrapping_add(ticks));
                self.root().exclude(ticks);
                self.note_excluded(ticks);
            }
        }
    }
}
