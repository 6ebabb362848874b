//! Decides after which calls a recording is saved.

use std::io;
use std::sync::atomic::Ordering::Relaxed;

use super::{Recording, SaveOptions, Shared};
use crate::clock;

/// Writing may take a hundredth of the time that was recorded.
const SHARE_OF_TIME: u64 = 100;

/// Nodes up to which a recording with a live file is saved after calls, which takes a few
/// milliseconds. The caller waits for a save. A larger recording is safe in its live file anyway.
const MOST_NODES: u32 = 8192;

/// Result of [`Recording::count_call`] and [`Recording::call_ended`].
#[derive(Debug)]
pub(crate) enum AutosaveOutcome {
    /// A save is due. [`Recording::call_ended`] has saved.
    Due,
    /// No save is due yet.
    NotDue,
    /// Either of the above, but no live file keeps the recording any longer, for this reason.
    /// Reported once.
    LiveFileLost(String),
}

/// Facts from which the decision to save after a call is made.
#[derive(Debug, Default)]
pub(crate) struct SavePolicy {
    outermost_calls: u64,
    /// Tick of the wall clock at which the recording began.
    began: u64,
    /// Ticks that all writing took.
    pub(super) written_for: u64,
    /// Options of the latest save of the recording's own file, if the process was at its end
    /// then, and the number of [`Shared::events`].
    pub(super) final_save: Option<(SaveOptions, u64)>,
    /// True if the recording is saved at the end of the process, whatever its host does until then.
    pub(super) is_saved_at_exit: bool,
    /// True if the latest save of that file has failed, so that only the live file has the
    /// recording.
    pub(super) has_failed: bool,
    /// True while a thread saves.
    pub(super) is_saving: bool,
}

impl SavePolicy {
    /// The policy of a forked child, which has saved nothing yet.
    pub(crate) fn of_child(&self) -> SavePolicy {
        SavePolicy {
            is_saved_at_exit: self.is_saved_at_exit,
            ..SavePolicy::default()
        }
    }

    /// Notes that the recording begins now.
    pub(crate) fn begin(&mut self) {
        self.began = clock::wall().now();
    }

    fn may_write(&self, now: u64) -> bool {
        let recorded_for = now.saturating_sub(self.began);
        self.written_for.saturating_mul(SHARE_OF_TIME) <= recorded_for
    }

    /// Tick of the wall clock from which on [`SavePolicy::may_write`] is true.
    pub(super) fn may_write_from(&self) -> u64 {
        let wanted = self.written_for.saturating_mul(SHARE_OF_TIME);
        self.began.saturating_add(wanted)
    }
}

impl Recording {
    /// Counts an outermost call that has ended. A save is due after every `every`-th such call (0:
    /// never), as long as all writing took under a hundredth of the recorded time. No save is due
    /// while another thread saves, nor for a large recording that has a complete live file.
    pub(crate) fn count_call(&self, every: u64) -> AutosaveOutcome {
        let mut shared = self.lock();
        shared.saves.outermost_calls += 1;
        if shared.identity.is_none() {
            return AutosaveOutcome::NotDue;
        }
        let now = self.time_of_end(&shared);
        // Checked before the division, because it takes less time and is false more often.
        let may_be_due = every != 0
            && shared.saves.may_write(now)
            && shared.saves.outermost_calls % every == 0
            && !shared.saves.is_saving;
        let is_kept = shared.arena.used() > MOST_NODES && shared.backing.has_everything();
        if may_be_due && is_kept {
            let recorded_for = now.saturating_sub(shared.saves.began);
            // The live file may be full by then.
            let look_again = now.saturating_add(recorded_for / SHARE_OF_TIME);
            self.no_save_until.store(look_again, Relaxed);
        }
        let is_due = may_be_due && !is_kept;
        match (shared.backing.take_warning(), is_due) {
            (Some(warning), false) => AutosaveOutcome::LiveFileLost(warning),
            (Some(warning), true) => {
                // Reported after the next call, because a failure to save says more.
                shared.backing.warn_of(warning);
                AutosaveOutcome::Due
            }
            (None, true) => AutosaveOutcome::Due,
            (None, false) => AutosaveOutcome::NotDue,
        }
    }

    /// Counts an outermost call that has ended, and saves if that is due.
    ///
    /// # Errors
    /// Those of [`Recording::save`].
    pub(crate) fn call_ended(
        &self,
        every: u64,
        options: SaveOptions,
    ) -> io::Result<AutosaveOutcome> {
        let outcome = self.count_call(every);
        if !matches!(outcome, AutosaveOutcome::Due) {
            return Ok(outcome);
        }
        self.save(options)?;
        let warning = self.lock().backing.take_warning();
        Ok(warning.map_or(AutosaveOutcome::Due, AutosaveOutcome::LiveFileLost))
    }

    /// Returns false if [`Recording::call_ended`] would save nothing after a call whose latest
    /// event was `last` in its thread. Takes no lock and writes nothing, so that threads without
    /// a common lock do not wait for each other.
    pub(crate) fn save_may_be_due(&self, last: u64) -> bool {
        let now = match self.options.clock == clock::wall() {
            true => self.epoch.wrapping_add(last),
            false => clock::wall().now(),
        };
        self.no_save_until.load(Relaxed) <= now
    }

    /// Reading of the wall clock when a call ended just now.
    fn time_of_end(&self, shared: &Shared) -> u64 {
        match shared.threads.as_slice() {
            // The end was its latest event. Reading the clock takes a tenth of a decorated
            // call.
            [only] if self.options.clock == clock::wall() => {
                self.epoch.wrapping_add(only.thread.last())
            }
            _ => clock::wall().now(),
        }
    }
}
