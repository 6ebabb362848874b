//! Figures of a function on both sides, and the parts of its change.

use super::run_figures::Sums;
use crate::model::Function;

/// Number of runs on each side from which on a change of time is judged.
const RUNS_TO_JUDGE: usize = 3;

/// Figures of a function, means over the runs of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Number of calls.
    pub calls: f64,
    /// Number of calls made while no other call of the same function was open.
    pub primitive_calls: f64,
    /// Self time, nanoseconds.
    pub self_ns: f64,
    /// Inclusive time of the primitive calls, nanoseconds.
    pub total_ns: f64,
    /// Part of the self time in which the thread was on no processor, nanoseconds.
    pub waiting_ns: f64,
}

impl Figures {
    /// Returns the means of `runs`.
    pub(super) fn mean(runs: &[Sums]) -> Figures {
        let mut sum = Sums::default();
        for of_run in runs {
            sum.add(of_run);
        }
        let Sums {
            counts: sum,
            waiting_ns,
        } = sum;
        let runs = runs.len().max(1) as f64;
        let nanoseconds = |seconds: f64| match seconds.is_finite() {
            true => seconds * 1e9 / runs,
            false => 0.0,
        };
        Figures {
            calls: sum.nc as f64 / runs,
            primitive_calls: sum.cc as f64 / runs,
            self_ns: nanoseconds(sum.tt),
            total_ns: nanoseconds(sum.ct),
            waiting_ns: waiting_ns as f64 / runs,
        }
    }
}

/// Judgement of a change of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// A side has fewer than three runs.
    NotJudged,
    /// The self times of the two sides overlap.
    WithinNoise,
    /// The self times of the two sides don't overlap.
    Certain,
}

/// A function, or a function on one call path, on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The function as it is after, or as it was if it is gone.
    pub function: Function,
    /// Number of functions of that name that are treated as one.
    pub functions: usize,
    /// Figures before; `None` if there was no such function.
    pub before: Option<Figures>,
    /// Figures after; `None` if there is no such function.
    pub after: Option<Figures>,
    /// True if the number of calls differs between runs of one side.
    pub is_unsteady: bool,
    /// Judgement of the change of self time.
    pub certainty: Certainty,
}

impl Change {
    /// Compares the figures of the runs of both sides; a side without runs lacks the function.
    pub(super) fn new(function: &Function, before: &[Sums], after: &[Sums]) -> Change {
        let is_called = |sums: &Sums| *sums != Sums::default();
        let mean = |runs: &[Sums]| runs.iter().any(is_called).then(|| Figures::mean(runs));
        let calls = |sums: &Sums| (sums.counts.nc, sums.counts.cc);
        let is_unsteady = |runs: &[Sums]| {
            runs.windows(2)
                .any(|pair| calls(&pair[0]) != calls(&pair[1]))
        };
        Change {
            function: function.clone(),
            functions: 1,
            before: mean(before),
            after: mean(after),
            is_unsteady: is_unsteady(before) || is_unsteady(after),
            certainty: Certainty::NotJudged,
        }
    }

    /// Judges the change by the times of all runs of both sides.
    pub(super) fn judge(&mut self, before: &[Sums], after: &[Sums]) {
        if before.len().min(after.len()) < RUNS_TO_JUDGE {
            return;
        }
        let range = |runs: &[Sums]| {
            let times = runs.iter().map(|sums| sums.counts.tt);
            let least = times.clone().fold(f64::INFINITY, f64::min);
            (least, times.fold(f64::NEG_INFINITY, f64::max))
        };
        let (before, after) = (range(before), range(after));
        let is_apart = before.1 < after.0 || after.1 < before.0;
        self.certainty = match is_apart {
            true => Certainty::Certain,
            false => Certainty::WithinNoise,
        };
    }

    /// Returns the figures before, zeros if there was no such function.
    pub fn was(&self) -> Figures {
        self.before.unwrap_or_default()
    }

    /// Returns the figures after, zeros if there is no such function.
    pub fn is(&self) -> Figures {
        self.after.unwrap_or_default()
    }

    /// Returns by how much the number of calls has grown.
    pub fn calls(&self) -> f64 {
        self.is().calls - self.was().calls
    }

    /// Returns by how much self time has grown, nanoseconds.
    pub fn self_ns(&self) -> f64 {
        self.is().self_ns - self.was().self_ns
    }

    /// Returns by how much inclusive time has grown, nanoseconds.
    pub fn total_ns(&self) -> f64 {
        self.is().total_ns - self.was().total_ns
    }

    /// Returns by how much the waiting in the self time has grown, nanoseconds.
    pub fn waiting_ns(&self) -> f64 {
        self.is().waiting_ns - self.was().waiting_ns
    }

    /// Returns the part of [`self_ns`](Self::self_ns) that comes from more or fewer calls, at
    /// the mean of both times a call, nanoseconds.
    ///
    /// A function that is new, or gone, changes by its calls alone.
    pub fn by_calls_ns(&self) -> f64 {
        let (was, is) = (self.was(), self.is());
        if was.calls == is.calls {
            return 0.0;
        }
        if was.calls == 0.0 || is.calls == 0.0 {
            return self.self_ns();
        }
        let mean_of_a_call = (was.self_ns / was.calls + is.self_ns / is.calls) / 2.0;
        self.calls() * mean_of_a_call
    }

    /// Returns the rest of [`self_ns`](Self::self_ns): calls that take more or less time, at
    /// the mean of both numbers of calls, nanoseconds.
    pub fn by_time_ns(&self) -> f64 {
        self.self_ns() - self.by_calls_ns()
    }

    /// Returns the part of [`self_ns`](Self::self_ns) that is no noise, as repeated runs show,
    /// nanoseconds.
    pub(super) fn certain_ns(&self) -> f64 {
        match self.certainty {
            Certainty::NotJudged | Certainty::Certain => self.self_ns(),
            Certainty::WithinNoise if self.is_unsteady => 0.0,
            Certainty::WithinNoise => self.by_calls_ns(),
        }
    }

    /// Returns true if no figure differs.
    pub fn is_none(&self) -> bool {
        self.was() == self.is()
    }
}
