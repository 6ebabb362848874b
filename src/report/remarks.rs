//! The sentences that reports show about the whole profile.

use super::View;
use super::display::printable;
use super::numbers::{count, counted, duration};
use crate::model::Row;

/// Number of functions that a remark names.
const NAMED: usize = 3;
/// Share of the time from which on a function without calls is worth a remark.
const LEAST_WITHOUT_CALLS: f64 = 0.01;

impl View<'_> {
    /// Returns the title: one line that says what was recorded.
    pub fn title(&self) -> String {
        let figures = &self.figures;
        format!(
            "edbprof: {}, {} in {} {} of {}",
            counted(figures.processes, "process", "processes"),
            duration(figures.seconds),
            count(figures.calls),
            if figures.calls == 1 { "call" } else { "calls" },
            counted(self.rows.len(), "function", "functions"),
        )
    }

    /// Returns the remarks below the title about selections, changed times and missing parts.
    pub fn remarks(&self) -> Vec<String> {
        let remarks = [
            self.chosen(),
            self.selection(),
            self.compensation(),
            self.gaps(),
            self.without_calls(),
        ];
        remarks.into_iter().flatten().collect()
    }

    /// Returns a remark that names the recorded functions, if some process recorded a choice.
    fn chosen(&self) -> Option<String> {
        let processes = &self.profile.trees().processes;
        let mut choices: Vec<_> = processes.iter().map(|process| &*process.chosen).collect();
        choices.sort_unstable();
        choices.dedup();
        let texts: Vec<_> = choices
            .iter()
            .map(|chosen| match chosen.is_empty() {
                true => "all functions".to_owned(),
                false => printable(chosen),
            })
            .collect();
        choices.iter().any(|chosen| !chosen.is_empty()).then(|| {
            format!(
                "Recorded: {}; the time of other functions is their callers'.",
                texts.join(", or ")
            )
        })
    }

    fn selection(&self) -> Option<String> {
        let selection = &*self.profile.trees().selection;
        let options = printable(selection.as_bytes());
        (!selection.is_empty()).then(|| format!("Only a part: {options}."))
    }

    fn compensation(&self) -> Option<String> {
        let compensated = self.figures.compensated?;
        let subtracted = duration(compensated.seconds);
        let exceptions = match compensated.processes_as_recorded {
            0 => String::new(),
            as_recorded => format!(
                "; {} of {} as recorded, for lack of calibration",
                count(as_recorded as i128),
                counted(self.figures.processes, "process", "processes"),
            ),
        };
        let text =
            format!("Compensated: {subtracted} that recording took is left out{exceptions}.");
        Some(text)
    }

    /// Returns the names of functions that ran when their process was killed, some of them.
    fn innermost(&self) -> String {
        let names = self.lower_bounds.innermost();
        let mut text: Vec<_> = names.iter().take(NAMED).cloned().collect();
        if names.len() > NAMED {
            text.push(format!("{} more", names.len() - NAMED));
        }
        text.join(", ")
    }

    /// Returns the reason why functions have 0 calls, if some have.
    fn without_calls(&self) -> Option<String> {
        // Below that, there are always some: generators that were closed before they began.
        let least = LEAST_WITHOUT_CALLS * self.figures.seconds;
        let is_resumed = |row: &Row| row.counts.nc == 0 && row.counts.tt > least;
        let mut functions = self.rows.iter();
        let is_any =
            functions.any(|(id, row)| is_resumed(row) && *self.rows.label(id).file != *b"~");
        is_any.then(|| {
            "Functions with 0 calls were resumed only: they had been called before the recording."
                .to_owned()
        })
    }

    /// Returns remarks about calls that are known only in part.
    fn gaps(&self) -> Option<String> {
        let figures = &self.figures;
        let calls = |number| counted(number as usize, "call", "calls");
        let overflow = (figures.overflow_functions > 0).then(|| {
            format!(
                "Overflow: {} of {}, whose callers and totals are unknown.",
                calls(figures.overflow_calls),
                counted(figures.overflow_functions, "function", "functions"),
            )
        });
        let of_others = (figures.overflow_seconds_of_others > 0.0).then(|| {
            format!(
                "Overflow: {} in calls of functions that were not chosen.",
                duration(figures.overflow_seconds_of_others),
            )
        });
        let dropped = figures.dropped_calls;
        let dropped = (dropped > 0).then(|| format!("Dropped: {}.", calls(dropped)));
        let unfinished = (figures.unfinished_calls > 0).then(|| {
            format!(
                "Unfinished at a kill: {} of {}, innermost {}; their times are lower bounds.",
                calls(figures.unfinished_calls),
                counted(
                    self.lower_bounds.unfinished_functions(),
                    "function",
                    "functions"
                ),
                self.innermost(),
            )
        });
        let unsaved = figures.unsaved_children;
        let unsaved = (unsaved > 0).then(|| {
            let processes = counted(
                unsaved as usize,
                "forked process could not save what it recorded",
                "forked processes could not save what they recorded",
            );
            format!("Lost: {processes}.")
        });
        let unnoticed = figures.unnoticed_entries;
        let unnoticed = (unnoticed > 0).then(|| {
            let times = counted(unnoticed as usize, "time", "times");
            format!(
                "Not noticed: threads of C code entered Python {times}, and what they called is \
                 missing; Python 3.12 or later reports such threads."
            )
        });
        let lost_spans = (figures.lost_spans > 0).then(|| {
            let spans = counted(figures.lost_spans as usize, "native span", "native spans");
            format!("Not recorded: {spans} in threads of C code; threads=True records them.")
        });
        let of_threads = [unnoticed, lost_spans];
        let gaps: Vec<_> = [overflow, of_others, dropped, unfinished, unsaved]
            .into_iter()
            .chain(of_threads)
            .flatten()
            .collect();
        (!gaps.is_empty()).then(|| gaps.join(" "))
    }
}
