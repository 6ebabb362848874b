//! Profiles of a live view: of the whole time, or of the last seconds.

use std::time::{Duration, Instant};

use edbprof::analysis::interval::interval;
use edbprof::analysis::merge::Profile;
use edbprof::format::prof::PlainInputs;
use edbprof::model::Trees;
use edbprof::report::numbers::counted;

use super::sources::Sources;
use crate::cli::args::SelectionOptions;
use crate::input::{self, Input, ReadReport};

/// Time between two readings.
const PERIOD: Duration = Duration::from_secs(1);
/// Reading takes at most this part of the time: a fifth.
const SHARE: u32 = 5;
/// Least time between two readings that are kept. The "last seconds" are up to twice this time.
const KEPT: Duration = Duration::from_secs(5);

/// The latest profile, and earlier ones.
#[derive(Default)]
pub(super) struct Readings {
    latest: Profile,
    at: Option<Instant>,
    /// Two earlier profiles, the older one first.
    earlier: Vec<(Instant, Trees)>,
    next: Option<Instant>,
    /// Number of readings.
    number: u64,
    /// Calls recorded since the older one, computed when they are first used.
    recent: Option<Profile>,
}

impl Readings {
    pub(super) fn is_due(&self) -> bool {
        self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Sets the time of the next reading, after one that took the time `took`.
    pub(super) fn next_after(&mut self, took: Duration) {
        self.next = Some(Instant::now() + PERIOD.max(took * SHARE));
    }

    /// Returns the time until the next reading; `None` if nothing is to be read.
    pub(super) fn time_left(&self, is_paused: bool) -> Option<Duration> {
        let next = self.next.filter(|_| !is_paused)?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Reads the files. Those that can't be read now may be readable next time.
    pub(super) fn read(&mut self, files: Vec<Input>, selection: &SelectionOptions) {
        let now = Instant::now();
        let profile = input::merge(files, selection, true, &mut ReadReport::default());
        // When a run ends, it removes the files that it has merged.
        if profile.trees().recordings.is_empty() && self.at.is_some() {
            return;
        }
        let is_old = |(at, _): &(Instant, Trees)| now.duration_since(*at) >= KEPT;
        if self.earlier.last().is_none_or(is_old) {
            if self.earlier.len() == 2 {
                self.earlier.remove(0);
            }
            self.earlier.push((now, profile.trees().clone()));
        }
        self.latest = profile;
        self.at = Some(now);
        self.number += 1;
        self.recent = None;
    }

    /// Returns the number of the latest reading.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Returns the profile of the whole time.
    pub(super) fn total(&self) -> &Profile {
        &self.latest
    }

    /// Returns the profile of the last seconds.
    pub(super) fn recent(&mut self) -> &Profile {
        let (latest, earlier) = (&self.latest, &self.earlier);
        self.recent.get_or_insert_with(|| match earlier.first() {
            Some((_, earlier)) => {
                let trees = interval(latest.trees(), earlier);
                Profile::of_file(trees, PlainInputs::default())
            }
            None => Profile::default(),
        })
    }

    /// Returns the length of the "last seconds".
    pub(super) fn recent_time(&self) -> Duration {
        let first = self.earlier.first().map(|(at, _)| *at);
        match (first, self.at) {
            (Some(first), Some(at)) => at.duration_since(first),
            _ => Duration::ZERO,
        }
    }

    /// Returns a text that says how many processes record, and how many have ended.
    pub(super) fn state(&self, sources: &Sources) -> String {
        let recordings = self.latest.trees().recordings.len();
        let running = counted(sources.running, "process runs", "processes run");
        match recordings.saturating_sub(sources.running) {
            0 if recordings == 0 => "nothing is recorded yet".to_owned(),
            0 => running,
            ended if sources.running == 0 => {
                counted(ended, "recording, ended", "recordings, ended")
            }
            ended => format!("{running}, {ended} ended"),
        }
    }
}
