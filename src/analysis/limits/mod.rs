//! Limits for the figures of functions: rules on a command line, and budgets in a file.
//!
//! A limit names functions by a pattern and holds for the sum over all that match. Calls of
//! functions whose numbers of calls differ between runs are left out of such sums.

pub mod budget;
mod check;
pub mod rule;

pub use check::{Broken, Checked, Grown, check};

/// Figure that a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// All calls.
    Calls,
    /// Calls made while no other call of the same function was open.
    PrimitiveCalls,
    /// Self time.
    SelfTime,
    /// Inclusive time.
    Total,
    /// Part of the self time in which the thread was on no processor.
    Waiting,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Metric; 5] = [
        Metric::Calls,
        Metric::PrimitiveCalls,
        Metric::SelfTime,
        Metric::Total,
        Metric::Waiting,
    ];

    /// Returns the name in rules and budgets.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Calls => "calls",
            Metric::PrimitiveCalls => "primitive_calls",
            Metric::SelfTime => "self",
            Metric::Total => "total",
            Metric::Waiting => "waiting",
        }
    }

    /// Returns the metric with this name.
    pub fn named(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Returns true for numbers of calls, false for times.
    pub fn is_count(self) -> bool {
        matches!(self, Metric::Calls | Metric::PrimitiveCalls)
    }
}
