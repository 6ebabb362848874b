//! Names the parts of a run that its history lacks.

use super::axis::Axis;
use crate::format::timeline::TimelineProcess;

/// Time of which the histories of some processes have nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Number of processes.
    pub processes: usize,
    /// Its earliest beginning, nanoseconds since the run's start.
    pub from_ns: u64,
    /// Its latest end.
    pub to_ns: u64,
}

/// Parts that are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The oldest calls were given up for later ones.
    pub given_up: Option<Gap>,
    /// There was no room for later calls.
    pub no_room: Option<Gap>,
    /// Number of processes of the run.
    pub processes: usize,
    /// Longest time for which a process's system was suspended, nanoseconds.
    pub suspended_ns: u64,
}

impl Missing {
    /// Returns what `processes` on `axis` lack.
    pub fn of(processes: &[TimelineProcess], axis: &Axis) -> Missing {
        let mut missing = Missing {
            processes: processes.len(),
            ..Missing::default()
        };
        for (number, of) in processes.iter().enumerate() {
            let at = |tick| axis.ns(number, tick);
            missing.suspended_ns = missing.suspended_ns.max(of.suspended_ns);
            if of.complete_from > 1 {
                widen(&mut missing.given_up, at(0), at(of.complete_from));
            }
            if of.complete_to < of.end {
                widen(&mut missing.no_room, at(of.complete_to), at(of.end));
            }
        }
        missing
    }

    /// Returns true if the history has every call.
    pub fn is_nothing(&self) -> bool {
        self.given_up.is_none() && self.no_room.is_none()
    }
}

fn widen(gap: &mut Option<Gap>, from_ns: u64, to_ns: u64) {
    let gap = gap.get_or_insert(Gap {
        from_ns,
        to_ns,
        ..Gap::default()
    });
    gap.processes += 1;
    gap.from_ns = gap.from_ns.min(from_ns);
    gap.to_ns = gap.to_ns.max(to_ns);
}
