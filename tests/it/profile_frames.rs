//! The displayed tree: dispatch wrappers elided, and the estimate.

use crate::{build, generate};
use std::collections::BTreeMap;

use edbprof::analysis::display_tree::{DisplayTree, display_tree};
use edbprof::analysis::estimate::estimate;
use edbprof::analysis::invert::{Limits, invert};
use edbprof::analysis::merge::Merger;
use edbprof::analysis::prune::prune;
use edbprof::analysis::singledispatch::elide_dispatch_wrappers;
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::native_name::without_address;
use edbprof::model::{
    Function, GENERIC_DISPATCH, GENERIC_WRAPPER, Label, NO_PARENT, NodeKind, NodeRow, Nodes, Rows,
    ThreadTree, Trees, dispatch_counts,
};
use proptest::prelude::*;

fn label(name: &str) -> Label {
    build::label("demo.py", 1, name)
}

/// Trees from lines `path/of/names calls self_time`.
fn tree(lines: &[(&str, u64, u64)]) -> Trees {
    let mut trees = Trees::default();
    let mut nodes = Nodes::default();
    let mut places = BTreeMap::new();
    for &(path, calls, _) in lines {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let function = trees.functions.iter().position(|f| f.label == label(name));
        let function = function.unwrap_or_else(|| {
            trees.functions.push(Function {
                flags: match name {
                    "W" | "V" => GENERIC_WRAPPER,
                    "dispatch" => GENERIC_DISPATCH,
                    _ => 0,
                },
                generic: (name == "V").then(|| label("generic")),
                ..build::function(label(name))
            });
            trees.functions.len() - 1
        });
        let node = nodes.push(NodeRow {
            parent: places.get(above).copied().unwrap_or(NO_PARENT),
            kind: function as u32,
            calls,
            ..NodeRow::default()
        });
        places.insert(path, node);
    }
    let kind = |(number, function): (u32, &Function)| match &*function.label.name {
        b"overflow" => NodeKind::Overflow,
        _ => NodeKind::Function(number),
    };
    trees.kinds = (0..).zip(&trees.functions).map(kind).collect();
    nodes.set_self_times(lines.iter().map(|&(.., self_time)| self_time).collect());
    trees.threads.push(ThreadTree {
        nodes,
        ..ThreadTree::default()
    });
    trees
}

/// The lines that a tree was made of, sorted.
fn lines(functions: &[Function], nodes: &Nodes) -> Vec<(String, u64, u64)> {
    let self_times = nodes.self_times();
    let mut paths: Vec<String> = Vec::new();
    for node in 0..nodes.len() {
        let name = String::from_utf8(functions[nodes.kinds()[node] as usize].label.name.to_vec());
        let above = paths.get(nodes.parents()[node] as usize);
        let above = above.map_or(String::new(), |path| format!("{path}/"));
        paths.push(above + &name.unwrap());
    }
    let mut lines: Vec<_> = (0..nodes.len())
        .map(|node| (paths[node].clone(), nodes.calls()[node], self_times[node]))
        .collect();
    lines.sort();
    lines
}

fn elided(given: &[(&str, u64, u64)], expected: &[(&str, u64, u64)]) {
    let trees = tree(given);
    let (nodes, _) = elide_dispatch_wrappers(&trees, &trees.threads[0].nodes);
    let mut expected: Vec<_> = expected
        .iter()
        .map(|&(path, calls, time)| (path.to_owned(), calls, time))
        .collect();
    expected.sort();
    assert_eq!(lines(&trees.functions, &nodes), expected);
}

#[test]
fn three_callers_and_three_implementations() {
    let given = [
        ("A", 1, 1),
        ("A/W", 10, 2),
        ("A/W/dispatch", 10, 3),
        ("A/W/F1", 9, 90),
        ("A/W/F1/helper", 9, 5),
        ("A/W/F3", 1, 1),
        ("B", 1, 1),
        ("B/W", 3, 2),
        ("B/W/dispatch", 3, 1),
        ("B/W/dispatch/_find_impl", 1, 7),
        ("B/W/F2", 3, 30),
        ("C", 1, 1),
        ("C/W", 8, 2),
        ("C/W/dispatch", 8, 1),
        ("C/W/F2", 1, 10),
        ("C/W/F3", 7, 70),
        ("C/F3", 2, 20),
    ];
    elided(
        &given,
        &[
            ("A", 1, 1),
            ("A/W", 10, 5),
            ("A/F1", 9, 90),
            ("A/F1/helper", 9, 5),
            ("A/F3", 1, 1),
            ("B", 1, 1),
            ("B/W", 3, 3),
            ("B/W/_find_impl", 1, 7),
            ("B/F2", 3, 30),
            ("C", 1, 1),
            ("C/W", 8, 3),
            ("C/F2", 1, 10),
            ("C/F3", 9, 90),
        ],
    );
    let sidecar = dispatch_counts(&tree(&given));
    let counts = &sidecar[&label("W")];
    assert_eq!(counts[&label("A")][&label("F1")], 9);
    assert_eq!(counts[&label("A")][&label("F3")], 1);
    assert_eq!(counts[&label("B")].len(), 1);
    assert_eq!(counts[&label("C")][&label("F3")], 7);
}

#[test]
fn overflow_calls_below_a_wrapper_are_its_callers() {
    let given = [
        ("A", 1, 5),
        ("A/W", 2, 3),
        ("A/W/overflow", 0, 40),
        ("A/overflow", 0, 2),
    ];
    elided(&given, &[("A", 1, 5), ("A/W", 2, 3), ("A/overflow", 0, 42)]);
    assert!(dispatch_counts(&tree(&given)).is_empty());
}

#[test]
fn recursion_through_the_generic_and_generics_in_generics() {
    let given = [
        ("A", 1, 0),
        ("A/W", 1, 1),
        ("A/W/F", 1, 10),
        ("A/W/F/W", 1, 1),
        ("A/W/F/W/F", 1, 10),
        ("A/W/V", 1, 2),
        ("A/W/V/dispatch", 1, 3),
        ("A/W/V/G", 1, 4),
        ("A/W/V/__get__", 1, 5),
    ];
    elided(
        &given,
        &[
            ("A", 1, 0),
            ("A/W", 1, 1),
            ("A/F", 1, 10),
            ("A/F/W", 1, 1),
            ("A/F/F", 1, 10),
            ("A/V", 1, 5),
            ("A/V/__get__", 1, 5),
            ("A/G", 1, 4),
        ],
    );
    let sidecar = dispatch_counts(&tree(&given));
    assert_eq!(sidecar[&label("W")][&label("F")][&label("F")], 1);
    // The patched generic goes by its own name; its caller is the real one.
    assert_eq!(sidecar[&label("generic")][&label("A")][&label("G")], 1);
    assert_eq!(sidecar[&label("generic")].len(), 1);
    assert_eq!(sidecar[&label("generic")][&label("A")].len(), 1);
}

#[test]
fn a_wrapper_at_the_root_leaves_its_implementations_there() {
    elided(
        &[("W", 2, 1), ("W/dispatch", 2, 1), ("W/F", 2, 8)],
        &[("W", 2, 2), ("F", 2, 8)],
    );
    assert!(dispatch_counts(&tree(&[("W", 2, 1), ("W/F", 2, 8)])).is_empty());
}

fn rows(edges: &[(&str, &str, i128, f64, f64)]) -> Rows {
    build::rows(edges, label)
}

fn estimated(edges: &[(&str, &str, i128, f64, f64)]) -> Vec<(String, u64, u64)> {
    let estimate = estimate(&rows(edges));
    let lines = lines(&estimate.functions, &estimate.nodes);
    let ns = |(path, calls, time): (String, u64, u64)| (path, calls, time / 1_000_000);
    lines.into_iter().map(ns).collect()
}

fn line(path: &str, calls: u64, ms: u64) -> (String, u64, u64) {
    (path.to_owned(), calls, ms)
}

#[test]
fn time_is_split_as_the_edges_say() {
    // A spends 80 ms in the helper, B 20 ms; what it calls is split alike,
    // although all of it was A's: that can't be known.
    assert_eq!(
        estimated(&[
            ("", "main", 1, 0.010, 0.110),
            ("main", "A", 1, 0.0, 0.080),
            ("main", "B", 1, 0.0, 0.020),
            ("A", "helper", 8, 0.040, 0.080),
            ("B", "helper", 2, 0.010, 0.020),
            ("helper", "inner", 10, 0.050, 0.050),
        ]),
        [
            line("main", 1, 10),
            line("main/A", 1, 0),
            line("main/A/helper", 8, 40),
            line("main/A/helper/inner", 8, 40),
            line("main/B", 1, 0),
            line("main/B/helper", 2, 10),
            line("main/B/helper/inner", 2, 10),
        ]
    );
}

#[test]
fn cycles_are_cut_and_lose_nothing() {
    assert_eq!(
        estimated(&[
            ("main", "even", 1, 0.001, 0.006),
            ("odd", "even", 2, 0.002, 0.004),
            ("even", "odd", 3, 0.003, 0.005),
            ("odd", "odd", 1, 0.001, 0.001),
        ]),
        [
            line("main", 0, 0),
            line("main/even", 3, 3),
            line("main/even/odd", 4, 4),
        ]
    );
    // Cut where the most expensive way leads, and where it is entered, however
    // much time the others claim.
    assert_eq!(
        estimated(&[
            ("", "main", 1, 0.001, 0.012),
            ("main", "z", 1, 0.001, 0.010),
            ("main", "b", 1, 0.0, 0.001),
            ("z", "b", 1, 0.009, 0.009),
            ("b", "z", 1, 0.001, 0.001),
        ])
        .into_iter()
        .map(|(path, ..)| path)
        .collect::<Vec<_>>(),
        ["main", "main/b", "main/z", "main/z/b"]
    );
    assert_eq!(
        estimated(&[
            ("main", "a", 1, 0.001, 0.005),
            ("a", "b", 1, 0.002, 0.090),
            ("b", "a", 1, 0.001, 0.002),
        ]),
        [
            line("main", 0, 0),
            line("main/a", 2, 2),
            line("main/a/b", 1, 2)
        ]
    );
    // A cycle that nobody enters.
    let lone = estimated(&[("b", "a", 1, 0.001, 0.002), ("a", "b", 1, 0.002, 0.003)]);
    assert_eq!(lone, [line("b", 1, 2), line("b/a", 1, 1)]);
}

#[test]
fn the_profile_modules_rows_are_split_by_calls() {
    let mut rows = rows(&[
        ("A", "helper", 3, 0.0, 0.0),
        ("B", "helper", 1, 0.0, 0.0),
        ("", "A", 1, 0.001, 0.004),
        ("", "B", 1, 0.001, 0.002),
    ]);
    let helper = rows.find(&label("helper")).unwrap();
    rows.row_mut(helper).counts.tt = 0.004;
    rows.row_mut(helper).counts.ct = 0.004;
    let estimate = estimate(&rows);
    let times: Vec<_> = lines(&estimate.functions, &estimate.nodes)
        .into_iter()
        .map(|(path, _, time)| (path, time / 1_000_000))
        .collect();
    let expected = [("A", 1), ("A/helper", 3), ("B", 1), ("B/helper", 1)];
    assert_eq!(times, expected.map(|(path, time)| (path.to_owned(), time)));
}

#[test]
fn addresses_do_not_split_a_function() {
    let name = |name: &str| String::from_utf8(without_address(name.as_bytes()).into()).unwrap();
    assert_eq!(
        name("<built-in method __new__ of type object at 0x7f1c0aB>"),
        "<built-in method __new__ of type object>"
    );
    assert_eq!(name("look at 0xyz"), "look at 0xyz");
    assert_eq!(
        estimated(&[
            ("", "f at 0x1f", 1, 0.001, 0.001),
            ("", "f at 0x2f", 2, 0.002, 0.002)
        ]),
        [line("f", 3, 3)]
    );
}

#[test]
fn a_wide_graph_stays_small() {
    // Thirty layers of four functions that all call each other: 4^30 paths.
    let names: Vec<String> = (0..120).map(|i| format!("f{i:03}")).collect();
    let mut edges = Vec::new();
    for caller in 0..116 {
        for callee in (caller / 4 + 1) * 4..(caller / 4 + 2) * 4 {
            edges.push((&*names[caller], &*names[callee], 1, 0.001, 0.01));
        }
    }
    let estimate = estimate(&rows(&edges));
    assert!(estimate.nodes.len() <= 1_000_000);
    check_frames(&DisplayTree {
        estimated: vec![true; estimate.nodes.len()],
        functions: estimate.functions,
        nodes: estimate.nodes,
        ..DisplayTree::default()
    })
    .unwrap();
}

/// Children never add up to more than their parent.
fn check_frames(frames: &DisplayTree) -> Result<(), TestCaseError> {
    let nodes = &frames.nodes;
    prop_assert_eq!(frames.estimated.len(), nodes.len());
    let mut inside = vec![0_u64; nodes.len()];
    for node in 0..nodes.len() {
        if nodes.parents()[node] != NO_PARENT {
            prop_assert!(nodes.parents()[node] < node as u32);
            inside[nodes.parents()[node] as usize] += nodes.totals()[node];
        }
    }
    for (inside, total) in inside.iter().zip(nodes.totals()) {
        prop_assert!(inside <= total);
    }
    Ok(())
}

fn profile_of(trees: Trees, plain: Option<Rows>) -> edbprof::analysis::merge::Profile {
    let mut merger = Merger::new();
    merger.add("exact", ProfFile::Exact(trees, PlainInputs::default()));
    if let Some(rows) = plain {
        let plain = PlainInputs {
            hashes: vec![[1; 16]],
            rows,
            ..PlainInputs::default()
        };
        merger.add("plain", ProfFile::Plain(plain));
    }
    merger.finish().profile
}

proptest! {
    #[test]
    fn estimates_conserve_self_times_and_ignore_order(rows in generate::rows()) {
        let one = estimate(&rows);
        let measured: f64 = rows.iter().map(|(_, row)| row.counts.tt).sum();
        let shown: u64 = one.nodes.self_times().iter().sum();
        let error = (shown as f64 / 1e9 - measured).abs();
        prop_assert!(error <= 1e-9 * (one.nodes.len() as f64 + 1.0), "{shown} {measured}");
        // The same rows in another order.
        let mut turned = Rows::default();
        for (id, row) in rows.iter().collect::<Vec<_>>().into_iter().rev() {
            let new = turned.intern(rows.label(id));
            turned.row_mut(new).counts = row.counts;
            for (&caller, counts) in row.callers.iter().rev() {
                let caller = turned.intern(rows.label(caller));
                turned.row_mut(new).callers.insert(caller, *counts);
            }
        }
        let other = estimate(&turned);
        prop_assert_eq!(lines_of(&one), lines_of(&other));
        // Function by function, as far as nothing was narrow enough to be left
        // within its caller.
        let mut times: BTreeMap<&Label, f64> = BTreeMap::new();
        for (node, time) in one.nodes.self_times().into_iter().enumerate() {
            let label = &one.functions[one.nodes.kinds()[node] as usize].label;
            *times.entry(label).or_default() += time as f64 / 1e9;
        }
        for (id, row) in rows.iter() {
            let shown = times.get(rows.label(id)).copied().unwrap_or(0.0);
            prop_assert!((shown - row.counts.tt).abs() <= 1e-3 * measured.max(1e-9));
        }
    }

    #[test]
    fn frames_hold_everything(trees in generate::trees(), plain in proptest::option::of(generate::rows())) {
        let whole: u64 = trees.threads.iter().flat_map(|thread| thread.nodes.self_times()).sum();
        let measured: f64 = plain.iter().flat_map(|rows| rows.iter()).map(|(_, row)| row.counts.tt).sum();
        let frames = display_tree(&profile_of(trees, plain));
        check_frames(&frames)?;
        let (mut exact, mut estimated) = (0, 0);
        for (time, &is_estimated) in frames.nodes.self_times().iter().zip(&frames.estimated) {
            *if is_estimated { &mut estimated } else { &mut exact } += time;
        }
        prop_assert_eq!(exact, whole);
        prop_assert!((estimated as f64 / 1e9 - measured).abs() < 1e-6);

        let limits = Limits { least: frames.whole() / 100, nodes: usize::MAX, levels: u32::MAX };
        let reversed = invert(&frames, limits).tree;
        check_frames(&reversed)?;
        prop_assert_eq!(reversed.whole(), frames.whole());
        prop_assert!(reversed.nodes.totals().iter().all(|&total| total > 0));
        for threshold in [0.0, 0.01, 0.5, 2.0] {
            let pruned = prune(&frames, threshold);
            check_frames(&pruned)?;
            let least = threshold * frames.whole() as f64;
            let kept = frames.nodes.totals().iter().filter(|&&total| total as f64 >= least).count();
            prop_assert_eq!(pruned.nodes.len(), kept);
        }
    }

    #[test]
    fn hostile_times_do_not_panic(
        rows in generate::rows(),
        times in proptest::collection::vec(any::<f64>(), 1..20),
        counts in proptest::collection::vec(any::<i128>(), 1..20),
    ) {
        let mut rows = rows;
        let mut times = times.into_iter().cycle();
        let mut counts = counts.into_iter().cycle();
        for id in (0..rows.labels().len() as u32).collect::<Vec<_>>() {
            if rows.row(id).is_none() {
                continue;
            }
            let row = rows.row_mut(id);
            for figures in std::iter::once(&mut row.counts).chain(row.callers.values_mut()) {
                figures.tt = times.next().unwrap();
                figures.ct = times.next().unwrap();
                figures.nc = counts.next().unwrap();
                figures.cc = counts.next().unwrap();
            }
        }
        estimate(&rows);
    }
}

#[test]
fn files_in_another_order_make_the_same_picture() {
    // b and c take 0.6 s each, but 0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1. They call
    // each other, and the cycle is cut where the more expensive one is entered.
    let files = [(0.1, 0.3), (0.2, 0.2), (0.3, 0.1)].map(|(b, c)| {
        rows(&[
            ("", "main", 1, 0.0, 0.6),
            ("main", "b", 1, b / 2.0, b),
            ("main", "c", 1, c / 2.0, c),
            ("b", "c", 1, 0.001, 0.002),
            ("c", "b", 1, 0.001, 0.002),
        ])
    });
    let picture = |order: [usize; 3]| {
        let mut merger = Merger::new();
        for number in order {
            let plain = PlainInputs {
                hashes: vec![[number as u8; 16]],
                rows: files[number].clone(),
                ..PlainInputs::default()
            };
            merger.add("plain", ProfFile::Plain(plain));
        }
        let frames = display_tree(&merger.finish().profile);
        lines(&frames.functions, &frames.nodes)
    };
    let expected = picture([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(picture(order), expected);
    }
}

fn lines_of(estimate: &edbprof::analysis::estimate::Estimate) -> Vec<(Vec<u8>, u64, u64)> {
    // By path, in bytes: names need not be UTF-8.
    let nodes = &estimate.nodes;
    let mut paths: Vec<Vec<u8>> = Vec::new();
    for node in 0..nodes.len() {
        let label = &estimate.functions[nodes.kinds()[node] as usize].label;
        let above = paths
            .get(nodes.parents()[node] as usize)
            .cloned()
            .unwrap_or_default();
        paths.push(
            [
                above,
                generate::label_text(label).into_bytes(),
                b"/".to_vec(),
            ]
            .concat(),
        );
    }
    let mut lines: Vec<_> = (0..nodes.len())
        .map(|node| {
            (
                paths[node].clone(),
                nodes.calls()[node],
                nodes.totals()[node],
            )
        })
        .collect();
    lines.sort();
    lines
}
