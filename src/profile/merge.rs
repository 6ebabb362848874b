//! Merging: many files become one value, every input counted exactly once.
//!
//! Raw recordings are known by their random id, inputs without call trees by the
//! hash of their bytes; an aggregate lists the ids and hashes of all that is in
//! it. Aggregates wait until all raw inputs are in. One that brings nothing new
//! is left out; one that brings both new and old can't be taken apart and is
//! refused. So merging in stages and merging again never count twice, and the
//! order of the inputs does not matter.
//!
//! An input of which a part was chosen lists its recordings too, but has not all of
//! them: it is merged only with what was chosen by the same options.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;

use super::compensate::{Compensation, compensate};
use super::ran_in::RanInCounts;
use super::rows;
use super::singledispatch;
use super::tree_builder::TreeBuilder;
use super::walk::Children;
use crate::format::content_hash::ContentHash;
use crate::format::prof::{self, PlainInputs, ProfFile};
use crate::format::pstats::Rows;
#[cfg(feature = "report")]
use crate::format::pstats::{Entries, Labels};
use crate::format::sidecar::Sidecar;
use crate::format::trees::{
    FoldedFunction, Function, MAX_NODES, NO_PARENT, Nodes, Process, RecordingId, ThreadTree, Trees,
};

/// Everything that was read, as one value, from which all reports are written.
///
/// Functions, nodes, recordings and processes stand in an order that follows
/// from what they are: the same inputs give the same value however they came.
/// Only the plain inputs' rows keep the order of their first appearance, as
/// pstats does.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    trees: Trees,
    plain: PlainInputs,
    compensation: Option<Compensation>,
}

impl Profile {
    /// The exact part: at most one tree, for all threads of all processes. Its times
    /// are those that were measured.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    /// The exact part with the times that are to be shown.
    pub fn shown_trees(&self) -> &Trees {
        self.compensation
            .as_ref()
            .map_or(&self.trees, |compensation| &compensation.trees)
    }

    /// From now on times are shown without what recording has cost.
    pub fn compensate(&mut self) {
        self.compensation = Some(compensate(&self.trees));
    }

    /// What was taken out of the times that are shown, if that was asked for.
    pub fn compensation(&self) -> Option<&Compensation> {
        self.compensation.as_ref()
    }

    /// The part that came without call trees.
    pub fn plain(&self) -> &PlainInputs {
        &self.plain
    }

    /// The pstats rows of both.
    pub fn rows(&self) -> Rows {
        let mut rows = rows::rows(self.shown_trees());
        rows::add(&mut rows, &self.plain.rows);
        rows
    }

    /// What both say about generic functions.
    pub fn sidecar(&self) -> Sidecar {
        let mut sidecar = singledispatch::sidecar(&self.trees);
        singledispatch::add(&mut sidecar, &self.plain.sidecar);
        sidecar
    }

    /// The bytes of a `.prof` file that merges back to this value.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(&self.rows())
    }

    /// As [`Profile::encode`], where [`Profile::rows`] are at hand.
    pub fn encode_with(&self, rows: &Rows) -> Vec<u8> {
        let subtracted = self.compensation.as_ref().map(|c| c.subtracted_ns);
        prof::encode_compensated(rows, &self.trees, &self.plain, subtracted)
    }
}

/// Why a readable file was left out of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An aggregate of which a part is counted already.
    Overlap {
        /// How many of its inputs are.
        counted: usize,
        /// How many inputs it has.
        inputs: usize,
    },
    /// The merged tree would become larger than a file can hold.
    TooLarge,
    /// Only a part of what was recorded, and others are whole or other parts.
    Part {
        /// The options that chose it.
        selection: Box<str>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Overlap { counted, inputs } => write!(
                f,
                "{counted} of the {inputs} inputs merged in it are counted already and can't be \
                 taken out; give either it or the files that it was made from"
            ),
            Refusal::TooLarge => write!(f, "the merged call tree would exceed {MAX_NODES} nodes"),
            Refusal::Part { selection } => write!(
                f,
                "it holds only what {} has chosen and can't be merged with anything else; give \
                 the files that it was made from",
                selection.escape_debug()
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// What a [`Merger`] made of its inputs.
#[derive(Debug, Default)]
pub struct Merged {
    /// The value.
    pub profile: Profile,
    /// Inputs that brought nothing new: their recordings are counted under another
    /// path or in an aggregate.
    pub repeated: Vec<PathBuf>,
    /// Inputs that had to be left out, and why.
    pub refused: Vec<(PathBuf, Refusal)>,
}

/// Takes files one after the other and keeps only what is distinct in them.
pub struct Merger {
    functions: Vec<Function>,
    function_ids: HashMap<Function, u32>,
    tree: TreeBuilder,
    /// Of each node of the tree, as [`ThreadTree::overhead_ps`].
    overhead_ps: Vec<u64>,
    /// By function.
    folded: BTreeMap<u32, FoldedFunction>,
    ran_in: RanInCounts,
    recordings: BTreeSet<RecordingId>,
    processes: Vec<Process>,
    plain_inputs: BTreeMap<ContentHash, usize>,
    plain_rows: Rows,
    sidecar: Sidecar,
    aggregates: Vec<Aggregate>,
    /// What chose the inputs' parts.
    selection: Box<str>,
    /// Parts that something else has chosen.
    parts: Vec<Aggregate>,
    merged: Merged,
}

struct Aggregate {
    path: PathBuf,
    trees: Trees,
    plain: PlainInputs,
}

impl Default for Merger {
    fn default() -> Self {
        Self::new()
    }
}

impl Merger {
    /// A merger that has seen nothing, of whole inputs.
    pub fn new() -> Self {
        Self::of_parts("")
    }

    /// A merger of what the options `selection` have chosen, which is what the inputs
    /// say of themselves; if that is empty, of whole ones.
    ///
    /// Where there is nothing else it merges parts, too, that one other selection chose.
    pub fn of_parts(selection: &str) -> Self {
        Self {
            functions: Vec::new(),
            function_ids: HashMap::new(),
            tree: TreeBuilder::new(),
            overhead_ps: Vec::new(),
            folded: BTreeMap::new(),
            ran_in: RanInCounts::default(),
            recordings: BTreeSet::new(),
            processes: Vec::new(),
            plain_inputs: BTreeMap::new(),
            plain_rows: Rows::default(),
            sidecar: Sidecar::new(),
            aggregates: Vec::new(),
            selection: selection.into(),
            parts: Vec::new(),
            merged: Merged::default(),
        }
    }

    /// Takes a file; `path` is what the user knows it by and is not opened.
    ///
    /// Of two files with the same recording the first counts: give a live file,
    /// which holds more, before the `.prof` of the same process.
    pub fn add(&mut self, path: impl Into<PathBuf>, file: ProfFile) {
        let path = path.into();
        match file {
            ProfFile::Plain(plain) => self.add_plain(&plain),
            ProfFile::Exact(trees, plain) if trees.selection != self.selection => {
                self.parts.push(Aggregate { path, trees, plain });
            }
            ProfFile::Exact(trees, plain) => match trees.recordings[..] {
                [id] if plain.hashes.is_empty() => {
                    if self.recordings.contains(&id) {
                        self.merged.repeated.push(path);
                    } else {
                        self.add_exact(path, trees, &plain);
                    }
                }
                _ => self.aggregates.push(Aggregate { path, trees, plain }),
            },
        }
    }

    /// The labels of the plain files so far, for [`prof::read_entries`].
    #[cfg(feature = "report")]
    pub fn known_labels(&self) -> &Labels {
        self.plain_rows.label_table()
    }

    /// Takes files as [`add`](Self::add) does, one after the other. They must have been
    /// read with what are now the [`known_labels`](Self::known_labels).
    #[cfg(feature = "report")]
    pub fn add_all(&mut self, files: impl IntoIterator<Item = (PathBuf, ProfFile<Entries>)>) {
        let mut entries = Vec::new();
        for (path, file) in files {
            match file {
                ProfFile::Plain(plain) => {
                    self.count_plain(&plain);
                    entries.push(plain.rows);
                }
                ProfFile::Exact(trees, plain) => self.add(path, ProfFile::Exact(trees, plain)),
            }
        }
        rows::add_entries(&mut self.plain_rows, &entries);
    }

    /// Decides about the aggregates and closes the books.
    pub fn finish(mut self) -> Merged {
        self.decide_about_parts();
        let mut aggregates = std::mem::take(&mut self.aggregates);
        // The largest first: it can make smaller ones superfluous, and which are
        // refused then does not depend on the order of the inputs.
        aggregates.sort_by_cached_key(|aggregate| {
            let Aggregate { path, trees, plain } = aggregate;
            let inputs = trees.recordings.len() + plain.hashes.len();
            let ids = (trees.recordings.clone(), plain.hashes.clone());
            (std::cmp::Reverse(inputs), ids, path.clone())
        });
        for Aggregate { path, trees, plain } in aggregates {
            let recordings: BTreeSet<_> = trees.recordings.iter().collect();
            let hashes = counted(&plain.hashes);
            let inputs = recordings.len() + plain.hashes.len();
            let known = recordings
                .iter()
                .filter(|&&id| self.recordings.contains(id));
            let known_plain = hashes.iter().map(|(hash, &count)| {
                let known = self.plain_inputs.get(hash).copied();
                known.unwrap_or(0).min(count)
            });
            let counted = known.count() + known_plain.sum::<usize>();
            if counted == 0 {
                self.add_exact(path, trees, &plain);
            } else if counted == inputs {
                self.merged.repeated.push(path);
            } else {
                let refusal = Refusal::Overlap { counted, inputs };
                self.merged.refused.push((path, refusal));
            }
        }
        let mut merged = self.merged;
        let mut processes = self.processes;
        processes.sort_by(compare_processes);
        let nodes = self.tree.finish();
        let mut overhead_ps = self.overhead_ps;
        if overhead_ps.iter().any(|&overhead| overhead > 0) {
            overhead_ps.resize(nodes.len(), 0);
        } else {
            overhead_ps.clear();
        }
        let (functions, rank) = sorted(self.functions);
        let (thread_names, ran_in) = self.ran_in.finish(&rank);
        let (nodes, overhead_ps) = in_order(&nodes, &overhead_ps, &rank);
        let folded = self.folded.into_values().map(|folded| FoldedFunction {
            function: rank[folded.function as usize],
            ..folded
        });
        let mut folded: Vec<_> = folded.collect();
        folded.sort_unstable();
        let mut threads = vec![ThreadTree {
            process: 0,
            name: Box::default(),
            nodes,
            overhead_ps,
            class_calls: Vec::new(),
            folded,
        }];
        threads.retain(|thread| !thread.is_empty());
        let hashes = self.plain_inputs.iter();
        let hashes = hashes.flat_map(|(&hash, &count)| std::iter::repeat_n(hash, count));
        merged.profile = Profile {
            trees: Trees {
                recordings: self.recordings.into_iter().collect(),
                processes,
                functions,
                threads,
                selection: self.selection,
                thread_names,
                ran_in,
            },
            plain: PlainInputs {
                hashes: hashes.collect(),
                rows: rows::renumbered(&self.plain_rows),
                sidecar: self.sidecar,
            },
            compensation: None,
        };
        merged
    }

    fn decide_about_parts(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let is_alone = self.recordings.is_empty()
            && self.plain_inputs.is_empty()
            && self.aggregates.is_empty();
        let selections: BTreeSet<_> = parts.iter().map(|part| &part.trees.selection).collect();
        if let (true, [selection]) = (is_alone, &Vec::from_iter(selections)[..]) {
            self.selection = (*selection).clone();
            self.aggregates = parts;
            return;
        }
        let refused = parts.into_iter().map(|Aggregate { path, trees, .. }| {
            let selection = trees.selection;
            (path, Refusal::Part { selection })
        });
        self.merged.refused.extend(refused);
    }

    fn add_plain(&mut self, plain: &PlainInputs) {
        self.count_plain(plain);
        rows::add(&mut self.plain_rows, &plain.rows);
    }

    /// Takes all but the rows.
    fn count_plain<R>(&mut self, plain: &PlainInputs<R>) {
        for (hash, count) in counted(&plain.hashes) {
            *self.plain_inputs.entry(hash).or_default() += count;
        }
        singledispatch::add(&mut self.sidecar, &plain.sidecar);
    }

    fn add_exact(&mut self, path: PathBuf, trees: Trees, plain: &PlainInputs) {
        let nodes: usize = trees.threads.iter().map(|thread| thread.nodes.len()).sum();
        if self.tree.len() + nodes > MAX_NODES {
            self.merged.refused.push((path, Refusal::TooLarge));
            return;
        }
        self.add_plain(plain);
        let functions: Vec<u32> = trees
            .functions
            .iter()
            .map(|function| self.intern(function))
            .collect();
        for thread in &trees.threads {
            self.add_tree(&thread.nodes, &trees.overhead_ps(thread), &functions);
            for folded in &thread.folded {
                let function = functions[folded.function as usize];
                let sum = self.folded.entry(function).or_default();
                sum.function = function;
                sum.add(folded);
            }
        }
        self.ran_in.add(&trees, &functions);
        self.recordings.extend(trees.recordings);
        self.processes.extend(trees.processes);
    }

    fn intern(&mut self, function: &Function) -> u32 {
        if let Some(&id) = self.function_ids.get(function) {
            return id;
        }
        let id = self.functions.len() as u32;
        self.functions.push(function.clone());
        self.function_ids.insert(function.clone(), id);
        id
    }

    fn add_tree(&mut self, nodes: &Nodes, overhead_ps: &[u64], functions: &[u32]) {
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        for node in 0..nodes.len() {
            let parent = match nodes.parent[node] {
                NO_PARENT => NO_PARENT,
                parent => places[parent as usize],
            };
            let function = functions[nodes.function[node] as usize];
            let place = self.tree.child(parent, function);
            self.tree.add(
                place,
                nodes.calls[node],
                nodes.resumes[node],
                nodes.total[node],
            );
            if let Some(&overhead) = overhead_ps.get(node) {
                let place = place as usize;
                if self.overhead_ps.len() <= place {
                    self.overhead_ps.resize(place + 1, 0);
                }
                self.overhead_ps[place] = self.overhead_ps[place].saturating_add(overhead);
            }
            places.push(place);
        }
    }
}

fn counted(hashes: &[ContentHash]) -> BTreeMap<ContentHash, usize> {
    let mut counts = BTreeMap::new();
    for &hash in hashes {
        *counts.entry(hash).or_default() += 1;
    }
    counts
}

/// Functions sorted by what they are, and for each of them where it is now.
fn sorted(functions: Vec<Function>) -> (Vec<Function>, Vec<u32>) {
    let mut order: Vec<(u32, Function)> = (0..).zip(functions).collect();
    order.sort_by(|(_, a), (_, b)| {
        (&a.label, &a.qualified_name, &a.module)
            .cmp(&(&b.label, &b.qualified_name, &b.module))
            .then_with(|| (a.kind, a.flags, &a.generic).cmp(&(b.kind, b.flags, &b.generic)))
    });
    let mut rank = vec![0; order.len()];
    for (new, &(old, _)) in (0..).zip(&order) {
        rank[old as usize] = new;
    }
    let functions = order.into_iter().map(|(_, function)| function);
    (functions.collect(), rank)
}

/// Nodes depth first by their functions' ranks; `overhead_ps` goes with them or is empty.
fn in_order(nodes: &Nodes, overhead_ps: &[u64], rank: &[u32]) -> (Nodes, Vec<u64>) {
    let children = Children::of(nodes);
    let rank = |node: u32| rank[nodes.function[node as usize] as usize];
    // The next node to be placed is the last: those of lowest rank come last.
    let mut waiting: Vec<(u32, u32)> = Vec::new();
    let push = |waiting: &mut Vec<(u32, u32)>, siblings: &[u32], parent: u32| {
        let first = waiting.len();
        waiting.extend(siblings.iter().map(|&node| (node, parent)));
        waiting[first..].sort_unstable_by_key(|&(node, _)| std::cmp::Reverse(rank(node)));
    };
    push(&mut waiting, children.roots(), NO_PARENT);
    let mut sorted = Nodes::default();
    let mut sorted_overhead_ps = Vec::with_capacity(overhead_ps.len());
    while let Some((node, parent)) = waiting.pop() {
        let old = node as usize;
        let (calls, resumes) = (nodes.calls[old], nodes.resumes[old]);
        let place = sorted.push(parent, rank(node), calls, resumes, nodes.total[old]);
        sorted_overhead_ps.extend(overhead_ps.get(old));
        push(&mut waiting, children.under(node), place);
    }
    (sorted, sorted_overhead_ps)
}

fn compare_processes(a: &Process, b: &Process) -> std::cmp::Ordering {
    let numbers = |p: &Process| (p.start_unix_ns, p.pid, p.parent_pid, p.duration_ns);
    let rest = |p: &Process| (p.ending as u8, p.dropped_calls);
    numbers(a)
        .cmp(&numbers(b))
        .then_with(|| rest(a).cmp(&rest(b)))
        .then_with(|| (&a.argv, &a.host).cmp(&(&b.argv, &b.host)))
        .then_with(|| (&a.hook, &a.clock).cmp(&(&b.hook, &b.clock)))
        .then_with(|| a.clock_resolution_ns.total_cmp(&b.clock_resolution_ns))
        .then_with(|| a.calibration.cmp(&b.calibration))
}
