//! Time in which coroutines were suspended, and their runs without a suspension.

use std::collections::BTreeMap;

/// Number of runs that are kept of a recording, and of an aggregate.
pub const MOST_RUNS: usize = 10;

/// Figures of the coroutines in one node, nanoseconds.
///
/// Not a part of any total: other coroutines run meanwhile. Inclusive like a total, because a
/// suspension suspends the coroutines that await, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Awaiting {
    /// Time in which they were suspended, after they had run in this node.
    pub awaiting: u64,
    /// Longest time in which one of them ran without being suspended.
    pub longest_run: u64,
}

impl Awaiting {
    /// Adds `more`.
    pub(crate) fn add(&mut self, more: &Awaiting) {
        self.awaiting = self.awaiting.saturating_add(more.awaiting);
        self.longest_run = self.longest_run.max(more.longest_run);
    }
}

/// One run of a task between two suspensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongRun {
    /// The node of the coroutine that took most of it.
    pub node: u32,
    /// Nanoseconds since the Unix epoch when it began.
    pub start_unix_ns: u64,
    /// Nanoseconds.
    pub duration: u64,
}

/// Awaiting of a tree's nodes. Nodes that no coroutine ran in take no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAwaits {
    by_node: BTreeMap<u32, Awaiting>,
    /// The longest runs of tasks, the longest first.
    runs: Vec<LongRun>,
}

impl NodeAwaits {
    /// Adds to the figures of `node`, which coroutines ran in.
    pub fn add(&mut self, node: u32, more: &Awaiting) {
        self.by_node.entry(node).or_default().add(more);
    }

    /// Adds a run. Keeps the longest [`MOST_RUNS`], and others that differ from the last of them
    /// only in their node. So the order of a merge does not matter.
    pub fn add_run(&mut self, run: LongRun) {
        if run.duration > 0 {
            let order = |run: &LongRun| (u64::MAX - run.duration, run.start_unix_ns, run.node);
            let place = self
                .runs
                .partition_point(|other| order(other) <= order(&run));
            self.runs.insert(place, run);
            if let Some(last) = self.runs.get(MOST_RUNS - 1).copied() {
                let moment = |run: &LongRun| (u64::MAX - run.duration, run.start_unix_ns);
                let is_kept = |run: &LongRun| moment(run) <= moment(&last);
                self.runs.truncate(self.runs.partition_point(is_kept));
            }
        }
    }

    /// Adds the figures of `other`. `place` maps its nodes to those of this tree; nodes without a
    /// place are left out.
    pub(crate) fn extend(&mut self, other: &NodeAwaits, place: impl Fn(u32) -> Option<u32>) {
        for (node, awaiting) in other.iter() {
            if let Some(node) = place(node) {
                self.add(node, &awaiting);
            }
        }
        for run in &other.runs {
            if let Some(node) = place(run.node) {
                self.add_run(LongRun { node, ..*run });
            }
        }
    }

    /// Returns the figures of `node`, if coroutines ran in it.
    pub fn get(&self, node: u32) -> Option<Awaiting> {
        self.by_node.get(&node).copied()
    }

    /// Returns true if no coroutine ran.
    pub fn is_empty(&self) -> bool {
        self.by_node.is_empty()
    }

    /// All nodes in which coroutines ran, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, Awaiting)> + '_ {
        self.by_node
            .iter()
            .map(|(&node, &awaiting)| (node, awaiting))
    }

    /// The longest runs of tasks, the longest first.
    pub fn runs(&self) -> &[LongRun] {
        &self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_runs_stay_in_an_order_of_their_own() {
        let run = |duration| LongRun {
            node: 1,
            start_unix_ns: 1000 - duration,
            duration,
        };
        let [mut up, mut down] = [NodeAwaits::default(), NodeAwaits::default()];
        (0..30).for_each(|duration| up.add_run(run(duration)));
        (0..30)
            .rev()
            .for_each(|duration| down.add_run(run(duration)));
        assert_eq!(up, down);
        assert!(up.runs().iter().copied().eq((20..30).rev().map(run)));
    }

    #[test]
    fn runs_that_tie_with_the_last_one_stay() {
        let mut awaits = NodeAwaits::default();
        for node in 0..15 {
            awaits.add_run(LongRun {
                node,
                start_unix_ns: 5,
                duration: 7,
            });
        }
        assert_eq!(awaits.runs().len(), 15);
        for node in 0..10 {
            awaits.add_run(LongRun {
                node,
                start_unix_ns: 5,
                duration: 8,
            });
        }
        assert_eq!(awaits.runs().len(), 10);
    }

    #[test]
    fn awaiting_adds_up_and_runs_do_not() {
        let one = Awaiting {
            awaiting: 5,
            longest_run: 3,
        };
        let mut awaits = NodeAwaits::default();
        awaits.add(4, &one);
        awaits.add(
            4,
            &Awaiting {
                longest_run: 2,
                ..one
            },
        );
        let mut moved = NodeAwaits::default();
        moved.add(9, &one);
        moved.extend(&awaits, |node| (node == 4).then_some(8));
        let expected = Awaiting {
            awaiting: 10,
            longest_run: 3,
        };
        assert_eq!(moved.iter().collect::<Vec<_>>(), [(8, expected), (9, one)]);
    }
}
