//! Keeps the cost of recording for the files, and returns the figures from which a host measures
//! it.

use super::{Recording, Thread};
use crate::model::Calibration;

impl Recording {
    /// Keeps the costs that the host has measured.
    pub(crate) fn set_calibration(&self, calibration: Option<Calibration>) {
        let mut shared = self.lock();
        shared.calibration = calibration;
        let costs = calibration.unwrap_or_default();
        shared.backing.with_file(|file| file.set_calibration(costs));
    }

    /// Calls and resumes in the nodes of all threads.
    pub(crate) fn count_calls(&self) -> u64 {
        let shared = self.lock();
        let nodes = (0..shared.threads.len()).flat_map(|slot| shared.nodes(slot));
        // A root has another number in place of its calls.
        nodes
            .filter(|(index, node)| node.parent != *index)
            .map(|(_, node)| node.calls().saturating_add(node.resumes()))
            .fold(0, u64::saturating_add)
    }

    /// Inclusive ticks of all nodes that `thread`, the calling one's, has for `key`.
    pub(crate) fn ticks_of(&self, thread: &Thread, key: u64) -> u64 {
        let shared = self.lock();
        let nodes = shared.nodes(thread.shared().slot());
        nodes
            .filter(|(_, node)| node.key == key)
            .map(|(_, node)| node.total_at(|| thread.last()))
            .fold(0, u64::saturating_add)
    }
}
