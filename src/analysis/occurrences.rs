//! Processes and threads in which functions occurred, counted while trees are merged, because the
//! merged tree does not have them.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use crate::model::thread_name::without_digits;
use crate::model::{ANY_THREAD, Occurrence, Trees};

/// Counts, for all recordings together, that don't depend on their order.
#[derive(Debug, Default)]
pub(super) struct OccurrenceCounts {
    names: HashMap<Box<[u8]>, u32>,
    processes: HashMap<(u32, u32), u32, RandomState>,
}

impl OccurrenceCounts {
    /// Counts the kinds of `trees`, which have the indices `kinds` here.
    pub(super) fn add(&mut self, trees: &Trees, kinds: &[u32]) {
        if !trees.occurrences.is_empty() {
            let threads: Vec<u32> = trees.thread_names.iter().map(|n| self.name(n)).collect();
            for occurrence in &trees.occurrences {
                let thread = threads.get(occurrence.thread as usize).copied();
                let place = (
                    kinds[occurrence.kind as usize],
                    thread.unwrap_or(ANY_THREAD),
                );
                self.count(place, occurrence.processes);
            }
        } else if trees.recordings.len() == 1 {
            let mut places = BTreeSet::new();
            for thread in trees.threads.iter().filter(|thread| !thread.is_empty()) {
                let name = self.name(&without_digits(&thread.name));
                let overflow = thread.overflow.iter().map(|calls| calls.kind);
                // Trees have many nodes of few kinds.
                let mut seen = vec![false; kinds.len()];
                for kind in thread.nodes.kinds().iter().copied().chain(overflow) {
                    if !std::mem::replace(&mut seen[kind as usize], true) {
                        let kind = kinds[kind as usize];
                        places.extend([(kind, name), (kind, ANY_THREAD)]);
                    }
                }
            }
            for place in places {
                self.count(place, 1);
            }
        }
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        let new = self.names.len() as u32;
        match self.names.get(name) {
            Some(&known) => known,
            None => *self.names.entry(name.into()).or_insert(new),
        }
    }

    fn count(&mut self, place: (u32, u32), processes: u32) {
        let sum = self.processes.entry(place).or_default();
        *sum = sum.saturating_add(processes);
    }

    /// Returns the names and the counts in their order; `rank` is the new index of each kind.
    pub(super) fn finish(self, rank: &[u32]) -> (Vec<Box<[u8]>>, Vec<Occurrence>) {
        let mut names: Vec<(Box<[u8]>, u32)> = self.names.into_iter().collect();
        names.sort_unstable();
        let mut threads = vec![0; names.len()];
        for (new, (_, old)) in (0..).zip(&names) {
            threads[*old as usize] = new;
        }
        let counts = self.processes.into_iter();
        let mut occurrences: Vec<Occurrence> = counts
            .map(|((kind, thread), processes)| Occurrence {
                kind: rank[kind as usize],
                thread: threads.get(thread as usize).copied().unwrap_or(ANY_THREAD),
                processes,
            })
            .collect();
        occurrences.sort_unstable();
        (
            names.into_iter().map(|(name, _)| name).collect(),
            occurrences,
        )
    }
}
