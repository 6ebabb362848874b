//! What is written from a profile: one small file a format, all behind [`Report`].
//!
//! | format | what it is |
//! |---|---|
//! | [`prof`] | the merged profile itself |
//! | [`singledispatch`] | which caller reached which implementation of a generic function |
//! | [`pstats_text`] | the table that `pstats` prints |
//! | [`svg`] | the picture: call stacks above, reverse graph below |
//! | [`flamegraph`] | one plain flame graph, drawn by the `inferno` crate |
//! | [`folded`] | folded stacks, for flamegraph.pl and inferno |
//! | [`speedscope`] | the tree, for speedscope |
//! | [`callgrind`] | functions and pairs, for kcachegrind |
//! | [`json`] | all of it, for programs of one's own |
//!
//! For the terminal there are [`tree`], the call tree as text, [`top`], the functions as
//! tables, and [`summary`], what the program prints when it is done. [`display`] and
//! [`origin`] decide how names and places look wherever people read them.

pub mod callgrind;
pub mod display;
pub mod flamegraph;
pub mod folded;
pub mod json;
pub mod origin;
pub mod prof;
pub mod pstats_text;
pub mod singledispatch;
pub mod sort_order;
pub mod speedscope;
pub mod summary;
pub mod svg;
pub mod top;
pub mod tree;

use std::collections::HashSet;
use std::fmt;

use crate::analysis::frames::Frames;
use crate::analysis::merge::Profile;
use crate::analysis::processes::Processes;
use crate::model::{Label, OverflowCalls, Rows};

/// One output format.
pub trait Report {
    /// What its file names end in, the dot included: `.svg`.
    fn suffix(&self) -> &'static str;

    /// Whether it looks at [`View::frames`], which take time to compute.
    fn wants_frames(&self) -> bool {
        true
    }

    /// The whole file's content, or `None` where there is nothing to say and no
    /// file should be made.
    ///
    /// # Errors
    ///
    /// When the profile can't be put into this format.
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error>;
}

/// Why a report could not be rendered, as a sentence.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// An error that says `reason`.
    pub fn new(reason: impl fmt::Display) -> Self {
        Error(reason.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Everything that the reports are written from, computed once for all of them.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The merged profile.
    pub profile: &'a Profile,
    /// Its pstats dictionary.
    pub rows: &'a Rows,
    /// Its call tree to be looked at, whole; empty where no report wants it.
    pub frames: &'a Frames,
    /// Its size, and the size of what is missing in it.
    pub figures: Figures,
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
    /// Self time of all functions together, seconds. A value in another profiler's file that
    /// is no number counts as none.
    pub seconds: f64,
    /// Share of the times shown that recording took, seconds, as the processes measured it;
    /// 0 where that is unknown or subtracted already.
    pub overhead: f64,
    /// Result of compensation, if it was asked for.
    pub compensated: Option<Compensated>,
    /// Calls that found no room in a call tree.
    pub overflow_calls: u64,
    /// Functions with such calls.
    pub overflow_functions: usize,
    /// Calls that are in no figure at all.
    pub dropped_calls: u64,
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
    fn of(profile: &Profile, rows: &Rows) -> Figures {
        let trees = profile.trees();
        let recorded = Processes::of(&trees.processes);
        let without_trees = profile.plain().hashes.len();
        let uncalibrated = trees.processes.iter().filter(|p| p.calibration.is_none());
        let compensated = profile.compensation().map(|compensation| Compensated {
            seconds: compensation.subtracted_ns as f64 / 1e9,
            processes_as_recorded: Processes::of(uncalibrated).number + without_trees,
        });
        let seconds = rows.iter().map(|(_, row)| row.counts.tt);
        let overhead_ps = trees.threads.iter().flat_map(|thread| &thread.overhead_ps);
        let overflow = || trees.threads.iter().flat_map(|thread| &thread.overflow);
        let functions = overflow().filter(|overflow| overflow.has_calls());
        let functions: HashSet<_> = functions
            .filter_map(|overflow| trees.function(overflow.kind))
            .map(|function| &function.label)
            .collect();
        Figures {
            processes: recorded.number + without_trees,
            killed: recorded.killed,
            running: recorded.running,
            calls: rows
                .iter()
                .fold(0, |sum, (_, row)| row.counts.nc.saturating_add(sum)),
            // Not sum(): of nothing, that is -0.
            seconds: seconds
                .filter(|seconds| seconds.is_finite())
                .fold(0.0, |sum, seconds| sum + seconds),
            overhead: match compensated {
                Some(_) => 0.0,
                None => overhead_ps.fold(0.0, |sum, &ps| sum + ps as f64) / 1e12,
            },
            compensated,
            overflow_calls: overflow().fold(0, |sum, overflow| overflow.calls.saturating_add(sum)),
            overflow_functions: functions.len(),
            dropped_calls: trees
                .processes
                .iter()
                .fold(0, |sum, process| process.dropped_calls.saturating_add(sum)),
        }
    }
}

impl<'a> View<'a> {
    /// Views `profile`, of which `rows` and `frames` were computed.
    pub fn new(profile: &'a Profile, rows: &'a Rows, frames: &'a Frames) -> Self {
        View {
            profile,
            rows,
            frames,
            figures: Figures::of(profile, rows),
        }
    }

    /// What every report says besides its title, a sentence each: what was chosen, what
    /// was done to the times, and what is missing.
    pub fn remarks(&self) -> Vec<String> {
        let remarks = [self.selection(), self.compensation(), self.gaps()];
        remarks.into_iter().flatten().collect()
    }

    fn selection(&self) -> Option<String> {
        let selection = &*self.profile.trees().selection;
        let options = display::printable(selection.as_bytes());
        (!selection.is_empty()).then(|| format!("Only a part: {options}."))
    }

    fn compensation(&self) -> Option<String> {
        let compensated = self.figures.compensated?;
        let subtracted = display::duration(compensated.seconds);
        let mut text = format!("Compensated: {subtracted} that recording took is left out");
        if compensated.processes_as_recorded > 0 {
            text.push_str(&format!(
                "; {} of {} as recorded, for lack of calibration",
                display::count(compensated.processes_as_recorded as i128),
                display::counted(self.figures.processes, "process", "processes"),
            ));
        }
        text.push('.');
        Some(text)
    }

    /// The functions with overflow calls: their inclusive times are the least that
    /// they may be.
    pub fn overflow_functions(&self) -> HashSet<&Label> {
        let overflow = self.overflow().filter(|(_, overflow)| overflow.has_calls());
        overflow.filter_map(|(label, _)| label).collect()
    }

    /// Seconds in overflow calls of functions that were not chosen.
    fn overflow_seconds_of_others(&self) -> f64 {
        let others = self
            .overflow()
            .filter(|(_, overflow)| !overflow.has_calls());
        others.fold(0.0, |sum, (_, overflow)| sum + overflow.self_time as f64) / 1e9
    }

    fn overflow(&self) -> impl Iterator<Item = (Option<&Label>, &OverflowCalls)> {
        let trees = self.profile.trees();
        let overflow = trees.threads.iter().flat_map(|thread| &thread.overflow);
        overflow.map(|overflow| (trees.function(overflow.kind).map(|f| &f.label), overflow))
    }

    /// Which calls are known in part only; `None` where all of them are in the tree.
    fn gaps(&self) -> Option<String> {
        let calls = |number| display::counted(number as usize, "call", "calls");
        let functions = self.figures.overflow_functions;
        let overflow = (functions > 0).then(|| {
            format!(
                "Overflow: {} of {}, whose callers and totals are unknown.",
                calls(self.figures.overflow_calls),
                display::counted(functions, "function", "functions"),
            )
        });
        let others = match self.overflow_seconds_of_others() {
            0.0 => None,
            seconds => Some(format!(
                "Overflow: {} in calls of functions that were not chosen.",
                display::duration(seconds),
            )),
        };
        let dropped = match self.figures.dropped_calls {
            0 => None,
            dropped => Some(format!("Dropped: {}.", calls(dropped))),
        };
        let gaps: Vec<_> = [overflow, others, dropped].into_iter().flatten().collect();
        (!gaps.is_empty()).then(|| gaps.join(" "))
    }

    /// One line that says what was recorded.
    pub fn title(&self) -> String {
        let calls = self.figures.calls;
        format!(
            "edbprof: {}, {} in {} {} of {}",
            display::counted(self.figures.processes, "process", "processes"),
            display::duration(self.figures.seconds),
            display::count(calls),
            if calls == 1 { "call" } else { "calls" },
            display::counted(self.rows.len(), "function", "functions"),
        )
    }
}
