//! Finds the duration below which calls are left out, so that a file has at most a certain size.
//!
//! One replay adds up the bytes that calls of each duration would take in the file. Durations are
//! rounded down to powers of the eighth root of two, which are steps of 9 %.

use std::io;
use std::sync::LazyLock;

use super::replay::{Beginning, Ending};
use super::slices::{Sink, Slice};
use crate::model::timeline::{Mark, WaitKind};

/// Bytes that a format takes at most for parts of one thread.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    /// A call of each of the process's functions.
    pub calls: Vec<u64>,
    /// Each of the functions, once if one of its calls is there.
    pub functions: Vec<u64>,
    /// Extra bytes of a call for an unusual beginning, and again for an unusual end.
    pub mark: u64,
    /// A wait.
    pub wait: u64,
}

/// Bytes that calls of each duration would take.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Number of calls and bytes for each of [`STEPS`]: that long, and shorter than the next.
    steps: Vec<(u64, u64)>,
}

/// Durations, nanoseconds, each once.
static STEPS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let powers = (0..8 * 63).map(|step| (f64::from(step) / 8.0).exp2().ceil());
    let mut steps: Vec<u64> = [0].into_iter().chain(powers.map(|ns| ns as u64)).collect();
    steps.dedup();
    steps
});

fn step(duration: u64) -> usize {
    STEPS.partition_point(|&step| step <= duration) - 1
}

/// The shortest duration that is shown, and the number of calls that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Shorter calls are left out, nanoseconds.
    pub min_duration: u64,
    /// Number of calls and waits that are left out.
    pub left_out: u64,
    /// Number of all.
    pub all: u64,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes {
            steps: vec![(0, 0); STEPS.len()],
        }
    }
}

impl Sizes {
    /// Adds the sizes of another thread.
    pub fn add(&mut self, other: &Sizes) {
        for (sum, (calls, bytes)) in self.steps.iter_mut().zip(&other.steps) {
            *sum = (sum.0 + calls, sum.1.saturating_add(*bytes));
        }
    }

    /// Returns the shortest duration, `wanted` or more, whose calls take at most `room` bytes.
    pub fn fit(&self, wanted: u64, room: u64) -> Fit {
        let mut left = room;
        let longer = self.steps.iter().rposition(|&(_, bytes)| {
            let fits = left.checked_sub(bytes);
            left = fits.unwrap_or(left);
            fits.is_none()
        });
        let least = longer.map_or(0, |step| STEPS.get(step + 1).copied().unwrap_or(u64::MAX));
        let min_duration = wanted.max(least);
        let all = self.steps.iter().map(|&(calls, _)| calls).sum();
        let shorter = self.steps.iter().zip(STEPS.iter());
        let shorter = shorter.take_while(|&(_, &step)| step < min_duration);
        Fit {
            min_duration,
            left_out: shorter.map(|(&(calls, _), _)| calls).sum(),
            all,
        }
    }
}

/// Adds up the sizes of a thread's slices.
#[derive(Debug)]
pub struct SizeSink<'c> {
    costs: &'c Costs,
    sizes: Sizes,
    /// Duration of the longest call of each function, and 1.
    longest: Vec<u64>,
}

impl<'c> SizeSink<'c> {
    /// Begins with nothing.
    pub fn new(costs: &'c Costs) -> SizeSink<'c> {
        SizeSink {
            costs,
            sizes: Sizes::default(),
            longest: vec![0; costs.functions.len()],
        }
    }

    /// Returns the sizes.
    pub fn finish(mut self) -> Sizes {
        for (longest, bytes) in self.longest.iter().zip(&self.costs.functions) {
            if let Some(duration) = longest.checked_sub(1) {
                self.sizes.add_bytes(duration, *bytes);
            }
        }
        self.sizes
    }
}

impl Sizes {
    fn add_bytes(&mut self, duration: u64, bytes: u64) {
        let sum = &mut self.steps[step(duration)];
        sum.1 = sum.1.saturating_add(bytes);
    }
}

impl Sink for SizeSink<'_> {
    fn begin(&mut self, _: &Slice) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, slice: &Slice, end: u64, ending: Ending) -> io::Result<()> {
        let duration = end.saturating_sub(slice.begin);
        let function = slice.function as usize;
        let marks =
            u64::from(slice.beginning != Beginning::Called) + u64::from(ending != Ending::Returned);
        let bytes = self.costs.calls.get(function).copied().unwrap_or_default();
        let sum = &mut self.sizes.steps[step(duration)];
        *sum = (sum.0 + 1, sum.1 + bytes + marks * self.costs.mark);
        if let Some(longest) = self.longest.get_mut(function) {
            *longest = (*longest).max(duration.saturating_add(1));
        }
        Ok(())
    }

    fn wait(&mut self, _: WaitKind, from: u64, to: u64) -> io::Result<()> {
        let sum = &mut self.sizes.steps[step(to.saturating_sub(from))];
        *sum = (sum.0 + 1, sum.1 + self.costs.wait);
        Ok(())
    }

    /// A mark is never left out, and takes at most what a call and a wait do.
    fn mark(&mut self, mark: Mark, _: u64) -> io::Result<()> {
        let name = self.costs.calls.get(mark.function as usize);
        let bytes = name.copied().unwrap_or_default() + self.costs.wait;
        self.sizes.add_bytes(u64::MAX, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_its_duration() {
        for duration in [0, 1, 2, 3, 7, 8, 9, 1_000, 123_456_789, u64::MAX] {
            let step = step(duration);
            assert!(STEPS[step] <= duration);
            assert!(STEPS.get(step + 1).is_none_or(|&next| next > duration));
        }
        assert!(STEPS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_shortest_calls_are_left_out_until_the_rest_fits() {
        let mut sizes = Sizes::default();
        for (duration, calls) in [(10, 1_000), (2_000, 100), (5_000_000, 1)] {
            for _ in 0..calls {
                let sum = &mut sizes.steps[step(duration)];
                *sum = (sum.0 + 1, sum.1 + 30);
            }
        }
        let fit = |wanted, room| {
            let fit = sizes.fit(wanted, room);
            (fit.min_duration, fit.left_out)
        };
        assert_eq!(fit(0, 40_000), (0, 0));
        let (duration, left_out) = fit(0, 4_000);
        assert!((11..=12).contains(&duration), "{duration}");
        assert_eq!(left_out, 1_000);
        assert_eq!(fit(100, 40_000), (100, 1_000));
        assert_eq!(fit(0, 3_029).1, 1_100);
        assert_eq!(fit(0, 29).1, 1_101);
        assert_eq!(sizes.fit(0, 0).all, 1_101);
    }
}
