//! Time of forked children and their parents: each call counts for one of them.

use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::analysis::merge_request::{By, MergeRequest};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{
    Calibration, CallKind, Cost, NO_PARENT, NodeKind, NodeRow, Process, ThreadTree, Trees,
};

use crate::{build, generate};
use proptest::prelude::*;

const MAIN: u32 = 0;
const POOL: u32 = 1;
const LAUNCH: u32 = 2;
const WORK: u32 = 3;
const FORKED: u32 = 4;

fn recording(id: u8, rows: &[(u32, u32, u64, u64)]) -> Trees {
    let functions = ["main", "Pool", "launch", "work"];
    let functions = functions.map(|name| build::function(build::label("m.py", 1, name)));
    let mut trees = Trees {
        recordings: vec![[id; 16]],
        processes: vec![Process {
            start_unix_ns: id.into(),
            ..Process::default()
        }],
        threads: vec![ThreadTree {
            nodes: build::nodes(rows),
            ..ThreadTree::default()
        }],
        ..Trees::of_functions(functions.to_vec())
    };
    trees.kinds.push(NodeKind::Forked {
        path: b"main > Pool > launch"[..].into(),
    });
    trees
}

/// The parent spends 18 in `Pool`; each child 100 in the part of it that forks.
fn family() -> [Trees; 3] {
    let child = |id| {
        let rows = [
            (NO_PARENT, FORKED, 0, 100),
            (0, LAUNCH, 0, 100),
            (1, WORK, 5, 95),
        ];
        recording(id, &rows)
    };
    let parent = [
        (NO_PARENT, MAIN, 1, 60),
        (0, POOL, 1, 18),
        (1, LAUNCH, 2, 10),
    ];
    [recording(1, &parent), child(2), child(3)]
}

fn merged(by: Option<By>, all: &[Trees]) -> Profile {
    let wanted = MergeRequest {
        by,
        ..MergeRequest::default()
    };
    let mut merger = Merger::new();
    for (number, trees) in all.iter().enumerate() {
        let file = ProfFile::Exact(trees.clone(), PlainInputs::default());
        if let Some(file) = wanted.of(file).unwrap() {
            merger.add(number.to_string(), file);
        }
    }
    merger.finish().profile
}

/// Self and inclusive time of a function, nanoseconds.
fn times(profile: &Profile, name: &str) -> (u64, u64) {
    let rows = profile.rows();
    let label = build::label("m.py", 1, name);
    let counts = rows.row(rows.find(&label).unwrap()).unwrap().counts;
    let ns = |seconds: f64| (seconds * 1e9).round() as u64;
    (ns(counts.tt), ns(counts.ct))
}

#[test]
fn a_function_has_what_each_process_spent_in_it() {
    for by in [None, Some(By::Process)] {
        let profile = merged(by, &family());
        assert_eq!(times(&profile, "main"), (42, 60));
        assert_eq!(times(&profile, "Pool"), (8, 18));
        assert_eq!(times(&profile, "launch"), (10 + 2 * 5, 10 + 2 * 100));
        assert_eq!(times(&profile, "work"), (2 * 95, 2 * 95));
        assert_eq!(display_tree(&profile).whole(), 60 + 2 * 100);
        let rows = profile.rows();
        assert_eq!(rows.iter().count(), 4, "a row for the child");
    }
}

#[test]
fn children_of_one_fork_are_one_node() {
    let profile = merged(None, &family());
    let tree = display_tree(&profile);
    let names = tree.nodes.rows().map(|row| {
        let name = &tree.functions[row.kind as usize].label.name;
        (String::from_utf8_lossy(name).into_owned(), row.total)
    });
    let names: Vec<_> = names.collect();
    assert!(names.contains(&("forked in main > Pool > launch".to_owned(), 200)));
    assert!(names.contains(&("Pool".to_owned(), 18)));
    assert_eq!(names.len(), 6);
}

#[test]
fn what_calls_cost_a_childs_node_is_not_subtracted() {
    let mut family = family();
    for trees in &mut family {
        let cost = Cost {
            callee: 1000,
            caller: 1000,
        };
        trees.processes[0].calibration = Some(Calibration::default().with(CallKind::Python, cost));
        // A call of the child's own that nothing in it has made.
        if trees.recordings[0] != [1; 16] {
            trees.threads[0].nodes.push(NodeRow {
                parent: 0,
                kind: WORK,
                calls: 1,
                total: 5,
                resumes: 0,
            });
            trees.threads[0].nodes.update(0, |child| child.total += 5);
        }
    }
    let mut profile = merged(None, &family);
    profile.compensate();
    let subtracted = profile.compensation().unwrap().subtracted_ns;
    assert!(subtracted >= 15, "{subtracted}");
}

proptest! {
    /// Whoever is merged, and by what: all of the time is that of some process's roots.
    #[test]
    fn self_times_are_the_roots_of_the_processes(
        all in proptest::collection::vec(generate::trees(), 1..4),
        by in prop_oneof![Just(None), Just(Some(By::Process)), Just(Some(By::Thread))],
    ) {
        let mut all = all;
        for (id, trees) in (1..).zip(&mut all) {
            trees.recordings = vec![[id; 16]];
            for thread in &mut trees.threads {
                thread.overflow.clear();
            }
        }
        let roots = |trees: &Trees| -> u64 {
            let nodes = trees.threads.iter().flat_map(|thread| thread.nodes.rows());
            nodes.filter(|row| row.parent == NO_PARENT).map(|row| row.total).sum()
        };
        let profile = merged(by, &all);
        let expected: u64 = all.iter().map(roots).sum();
        let threads = profile.trees().threads.iter();
        let own: u64 = threads.flat_map(|thread| thread.nodes.self_times()).sum();
        prop_assert_eq!(own, expected);
        prop_assert_eq!(roots(profile.trees()), expected);
    }
}
