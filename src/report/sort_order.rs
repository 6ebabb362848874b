//! The sort keys of `pstats.Stats.sort_stats`: their names, what may be
//! abbreviated, and the order they put functions in.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::display::{printable, pstats_name};
use super::similar::similar;
use crate::model::{Counts, Label, Rows};

/// One comparison of two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    PrimitiveCalls,
    Calls,
    SelfTime,
    CumulativeTime,
    File,
    Line,
    Name,
    StandardName,
    /// No key of pstats.
    Waiting,
}

/// A key's name, its comparisons and what the heading calls it. In the order of
/// pstats' own table: that order decides which abbreviations are unambiguous.
type Key = (&'static str, &'static [Column], &'static str);

#[rustfmt::skip]
const KEYS: [Key; 13] = [
    ("calls", &[Column::Calls], "call count"),
    ("ncalls", &[Column::Calls], "call count"),
    ("cumtime", &[Column::CumulativeTime], "cumulative time"),
    ("cumulative", &[Column::CumulativeTime], "cumulative time"),
    ("filename", &[Column::File], "file name"),
    ("line", &[Column::Line], "line number"),
    ("module", &[Column::File], "file name"),
    ("name", &[Column::Name], "function name"),
    ("nfl", &[Column::Name, Column::File, Column::Line], "name/file/line"),
    ("pcalls", &[Column::PrimitiveCalls], "primitive call count"),
    ("stdname", &[Column::StandardName], "standard name"),
    ("time", &[Column::SelfTime], "internal time"),
    ("tottime", &[Column::SelfTime], "internal time"),
];

/// A key that pstats does not have, and that has no abbreviations.
const WAITING: Key = ("waiting", &[Column::Waiting], "waiting");

/// Order as `pstats.Stats.sort_stats` takes it. The default is the order of first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortOrder {
    columns: Vec<Column>,
    description: String,
}

/// A sort key that pstats does not know, or an abbreviation of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey(String);

impl std::fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<_> = KEYS.iter().chain([&WAITING]).map(|key| key.0).collect();
        let word = printable(self.0.as_bytes());
        write!(
            f,
            "no sort key is called '{word}'; there are {}",
            keys.join(", ")
        )?;
        match similar(&self.0, keys) {
            Some(key) => write!(f, "; did you mean {key}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownKey {}

impl std::str::FromStr for SortOrder {
    type Err = UnknownKey;

    /// Reads keys separated by commas, the first one being the major key; each
    /// may be abbreviated as pstats allows. An empty text is the default order.
    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        let mut order = SortOrder::default();
        if text.trim().is_empty() {
            return Ok(order);
        }
        let mut known = abbreviations();
        known.insert(WAITING.0, WAITING);
        for word in text.split(',').map(str::trim) {
            let (_, columns, description) =
                known.get(word).ok_or_else(|| UnknownKey(word.to_owned()))?;
            if !order.columns.is_empty() {
                order.description.push_str(", ");
            }
            order.columns.extend_from_slice(columns);
            order.description.push_str(description);
        }
        Ok(order)
    }
}

impl SortOrder {
    /// Returns the words after `Ordered by: ` in pstats' heading, if there is an order.
    pub fn description(&self) -> Option<&str> {
        (!self.columns.is_empty()).then_some(self.description.as_str())
    }

    /// Returns the functions of `rows` with their figures in this order; equal ones stay in order
    /// of first appearance. Times that are NaN come last, because their order in pstats depends on
    /// the sorting algorithm.
    pub fn sorted<'a>(&self, rows: &'a Rows) -> Vec<(&'a Label, Counts)> {
        self.sorted_with(rows, |_| 0)
    }

    /// Returns the rows in this order, if `waiting` gives the waiting of a function.
    pub(super) fn sorted_with<'a>(
        &self,
        rows: &'a Rows,
        waiting: impl Fn(&Label) -> u64,
    ) -> Vec<(&'a Label, Counts)> {
        let mut list: Vec<_> = rows
            .iter()
            .map(|(id, row)| (rows.label(id), row.counts))
            .collect();
        if self.columns.is_empty() {
            return list;
        }
        if self.columns.contains(&Column::StandardName) {
            let mut keyed: Vec<_> = list
                .into_iter()
                .map(|row| (pstats_name(row.0), row))
                .collect();
            keyed.sort_by(|a, b| self.compare((a.1, &a.0), (b.1, &b.0), &waiting));
            list = keyed.into_iter().map(|(_, row)| row).collect();
        } else {
            list.sort_by(|&a, &b| self.compare((a, b""), (b, b""), &waiting));
        }
        list
    }

    fn compare(
        &self,
        a: ((&Label, Counts), &[u8]),
        b: ((&Label, Counts), &[u8]),
        waiting: &impl Fn(&Label) -> u64,
    ) -> Ordering {
        let ((label_a, a), standard_a) = a;
        let ((label_b, b), standard_b) = b;
        for column in &self.columns {
            let ordering = match column {
                Column::PrimitiveCalls => b.cc.cmp(&a.cc),
                Column::Calls => b.nc.cmp(&a.nc),
                Column::SelfTime => descending(a.tt, b.tt),
                Column::CumulativeTime => descending(a.ct, b.ct),
                Column::File => label_a.file.cmp(&label_b.file),
                Column::Line => label_a.line.cmp(&label_b.line),
                Column::Name => label_a.name.cmp(&label_b.name),
                Column::StandardName => standard_a.cmp(standard_b),
                Column::Waiting => waiting(label_b).cmp(&waiting(label_a)),
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    }
}

fn descending(a: f64, b: f64) -> Ordering {
    b.partial_cmp(&a)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Returns every word that pstats accepts, by pstats' own method. A key claims its own prefixes
/// from the longest on, and the first that is claimed already becomes invalid.
fn abbreviations() -> HashMap<&'static str, Key> {
    let mut known = HashMap::new();
    let mut ambiguous = Vec::new();
    for key in KEYS {
        for end in (1..=key.0.len()).rev() {
            let fragment = &key.0[..end];
            if known.contains_key(fragment) {
                ambiguous.push(fragment);
                break;
            }
            known.insert(fragment, key);
        }
    }
    for fragment in ambiguous {
        known.remove(fragment);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SortOrder, UnknownKey> {
        text.parse()
    }

    #[test]
    fn words_are_those_that_pstats_accepts() {
        // sorted(pstats.Stats().get_sort_arg_defs()) on Python 3.9, 3.11 and 3.13.
        const PSTATS: &str = include_str!("../../tests/golden/pstats_sort_keys.txt");
        let mut known: Vec<_> = abbreviations().into_keys().collect();
        known.sort_unstable();
        assert_eq!(known, PSTATS.lines().collect::<Vec<_>>());
    }

    #[test]
    fn several_keys_and_none() {
        let order = parse("time, nfl").unwrap();
        assert_eq!(order.description(), Some("internal time, name/file/line"));
        assert_eq!(parse("").unwrap().description(), None);
        assert!(parse("time,").is_err());
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        let message = parse("c").unwrap_err().to_string();
        assert!(message.starts_with("no sort key is called 'c'; there are calls, ncalls, "));
        assert!(message.ends_with("time, tottime, waiting"));
    }
}
