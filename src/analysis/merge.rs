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

mod trees;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use trees::TreeSum;

use super::compensate::{Compensation, compensate};
use super::rows;
use super::singledispatch;
use crate::format::content_hash::ContentHash;
use crate::format::prof::{self, PlainInputs, ProfFile};
use crate::format::pstats::Entries;
use crate::model::{DispatchCounts, Labels, MAX_NODES, Rows, Trees, dispatch_counts, rows_of};

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
    pub fn rows(&self) -> Cow<'_, Rows> {
        let trees = self.shown_trees();
        if trees.kinds.is_empty() {
            return Cow::Borrowed(&self.plain.rows);
        }
        let mut rows = rows_of(trees);
        rows::add(&mut rows, &self.plain.rows);
        Cow::Owned(rows)
    }

    /// What both say about generic functions.
    pub fn sidecar(&self) -> DispatchCounts {
        let mut sidecar = dispatch_counts(&self.trees);
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
    trees: TreeSum,
    plain_inputs: BTreeMap<ContentHash, usize>,
    plain_rows: Rows,
    sidecar: DispatchCounts,
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
            trees: TreeSum::new(),
            plain_inputs: BTreeMap::new(),
            plain_rows: Rows::default(),
            sidecar: DispatchCounts::new(),
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
                    if self.trees.recordings().contains(&id) {
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
    pub fn known_labels(&self) -> &Labels {
        self.plain_rows.label_table()
    }

    /// Takes files as [`add`](Self::add) does, one after the other. They must have been
    /// read with what are now the [`known_labels`](Self::known_labels).
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
                .filter(|&&id| self.trees.recordings().contains(id));
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
        let hashes = self.plain_inputs.iter();
        let hashes = hashes.flat_map(|(&hash, &count)| std::iter::repeat_n(hash, count));
        merged.profile = Profile {
            trees: self.trees.finish(self.selection),
            plain: PlainInputs {
                hashes: hashes.collect(),
                rows: rows::renumbered(self.plain_rows),
                sidecar: self.sidecar,
            },
            compensation: None,
        };
        merged
    }

    fn decide_about_parts(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let is_alone = self.trees.recordings().is_empty()
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
        if self.trees.has_room_for(&trees) {
            self.add_plain(plain);
            self.trees.add(trees);
        } else {
            self.merged.refused.push((path, Refusal::TooLarge));
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
