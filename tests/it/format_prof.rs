//! `.prof` files: those of real Pythons, ours, and broken ones.

use crate::generate;
use std::fs;
use std::path::Path;

use crate::generate::rows_text;
use edbprof::format::marshal::Reader;
use edbprof::format::prof::{self, MAGIC, PlainInputs, ProfFile};
use edbprof::format::pstats;
use edbprof::format::read_error::Reason;
use edbprof::model::{
    Calibration, CallKind, Cost, NO_PARENT, NodeKind, NodeRow, Nodes, Occurrence, OverflowCalls,
    Process, ThreadTree, Trees, UnfinishedCalls, rows_of,
};
use proptest::prelude::*;

fn golden(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "txt"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn golden_text(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    fs::read_to_string(directory.join(format!("{name}.txt"))).unwrap()
}

#[test]
fn reads_what_pythons_wrote() {
    for prefix in ["cprofile-", "profile-", "stats-"] {
        let files = golden(prefix);
        // 2.7, and 3.6 to 3.15.
        assert_eq!(files.len(), 11, "{prefix}");
        for (name, bytes) in files {
            check_plain(&name, &bytes);
        }
    }
}

#[test]
fn reads_what_yappi_and_pyinstrument_export() {
    for name in ["yappi", "pyinstrument"] {
        let (_, bytes) = golden(name).remove(0);
        check_plain(name, &bytes);
    }
}

fn check_plain(name: &str, bytes: &[u8]) {
    match prof::read(bytes) {
        Ok(ProfFile::Plain(plain)) => {
            let expected = golden_text(name);
            assert_eq!(rows_text(&plain.rows), expected, "{name}");
            // It comes back unchanged.
            let again = pstats::decode(&pstats::encode(&plain.rows)).unwrap();
            assert_eq!(rows_text(&again), expected, "{name}");
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn reads_every_version_of_marshal_that_pythons_write() {
    let expected = golden_text("versions");
    let files = golden("versions-");
    let mut objects = 0;
    for (name, bytes) in &files {
        let mut start = 0;
        while start < bytes.len() {
            let mut reader = Reader::new(bytes, start);
            reader.skip().unwrap();
            let rows = pstats::decode(&bytes[start..reader.offset()]).unwrap();
            assert_eq!(rows_text(&rows), expected, "{name} at {start}");
            start = reader.offset();
            objects += 1;
        }
    }
    // 2.7 writes versions 0 to 2, 3.6 to 3.13 up to 4, 3.14 up to 5, 3.15 up to 6.
    assert_eq!((files.len(), objects), (11, 3 + 8 * 5 + 6 + 7));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for (name, bytes) in golden("cprofile-") {
        for len in 0..bytes.len() {
            let error = prof::read(&bytes[..len]).unwrap_err();
            assert_eq!(error.reason, Reason::Truncated, "{name} cut to {len}");
            assert_eq!(error.offset, len);
        }
    }
}

#[test]
fn foreign_bytes_behind_the_rows_are_ignored() {
    let (_, bytes) = golden("cprofile-3.13").remove(0);
    for tail in [&b"{"[..], b"\n", &MAGIC[..MAGIC.len() - 1], b"\xff\xff"] {
        let long = [&bytes[..], tail].concat();
        assert!(matches!(prof::read(&long), Ok(ProfFile::Plain(_))));
    }
    let ours = [&bytes[..], MAGIC].concat();
    assert_eq!(prof::read(&ours).unwrap_err().reason, Reason::Truncated);
}

/// A dict of one row, put together by hand.
fn one_row(key: &[u8], cc: &[u8], callers: &[u8]) -> Vec<u8> {
    [
        b"{",
        key,
        b"(\x05\0\0\0",
        cc,
        b"i\x02\0\0\0f\x030.5g\0\0\0\0\0\0\xf8\x3f",
        callers,
        b"0",
    ]
    .concat()
}

const KEY: &[u8] = b"(\x03\0\0\0s\x01\0\0\0fi\x01\0\0\0u\x01\0\0\0n";

fn refused(bytes: &[u8]) -> String {
    pstats::decode(bytes).unwrap_err().to_string()
}

#[test]
fn numbers_of_every_kind() {
    let cases: [(&[u8], i128); 8] = [
        (b"T", 1),
        (b"F", 0),
        (b"I\xff\xff\xff\xff\xff\xff\xff\xff", -1),
        (b"l\x01\0\0\0\x07\0", 7),
        (b"l\xff\xff\xff\xff\x07\0", -7),
        (b"l\0\0\0\0", 0),
        (
            b"l\x07\0\0\0\0\0\0\0\xa97\xa73\x04M\x93e'\x03",
            10_i128.pow(30),
        ),
        (b"i\0\0\0\x80", i32::MIN as i128),
    ];
    for (bytes, value) in cases {
        let rows = pstats::decode(&one_row(KEY, bytes, b"{0")).unwrap();
        let (_, row) = rows.iter().next().unwrap();
        assert_eq!(row.counts.cc, value, "{bytes:?}");
        assert_eq!((row.counts.nc, row.counts.tt, row.counts.ct), (2, 0.5, 1.5));
    }
}

#[test]
fn wrong_shapes_are_named_with_their_place() {
    assert_eq!(refused(b""), "the file is empty");
    assert_eq!(refused(b"N"), "expected a dict, found None (at byte 0)");
    assert_eq!(
        refused(b"#!/usr"),
        "no profile: unknown code 0x23 (at byte 0)"
    );
    assert_eq!(
        refused(&one_row(b"i\0\0\0\0", b"T", b"{0")),
        "expected a function's tuple (file, line, name), found an int (at byte 1)"
    );
    assert_eq!(
        refused(&one_row(KEY, b"N", b"{0")),
        "expected an int, found None (at byte 28)"
    );
    assert_eq!(
        refused(&one_row(KEY, b"T", b"{)\x00N0")),
        "expected a function's tuple (file, line, name), found a tuple of another length (at byte 49)"
    );
    // 2^127 and more does not fit.
    let huge = [&b"l\x0a\0\0\0"[..], &b"\xff\x7f".repeat(10)].concat();
    assert_eq!(
        refused(&one_row(KEY, &huge, b"{0")),
        "an int beyond 2^127 (at byte 28)"
    );
    let lies = b"[\xff\xff\xff\x7f";
    assert_eq!(refused(lies), "the file is cut off (at byte 5)");
    assert_eq!(refused(b"r\0\0\0\0"), "a reference to nothing (at byte 0)");
}

#[test]
fn references_cannot_loop_or_explode() {
    // The callers are the whole dict again.
    let looping = [&b"\xfb"[..], &one_row(KEY, b"T", b"r\0\0\0\0")[1..]].concat();
    assert!(refused(&looping).starts_with("expected a caller's tuple"));

    // One dict of a thousand callers, shared by twenty thousand functions.
    let number = |i: u32| [&b"i"[..], &i.to_le_bytes()].concat();
    let key = |i| [b"(\x03\0\0\0s\0\0\0\0", &number(i)[..], b"s\0\0\0\0"].concat();
    let row = |callers: &[u8]| [b"(\x05\0\0\0TTTT", callers].concat();
    let mut bytes = b"{".to_vec();
    for i in 0..20_000 {
        bytes.extend(key(i));
        if i == 0 {
            let callers = (0..1000).flat_map(|i| [key(i), b"T".to_vec()].concat());
            bytes.extend(row(
                &[b"\xfb".to_vec(), callers.collect(), b"0".to_vec()].concat()
            ));
        } else {
            bytes.extend(row(b"r\0\0\0\0"));
        }
    }
    bytes.push(b'0');
    assert!(refused(&bytes).starts_with("its references unfold"));
}

#[test]
fn depth_costs_no_stack() {
    for opener in [&b"[\x01\0\0\0"[..], b"(\x01\0\0\0", b"{"] {
        let mut bytes = opener.repeat(1_000_000);
        assert!(prof::read(&bytes).is_err());
        bytes.push(b'N');
        assert!(prof::read(&bytes).is_err());
    }
    // An unknown key of ours may hold anything that Python could read; it is stepped over.
    let trees = Trees::default();
    let nested = |depth| {
        let mut bytes = prof::encode(&Default::default(), &trees, &Default::default());
        bytes.pop();
        bytes.extend_from_slice(b"z\x05later");
        bytes.extend_from_slice(&b"[\x02\0\0\0N".repeat(depth));
        bytes.extend_from_slice(b"N0");
        prof::read(&bytes)
    };
    assert!(matches!(nested(2000), Ok(ProfFile::Exact(read, _)) if read == trees));
    let error = nested(100_000).unwrap_err().to_string();
    assert!(error.starts_with("nested too deeply"), "{error}");
}

/// A file of ours with the trees as `change` leaves them.
fn changed(trees: &Trees, change: impl FnOnce(&mut Trees)) -> Result<ProfFile, String> {
    let mut trees = trees.clone();
    change(&mut trees);
    let bytes = prof::encode(&Default::default(), &trees, &Default::default());
    prof::read(&bytes).map_err(|error| error.to_string())
}

#[test]
fn trees_that_cannot_be_are_refused() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = generate::trees()
        .prop_filter("a real tree", |trees| {
            trees.threads.len() > 1 && trees.threads.iter().all(|thread| thread.nodes.len() > 1)
        })
        .new_tree(&mut runner)
        .unwrap();
    let trees = proptest::strategy::ValueTree::current(&tree);
    assert!(changed(&trees, |_| {}).is_ok());
    type Change = fn(&mut Trees);
    let refusals: [(Change, &str); 9] = [
        (
            |t| {
                t.occurrences = vec![Occurrence {
                    kind: 99,
                    ..Occurrence::default()
                }]
            },
            "an occurrence of nothing",
        ),
        (
            |t| t.occurrences = vec![Occurrence::default()],
            "an occurrence of nothing",
        ),
        (
            |t| t.threads[1].nodes.update(0, |row| row.parent = 0),
            "a call before its caller",
        ),
        (
            |t| {
                t.threads[1]
                    .nodes
                    .update(1, |row| row.parent = NO_PARENT - 1)
            },
            "a call before its caller",
        ),
        (
            |t| t.threads[1].nodes.update(1, |row| row.kind = 99),
            "a call of no function",
        ),
        (
            |t| {
                t.threads[1].overflow.push(OverflowCalls {
                    kind: 99,
                    ..OverflowCalls::default()
                })
            },
            "a call of no function",
        ),
        (
            |t| {
                t.threads[1].unfinished.push(UnfinishedCalls {
                    kind: 99,
                    ..UnfinishedCalls::default()
                })
            },
            "a call of no function",
        ),
        (|t| t.threads[1].process = 1, "a thread of no process"),
        (
            |t| t.threads[1].class_calls = vec![1],
            "columns of different lengths",
        ),
    ];
    for (change, reason) in refusals {
        let error = changed(&trees, change).unwrap_err();
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
fn costs_are_known_by_their_names() {
    let cost = Cost {
        callee: 1,
        caller: 2,
    };
    let calibration = Calibration::default().with(CallKind::Resume, cost);
    let calibration = Calibration {
        class_call: 3,
        ..calibration
    };
    let mut trees = one_node();
    trees.processes[0].calibration = Some(calibration);
    let bytes = prof::encode(&Default::default(), &trees, &Default::default());
    let costs_read = |bytes: &[u8]| match prof::read(bytes).unwrap() {
        ProfFile::Exact(trees, _) => trees.processes[0].calibration.unwrap(),
        ProfFile::Plain(_) => panic!("no trees"),
    };
    assert_eq!(costs_read(&bytes), calibration);
    // What has another name is left out, whatever it is.
    let mut other = bytes.clone();
    let at = bytes.windows(6).position(|w| w == b"resume").unwrap();
    other[at] = b'R';
    let expected = calibration.with(CallKind::Resume, Cost::default());
    assert_eq!(costs_read(&other), expected);
}

#[test]
fn files_of_version_1_have_six_to_twelve_costs() {
    let costs_read = |count: u8| {
        let mut bytes = b"{0{\xfa\x05magic\xfa\x07edbprofz\x07versioni\x01\0\0\0".to_vec();
        bytes.extend(b"z\x09processes[\x01\0\0\0{z\x03pidi\x07\0\0\0z\x0ecalibration_ps)");
        bytes.push(count);
        for number in 1..=count {
            bytes.extend([b'i', number, 0, 0, 0]);
        }
        bytes.extend(b"00");
        match prof::read(&bytes).map_err(|error| error.to_string())? {
            ProfFile::Exact(trees, _) => Ok(trees.processes[0].calibration.unwrap()),
            ProfFile::Plain(_) => panic!("no trees"),
        }
    };
    let cost = |callee, caller| Cost { callee, caller };
    let some = [cost(1, 2), cost(3, 4), cost(5, 6)];
    let rest: fn(u8) -> [Cost; 2] = |count| match count {
        6 => [Cost::default(); 2],
        _ => [(7, 8), (9, 10)].map(|(callee, caller)| Cost { callee, caller }),
    };
    for (count, class_call, slowed_ppm) in [(6, 0, 0), (10, 0, 0), (11, 11, 0), (12, 11, 12)] {
        let found: Calibration = costs_read(count).unwrap();
        assert_eq!(found.costs[..3], some);
        assert_eq!(found.costs[3..], rest(count));
        assert_eq!(
            (found.class_call, found.slowed_ppm),
            (class_call, slowed_ppm)
        );
    }
    for count in [5, 13] {
        let error: String = costs_read(count).unwrap_err();
        assert!(error.contains("six to twelve numbers"), "{error}");
    }
}

#[test]
fn rows_of_no_input_are_refused() {
    let mut bytes = prof::encode(&Default::default(), &Trees::default(), &Default::default());
    bytes.pop();
    bytes.extend(b"z\x05plain{z\x04rows{000");
    let error = prof::read(&bytes).unwrap_err().to_string();
    assert!(error.starts_with("rows of no input"), "{error}");
}

/// A recording with one node, of overflow calls.
fn one_node() -> Trees {
    let root = NodeRow {
        parent: NO_PARENT,
        ..NodeRow::default()
    };
    Trees {
        recordings: vec![[1; 16]],
        processes: vec![Process::default()],
        kinds: vec![NodeKind::Overflow],
        threads: vec![ThreadTree {
            nodes: Nodes::from_iter([root]),
            overflow: vec![OverflowCalls::default()],
            unfinished: vec![UnfinishedCalls::default()],
            ..ThreadTree::default()
        }],
        ..Trees::default()
    }
}

#[test]
fn columns_are_equally_long() {
    let bytes = prof::encode(&Default::default(), &one_node(), &Default::default());
    for column in [
        "parent",
        "calls",
        "resumes",
        "total",
        "overflow_calls",
        "overflow_resumes",
        "overflow_self",
        "unfinished_calls",
        "unfinished_innermost",
    ] {
        let key = [&[column.len() as u8], column.as_bytes()].concat();
        let at = bytes.windows(key.len()).position(|w| w == key);
        let mut renamed = bytes.clone();
        // Without that column.
        renamed[at.unwrap() + 1] = b'F';
        let error = prof::read(&renamed).unwrap_err().to_string();
        assert!(error.starts_with("columns of different lengths"), "{error}");
    }
}

#[test]
fn small_files_of_many_empty_things_are_refused() {
    for (key, reason) in [
        ("processes", "a process without a pid"),
        ("threads", "a thread of no process"),
    ] {
        let trees = Trees::default();
        let mut bytes = prof::encode(&Default::default(), &trees, &Default::default());
        bytes.pop();
        bytes.extend([b'z', key.len() as u8]);
        bytes.extend(key.bytes());
        bytes.extend(b"[\x03\0\0\0{0{0{00");
        let error = prof::read(&bytes).unwrap_err().to_string();
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
fn every_kind_of_node_comes_back() {
    let mut trees = one_node();
    trees.kinds.extend([
        NodeKind::Excluded,
        NodeKind::Process(0),
        NodeKind::MergedProcesses,
        NodeKind::Thread {
            name: b"worker\xff"[..].into(),
            threads: 7,
        },
        NodeKind::MergedThreads,
        NodeKind::Forked {
            path: b"main > fork"[..].into(),
        },
    ]);
    let read = changed(&trees, |_| {}).unwrap();
    assert!(matches!(read, ProfFile::Exact(read, _) if read == trees));
    let error = changed(&trees, |trees| trees.kinds.push(NodeKind::Process(1))).unwrap_err();
    assert!(
        error.starts_with("a kind of node that is not there"),
        "{error}"
    );
    let bytes = prof::encode(&Default::default(), &trees, &Default::default());
    let at = bytes.windows(8).rposition(|w| w == b"excluded").unwrap();
    let mut unknown = bytes.clone();
    unknown[at] = b'E';
    let error = prof::read(&unknown).unwrap_err().to_string();
    assert!(error.starts_with("an unknown kind of node"), "{error}");
    let mut more = prof::encode(&Default::default(), &Trees::default(), &Default::default());
    more.pop();
    more.extend(b"z\x05kinds[\x01\0\0\0N0");
    let error = prof::read(&more).unwrap_err().to_string();
    assert!(error.starts_with("not as many kinds"), "{error}");
}

/// Programs that read the column of functions know no kinds.
#[test]
fn every_node_has_an_entry_among_the_functions() {
    let mut trees = one_node();
    trees.kinds.extend([NodeKind::Overflow, NodeKind::Excluded]);
    let bytes = prof::encode(&Default::default(), &trees, &Default::default());
    for name in [b"<overflow>", b"<excluded>"] {
        assert!(bytes.windows(name.len()).any(|w| w == name), "{name:?}");
    }
    let mut plain = one_node();
    plain
        .kinds
        .retain(|kind| matches!(kind, NodeKind::Function(_)));
    let bytes = prof::encode(&Default::default(), &plain, &Default::default());
    assert!(!bytes.windows(5).any(|w| w == b"kinds"));
}

#[test]
fn a_later_version_says_so() {
    let bytes = prof::encode(&Default::default(), &Trees::default(), &Default::default());
    let version = b"versioni\x02";
    let at = bytes
        .windows(version.len())
        .position(|window| window == version)
        .unwrap();
    let mut later = bytes.clone();
    later[at + version.len() - 1] = 3;
    let error = prof::read(&later).unwrap_err();
    assert_eq!(error.reason, Reason::Version(3));
    assert!(error.to_string().contains("update edbprof"));
}

fn file() -> impl Strategy<Value = (Trees, PlainInputs)> {
    let plain = proptest::option::of((
        generate::rows(),
        proptest::collection::vec(any::<[u8; 16]>(), 1..3),
    ));
    (generate::trees(), plain).prop_map(|(trees, plain)| {
        let plain = plain.map(|(rows, hashes)| PlainInputs {
            version1_hashes: hashes.clone(),
            hashes,
            rows,
            sidecar: edbprof::model::dispatch_counts(&trees),
        });
        (trees, plain.unwrap_or_default())
    })
}

proptest! {
    #[test]
    fn rows_come_back(rows in generate::rows()) {
        let read = pstats::decode(&pstats::encode(&rows)).unwrap();
        prop_assert_eq!(rows_text(&read), rows_text(&rows));
        let order = |rows: &edbprof::model::Rows| {
            rows.iter().map(|(id, _)| rows.label(id).clone()).collect::<Vec<_>>()
        };
        prop_assert_eq!(order(&read), order(&rows));
    }

    #[test]
    fn trees_come_back((trees, plain) in file()) {
        let bytes = prof::encode(&rows_of(&trees), &trees, &plain);
        match prof::read(&bytes) {
            Ok(ProfFile::Exact(read, read_plain)) => {
                prop_assert_eq!(read, trees.clone());
                prop_assert_eq!(rows_text(&read_plain.rows), rows_text(&plain.rows));
                prop_assert_eq!(read_plain.hashes, plain.hashes);
                prop_assert_eq!(read_plain.version1_hashes, plain.version1_hashes);
                prop_assert_eq!(read_plain.sidecar, plain.sidecar);
            }
            other => prop_assert!(false, "{other:?}"),
        }
        // Whoever does not know us reads the rows.
        prop_assert_eq!(rows_text(&pstats::decode(&bytes).unwrap()), rows_text(&rows_of(&trees)));
    }

    #[test]
    fn broken_files_do_not_panic(
        (trees, plain) in file(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = prof::encode(&rows_of(&trees), &trees, &plain);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(ProfFile::Exact(trees, _)) = prof::read(&bytes) {
            // What passes the reader can be computed on.
            rows_of(&trees);
        }
        let _ = prof::read(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn noise_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = prof::read(&bytes);
        let _ = prof::read(&[&b"{"[..], &bytes].concat());
        let _ = prof::read(&[&b"{0"[..], MAGIC, &bytes].concat());
    }
}
