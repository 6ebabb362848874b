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
use crate::model::{FoldedFunction, Label, Rows};

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
}

impl View<'_> {
    /// How many processes were recorded, a file without call trees counting as one.
    pub fn processes(&self) -> usize {
        self.recorded().number + self.profile.plain().hashes.len()
    }

    /// How many of them were killed, and have left their live files.
    pub fn killed(&self) -> usize {
        self.recorded().killed
    }

    /// How many of them were still running when they were read.
    pub fn running(&self) -> usize {
        self.recorded().running
    }

    fn recorded(&self) -> Processes {
        Processes::of(&self.profile.trees().processes)
    }

    /// Self time of all functions together, seconds. What is no number in other profilers'
    /// files counts as none.
    pub fn seconds(&self) -> f64 {
        let seconds = self.rows.iter().map(|(_, row)| row.counts.tt);
        let numbers = seconds.filter(|seconds| seconds.is_finite());
        // Not sum(): of nothing, that is -0.
        numbers.fold(0.0, |sum, seconds| sum + seconds)
    }

    /// Calls of all functions together.
    pub fn calls(&self) -> i128 {
        self.rows
            .iter()
            .fold(0, |sum, (_, row)| row.counts.nc.saturating_add(sum))
    }

    /// How many of them are shown as recorded because nobody knows what recording has
    /// cost there.
    pub fn uncompensated(&self) -> usize {
        let recordings = self.profile.trees().processes.iter();
        let unknown = recordings.filter(|recording| recording.calibration.is_none());
        Processes::of(unknown).number + self.profile.plain().hashes.len()
    }

    /// What recording has taken of the times that are shown, seconds, by the processes'
    /// own measurements; 0 where that is not known or left out already.
    pub fn overhead(&self) -> f64 {
        if self.profile.compensation().is_some() {
            return 0.0;
        }
        let threads = self.profile.trees().threads.iter();
        let all = threads.flat_map(|thread| &thread.overhead_ps);
        all.fold(0.0, |sum, &overhead| sum + overhead as f64) / 1e12
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
        let compensation = self.profile.compensation()?;
        let subtracted = display::duration(compensation.subtracted_ns as f64 / 1e9);
        let mut text = format!("Compensated: {subtracted} that recording took is left out");
        if self.uncompensated() > 0 {
            text.push_str(&format!(
                "; {} of {} as recorded, for lack of calibration",
                display::count(self.uncompensated() as i128),
                display::counted(self.processes(), "process", "processes"),
            ));
        }
        text.push('.');
        Some(text)
    }

    /// How many calls were folded.
    pub fn folded_calls(&self) -> u64 {
        let calls = self.folded().map(|(_, folded)| folded.calls);
        calls.fold(0, u64::saturating_add)
    }

    /// The functions of which calls were folded: their inclusive times are the least that
    /// they may be.
    pub fn folded_functions(&self) -> HashSet<&Label> {
        let folded = self.folded().filter(|(_, folded)| folded.has_calls());
        folded.map(|(label, _)| label).collect()
    }

    /// Seconds in folded calls of functions that were not chosen.
    fn folded_seconds_of_others(&self) -> f64 {
        let others = self.folded().filter(|(_, folded)| !folded.has_calls());
        others.fold(0.0, |sum, (_, folded)| sum + folded.self_time as f64) / 1e9
    }

    fn folded(&self) -> impl Iterator<Item = (&Label, &FoldedFunction)> {
        let trees = self.profile.trees();
        let folded = trees.threads.iter().flat_map(|thread| &thread.folded);
        folded.map(|folded| (&trees.functions[folded.function as usize].label, folded))
    }

    /// How many calls are in no figure at all.
    pub fn dropped(&self) -> u64 {
        let processes = self.profile.trees().processes.iter();
        processes.fold(0, |sum, process| sum.saturating_add(process.dropped_calls))
    }

    /// Which calls are known in part only; `None` where all of them are in the tree.
    fn gaps(&self) -> Option<String> {
        let calls = |number| display::counted(number as usize, "call", "calls");
        let functions = self.folded_functions().len();
        let folded = (functions > 0).then(|| {
            format!(
                "Folded: {} of {}, whose callers and totals are unknown.",
                calls(self.folded_calls()),
                display::counted(functions, "function", "functions"),
            )
        });
        let others = match self.folded_seconds_of_others() {
            0.0 => None,
            seconds => Some(format!(
                "Folded: {} in calls of functions that were not chosen.",
                display::duration(seconds),
            )),
        };
        let dropped = match self.dropped() {
            0 => None,
            dropped => Some(format!("Dropped: {}.", calls(dropped))),
        };
        let gaps: Vec<_> = [folded, others, dropped].into_iter().flatten().collect();
        (!gaps.is_empty()).then(|| gaps.join(" "))
    }

    /// One line that says what was recorded.
    pub fn title(&self) -> String {
        let calls = self.calls();
        format!(
            "edbprof: {}, {} in {} {} of {}",
            display::counted(self.processes(), "process", "processes"),
            display::duration(self.seconds()),
            display::count(calls),
            if calls == 1 { "call" } else { "calls" },
            display::counted(self.rows.len(), "function", "functions"),
        )
    }
}
