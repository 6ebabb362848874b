//! Compensation: what is taken out, and what never changes.

use crate::{build, generate};
use edbprof::analysis::compensate::compensate;
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::format::pstats;
use edbprof::model::{
    Calibration, CallKind, Cost, Function, FunctionKind, NO_PARENT, Nodes, PROPERTY, Process,
    ProcessIdentity, ThreadTree, Trees, rows_of,
};
use proptest::prelude::*;

fn encoded(id: u8, mut trees: Trees) -> Vec<u8> {
    trees.recordings = vec![[id; 16]];
    prof::encode(&rows_of(&trees), &trees, &PlainInputs::default())
}

fn merge<'a>(files: impl IntoIterator<Item = &'a Vec<u8>>) -> Profile {
    let mut merger = Merger::new();
    for (i, bytes) in files.into_iter().enumerate() {
        merger.add(i.to_string(), prof::read(bytes).unwrap());
    }
    merger.finish().profile
}

fn files() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let trees = proptest::collection::vec(generate::trees(), 1..5);
    trees.prop_map(|trees| {
        (1..)
            .zip(trees)
            .map(|(id, trees)| encoded(id, trees))
            .collect()
    })
}

fn sum(values: &[u64]) -> u64 {
    values.iter().sum()
}

fn self_times(trees: &Trees) -> Vec<Vec<u64>> {
    trees.threads.iter().map(|t| t.nodes.self_times()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn only_times_become_less(trees in generate::trees()) {
        let compensation = compensate(trees.clone());
        let raw = self_times(&trees);
        let shown = self_times(&compensation.trees);
        let mut subtracted = 0;
        for ((before, after), (raw, shown)) in
            trees.threads.iter().zip(&compensation.trees.threads).zip(raw.iter().zip(&shown))
        {
            prop_assert_eq!(before.nodes.parents(), after.nodes.parents());
            prop_assert_eq!(before.nodes.kinds(), after.nodes.kinds());
            prop_assert_eq!(before.nodes.calls(), after.nodes.calls());
            prop_assert_eq!(before.nodes.resumes(), after.nodes.resumes());
            // Never below zero: a self time is a total less its children's, which would
            // not come out if the children had more.
            for (node, &total) in after.nodes.totals().iter().enumerate() {
                let children = after.nodes.parents().iter().zip(after.nodes.totals());
                let below = children.filter(|&(&parent, _)| parent as usize == node);
                let below: u64 = below.map(|(_, total)| total).sum();
                prop_assert_eq!(shown[node] + below, total);
                prop_assert!(shown[node] <= raw[node]);
            }
            subtracted += sum(raw) - sum(shown);
        }
        prop_assert_eq!(compensation.subtracted_ns, subtracted);
        if trees.processes.iter().all(|process| process.calibration.is_none()) {
            prop_assert_eq!(&compensation.trees, &trees);
        }
    }

    #[test]
    fn stages_and_repetition_change_nothing(
        files in files(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut whole = merge(&files);
        let raw = whole.trees().clone();
        whole.compensate();
        // Aggregates of compensated aggregates are of raw trees.
        let (a, b) = files.split_at(at.index(files.len() + 1));
        let stages = [a, b].map(|part| {
            let mut part = merge(part);
            part.compensate();
            part.encode()
        });
        let mut staged = merge(&stages);
        prop_assert_eq!(staged.trees(), &raw);
        staged.compensate();
        prop_assert_eq!(staged.compensation(), whole.compensation());
        prop_assert_eq!(staged.encode(), whole.encode());
        prop_assert_eq!(whole.trees(), &raw);
    }
}

/// main calls leaf (Python), which calls len (C) and resumes gen.
fn known(process: u32, calls: u64, calibration: Option<Calibration>) -> Trees {
    let function = |name: &str, kind| Function {
        kind,
        ..build::function(build::label("a.py", 1, name))
    };
    use FunctionKind::{Builtin, Native, Python};
    Trees {
        recordings: vec![[process as u8; 16]],
        processes: vec![Process {
            identity: ProcessIdentity {
                pid: process,
                ..Default::default()
            },
            calibration,
            ..Process::default()
        }],
        threads: vec![ThreadTree {
            nodes: Nodes::from_columns(
                [vec![NO_PARENT, 0, 1, 1, 1], vec![0, 1, 2, 3, 4]],
                [
                    vec![1, calls, 2 * calls, 0, 9],
                    vec![0, 0, 0, 3 * calls, 0],
                    vec![50_000_000, 40_000_000, 5_000_000, 6_000_000, 7_000_000],
                ],
            )
            .unwrap(),
            ..ThreadTree::default()
        }],
        ..Trees::of_functions(vec![
            function("main", Python),
            function("leaf", Python),
            function("len", Builtin),
            function("gen", Python),
            function("span", Native),
        ])
    }
}

fn calibration(scale: u32) -> Option<Calibration> {
    let cost = |callee, caller| Cost {
        callee: callee * scale,
        caller: caller * scale,
    };
    Some(Calibration {
        costs: [
            cost(20_000, 30_000), // of a Python call
            cost(5_000, 25_000),  // of a C call
            cost(10_000, 15_000), // of a resume
            cost(20_000, 12_000), // of an implicit call
            cost(20_000, 70_000), // of `__init__`
        ],
        class_call: 40_000 * scale,
        slowed_ppm: 0,
    })
}

#[test]
fn each_pays_its_share() {
    let compensation = compensate(known(1, 1000, calibration(1)));
    let trees = &compensation.trees;
    // By hand: calls of leaf 1000 x (20, 30) ns; len 2000 x (5, 25); gen 3000 x (10, 15);
    // main's one call 20; what a call costs main's caller is nobody's here.
    let leaf_own = 22_000_000 - 20_000 - 50_000 - 45_000;
    assert_eq!(
        trees.threads[0].nodes.self_times(),
        [
            10_000_000 - 20 - 30_000,
            leaf_own,
            5_000_000 - 10_000,
            6_000_000 - 30_000,
            7_000_000
        ]
    );
    assert_eq!(compensation.subtracted_ns, 185_020);
}

#[test]
fn what_c_code_calls_has_a_cost_of_its_own() {
    let mut trees = known(1, 1000, calibration(1));
    // gen is started 500 times and goes on 3000 times, by len.
    let nodes = &mut trees.threads[0].nodes;
    nodes.update(2, |len| len.total += 6_000_000);
    nodes.update(3, |gen_| (gen_.parent, gen_.calls) = (2, 500));
    let own = compensate(trees.clone()).trees.threads[0]
        .nodes
        .self_times();
    assert_eq!(own[2], 5_000_000 - 10_000 - 500 * 12 - 3000 * 15);
    assert_eq!(own[3], 6_000_000 - 30_000 - 500 * 20);
}

#[test]
fn special_methods_are_called_without_an_instruction() {
    for (name, caller_ns) in [("leaf", 30), ("__eq__", 12), ("__init__", 70)] {
        let mut trees = known(1, 1000, calibration(1));
        trees.functions[1].label.name = name.as_bytes().into();
        let own = compensate(trees.clone()).trees.threads[0]
            .nodes
            .self_times();
        assert_eq!(own[0], 10_000_000 - 20 - 1000 * caller_ns, "{name}");
    }
}

#[test]
fn properties_are_called_without_an_instruction_and_merge_with_what_is_called_by_one() {
    let mut inputs = [
        known(1, 1000, calibration(1)),
        known(2, 1000, calibration(1)),
    ];
    inputs[0].functions[1].flags = PROPERTY;
    let own = inputs.each_ref().map(|trees| {
        compensate(trees.clone()).trees.threads[0]
            .nodes
            .self_times()
    });
    assert_eq!(
        [own[0][0], own[1][0]],
        [10_000_000 - 20 - 12_000, 10_000_000 - 20 - 30_000]
    );
    let [first, second] = inputs;
    let mut merged = merge([&encoded(1, first), &encoded(2, second)]);
    assert_eq!(merged.trees().functions.len(), 5);
    merged.compensate();
    let found = merged.shown_trees().threads[0].nodes.self_times();
    assert!(found.contains(&(own[0][0] + own[1][0])), "{found:?}");
}

#[test]
fn a_file_from_before_says_nothing_of_such_calls() {
    let mut trees = known(1, 1000, calibration(1));
    let costs = trees.processes[0].calibration.as_mut().unwrap();
    let unknown = Cost::default();
    *costs = costs
        .with(CallKind::Implicit, unknown)
        .with(CallKind::Init, unknown);
    for name in ["__eq__", "__init__"] {
        trees.functions[1].label.name = name.as_bytes().into();
        let own = compensate(trees.clone()).trees.threads[0]
            .nodes
            .self_times();
        assert_eq!(own[0], 10_000_000 - 20 - 1000 * 30 / 2, "{name}");
    }
}

#[test]
fn calls_of_classes_cost_their_caller() {
    let mut trees = known(1, 1000, calibration(1));
    let before = compensate(trees.clone()).trees.threads[0]
        .nodes
        .self_times();
    trees.threads[0].class_calls = vec![50_000, 0, 3, 0, 0];
    let after = compensate(trees.clone()).trees.threads[0]
        .nodes
        .self_times();
    let less: Vec<u64> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
    assert_eq!(less, [50_000 * 40, 0, 3 * 40, 0, 0]);
    // Merged it is the same, and merged again.
    let mut bytes = encoded(1, trees);
    for _ in 0..2 {
        let mut merged = merge([&bytes]);
        merged.compensate();
        let mut found = merged.shown_trees().threads[0].nodes.self_times();
        found.sort_unstable();
        let mut expected = after.clone();
        expected.sort_unstable();
        assert_eq!(found, expected);
        bytes = merged.encode();
    }
}

#[test]
fn slowed_instructions_are_python_functions_alone() {
    let mut trees = known(1, 1000, calibration(1));
    let before = compensate(trees.clone()).trees.threads[0]
        .nodes
        .self_times();
    let costs = trees.processes[0].calibration.as_mut().unwrap();
    costs.slowed_ppm = 300_000;
    let after = compensate(trees.clone()).trees.threads[0]
        .nodes
        .self_times();
    let less: Vec<u64> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
    // Three tenths of what calls leave; len and the span are in C.
    let is_python = [1, 1, 0, 1, 0];
    let expected = before
        .iter()
        .zip(is_python)
        .map(|(own, is)| own * is * 3 / 10);
    assert_eq!(less, expected.collect::<Vec<_>>());
}

#[test]
fn too_large_constants_are_scaled_down_until_no_heavy_node_is_negative() {
    let trees = known(1, 1_000_000, calibration(1));
    let compensation = compensate(trees.clone());
    // len has 5 ms and 2,000,000 x 5 ns; leaf 22 ms and 115 ms of overhead: the worst.
    let own = compensation.trees.threads[0].nodes.self_times();
    assert!(own[1] <= 1, "{own:?}");
    let part = 22.0 / 115.0;
    assert!((own[2] as f64 - (5e6 - 10e6 * part)).abs() < 2.0, "{own:?}");
    assert!((own[3] as f64 - (6e6 - 30e6 * part)).abs() < 2.0, "{own:?}");
}

#[test]
fn processes_of_different_costs_stay_apart_in_an_aggregate() {
    let inputs = [
        known(1, 1000, calibration(1)),
        known(2, 500, calibration(3)),
        known(3, 700, None),
    ];
    let own = |trees: &Trees| trees.threads[0].nodes.self_times();
    let mut expected = vec![0; 5];
    for trees in &inputs {
        for (sum, own) in expected
            .iter_mut()
            .zip(own(&compensate(trees.clone()).trees))
        {
            *sum += own;
        }
    }
    let files: Vec<_> = (1..)
        .zip(inputs)
        .map(|(id, trees)| encoded(id, trees))
        .collect();
    let mut merged = merge(&files);
    merged.compensate();
    let mut found = own(merged.shown_trees());
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);

    // The file: rows are compensated and say by how much, trees are not.
    let bytes = merged.encode();
    let written = pstats::decode(&bytes).unwrap();
    let seconds: f64 = written.iter().map(|(_, row)| row.counts.tt).sum();
    assert!((seconds - expected.iter().sum::<u64>() as f64 / 1e9).abs() < 1e-9);
    let ProfFile::Exact(trees, _) = prof::read(&bytes).unwrap() else {
        panic!("no file of ours");
    };
    assert_eq!(own(&trees).iter().sum::<u64>(), 150_000_000);
    let says = b"rows_less_ns";
    assert!(bytes.windows(says.len()).any(|window| window == says));
}
