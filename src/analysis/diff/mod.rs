//! Compares two sides, each of which is one or several runs of a program.
//!
//! Figures of a side are means over its runs. The change of a function's self time has two parts:
//! more or fewer calls, and calls that take more or less time.

mod change;
mod matching;
mod paths;
mod renamed;
mod run_figures;
mod side;

use std::cmp::Ordering;
use std::collections::HashMap;

use super::merge::Profile;
use crate::model::Function;
pub use change::{Certainty, Change, Figures};
use matching::{Matched, matched};
pub use paths::{PathChange, PathChanges};
pub use renamed::Renamed;
pub use run_figures::RunFigures;
use run_figures::Sums;
pub use side::Side;

/// Differences between two sides.
#[derive(Debug)]
pub struct Diff {
    /// Every function of either side, changed or not.
    functions: Vec<Change>,
    sides: [Side; 2],
    /// The match of each function of a side.
    match_of: [Vec<u32>; 2],
    /// Sides, before and after, of which waiting is recorded.
    has_waiting: [bool; 2],
    /// The whole, as if it were one function.
    pub whole: Change,
}

impl Diff {
    /// Compares the runs of two sides.
    pub fn new(before: &[Profile], after: &[Profile]) -> Diff {
        Diff::of([Side::of(before), Side::of(after)])
    }

    /// Compares two sides.
    pub fn of(mut sides: [Side; 2]) -> Diff {
        let has_waiting = [0, 1].map(|side: usize| sides[side].has_waiting());
        if has_waiting != [true; 2] {
            sides.iter_mut().for_each(Side::remove_waiting);
        }
        let matches = matched(&sides[0].functions, &sides[1].functions);
        let mut match_of = [0, 1].map(|side: usize| vec![0; sides[side].functions.len()]);
        for (number, one) in (0..).zip(&matches) {
            for (match_of, functions) in match_of.iter_mut().zip([&one.before, &one.after]) {
                for &function in functions {
                    match_of[function as usize] = number;
                }
            }
        }
        let functions = matches.iter().map(|one| change(&sides, one)).collect();
        let whole = whole(&sides);
        Diff {
            functions,
            sides,
            match_of,
            has_waiting,
            whole,
        }
    }

    /// Returns true for each side, before and after, that has waiting. It is compared only if both
    /// have it; otherwise it is 0 for all functions.
    pub fn has_waiting(&self) -> [bool; 2] {
        self.has_waiting
    }

    /// Returns the number of runs of each side.
    pub fn runs(&self) -> [usize; 2] {
        [self.sides[0].runs, self.sides[1].runs]
    }

    /// Returns all functions of either side, changed or not.
    pub fn functions(&self) -> &[Change] {
        &self.functions
    }

    /// Returns the functions of which a figure differs, by `order`.
    pub fn changes(&self, order: Order) -> Vec<&Change> {
        let changed = self.functions.iter().filter(|change| !change.is_none());
        let mut changes: Vec<_> = changed.collect();
        changes.sort_by(|a, b| order.compare(a, b));
        changes
    }

    /// Returns the changed edges between `functions`, indices into [`functions`](Self::functions),
    /// and their callers, or their callees. Each edge names its other end, which has one edge for
    /// all of these functions.
    pub fn neighbours(
        &self,
        functions: &[usize],
        relation: Neighbours,
        order: Order,
    ) -> Vec<Change> {
        let mut is_here = vec![false; self.functions.len()];
        for &function in functions {
            is_here[function] = true;
        }
        let mut sums: HashMap<u32, [Sums; 2]> = HashMap::new();
        for (at, side) in self.sides.iter().enumerate() {
            for ((caller, callee), more) in side.edges() {
                let [caller, callee] = [caller, callee].map(|id| self.match_of[at][id as usize]);
                let (here, there) = match relation {
                    Neighbours::Callers => (callee, caller),
                    Neighbours::Callees => (caller, callee),
                };
                if is_here[here as usize] {
                    sums.entry(there).or_default()[at].add(&more);
                }
            }
        }
        let edges = sums.into_iter().map(|(there, sums)| {
            let mut edge = self.functions[there as usize].clone();
            let [before, after] = [0, 1].map(|side| self.mean(side, &sums[side]));
            edge.before = before;
            edge.after = after;
            edge.certainty = Certainty::NotJudged;
            edge
        });
        let mut edges: Vec<_> = edges.filter(|edge| !edge.is_none()).collect();
        edges.sort_by(|a, b| order.compare(a, b));
        edges
    }

    /// Returns the mean over the runs of a side of a sum over them.
    fn mean(&self, side: usize, sum: &Sums) -> Option<Figures> {
        let mut runs = vec![Sums::default(); self.sides[side].runs];
        *runs.first_mut()? = *sum;
        (*sum != Sums::default()).then(|| Figures::mean(&runs))
    }
}

/// Direction in which [`Diff::neighbours`] looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbours {
    /// To functions that called it.
    Callers,
    /// To functions that it called.
    Callees,
}

/// Order of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Largest change of self time first, whichever its sign; of equal ones that of calls. Of a
    /// change within the noise, only the part counts that comes from more or fewer calls.
    #[default]
    Impact,
    /// Largest change of the number of calls first.
    Calls,
    /// Largest growth of self time first.
    SelfTime,
    /// Largest growth of inclusive time first.
    Total,
    /// Largest growth of waiting first; of equal ones as by impact.
    Waiting,
    /// By name.
    Name,
}

impl Order {
    /// Orders two changes.
    pub(crate) fn compare(self, a: &Change, b: &Change) -> Ordering {
        let key = |change: &Change| {
            let mut key = self.key(&change.was(), &change.is());
            if self == Order::Impact {
                key[0] = change.certain_ns().abs();
            }
            key
        };
        let first = Order::compare_keys(key(a), key(b));
        first.then_with(|| by_name(&a.function, &b.function))
    }

    /// Returns numbers by which changes are ordered, those with the larger ones first.
    pub(crate) fn key(self, was: &Figures, is: &Figures) -> [f64; 3] {
        let growth = |of: fn(&Figures) -> f64| of(is) - of(was);
        let self_ns = growth(|figures| figures.self_ns);
        let calls = growth(|figures| figures.calls);
        match self {
            Order::Impact => [self_ns.abs(), calls.abs(), 0.0],
            Order::Calls => [calls.abs(), self_ns.abs(), 0.0],
            Order::SelfTime => [self_ns, 0.0, 0.0],
            Order::Total => [growth(|figures| figures.total_ns), 0.0, 0.0],
            Order::Waiting => [
                growth(|figures| figures.waiting_ns),
                self_ns.abs(),
                calls.abs(),
            ],
            Order::Name => [0.0; 3],
        }
    }

    pub(crate) fn compare_keys(a: [f64; 3], b: [f64; 3]) -> Ordering {
        let pairs = b.iter().zip(&a);
        pairs
            .map(|(b, a)| b.total_cmp(a))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Orders functions by module and name.
pub(crate) fn by_name(a: &Function, b: &Function) -> Ordering {
    let names = (&a.module, &a.qualified_name, &a.label);
    names.cmp(&(&b.module, &b.qualified_name, &b.label))
}

/// Compares the functions that are taken for one.
fn change(sides: &[Side; 2], matched: &Matched) -> Change {
    let runs = |side: &Side, functions: &[u32]| -> Vec<Sums> {
        let mut sums = match functions {
            [] => return Vec::new(),
            _ => vec![Sums::default(); side.runs],
        };
        for &function in functions {
            for (sum, more) in sums.iter_mut().zip(&side.sums[function as usize]) {
                sum.add(more);
            }
        }
        sums
    };
    let before = runs(&sides[0], &matched.before);
    let after = runs(&sides[1], &matched.after);
    let function = match (&matched.before[..], &matched.after[..]) {
        (_, &[function, ..]) => &sides[1].functions[function as usize],
        (&[function, ..], _) => &sides[0].functions[function as usize],
        ([], []) => unreachable!("a match has a function"),
    };
    let mut change = Change::new(function, &before, &after);
    change.functions = matched.before.len().max(matched.after.len());
    let zeros = |side: &Side| vec![Sums::default(); side.runs];
    match (before.is_empty(), after.is_empty()) {
        (true, _) => change.judge(&zeros(&sides[0]), &after),
        (_, true) => change.judge(&before, &zeros(&sides[1])),
        _ => change.judge(&before, &after),
    }
    change
}

/// Compares the sums over all functions.
fn whole(sides: &[Side; 2]) -> Change {
    let sums = |side: &Side| -> Vec<Sums> {
        let mut sums = vec![Sums::default(); side.runs];
        for of_runs in &side.sums {
            for (sum, more) in sums.iter_mut().zip(of_runs) {
                sum.add(more);
            }
        }
        for sum in &mut sums {
            sum.counts.ct = sum.counts.tt;
        }
        sums
    };
    let (before, after) = (sums(&sides[0]), sums(&sides[1]));
    let mut whole = Change::new(&Function::stand_in("<whole>"), &before, &after);
    whole.judge(&before, &after);
    whole
}
