//! What recording costs: kept for the files, and what measuring it asks for.

use super::{Recording, Thread};
use crate::model::Calibration;
use crate::recorder::thread::made_nodes;

impl Recording {
    /// Keeps what the host has measured.
    pub(crate) fn set_calibration(&self, calibration: Option<Calibration>) {
        let mut shared = self.lock();
        shared.calibration = calibration;
        shared.backing.set_calibration(calibration);
    }

    /// Calls and resumes in the nodes of all threads.
    pub(crate) fn count_calls(&self) -> u64 {
        let shared = self.lock();
        let mut calls = 0_u64;
        for entry in &shared.threads {
            // SAFETY: the thread's own chunks in the recording's arena, under the lock
            // that chunks are added under.
            let made =
                unsafe { made_nodes(shared.arena.base(), &entry.chunks, entry.thread.next()) };
            // A root has other numbers in its place.
            for (_, node) in made.filter(|(index, node)| node.parent != *index) {
                calls = calls.saturating_add(node.calls().saturating_add(node.resumes()));
            }
        }
        calls
    }

    /// Inclusive ticks of all nodes that `thread`, the calling one's, has for `key`.
    pub(crate) fn ticks_of(&self, thread: &Thread, key: u64) -> u64 {
        let shared = self.lock();
        let state = thread.shared();
        let chunks = shared.chunks(state.slot());
        // SAFETY: as in `count_calls`.
        let made = unsafe { made_nodes(shared.arena.base(), chunks, state.next()) };
        made.filter(|(_, node)| node.key == key)
            .map(|(_, node)| node.total_at(|| thread.last()))
            .fold(0, u64::saturating_add)
    }
}
