//! Merges many files into one value, and counts every input exactly once.
//!
//! A recording is known by its random id, and an input without call trees by the hash of its bytes.
//! An aggregate lists the ids and hashes of everything in it.
//!
//! ```text
//!            one recording ──────────────────────────┬─> trees ──┐
//! add() ──── plain input ────────────────────────────┼─> rows ───┼─> Profile
//!            aggregate ── finish(): nothing counted ─┘           │
//!                      └─ all counted: repeated; some: refused   │
//!            part of another selection ── finish(): refused, or, if nothing else
//!                                         was added, an aggregate
//! ```
//!
//! Aggregates wait until all other inputs are added. One that brings nothing new is left
//! out; one that brings both new and old can't be taken apart and is refused. So merging in
//! stages and merging again never count twice, and the order of the inputs does not matter.

mod plain_counts;
mod profile;
mod refusal;
mod tree_sums;
mod trees;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::merge_request::{By, MergeRequest};
use super::rows;
use super::select::SelectionId;
use super::singledispatch::counts;
use crate::format::prof::{PlainInputs, ProfFile};
use crate::format::pstats::Entries;
use crate::model::{DispatchCounts, Labels, Rows, Trees};
use plain_counts::PlainCounts;
use tree_sums::TreeSums;

pub use profile::Profile;
pub use refusal::Refusal;

/// Result of merging.
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

/// Takes files one after the other and keeps only their distinct parts.
#[derive(Default)]
pub struct Merger {
    trees: TreeSums,
    plain_inputs: PlainCounts,
    plain_rows: Rows,
    sidecar: DispatchCounts,
    aggregates: Vec<Aggregate>,
    /// The selection that has chosen the inputs.
    selection: SelectionId,
    /// Inputs that another selection has chosen.
    parts: Vec<Aggregate>,
    repeated: Vec<PathBuf>,
    refused: Vec<(PathBuf, Refusal)>,
}

struct Aggregate {
    path: PathBuf,
    trees: Trees,
    plain: PlainInputs,
}

impl Merger {
    /// Returns a merger of whole inputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a merger of the parts of inputs that `selection` has chosen.
    ///
    /// If there is nothing else, it also merges parts that one other selection has chosen.
    pub fn of_parts(selection: SelectionId) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// Adds a file; `path` is its name in messages and is not opened.
    ///
    /// Of two files with the same recording the first counts: give a live file,
    /// which holds more, before the `.prof` of the same process.
    pub fn add(&mut self, path: impl Into<PathBuf>, file: ProfFile) {
        let path = path.into();
        match file {
            ProfFile::Plain(plain) => {
                self.plain_inputs.add_file(&plain);
                self.add_plain_rows(&plain);
            }
            ProfFile::Exact(trees, plain) if SelectionId::of(&trees) != self.selection => {
                self.parts.push(Aggregate { path, trees, plain });
            }
            ProfFile::Exact(trees, plain) => match trees.recordings[..] {
                [id] if plain.inputs() == 0 => {
                    if self.trees.recordings().contains(&id) {
                        self.repeated.push(path);
                    } else {
                        self.add_exact(path, trees, &plain);
                    }
                }
                _ => self.aggregates.push(Aggregate { path, trees, plain }),
            },
        }
    }

    /// Returns the labels of the plain files so far, for
    /// [`read_entries`](crate::format::prof::read_entries).
    pub fn known_labels(&self) -> &Labels {
        self.plain_rows.label_table()
    }

    /// Adds files like [`add`](Self::add), one after the other. They must have been read
    /// with the labels that are now the [`known_labels`](Self::known_labels).
    pub fn add_all(&mut self, files: impl IntoIterator<Item = (PathBuf, ProfFile<Entries>)>) {
        let mut entries = Vec::new();
        for (path, file) in files {
            match file {
                ProfFile::Plain(plain) => {
                    self.plain_inputs.add_file(&plain);
                    counts::add(&mut self.sidecar, &plain.sidecar);
                    entries.push(plain.rows);
                }
                ProfFile::Exact(trees, plain) => self.add(path, ProfFile::Exact(trees, plain)),
            }
        }
        rows::add_entries(&mut self.plain_rows, entries);
    }

    /// Adds or refuses the aggregates, and returns the value.
    pub fn finish(mut self) -> Merged {
        self.accept_or_refuse_parts();
        self.add_or_refuse_aggregates();
        let [hashes, version1_hashes] = self.plain_inputs.hashes();
        let plain = PlainInputs {
            hashes,
            version1_hashes,
            rows: rows::renumbered(self.plain_rows),
            sidecar: self.sidecar,
        };
        Merged {
            profile: Profile::new(self.trees.finish(self.selection), plain, self.plain_inputs),
            repeated: self.repeated,
            refused: self.refused,
        }
    }

    /// Accepts the parts as inputs if there is nothing else and one selection has chosen them all.
    fn accept_or_refuse_parts(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let is_alone = self.trees.recordings().is_empty()
            && self.plain_inputs.is_empty()
            && self.aggregates.is_empty();
        let selections = parts.iter().map(|part| SelectionId::of(&part.trees));
        let selections = Vec::from_iter(BTreeSet::from_iter(selections));
        if let (true, [selection]) = (is_alone, &selections[..]) {
            self.selection = selection.clone();
            self.aggregates = parts;
            return;
        }
        let refused = parts.into_iter();
        let refused = refused.map(|part| (part.path, Refusal::Part(SelectionId::of(&part.trees))));
        self.refused.extend(refused);
    }

    /// Adds the aggregates of which nothing is counted yet, and refuses those that are counted in
    /// part.
    fn add_or_refuse_aggregates(&mut self) {
        let mut aggregates = std::mem::take(&mut self.aggregates);
        // The largest come first, because they can make smaller ones superfluous. So refusals don't
        // depend on the order of the inputs.
        aggregates.sort_by_cached_key(|aggregate| {
            let Aggregate { path, trees, plain } = aggregate;
            let hashes = (plain.hashes.clone(), plain.version1_hashes.clone());
            let ids = (trees.recordings.clone(), hashes);
            (Reverse(aggregate.inputs()), ids, path.clone())
        });
        for aggregate in aggregates {
            let (inputs, counted) = (aggregate.inputs(), self.counted(&aggregate));
            let Aggregate { path, trees, plain } = aggregate;
            if counted == inputs && inputs > 0 {
                self.repeated.push(path);
            } else if self.plain_inputs.is_incomparable(&plain) {
                self.refused.push((path, Refusal::Incomparable));
            } else if counted == 0 {
                self.add_exact(path, trees, &plain);
            } else {
                let refusal = Refusal::Overlap { counted, inputs };
                self.refused.push((path, refusal));
            }
        }
    }

    /// Returns how many inputs of `aggregate` are counted already.
    fn counted(&self, aggregate: &Aggregate) -> usize {
        let known = BTreeSet::from_iter(&aggregate.trees.recordings);
        let known = known
            .iter()
            .filter(|&&id| self.trees.recordings().contains(id));
        known.count() + self.plain_inputs.counted(&aggregate.plain)
    }

    fn add_plain_rows(&mut self, plain: &PlainInputs) {
        counts::add(&mut self.sidecar, &plain.sidecar);
        rows::add(&mut self.plain_rows, &plain.rows);
    }

    fn add_exact(&mut self, path: PathBuf, trees: Trees, plain: &PlainInputs) {
        if self.trees.add(trees) {
            self.plain_inputs.add_aggregate(plain);
            self.add_plain_rows(plain);
        } else {
            self.refused.push((path, Refusal::TooLarge));
        }
    }
}

impl Aggregate {
    /// Returns the number of its inputs.
    fn inputs(&self) -> usize {
        BTreeSet::from_iter(&self.trees.recordings).len() + self.plain.inputs()
    }
}

impl Profile {
    /// Returns the same profile with `by` and nothing else kept apart, if this one keeps `by`
    /// apart.
    pub fn regrouped(&self, by: Option<By>) -> Profile {
        let request = MergeRequest {
            by,
            ..MergeRequest::default()
        };
        let mut merger = Merger::of_parts(SelectionId::of(self.trees()));
        let file = ProfFile::Exact(self.trees().clone(), self.plain().clone());
        // A request without a selection takes all of it.
        if let Ok(Some(file)) = request.of(file) {
            merger.add("", file);
        }
        merger.finish().profile
    }
}
