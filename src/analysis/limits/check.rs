//! Compares figures with limits.

use super::Metric;
use super::rule::{Limit, Rule};
use crate::analysis::diff::{Change, Diff, Figures, Neighbours, Order};
use crate::model::Pattern;

/// Number of callers that are named for a broken limit.
const NAMED_CALLERS: usize = 3;

/// A limit that is broken.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Figure that the limit is for.
    pub metric: Metric,
    /// Sum before; `None` if there is nothing before.
    pub was: Option<f64>,
    /// Sum after.
    pub is: f64,
    /// Callers that contributed most to the growth, most first.
    pub by: Vec<Grown>,
}

/// A caller whose calls of the matched functions have grown.
#[derive(Clone, Debug)]
pub struct Grown {
    /// The caller, with the figures of its edges to those functions.
    pub caller: Change,
    /// Growth of the metric: calls, or nanoseconds.
    pub by: f64,
}

/// Result of checking one limit.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The limit, if it is broken.
    pub broken: Option<Broken>,
    /// Functions that match.
    pub matches: usize,
    /// Matching functions that were left out because their numbers of calls are unsteady.
    pub unsteady: usize,
}

/// Sums over the functions that a pattern matches.
pub(super) struct Sums {
    pub(super) was: f64,
    pub(super) is: f64,
    functions: Vec<usize>,
    pub(super) unsteady: usize,
}

/// Checks a rule.
pub fn check(rule: &Rule, diff: &Diff) -> Checked {
    let sums = Sums::of(&rule.pattern, rule.metric, diff);
    let (figure, limit) = match rule.limit {
        Limit::Figure(limit) => (sums.is, limit),
        Limit::Growth(limit) => (sums.is - sums.was, limit),
        // Any growth from zero is infinite.
        Limit::Share(limit) => (sums.is - sums.was, limit * sums.was),
    };
    let is_broken = rule.comparison.holds(figure, limit) && !sums.functions.is_empty();
    sums.checked(rule.metric, diff, is_broken)
}

impl Sums {
    pub(super) fn of(pattern: &Pattern, metric: Metric, diff: &Diff) -> Sums {
        let mut sums = Sums {
            was: 0.0,
            is: 0.0,
            functions: Vec::new(),
            unsteady: 0,
        };
        for (at, change) in diff.functions().iter().enumerate() {
            if !pattern.is_function(&change.function) {
                continue;
            }
            if metric.is_count() && change.is_unsteady {
                sums.unsteady += 1;
                continue;
            }
            sums.functions.push(at);
            sums.was += figure(metric, &change.was());
            sums.is += figure(metric, &change.is());
        }
        sums
    }

    pub(super) fn checked(self, metric: Metric, diff: &Diff, is_broken: bool) -> Checked {
        let has_before = diff.runs()[0] > 0;
        Checked {
            matches: self.functions.len() + self.unsteady,
            unsteady: self.unsteady,
            broken: is_broken.then(|| Broken {
                metric,
                was: has_before.then_some(self.was),
                is: self.is,
                by: self.grown(metric, diff),
            }),
        }
    }

    fn grown(&self, metric: Metric, diff: &Diff) -> Vec<Grown> {
        let callers = diff.neighbours(&self.functions, Neighbours::Callers, Order::Impact);
        let grown = callers.into_iter().map(|caller| Grown {
            by: figure(metric, &caller.is()) - figure(metric, &caller.was()),
            caller,
        });
        let mut grown: Vec<_> = grown.filter(|grown| grown.by > 0.0).collect();
        grown.sort_by(|a, b| b.by.total_cmp(&a.by));
        grown.truncate(NAMED_CALLERS);
        grown
    }
}

fn figure(metric: Metric, figures: &Figures) -> f64 {
    match metric {
        Metric::Calls => figures.calls,
        Metric::PrimitiveCalls => figures.primitive_calls,
        Metric::SelfTime => figures.self_ns,
        Metric::Total => figures.total_ns,
        Metric::Waiting => figures.waiting_ns,
    }
}
