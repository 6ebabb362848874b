//! Call trees with nodes put in at the root, taken out of the paths, or left away.
//!
//! Everything goes by self times: what becomes of a node's own is said here, and totals
//! follow.

use std::collections::BTreeMap;

use super::kind_table::KindTable;
use super::select::Selection;
use crate::model::builder::TreeBuilder;
use crate::model::{NO_PARENT, NodeKind, Occurrence, OverflowCalls, ThreadTree, Trees};

/// What stands at the root of calls that have nothing of the kind yet, the process below
/// the thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    pub(super) process: Option<NodeKind>,
    pub(super) thread: Option<NodeKind>,
}

/// `trees` of what is chosen, in groups. Functions that are called no more are gone.
///
/// Of the stacks those stay in which an included function occurs, with its callers'
/// calls but without their time. An excluded function's callees and time go to its
/// caller, or where it has none to a node called `<excluded>`.
///
/// A node of overflow calls is neither; overflow calls themselves go by their function
/// alone. Where stacks are chosen, more time may be in the one than in the other: then a
/// row, or a node, of [`NodeKind::Overflow`] has the rest, so that both add up to the same.
///
/// Groups that are there already stay only where `groups` has one of their kind.
pub(super) fn reshape(
    trees: &Trees,
    chosen: &Selection,
    groups: impl Fn(&ThreadTree) -> Groups,
) -> Trees {
    let mut table = KindTable::default();
    let rules = (0..).zip(&trees.kinds);
    let rules: Vec<Rule> = rules
        .map(|(kind, _)| Rule::of(trees, kind, chosen))
        .collect();
    let threads = trees.threads.iter();
    let threads = threads.filter(|thread| chosen.has_thread(&thread.name));
    let threads: Vec<_> = threads
        .map(|thread| {
            let reshaping = Reshaping {
                trees,
                rules: &rules,
                groups: groups(thread),
                table: &mut table,
                tree: TreeBuilder::new(),
                level: Vec::new(),
                overhead_ps: Vec::new(),
            };
            reshaping.thread(thread)
        })
        .filter(|thread| !thread.is_empty())
        .collect();
    // Known of an aggregate's functions only. Of those that stay in part it says the most
    // that it may be.
    let occurrences = trees.occurrences.iter().filter_map(|ran| {
        let kind = table.find(trees, ran.kind)?;
        Some(Occurrence { kind, ..*ran })
    });
    Trees {
        recordings: trees.recordings.clone(),
        processes: trees.processes.clone(),
        occurrences: occurrences.collect(),
        functions: table.functions,
        kinds: table.kinds,
        threads,
        thread_names: trees.thread_names.clone(),
        selection: trees.selection.clone(),
    }
}

/// What happens to the nodes of one kind.
#[derive(Clone, Copy)]
struct Rule {
    included: bool,
    excluded: bool,
    level: Level,
}

/// What a node may stand on: what is of a lower level, and calls on calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Process,
    Thread,
    Call,
}

impl Rule {
    fn of(trees: &Trees, kind: u32, chosen: &Selection) -> Self {
        let function = trees.function(kind);
        Rule {
            included: chosen.include.is_empty() || function.is_some_and(|f| chosen.includes(f)),
            excluded: function.is_some_and(|function| chosen.excludes(function)),
            level: match trees.kinds[kind as usize] {
                NodeKind::Process(_) | NodeKind::MergedProcesses => Level::Process,
                NodeKind::Thread { .. } | NodeKind::MergedThreads => Level::Thread,
                NodeKind::Function(_) | NodeKind::Overflow | NodeKind::Excluded => Level::Call,
            },
        }
    }
}

struct Reshaping<'a> {
    trees: &'a Trees,
    rules: &'a [Rule],
    groups: Groups,
    table: &'a mut KindTable,
    tree: TreeBuilder,
    /// Of each new node.
    level: Vec<Level>,
    /// Of each new node, or empty.
    overhead_ps: Vec<u64>,
}

impl Reshaping<'_> {
    fn thread(mut self, thread: &ThreadTree) -> ThreadTree {
        let nodes = &thread.nodes;
        // By the calls as they were recorded: a group's have no cost.
        let overhead_ps = self.trees.overhead_ps(thread);
        let own = nodes.self_times();
        let (is_within, stays) = self.stacks(thread);
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        for node in 0..nodes.len() {
            let above = match nodes.parents()[node] {
                NO_PARENT => NO_PARENT,
                parent => places[parent as usize],
            };
            if !stays[node] {
                places.push(above);
                continue;
            }
            let kind = nodes.kinds()[node];
            let rule = self.rules[kind as usize];
            let is_wanted = match rule.level {
                Level::Process => self.groups.process.is_some(),
                Level::Thread => self.groups.thread.is_some(),
                Level::Call => !rule.excluded,
            };
            let own = if is_within[node] { own[node] } else { 0 };
            let time_goes_to = if is_wanted {
                let above = self.ground(above, rule.level);
                let id = self.table.same(self.trees, kind);
                let place = self.child(above, id, rule.level);
                self.tree
                    .add(place, nodes.calls()[node], nodes.resumes()[node], own);
                places.push(place);
                place
            } else {
                places.push(above);
                if own == 0 {
                    continue;
                }
                let place = self.caller(above);
                self.tree.add(place, 0, 0, own);
                place
            };
            if is_within[node] {
                let overhead = overhead_ps.get(node).copied().unwrap_or(0);
                let sum = &mut self.overhead_ps[time_goes_to as usize];
                *sum = sum.saturating_add(overhead);
            }
        }
        let overflow = self.overflow(thread, &own, &is_within);
        ThreadTree {
            process: thread.process,
            name: thread.name.clone(),
            threads: thread.threads,
            nodes: self.tree.finish_self_times(),
            overhead_ps: self.overhead_ps,
            class_calls: Vec::new(),
            overflow,
        }
    }

    /// Of each node whether it lies in a stack that stays, at an included function or
    /// above it, and whether it stays for itself or for what it calls.
    fn stacks(&self, thread: &ThreadTree) -> (Vec<bool>, Vec<bool>) {
        let nodes = &thread.nodes;
        let mut is_within: Vec<bool> = Vec::with_capacity(nodes.len());
        for (&parent, &kind) in nodes.parents().iter().zip(nodes.kinds()) {
            let above = is_within.get(parent as usize).copied().unwrap_or(false);
            is_within.push(above || self.rules[kind as usize].included);
        }
        let mut stays = is_within.clone();
        for node in (0..nodes.len()).rev() {
            if let (true, Some(above)) =
                (stays[node], stays.get_mut(nodes.parents()[node] as usize))
            {
                *above = true;
            }
        }
        (is_within, stays)
    }

    /// Where a node of `level` is put that stood on `above`: there, or on the groups that
    /// are wanted below it.
    fn ground(&mut self, mut above: u32, level: Level) -> u32 {
        for (group, kind) in [
            (Level::Process, self.groups.process.clone()),
            (Level::Thread, self.groups.thread.clone()),
        ] {
            let lower = self.level.get(above as usize).is_none_or(|at| *at < group);
            if let (true, true, Some(kind)) = (group < level, lower, kind) {
                let id = self.table.kind(kind);
                above = self.child(above, id, group);
            }
        }
        above
    }

    /// Whose the time of a node is that stood on `above` and is taken out.
    fn caller(&mut self, above: u32) -> u32 {
        if self.level.get(above as usize) == Some(&Level::Call) {
            return above;
        }
        let above = self.ground(above, Level::Call);
        let id = self.table.kind(NodeKind::Excluded);
        self.child(above, id, Level::Call)
    }

    fn child(&mut self, above: u32, kind: u32, level: Level) -> u32 {
        let place = self.tree.child(above, kind);
        if self.level.len() == place as usize {
            self.level.push(level);
            self.overhead_ps.push(0);
        }
        place
    }

    /// The overflow calls that stay; `own` and `is_within` are of the nodes.
    fn overflow(
        &mut self,
        thread: &ThreadTree,
        own: &[u64],
        is_within: &[bool],
    ) -> Vec<OverflowCalls> {
        let mut is_whole = true;
        let mut in_tree = 0_u64;
        for (node, &kind) in thread.nodes.kinds().iter().enumerate() {
            if self.trees.kinds[kind as usize] == NodeKind::Overflow {
                if is_within[node] {
                    in_tree = in_tree.saturating_add(own[node]);
                } else {
                    is_whole = false;
                }
            }
        }
        let mut overflow: BTreeMap<u32, OverflowCalls> = BTreeMap::new();
        for figures in &thread.overflow {
            let rule = self.rules[figures.kind as usize];
            if !rule.included {
                is_whole = false;
                continue;
            }
            let mut figures = *figures;
            figures.kind = if rule.excluded {
                (figures.calls, figures.resumes) = (0, 0);
                self.table.kind(NodeKind::Excluded)
            } else {
                self.table.same(self.trees, figures.kind)
            };
            let sum = overflow.entry(figures.kind).or_default();
            sum.kind = figures.kind;
            sum.add(&figures);
        }
        // Of all of them both times are the same, but for rounding.
        if !is_whole {
            let times = overflow.values().map(|figures| figures.self_time);
            let in_rows = times.fold(0, u64::saturating_add);
            if in_rows < in_tree {
                let kind = self.table.kind(NodeKind::Overflow);
                let sum = overflow.entry(kind).or_default();
                sum.kind = kind;
                sum.self_time = sum.self_time.saturating_add(in_tree - in_rows);
            } else if in_rows > in_tree {
                let ground = self.ground(NO_PARENT, Level::Call);
                let id = self.table.kind(NodeKind::Overflow);
                let place = self.child(ground, id, Level::Call);
                self.tree.add(place, 0, 0, in_rows - in_tree);
            }
        }
        overflow.into_values().collect()
    }
}
