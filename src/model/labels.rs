//! Keeps each label once, so that reading a known label allocates nothing.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Label;
use super::LabelId;

/// A [`Label`] that borrows its texts from the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRef<'a> {
    /// Like [`Label::file`].
    pub file: &'a [u8],
    /// Like [`Label::line`].
    pub line: i64,
    /// Like [`Label::name`].
    pub name: &'a [u8],
}

impl LabelRef<'_> {
    fn is(&self, label: &Label) -> bool {
        self.line == label.line && *self.name == *label.name && *self.file == *label.file
    }

    pub(crate) fn to_label(self) -> Label {
        Label {
            file: self.file.into(),
            line: self.line,
            name: self.name.into(),
        }
    }
}

impl<'a> From<&'a Arc<Label>> for LabelRef<'a> {
    fn from(label: &'a Arc<Label>) -> Self {
        LabelRef::from(&**label)
    }
}

impl<'a> From<&'a Label> for LabelRef<'a> {
    fn from(label: &'a Label) -> Self {
        let Label { file, line, name } = label;
        LabelRef {
            file,
            line: *line,
            name,
        }
    }
}

/// A label's hash under one table's seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelHash(u64);

/// A file's hash under one table's seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileHash(u64);

/// Interned labels; a label's id is its position.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    labels: Vec<Label>,
    ids: Table,
    /// Number of each label's file.
    file_of: Vec<u32>,
    /// A label of each file.
    files: Vec<LabelId>,
    file_numbers: Table,
    /// Seeded, because a hostile file could have labels that make an unseeded table slow.
    seed: RandomState,
}

impl Labels {
    /// Returns an empty table with the same seed, in which labels have the same hashes.
    pub(crate) fn none(&self) -> Self {
        Labels {
            seed: self.seed.clone(),
            ..Labels::default()
        }
    }

    /// Makes room for as many more, if there is memory for them.
    pub(crate) fn reserve(&mut self, more: usize) {
        let _ = self.labels.try_reserve(more);
        let _ = self.file_of.try_reserve(more);
        let _ = self.ids.0.try_reserve(more);
    }

    /// All labels by their ids.
    pub fn as_slice(&self) -> &[Label] {
        &self.labels
    }

    /// Returns the number of different files, of which some may have no label any more.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// Returns a label of each file, with the file's number.
    pub(crate) fn label_of_each_file(&self) -> impl Iterator<Item = (u32, &Label)> {
        let files = (0..).zip(&self.files);
        files.filter_map(|(number, &id)| Some((number, self.labels.get(id as usize)?)))
    }

    /// Returns the number of the file of a label.
    pub(crate) fn file_of(&self, id: LabelId) -> u32 {
        self.file_of.get(id as usize).copied().unwrap_or_default()
    }

    /// Returns the labels in another order: `order` has the present ids of those that stay.
    pub(crate) fn reordered(mut self, order: &[LabelId]) -> Labels {
        let mut new = vec![LabelId::MAX; self.labels.len()];
        for (id, &old) in (0..).zip(order) {
            if let Some(new) = new.get_mut(old as usize) {
                *new = id;
            }
        }
        // The place of a label that does not stay is kept: labels of the same hash follow it.
        for id in self.ids.0.values_mut() {
            *id = new.get(*id as usize).copied().unwrap_or(LabelId::MAX);
        }
        self.file_of = order.iter().map(|&old| self.file_of(old)).collect();
        self.files.fill(LabelId::MAX);
        for (id, &number) in (0..).zip(&self.file_of) {
            if let Some(file) = self.files.get_mut(number as usize) {
                *file = id.min(*file);
            }
        }
        let mut labels: Vec<_> = self.labels.into_iter().map(Some).collect();
        let mut take = |&old: &LabelId| labels.get_mut(old as usize)?.take();
        self.labels = order.iter().filter_map(&mut take).collect();
        self
    }

    /// Returns the number of labels.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The id of `label`, if it is known.
    pub fn find<'a>(&self, label: impl Into<LabelRef<'a>>) -> Option<LabelId> {
        let label = label.into();
        self.find_hashed(self.hash(label), label)
    }

    /// The id of `label`, new if it was not seen before.
    pub fn intern<'a>(&mut self, label: impl Into<LabelRef<'a>>) -> LabelId {
        let label = label.into();
        self.intern_hashed(self.hash(label), label)
    }

    pub(crate) fn find_hashed(&self, hash: LabelHash, label: LabelRef<'_>) -> Option<LabelId> {
        self.look_up(hash, label).ok()
    }

    pub(crate) fn intern_hashed(&mut self, hash: LabelHash, label: LabelRef<'_>) -> LabelId {
        match self.look_up(hash, label) {
            Ok(id) => id,
            Err(slot) => {
                let file = self.number_of(label.file);
                self.push(slot, file, label)
            }
        }
    }

    /// The number of a file, and its hash in all tables of one seed.
    pub(crate) fn find_file(&self, file: &[u8]) -> (Option<u32>, FileHash) {
        let hash = self.hash_file(file);
        (self.file_slot(hash, file).ok(), hash)
    }

    /// The id of a label of which the number of the file is known, so that only lines and names
    /// are compared.
    pub(crate) fn find_in_file(
        &self,
        hash: LabelHash,
        file: u32,
        label: LabelRef<'_>,
    ) -> Option<LabelId> {
        self.look_up_in_file(hash, file, label).ok()
    }

    /// The id of such a label, new if it was not seen before.
    pub(crate) fn intern_in_file(
        &mut self,
        hash: LabelHash,
        file: u32,
        label: LabelRef<'_>,
    ) -> LabelId {
        match self.look_up_in_file(hash, file, label) {
            Ok(id) => id,
            Err(slot) => self.push(slot, file, label),
        }
    }

    /// Adds a label that is new, at its place in `ids`.
    fn push(&mut self, slot: u64, file: u32, label: LabelRef<'_>) -> LabelId {
        let id = self.labels.len() as LabelId;
        self.file_of.push(file);
        self.labels.push(label.to_label());
        self.ids.0.insert(slot, id);
        id
    }

    /// The number of the file of the next label.
    fn number_of(&mut self, file: &[u8]) -> u32 {
        let slot = match self.file_slot(self.hash_file(file), file) {
            Ok(number) => return number,
            Err(slot) => slot,
        };
        let number = self.files.len() as u32;
        self.files.push(self.labels.len() as LabelId);
        self.file_numbers.0.insert(slot, number);
        number
    }

    /// The number of a file, or where in `file_numbers` it belongs.
    fn file_slot(&self, FileHash(hash): FileHash, file: &[u8]) -> Result<u32, u64> {
        self.file_numbers.find(hash, |number| {
            let label = self.files.get(number as usize);
            let label = label.and_then(|&id| self.labels.get(id as usize));
            label.is_some_and(|label| *label.file == *file)
        })
    }

    /// The id of `label`, or where in `ids` it belongs.
    fn look_up(&self, LabelHash(hash): LabelHash, label: LabelRef<'_>) -> Result<LabelId, u64> {
        let is_label = |id: LabelId| self.labels.get(id as usize).is_some_and(|l| label.is(l));
        self.ids.find(hash, is_label)
    }

    fn look_up_in_file(
        &self,
        LabelHash(hash): LabelHash,
        file: u32,
        label: LabelRef<'_>,
    ) -> Result<LabelId, u64> {
        self.ids.find(hash, |id| {
            let known = self.labels.get(id as usize);
            let is_label = |l: &Label| l.line == label.line && *l.name == *label.name;
            self.file_of(id) == file && known.is_some_and(is_label)
        })
    }

    pub(crate) fn hash(&self, label: LabelRef<'_>) -> LabelHash {
        self.hash_in_file(self.hash_file(label.file), label)
    }

    /// Hash of a label, if the hash of its file is known.
    pub(crate) fn hash_in_file(&self, FileHash(file): FileHash, label: LabelRef<'_>) -> LabelHash {
        LabelHash(self.seed.hash_one((file, label.line, label.name)))
    }

    fn hash_file(&self, file: &[u8]) -> FileHash {
        FileHash(self.seed.hash_one(file))
    }
}

/// Positions by hashes, or by the next numbers where several have the same hash.
#[derive(Clone, Debug, Default)]
struct Table(HashMap<u64, u32, BuildHasherDefault<Hashed>>);

impl Table {
    /// Returns the position for which `is_it` is true, or the number under which a new one belongs
    /// into the table.
    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Result<u32, u64> {
        let mut slot = hash;
        while let Some(&position) = self.0.get(&slot) {
            if is_it(position) {
                return Ok(position);
            }
            slot = slot.wrapping_add(1);
        }
        Err(slot)
    }
}

/// Hasher of keys that are hashes.
#[derive(Clone, Copy, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys are words.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_one_hash_are_told_apart() {
        let mut labels = Labels::default();
        let names: [&[u8]; 3] = [b"a", b"b", b"c"];
        let label = |name| LabelRef {
            file: b"f.py",
            line: 1,
            name,
        };
        let ids = names.map(|name| labels.intern_hashed(LabelHash(7), label(name)));
        assert_eq!(ids, [0, 1, 2]);
        for (name, id) in names.into_iter().zip(ids) {
            assert_eq!(labels.find_hashed(LabelHash(7), label(name)), Some(id));
            assert_eq!(labels.intern_hashed(LabelHash(7), label(name)), id);
        }
        assert_eq!(labels.find_hashed(LabelHash(7), label(b"d")), None);
    }

    #[test]
    fn files_have_numbers_in_any_order_of_labels() {
        let mut labels = Labels::default();
        for (file, line) in [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("b", 2)] {
            let (file, name) = (file.as_bytes(), b"f".as_slice());
            labels.intern(LabelRef { file, line, name });
        }
        let check = |labels: &Labels, files: &str| {
            let of_number = |number| {
                let mut files = labels.label_of_each_file();
                files
                    .find(|(of, _)| *of == number)
                    .map(|(_, label)| &label.file)
            };
            for (id, label) in (0..).zip(labels.as_slice()) {
                assert_eq!(of_number(labels.file_of(id)), Some(&label.file));
                assert_eq!(labels.find(label), Some(id));
            }
            let found = labels.label_of_each_file().map(|(_, label)| &*label.file);
            assert_eq!(found.collect::<Vec<_>>().concat(), files.as_bytes());
        };
        check(&labels, "abc");
        check(&labels.clone().reordered(&[4, 2, 0, 3, 1]), "abc");
        let mut fewer = labels.reordered(&[4, 2]);
        check(&fewer, "ab");
        let file = b"c".as_slice();
        fewer.intern(LabelRef {
            file,
            line: 9,
            name: file,
        });
        check(&fewer, "abc");
    }

    #[test]
    fn labels_are_found_by_the_numbers_of_their_files() {
        let mut labels = Labels::default();
        let name = b"f".as_slice();
        for file in [b"a".as_slice(), b"b"] {
            for line in 1..3 {
                labels.intern(LabelRef { file, line, name });
            }
        }
        let (Some(number), file_hash) = labels.find_file(b"b") else {
            panic!("b is known");
        };
        assert_eq!(labels.find_file(b"c").0, None);
        for (line, expected) in [(1, Some(2)), (2, Some(3)), (3, None)] {
            let label = LabelRef {
                file: b"b",
                line,
                name,
            };
            let hash = labels.hash_in_file(file_hash, label);
            assert_eq!(labels.find_in_file(hash, number, label), expected);
            assert_eq!(labels.find(label), expected);
            let id = labels.intern_in_file(hash, number, label);
            assert_eq!(id, expected.unwrap_or(4));
        }
        assert_eq!(labels.as_slice()[4].file, labels.as_slice()[3].file);
    }

    #[test]
    fn every_part_counts() {
        let mut labels = Labels::default();
        for (file, line, name) in [
            ("ab", 1, "c"),
            ("a", 1, "bc"),
            ("ab", 2, "c"),
            ("", 1, "abc"),
        ] {
            let (file, name) = (file.as_bytes(), name.as_bytes());
            let before = labels.len();
            assert_eq!(labels.intern(LabelRef { file, line, name }), before as u32);
        }
        assert_eq!(labels.none().find(&labels.as_slice()[0]), None);
    }
}
