//! Call trees of threads, and all that one recording or one merge holds.

use std::borrow::Cow;

use super::{
    Function, NO_PARENT, NodeAwaits, NodeKind, NodeRow, NodeWaits, Nodes, Occurrence,
    OverflowCalls, Process, UnfinishedCalls,
};

/// The random 128-bit id of one recording.
pub type RecordingId = [u8; 16];

/// One thread's call tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadTree {
    /// Index into [`Trees::processes`]; meaningless in an aggregate, where one tree holds all
    /// threads of all processes.
    pub process: u32,
    /// The thread's name as the host knows it, for example `MainThread`; what the names of
    /// several have in common.
    pub name: Box<[u8]>,
    /// Number of threads that have recorded in the tree, one after the other.
    pub threads: u32,
    /// The tree.
    pub nodes: Nodes,
    /// Number of calls that each node made of classes and other objects without nodes, in a
    /// recorder's file; empty for none.
    pub class_calls: Vec<u32>,
    /// In an aggregate what recording added to each node's self time, picoseconds;
    /// empty for nothing. Empty in a recorder's file: `Trees::overhead_ps` computes it.
    pub overhead_ps: Vec<u64>,
    /// The overflow calls, by function.
    pub overflow: Vec<OverflowCalls>,
    /// Calls that were open when the process was killed, by function.
    pub unfinished: Vec<UnfinishedCalls>,
    /// The parts of the nodes' self times in which the thread was on no processor.
    pub waits: NodeWaits,
    /// Time for which coroutines were suspended in the nodes. It is not part of the nodes' times.
    pub awaits: NodeAwaits,
}

impl Default for ThreadTree {
    fn default() -> ThreadTree {
        ThreadTree {
            process: 0,
            name: Box::default(),
            threads: 1,
            nodes: Nodes::default(),
            class_calls: Vec::new(),
            overhead_ps: Vec::new(),
            overflow: Vec::new(),
            unfinished: Vec::new(),
            waits: NodeWaits::default(),
            awaits: NodeAwaits::default(),
        }
    }
}

impl ThreadTree {
    /// Counts calls of classes that `node` made, or no function for [`NO_PARENT`].
    pub(crate) fn add_class_calls(&mut self, node: u32, calls: u32) {
        if calls > 0 && node != NO_PARENT {
            self.class_calls.resize(self.nodes.len(), 0);
        }
        if let Some(sum) = self.class_calls.get_mut(node as usize) {
            *sum = sum.saturating_add(calls);
        }
    }

    /// Removes nodes without calls, time and callees: calls that a forked child inherited and never
    /// returned to. Roots stay.
    pub(crate) fn remove_unvisited(&mut self) {
        let mut has_callees = vec![false; self.nodes.len()];
        for &parent in self.nodes.parents() {
            if let Some(caller) = has_callees.get_mut(parent as usize) {
                *caller = true;
            }
        }
        let nodes = std::mem::take(&mut self.nodes);
        let class_calls = std::mem::take(&mut self.class_calls);
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        for ((node, row), has_callees) in nodes.rows().enumerate().zip(has_callees) {
            let class_calls = class_calls.get(node).copied().unwrap_or(0);
            let visits = row.calls | row.resumes | row.total | u64::from(class_calls);
            if visits == 0 && !has_callees && row.parent != NO_PARENT {
                places.push(NO_PARENT);
                continue;
            }
            let parent = places.get(row.parent as usize).copied();
            let place = self.nodes.push(NodeRow {
                parent: parent.unwrap_or(NO_PARENT),
                ..row
            });
            places.push(place);
            self.add_class_calls(place, class_calls);
        }
        let place = |node: u32| {
            let place = places.get(node as usize).copied();
            place.filter(|&place| place != NO_PARENT)
        };
        let waits = std::mem::take(&mut self.waits);
        for (node, waiting) in waits.iter() {
            if let Some(node) = place(node) {
                self.waits.add(node, &waiting);
            }
        }
        let awaits = std::mem::take(&mut self.awaits);
        self.awaits.extend(&awaits, place);
    }

    /// Makes the tree consistent once all nodes of a recording have been read: totals, class calls
    /// and waiting.
    pub(crate) fn complete(&mut self) {
        self.nodes.widen_parents();
        if !self.class_calls.is_empty() {
            self.class_calls.resize(self.nodes.len(), 0);
        }
        if !self.waits.is_empty() {
            self.waits.limit_to(&self.nodes.self_times());
        }
    }

    /// Returns true if nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.overflow.is_empty()
    }
}

/// Everything exact that one `.prof` file holds: the second object in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trees {
    /// Ids of the recordings in here: one in a recorder's file, all of them in an aggregate, where
    /// they are sorted.
    pub recordings: Vec<RecordingId>,
    /// The processes.
    pub processes: Vec<Process>,
    /// The functions.
    pub functions: Vec<Function>,
    /// Kinds of nodes, which the nodes of all trees index.
    pub kinds: Vec<NodeKind>,
    /// One call tree a thread; in an aggregate one for everything.
    pub threads: Vec<ThreadTree>,
    /// The options that chose what of the recordings is in here; empty where all of it is.
    pub selection: Box<str>,
    /// In an aggregate the names that threads had, sorted, with `#` for digits.
    pub thread_names: Vec<Box<[u8]>>,
    /// In an aggregate, the occurrences of nodes of each kind, sorted. Empty in a recorder's file,
    /// where the trees show them.
    pub occurrences: Vec<Occurrence>,
}

impl Trees {
    /// No trees yet, in which each of `functions` is the kind of the same index.
    pub fn of_functions(functions: Vec<Function>) -> Trees {
        Trees {
            kinds: (0..functions.len() as u32)
                .map(NodeKind::Function)
                .collect(),
            functions,
            ..Trees::default()
        }
    }

    /// The function that nodes of `kind` are calls of, if they are calls.
    pub fn function(&self, kind: u32) -> Option<&Function> {
        match self.kinds.get(kind as usize)? {
            &NodeKind::Function(function) => self.functions.get(function as usize),
            _ => None,
        }
    }

    /// Removes the processes that `is_kept` rejects, of which no node may be left.
    pub(crate) fn retain_processes(&mut self, is_kept: impl Fn(&Process) -> bool) {
        let mut kept = 0;
        let places = self.processes.iter().map(|process| {
            kept += u32::from(is_kept(process));
            kept.saturating_sub(1)
        });
        let places: Vec<u32> = places.collect();
        for kind in &mut self.kinds {
            if let NodeKind::Process(process) = kind {
                *process = places[*process as usize];
            }
        }
        self.processes.retain(is_kept);
    }

    /// Returns true if they come from a merge, where the threads of all recordings become one
    /// tree, even if there was one recording only.
    pub fn is_merged(&self) -> bool {
        self.recordings.len() != 1 || !self.occurrences.is_empty()
    }

    /// Returns what recording added to the self time of each node of `thread`, one of these,
    /// picoseconds; empty where nothing is known.
    pub(crate) fn overhead_ps<'t>(&self, thread: &'t ThreadTree) -> Cow<'t, [u64]> {
        let process = self.processes.get(thread.process as usize);
        // Costs follow from the calls only in a tree as it was recorded: of one process, without
        // groups, and with all calls.
        let as_recorded = self.recordings.len() == 1
            && self.selection.is_empty()
            && !self.kinds.iter().any(NodeKind::is_group);
        match process.and_then(|process| process.calibration) {
            Some(calibration) if thread.overhead_ps.is_empty() && as_recorded => {
                Cow::Owned(calibration.overhead(self, thread, 1.0))
            }
            _ => Cow::Borrowed(&thread.overhead_ps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Awaiting, LongRun, Waiting};

    #[test]
    fn what_waited_is_still_itself_when_others_are_removed() {
        let mut tree = ThreadTree::default();
        for (parent, calls) in [(NO_PARENT, 0), (0, 0), (0, 1), (2, 1)] {
            tree.nodes.push(NodeRow {
                parent,
                calls,
                ..NodeRow::default()
            });
        }
        let waiting = Waiting {
            blocked: 5,
            ..Waiting::default()
        };
        let awaiting = Awaiting {
            awaiting: 7,
            longest_run: 3,
        };
        let run = LongRun {
            node: 3,
            start_unix_ns: 1,
            duration: 3,
        };
        tree.waits.add(2, &waiting);
        tree.awaits.add(3, &awaiting);
        tree.awaits.add_run(run);
        tree.remove_unvisited();
        assert_eq!(tree.nodes.len(), 3);
        assert_eq!(tree.waits.iter().collect::<Vec<_>>(), [(1, waiting)]);
        assert_eq!(tree.awaits.iter().collect::<Vec<_>>(), [(2, awaiting)]);
        assert_eq!(tree.awaits.runs(), [LongRun { node: 2, ..run }]);
    }
}
