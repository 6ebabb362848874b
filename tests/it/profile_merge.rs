//! Merging: any order, any stages, every input once.

use crate::generate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::generate::rows_text;
use edbprof::analysis::merge::{Merged, Merger, Profile, Refusal};
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::format::pstats;
use edbprof::model::{ANY_THREAD, PROPERTY, Rows, Trees, rows_of};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn merge<'a>(files: impl IntoIterator<Item = &'a Vec<u8>>) -> Merged {
    let mut merger = Merger::new();
    for (i, bytes) in files.into_iter().enumerate() {
        merger.add(i.to_string(), prof::read(bytes).unwrap());
    }
    merger.finish()
}

fn same(a: &Profile, b: &Profile) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.trees(), b.trees());
    prop_assert_eq!(&a.plain().hashes, &b.plain().hashes);
    prop_assert_eq!(&a.plain().sidecar, &b.plain().sidecar);
    prop_assert_eq!(rows_text(&a.plain().rows), rows_text(&b.plain().rows));
    prop_assert_eq!(rows_text(&a.rows()), rows_text(&b.rows()));
    Ok(())
}

fn exact(id: u8, mut trees: Trees) -> Vec<u8> {
    trees.recordings = vec![[id; 16]];
    prof::encode(&rows_of(&trees), &trees, &PlainInputs::default())
}

/// Files of both kinds, each a different recording; plain ones may be equal.
fn files() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let exact_files = proptest::collection::vec(generate::trees(), 0..5);
    let plain_files = proptest::collection::vec(generate::rows(), 0..4);
    (exact_files, plain_files).prop_map(|(trees, plain)| {
        let exact = (1..).zip(trees).map(|(id, trees)| exact(id, trees));
        let plain = plain.iter().map(pstats::encode);
        exact.chain(plain).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn order_does_not_matter(files in files(), shuffled in Just(()).prop_perturb(|(), rng| rng)) {
        use proptest::prelude::RngCore;
        let mut rng = shuffled;
        let mut other: Vec<_> = files.iter().collect();
        for i in (1..other.len()).rev() {
            other.swap(i, rng.next_u32() as usize % (i + 1));
        }
        same(&merge(&files).profile, &merge(other).profile)?;
    }

    /// As the program reads: some files at a time, by the labels that are known then.
    #[test]
    fn reading_together_is_reading_one_by_one(files in files(), sizes in vec(1..4_usize, 9)) {
        let mut merger = Merger::new();
        let mut rest = &files[..];
        for size in sizes {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            let read = batch.iter().map(|bytes| {
                (PathBuf::new(), prof::read_entries(bytes, merger.known_labels()).unwrap())
            });
            let read: Vec<_> = read.collect();
            merger.add_all(read);
            rest = later;
        }
        prop_assert!(rest.is_empty());
        let (together, one_by_one) = (merger.finish().profile, merge(&files).profile);
        same(&together, &one_by_one)?;
        prop_assert_eq!(together.encode(), one_by_one.encode());
    }

    #[test]
    fn stages_do_not_matter(files in files(), at in any::<prop::sample::Index>()) {
        let whole = merge(&files).profile;
        let (a, b) = files.split_at(at.index(files.len() + 1));
        let stages: Vec<_> = [a, b].map(|part| merge(part).profile.encode()).into();
        let staged = merge(&stages);
        // Equal plain files on both sides can't be told from one counted twice.
        prop_assume!(staged.refused.is_empty() && staged.repeated.is_empty());
        same(&whole, &staged.profile)?;
        // And what was merged once more is the same again.
        same(&whole, &merge([&whole.encode()]).profile)?;
        prop_assert_eq!(whole.encode(), merge([&whole.encode()]).profile.encode());
    }

    /// So many are added to several sums, on all processors.
    #[test]
    fn many_files_are_added_side_by_side(trees in vec(generate::trees(), 16..40)) {
        let files = (1..).zip(trees).map(|(id, trees)| exact(id, trees));
        let files: Vec<_> = files.collect();
        let together = merge(&files);
        prop_assert_eq!((&together.repeated, &together.refused), (&vec![], &vec![]));
        let stages: Vec<_> = files.chunks(7).map(|part| merge(part).profile.encode()).collect();
        same(&together.profile, &merge(&stages).profile)?;
        // Each counts once here too.
        let twice = merge(files.iter().chain(&files));
        prop_assert_eq!(twice.repeated.len(), files.len());
        same(&together.profile, &twice.profile)?;
    }

    #[test]
    fn grouping_does_not_matter(files in files(), cuts in any::<[prop::sample::Index; 2]>()) {
        let mut cuts = cuts.map(|cut| cut.index(files.len() + 1));
        cuts.sort_unstable();
        let parts = [&files[..cuts[0]], &files[cuts[0]..cuts[1]], &files[cuts[1]..]];
        let [a, b, c] = parts.map(|part| merge(part).profile.encode());
        let left = merge([&merge([&a, &b]).profile.encode(), &c]);
        let right = merge([&a, &merge([&b, &c]).profile.encode()]);
        // Equal plain files in two parts can't be told from one counted twice.
        let mut hashes = merge(&files).profile.plain().hashes.clone();
        hashes.dedup();
        prop_assume!(hashes.len() == merge(&files).profile.plain().hashes.len());
        for grouped in [left, right] {
            prop_assert_eq!(&grouped.refused, &vec![]);
            same(&merge(&files).profile, &grouped.profile)?;
        }
    }

    #[test]
    fn the_file_says_the_sum_of_the_files(files in files()) {
        let profile = merge(&files).profile;
        let overflow = profile.trees().threads.iter().flat_map(|thread| &thread.overflow);
        let overflow: Vec<_> = overflow
            .map(|overflow| profile.trees().function(overflow.kind).map(|function| &function.label))
            .collect();
        let merged = profile.encode();
        let mut sum = Rows::default();
        for bytes in &files {
            edbprof::analysis::rows::add(&mut sum, &pstats::decode(bytes).unwrap());
        }
        let merged = pstats::decode(&merged).unwrap();
        prop_assert_eq!(merged.len(), sum.len());
        for (id, row) in sum.iter() {
            let mut row = row.clone();
            let found = merged.row(merged.find(sum.label(id)).unwrap()).unwrap();
            if overflow.contains(&Some(sum.label(id))) {
                // The most that is known of it in several files is less than its sum.
                prop_assert!(found.counts.tt <= found.counts.ct);
                prop_assert!(found.counts.ct <= row.counts.ct * (1.0 + 1e-9));
                row.counts.ct = found.counts.ct;
            }
            close(&row.counts, &found.counts)?;
            prop_assert_eq!(row.callers.len(), found.callers.len());
            for (&caller, counts) in &row.callers {
                let caller = merged.find(sum.label(caller)).unwrap();
                close(counts, &found.callers[&caller])?;
            }
        }
    }

    #[test]
    fn the_aggregate_knows_where_functions_ran(mut files in proptest::collection::vec(generate::trees(), 1..5)) {
        for function in files.iter_mut().flat_map(|trees| &mut trees.functions) {
            function.flags &= !PROPERTY; // an aggregate doesn't tell
        }
        for thread in files.iter_mut().flat_map(|trees| &mut trees.threads) {
            // Of a digit only would be kept that there is one.
            let name = thread.name.iter().copied();
            thread.name = name.filter(|byte| !byte.is_ascii_digit()).collect();
        }
        let bytes: Vec<_> = (1..).zip(files.clone()).map(|(id, trees)| exact(id, trees)).collect();
        let merged = merge(&bytes).profile;
        let trees = merged.trees();
        let place = |trees: &Trees, kind: u32, thread: Option<&[u8]>| {
            let text = match trees.function(kind) {
                Some(function) => format!("{function:?}"),
                None => format!("{:?}", trees.kinds[kind as usize]),
            };
            (text, thread.map(<[u8]>::to_vec))
        };
        let mut found = BTreeMap::new();
        for ran in &trees.occurrences {
            let thread = match ran.thread {
                ANY_THREAD => None,
                thread => Some(&*trees.thread_names[thread as usize]),
            };
            found.insert(place(trees, ran.kind, thread), ran.processes);
        }
        let mut expected = BTreeMap::new();
        for trees in &files {
            let mut places = BTreeSet::new();
            for thread in &trees.threads {
                let overflow = thread.overflow.iter().map(|overflow| &overflow.kind);
                for &kind in thread.nodes.kinds().iter().chain(overflow) {
                    let name = Some(&*thread.name);
                    places.extend([place(trees, kind, name), place(trees, kind, None)]);
                }
            }
            for place in places {
                *expected.entry(place).or_insert(0) += 1;
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_counts_twice(files in files()) {
        let once = merge(&files);
        let aggregate = once.profile.encode();
        let exact = |bytes: &&Vec<u8>| {
            matches!(prof::read(bytes), Ok(ProfFile::Exact(..)))
        };
        let repeated = files.iter().chain(files.iter().filter(exact)).chain([&aggregate]);
        let again = merge(repeated);
        same(&once.profile, &again.profile)?;
        prop_assert_eq!(again.refused, vec![]);
        let repetitions = files.iter().filter(exact).count() + usize::from(!files.is_empty());
        prop_assert_eq!(again.repeated.len(), repetitions);
    }
}

fn close(a: &edbprof::model::Counts, b: &edbprof::model::Counts) -> Result<(), TestCaseError> {
    prop_assert_eq!((a.cc, a.nc), (b.cc, b.nc));
    for (a, b) in [(a.tt, b.tt), (a.ct, b.ct)] {
        prop_assert!((a - b).abs() <= 1e-9 * a.abs(), "{a} {b}");
    }
    Ok(())
}

#[test]
fn a_partial_overlap_is_refused_by_name() {
    let mut runner = TestRunner::deterministic();
    let mut file = |id| {
        let trees = generate::trees().new_tree(&mut runner).unwrap().current();
        exact(id, trees)
    };
    let files = [file(1), file(2), file(3)];
    let first = merge(&files[..2]).profile.encode();
    let last = merge(&files[1..]).profile.encode();
    let all = merge(&files).profile.encode();

    let merged = merge([&first, &last]);
    assert_eq!(merged.profile.trees().recordings.len(), 2);
    let refusal = Refusal::Overlap {
        counted: 1,
        inputs: 2,
    };
    assert_eq!(merged.refused.len(), 1);
    assert_eq!(merged.refused[0].1, refusal);
    assert!(refusal.to_string().starts_with("1 of the 2 inputs"));
    // Which one does not depend on their order.
    let other = merge([&last, &first]);
    assert_eq!(other.profile.trees(), merged.profile.trees());

    // An aggregate of all makes the others superfluous.
    let merged = merge([&first, &last, &all]);
    assert_eq!(merged.repeated, ["0", "1"].map(PathBuf::from));
    assert_eq!(merged.refused, []);
    assert_eq!(merged.profile.trees(), merge(&files).profile.trees());

    // Raw recordings are counted first, whatever comes first.
    let merged = merge([&first, &files[0], &files[1]]);
    assert_eq!(merged.repeated, [PathBuf::from("0")]);
}

#[test]
fn equal_plain_files_count_twice_and_an_aggregate_of_them_is_known() {
    let mut runner = TestRunner::deterministic();
    let rows = generate::rows().prop_filter("some", |rows| rows.len() > 2);
    let plain = pstats::encode(&rows.new_tree(&mut runner).unwrap().current());
    let both = merge([&plain, &plain]);
    assert_eq!(both.profile.plain().hashes.len(), 2);
    let aggregate = both.profile.encode();
    assert_eq!(
        merge([&aggregate, &plain, &plain]).repeated,
        [PathBuf::from("0")]
    );
    assert_eq!(
        merge([&aggregate, &plain, &plain, &plain]).repeated,
        [PathBuf::from("0")]
    );
    // One of the two: the aggregate brings old and new.
    assert_eq!(merge([&aggregate, &plain]).refused.len(), 1);
}

/// Of keys that stand twice, which Python never writes, the last counts, as in a dict.
#[test]
fn repeated_keys_count_as_in_a_dict() {
    let label = |name| [&b")\x03z\x01fi\0\0\0\0z\x01"[..], name].concat();
    let figures = |calls| [b"i", &[calls, 0, 0, 0][..]].concat().repeat(2);
    let caller = |name, calls| {
        let times = b"g\0\0\0\0\0\0\0\x80".repeat(2);
        [label(name), b")\x04".to_vec(), figures(calls), times].concat()
    };
    let function = |name, calls, callers: &[Vec<u8>]| {
        let begin = [
            label(name),
            b")\x05".to_vec(),
            figures(calls),
            b"FF{".to_vec(),
        ];
        [begin.concat(), callers.concat(), b"0".to_vec()].concat()
    };
    let repeated = [
        function(b"b", 1, &[caller(b"c", 1)]),
        function(
            b"a",
            2,
            &[caller(b"c", 4), caller(b"b", 5), caller(b"c", 6)],
        ),
        function(b"b", 3, &[caller(b"a", 7)]),
    ];
    let file = |functions: &[Vec<u8>]| [b"{", &functions.concat()[..], b"0"].concat();
    let alone = file(&[
        function(b"b", 3, &[caller(b"a", 7)]),
        function(b"a", 2, &[caller(b"b", 5), caller(b"c", 6)]),
    ]);
    let merged = |bytes: &Vec<u8>| {
        let mut merger = Merger::new();
        for _ in 0..2 {
            let file = prof::read_entries(bytes, merger.known_labels()).unwrap();
            merger.add_all([(PathBuf::new(), file)]);
        }
        rows_text(&merger.finish().profile.rows())
    };
    assert_eq!(merged(&file(&repeated)), merged(&alone));
    let read = pstats::decode(&file(&repeated)).unwrap();
    assert_eq!(
        rows_text(&read),
        rows_text(&pstats::decode(&alone).unwrap())
    );
}

fn golden(name: &str) -> Vec<u8> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read(directory.join(name)).unwrap()
}

/// The aggregate of version 1 lists its plain input by the hash of that version.
#[test]
fn an_aggregate_of_version_1_counts_its_inputs_once() {
    let (aggregate, plain) = (golden("edbprof-1/all.prof"), golden("cprofile-3.11"));
    let files = |files: &[&Vec<u8>]| merge(&files.iter().map(|f| f.to_vec()).collect::<Vec<_>>());
    for order in [[&aggregate, &plain], [&plain, &aggregate]] {
        let merged = files(&order);
        let refusal = Refusal::Overlap {
            counted: 1,
            inputs: 4,
        };
        assert_eq!(merged.refused.len(), 1);
        assert_eq!(merged.refused[0].1, refusal);
        assert_eq!(merged.profile.plain().inputs(), 1);
    }
    // With all that it was made from, it brings nothing new.
    let parts = ["recorder.prof", "overflow.prof"].map(|name| golden(&format!("edbprof-1/{name}")));
    let alone = files(&[&aggregate]).profile;
    assert!(alone.counts_all(alone.plain()));
    // What is written lists it still.
    let written = alone.encode();
    let again = files(&[&written, &aggregate]);
    assert_eq!((again.repeated.len(), again.refused.len()), (1, 0));
    let with_plain = files(&[&written, &plain]);
    assert_eq!(with_plain.refused.len(), 1);
    let with_parts = files(&[&written, &parts[0], &parts[1]]);
    assert_eq!(with_parts.refused.len(), 1);
}

#[test]
fn aggregates_that_know_inputs_by_other_hashes_are_not_merged() {
    let new = merge(&[golden("cprofile-3.11"), golden("cprofile-3.12")])
        .profile
        .encode();
    let old = golden("edbprof-1/all.prof");
    for files in [[new.clone(), old.clone()], [old.clone(), new.clone()]] {
        let merged = merge(&files);
        assert_eq!(merged.refused.len(), 1);
        assert_eq!(merged.refused[0].1, Refusal::Incomparable);
    }
    // Without plain inputs there is nothing to compare.
    let by_thread = golden("edbprof-1/by_thread.prof");
    assert_eq!(merge(&[new, by_thread]).refused, []);
}
