//! Computes the values that reports are written from, once for all reports.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use super::awaiting::FunctionAwaits;
use super::display::short_name;
use super::paths::PathShortener;
use super::waiting::FunctionWaits;
use crate::analysis::display_tree::{DisplayTree, display_tree};
use crate::analysis::merge::Profile;
use crate::analysis::processes::Processes;
use crate::model::{Label, Process, Rows, Trees};

/// A profile, and the values that several reports show of it.
#[derive(Debug)]
pub struct View<'a> {
    /// The merged profile.
    pub profile: &'a Profile,
    /// Its pstats dictionary.
    pub rows: Cow<'a, Rows>,
    /// Its size, and the size of its missing part.
    pub figures: Figures,
    /// The functions whose times are lower bounds.
    pub lower_bounds: LowerBounds<'a>,
    tree: OnceLock<DisplayTree>,
    waits: OnceLock<FunctionWaits<'a>>,
    awaits: OnceLock<FunctionAwaits<'a>>,
}

impl<'a> View<'a> {
    /// Views `profile`.
    pub fn new(profile: &'a Profile) -> Self {
        View::of_parts(profile, profile.rows(), OnceLock::new())
    }

    /// Views `profile` with other rows and another tree than its own.
    pub fn with(profile: &'a Profile, rows: &'a Rows, tree: DisplayTree) -> Self {
        View::of_parts(profile, Cow::Borrowed(rows), tree.into())
    }

    fn of_parts(profile: &'a Profile, rows: Cow<'a, Rows>, tree: OnceLock<DisplayTree>) -> Self {
        let lower_bounds = LowerBounds::of(profile);
        View {
            figures: Figures::of(profile, &rows, lower_bounds.overflow.len()),
            profile,
            rows,
            lower_bounds,
            tree,
            waits: OnceLock::new(),
            awaits: OnceLock::new(),
        }
    }

    /// Returns the waiting of functions, computed like the tree.
    pub fn waits(&self) -> &FunctionWaits<'a> {
        self.waits
            .get_or_init(|| FunctionWaits::of(self.profile.shown_trees()))
    }

    /// Returns the coroutines of functions, computed like the tree.
    pub fn awaits(&self) -> &FunctionAwaits<'a> {
        self.awaits
            .get_or_init(|| FunctionAwaits::of(self.profile.shown_trees()))
    }

    /// Returns the shortener of paths for the functions of the profile, including those that have
    /// no node in the tree.
    pub(super) fn paths(&self) -> PathShortener {
        let in_tree = self.tree().functions.iter().map(|function| &function.label);
        let of_rows = self.rows.label_table().label_of_each_file();
        PathShortener::new(in_tree.chain(of_rows.map(|(_, label)| label)))
    }

    /// Returns the call tree for display. The first report that needs it computes it, while
    /// others may be rendered that don't.
    pub fn tree(&self) -> &DisplayTree {
        self.tree.get_or_init(|| display_tree(self.profile))
    }
}

/// Figures of a whole profile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Processes that were recorded; a file without call trees counts as one.
    pub processes: usize,
    /// Processes that were killed and have left their live files.
    pub killed: usize,
    /// Processes that were still running when they were read.
    pub running: usize,
    /// Calls of all functions together.
    pub calls: i128,
    /// Self time of all functions together, seconds. NaN in another profiler's file counts as 0.
    pub seconds: f64,
    /// Processor time that recording took, seconds, as the processes measured it; 0 where that
    /// is unknown or subtracted already.
    pub overhead: f64,
    /// Result of compensation, if it was requested.
    pub compensated: Option<Compensated>,
    /// Calls that found no room in a call tree.
    pub overflow_calls: u64,
    /// Functions with such calls.
    pub overflow_functions: usize,
    /// Time in such calls of functions that were not chosen, seconds.
    pub overflow_seconds_of_others: f64,
    /// Calls that are in no figure at all.
    pub dropped_calls: u64,
    /// Calls that were open when their process was killed, at an unknown time.
    pub unfinished_calls: u64,
    /// Forked processes that could not save what they recorded.
    pub unsaved_children: u64,
    /// Times that threads of C code entered the interpreter and left it unnoticed.
    pub unnoticed_entries: u64,
    /// Native spans of threads that nothing recorded.
    pub lost_spans: u64,
    /// Waits that were divided by the numbers of switches.
    pub estimated_waits: u64,
}

/// Functions whose times are lower bounds.
#[derive(Debug, Default)]
pub struct LowerBounds<'a> {
    /// Functions with overflow calls.
    overflow: HashSet<&'a Label>,
    /// Functions with calls that were open when their process was killed.
    unfinished: HashSet<&'a Label>,
    /// Those of them whose own code, or a callee without a row, ran then.
    innermost: HashSet<&'a Label>,
}

impl<'a> LowerBounds<'a> {
    fn of(profile: &'a Profile) -> LowerBounds<'a> {
        let trees = profile.trees();
        let label = |kind| trees.function(kind).map(|function| &function.label);
        let overflow = trees.threads.iter().flat_map(|thread| &thread.overflow);
        let overflow = overflow.filter(|calls| calls.has_calls());
        let unfinished = || trees.threads.iter().flat_map(|thread| &thread.unfinished);
        let innermost = unfinished().filter(|calls| calls.innermost > 0);
        LowerBounds {
            overflow: overflow.filter_map(|calls| label(calls.kind)).collect(),
            unfinished: unfinished().filter_map(|calls| label(calls.kind)).collect(),
            innermost: innermost.filter_map(|calls| label(calls.kind)).collect(),
        }
    }

    /// Returns true if the function's total may be larger.
    pub fn has_total(&self, label: &Label) -> bool {
        self.has_overflow(label) || self.is_unfinished(label)
    }

    /// Returns true if the function's self time may be larger.
    pub fn has_self_time(&self, label: &Label) -> bool {
        self.innermost.contains(label)
    }

    /// Returns true if calls of the function overflowed.
    pub(super) fn has_overflow(&self, label: &Label) -> bool {
        self.overflow.contains(label)
    }

    /// Returns true if calls of the function were open when their process was killed.
    pub(super) fn is_unfinished(&self, label: &Label) -> bool {
        self.unfinished.contains(label)
    }

    /// Returns the names of functions that ran when their process was killed, in their order.
    pub(super) fn innermost(&self) -> BTreeSet<String> {
        let labels = self.innermost.iter();
        labels.map(|label| short_name(&label.name)).collect()
    }

    /// Returns the number of functions with unfinished calls.
    pub(super) fn unfinished_functions(&self) -> usize {
        self.unfinished.len()
    }
}

/// Result of compensation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compensated {
    /// Time that was subtracted, seconds.
    pub seconds: f64,
    /// Processes shown as recorded, because their costs of recording are unknown.
    pub processes_as_recorded: usize,
}

impl Figures {
    fn of(profile: &Profile, rows: &Rows, overflow_functions: usize) -> Figures {
        let trees = profile.trees();
        let recorded = Processes::of(&trees.processes);
        let without_trees = profile.plain().inputs();
        let uncalibrated = trees.processes.iter().filter(|p| p.calibration.is_none());
        let compensated = profile.compensation().map(|compensation| Compensated {
            seconds: compensation.subtracted_ns as f64 / 1e9,
            processes_as_recorded: Processes::of(uncalibrated).number + without_trees,
        });
        let calls = rows.iter().map(|(_, row)| row.counts.nc);
        let seconds = rows.iter().map(|(_, row)| row.counts.tt);
        let overflow = || trees.threads.iter().flat_map(|thread| &thread.overflow);
        let of_others = overflow().filter(|calls| !calls.has_calls());
        let unfinished = trees.threads.iter().flat_map(|thread| &thread.unfinished);
        let sum =
            |number: fn(&Process) -> u32| trees.processes.iter().map(number).map(u64::from).sum();
        let dropped = trees.processes.iter().map(|p| p.dropped_calls);
        Figures {
            processes: recorded.number + without_trees,
            killed: recorded.killed,
            running: recorded.running,
            calls: calls.fold(0, i128::saturating_add),
            // Not sum(), which is -0 without items.
            seconds: seconds
                .filter(|seconds| seconds.is_finite())
                .fold(0.0, |sum, seconds| sum + seconds),
            overhead: match compensated {
                Some(_) => 0.0,
                None => recording_seconds(trees),
            },
            compensated,
            overflow_calls: overflow().fold(0, |sum, calls| calls.calls.saturating_add(sum)),
            overflow_functions,
            overflow_seconds_of_others: of_others
                .fold(0.0, |sum, calls| sum + calls.self_time as f64)
                / 1e9,
            dropped_calls: dropped.fold(0, u64::saturating_add),
            unfinished_calls: unfinished.fold(0, |sum, calls| calls.calls.saturating_add(sum)),
            unsaved_children: sum(|process| process.unsaved_children),
            lost_spans: sum(|process| process.lost_spans),
            estimated_waits: sum(|process| process.estimated_waits),
            unnoticed_entries: sum(|process| process.unnoticed_entries),
        }
    }
}

fn recording_seconds(trees: &Trees) -> f64 {
    let known = |process: &Process| process.calibration.is_none() || process.recording_ns > 0;
    if trees.processes.iter().all(known) {
        let processes = trees.processes.iter();
        return processes.fold(0.0, |sum, process| sum + process.recording_ns as f64) / 1e9;
    }
    // In earlier files, only the costs of calls are known.
    let overhead_ps = trees.threads.iter().flat_map(|thread| &thread.overhead_ps);
    overhead_ps.fold(0.0, |sum, &ps| sum + ps as f64) / 1e12
}
