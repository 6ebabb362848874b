//! Text for the parts of a run that its history lacks.

use crate::analysis::timeline::missing::{Gap, Missing};
use crate::report::numbers::{counted, duration};

/// Shortest suspension that is named, nanoseconds. Smaller differences come from the readings of
/// two clocks.
const LEAST_SUSPENSION: u64 = 1_000_000;

/// Returns sentences about missing calls, from when to when; empty if none are.
pub fn missing_text(missing: &Missing) -> Option<String> {
    let of = |gap: &Gap| match missing.processes {
        1 => String::new(),
        all => format!(
            " in {} of {}",
            gap.processes,
            counted(all, "process", "processes")
        ),
    };
    let seconds = |ns: u64| duration(ns as f64 / 1e9);
    let span = |gap: &Gap| format!("from {} to {}", seconds(gap.from_ns), seconds(gap.to_ns));
    let given_up = missing.given_up.map(|gap| {
        let of = of(&gap);
        format!(
            "The oldest calls were given up{of}: {} is missing.",
            span(&gap)
        )
    });
    let no_room = missing.no_room.map(|gap| {
        let of = of(&gap);
        format!(
            "There was no room for later calls{of}: {} is missing.",
            span(&gap)
        )
    });
    let suspended = (missing.suspended_ns >= LEAST_SUSPENSION).then(|| {
        let suspended = seconds(missing.suspended_ns);
        format!("The system was suspended for {suspended} meanwhile.")
    });
    let sentences: Vec<_> = [given_up, no_room, suspended]
        .into_iter()
        .flatten()
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_its_time() {
        let jitter = Missing {
            suspended_ns: 10,
            ..Missing::default()
        };
        assert_eq!(missing_text(&jitter), None);
        let gap = Gap {
            processes: 2,
            from_ns: 0,
            to_ns: 1_500_000_000,
        };
        let missing = Missing {
            given_up: Some(gap),
            processes: 16,
            suspended_ns: 3_000_000_000,
            ..Missing::default()
        };
        assert_eq!(
            missing_text(&missing).unwrap(),
            "The oldest calls were given up in 2 of 16 processes: from 0 s to 1.50 s is missing. \
             The system was suspended for 3.00 s meanwhile."
        );
        let missing = Missing {
            no_room: Some(Gap {
                processes: 1,
                ..gap
            }),
            processes: 1,
            ..Missing::default()
        };
        assert_eq!(
            missing_text(&missing).unwrap(),
            "There was no room for later calls: from 0 s to 1.50 s is missing."
        );
    }
}
