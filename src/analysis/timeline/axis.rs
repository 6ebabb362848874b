//! One axis of time for all processes of a run.
//!
//! Processes of one boot share the system's monotonic clock, so their order is exact. Those of
//! other boots and machines are placed by their wall clocks, which may differ.

use std::collections::HashMap;
use std::ops::Range;

use crate::format::timeline::{TimelineClock, TimelineProcess};

/// The axis: nanoseconds since the run's start, which is that of its first process.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    processes: Vec<Placed>,
    start: i128,
    end: u64,
}

/// A process's clock, and its tick 0 on the wall clock of its boot's first process.
#[derive(Clone, Copy, Debug)]
struct Placed {
    clock: TimelineClock,
    zero: i128,
}

impl Placed {
    fn at(&self, tick: u64) -> i128 {
        self.zero + i128::from(self.clock.ns(tick))
    }
}

impl Axis {
    /// Places `processes`, by whose indices the axis knows them.
    pub fn new(processes: &[TimelineProcess]) -> Axis {
        // Wall clock less monotonic clock, of each boot.
        let mut offsets: HashMap<[u8; 16], i128> = HashMap::new();
        let mut axis = Axis::default();
        for of in processes {
            let unix = i128::from(of.clock.zero_unix_ns);
            let monotonic = i128::from(of.clock.zero_monotonic_ns);
            let boot = of.process.identity.boot_id;
            let zero = match monotonic == 0 || boot == [0; 16] {
                true => unix,
                false => monotonic + *offsets.entry(boot).or_insert(unix - monotonic),
            };
            let clock = of.clock;
            axis.processes.push(Placed { clock, zero });
        }
        let placed = || axis.processes.iter().zip(processes);
        let starts = placed().map(|(placed, of)| placed.zero + i128::from(recording_began(of)));
        let start = starts.min().unwrap_or(0);
        let ends = placed().map(|(placed, of)| placed.at(of.end) - start);
        axis.end = ends.max().map_or(0, clamped);
        axis.start = start;
        axis
    }

    /// Returns the time of a process's tick; 0 for ticks before the run's start.
    pub fn ns(&self, process: usize, tick: u64) -> u64 {
        let placed = self.processes.get(process);
        placed.map_or(0, |placed| clamped(placed.at(tick) - self.start))
    }

    /// Returns the first tick of a process that is no earlier than `ns`.
    pub fn tick(&self, process: usize, ns: u64) -> u64 {
        let placed = self.processes.get(process);
        placed.map_or(0, |placed| {
            let since_zero = self.start + i128::from(ns) - placed.zero;
            placed.clock.tick(clamped(since_zero))
        })
    }

    /// Returns the ticks of a process in a part of the run; an end of `u64::MAX` means no end.
    pub fn ticks(&self, process: usize, part: &Range<u64>) -> Range<u64> {
        let end = match part.end {
            u64::MAX => u64::MAX,
            end => self.tick(process, end),
        };
        self.tick(process, part.start)..end
    }

    /// Returns the time of a process's tick 0, which may be before the run's start.
    pub fn zero_ns(&self, process: usize) -> i128 {
        let placed = self.processes.get(process);
        placed.map_or(0, |placed| placed.zero - self.start)
    }

    /// Returns the time at which the last process ends.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns the run's start on the wall clock, nanoseconds since the Unix epoch.
    pub fn start_unix_ns(&self) -> u64 {
        clamped(self.start)
    }
}

/// Nanoseconds from tick 0 until the recording began.
fn recording_began(of: &TimelineProcess) -> u64 {
    let since_zero = of.process.start_unix_ns.checked_sub(of.clock.zero_unix_ns);
    let first = of.blocks.iter().map(|block| block.start).min();
    // A process of which that is unknown began before its first event.
    let first = of.clock.ns(first.unwrap_or(0));
    since_zero.unwrap_or(0).min(first)
}

fn clamped(ns: i128) -> u64 {
    u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::timeline::Block;
    use crate::model::Process;

    fn process(boot: u8, zero_monotonic_ns: u64, zero_unix_ns: u64) -> TimelineProcess {
        let mut of = TimelineProcess::new(Process::default(), [0; 16]);
        of.process.identity.boot_id = [boot; 16];
        of.process.start_unix_ns = zero_unix_ns + 10;
        of.clock.zero_monotonic_ns = zero_monotonic_ns;
        of.clock.zero_unix_ns = zero_unix_ns;
        of.blocks.push(Block::new(1, 30, 0, 0, 1));
        of.end = 1000;
        of
    }

    #[test]
    fn processes_of_a_boot_have_its_clock_and_others_their_wall_clocks() {
        // The wall clock of the second was set back meanwhile; the third is of another machine.
        let processes = [
            process(1, 1000, 500_000),
            process(1, 3000, 400_000),
            process(2, 77, 600_000),
            process(0, 0, 500_500),
        ];
        let axis = Axis::new(&processes);
        let starts: Vec<u64> = (0..4).map(|number| axis.ns(number, 10)).collect();
        assert_eq!(starts, [0, 2000, 100_000, 500]);
        assert_eq!(axis.ns(0, 3), 0);
        assert_eq!(axis.start_unix_ns(), 500_010);
        assert_eq!(axis.end(), 100_990);
        for (number, tick) in [(0, 10), (1, 500), (2, 999), (3, 11)] {
            assert_eq!(axis.tick(number, axis.ns(number, tick)), tick);
        }
        assert_eq!(axis.tick(2, 0), 0);
    }

    #[test]
    fn a_process_that_does_not_say_when_it_began_began_with_its_clock() {
        let mut of = process(0, 0, 0);
        of.process.start_unix_ns = 0;
        assert_eq!(Axis::new(&[of]).ns(0, 30), 30);
        assert_eq!(Axis::new(&[]).end(), 0);
    }
}
