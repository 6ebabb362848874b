//! Comparing profiles: known differences, and properties of random ones.

use std::collections::BTreeMap;

use edbprof::analysis::diff::{Certainty, Change, Diff, Order, PathChange, PathChanges};
use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::limits::{check, rule::Rule};
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{NO_PARENT, ThreadTree, Trees};
use proptest::prelude::*;

use crate::{build, generate};

/// Returns a profile of nodes `(parent, function, calls, total)`, the functions being
/// `file:line module name`.
fn profile(functions: &[&str], nodes: &[(u32, u32, u64, u64)]) -> Profile {
    let functions = functions.iter().map(|text| {
        let [file, line, module, name] = text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not a function: {text}");
        };
        let mut function = build::function(build::label(file, line.parse().unwrap(), name));
        let is_known = module != "-";
        if is_known {
            function.module = module.as_bytes().into();
            function.qualified_name = name.as_bytes().into();
        }
        function
    });
    let trees = Trees {
        recordings: vec![[1; 16]],
        processes: vec![Default::default()],
        threads: vec![ThreadTree {
            nodes: build::nodes(nodes),
            ..ThreadTree::default()
        }],
        ..Trees::of_functions(functions.collect())
    };
    merged(trees)
}

fn merged(trees: Trees) -> Profile {
    let mut merger = Merger::new();
    merger.add("a.prof", ProfFile::Exact(trees, PlainInputs::default()));
    merger.finish().profile
}

/// Calls before and after, and the parts of the change, by name.
fn changes(diff: &Diff) -> BTreeMap<String, (f64, f64, f64, f64)> {
    let changes = diff.changes(Order::Name).into_iter();
    changes
        .map(|change| {
            let name = String::from_utf8_lossy(&change.function.label.name).into_owned();
            let calls = (change.was().calls, change.is().calls);
            (
                name,
                (calls.0, calls.1, change.by_calls_ns(), change.by_time_ns()),
            )
        })
        .collect()
}

fn paths_of(diff: &Diff, sides: [&[Profile]; 2]) -> PathChanges {
    let trees = sides.map(|runs| runs.iter().map(display_tree).collect());
    PathChanges::new(diff, trees)
}

const MAIN: &str = "/a/main.py 1 __main__ main";

#[test]
fn more_calls_and_slower_calls_are_told_apart() {
    let functions = [MAIN, "/a/x.py 3 x f", "/a/x.py 9 x g"];
    let before = profile(
        &functions,
        &[(NO_PARENT, 0, 1, 1000), (0, 1, 10, 100), (0, 2, 5, 500)],
    );
    let after = profile(
        &functions,
        &[(NO_PARENT, 0, 1, 1000), (0, 1, 30, 300), (0, 2, 5, 600)],
    );
    let diff = Diff::new(&[before], &[after]);
    let expected = BTreeMap::from([
        ("f".to_owned(), (10.0, 30.0, 200.0, 0.0)),
        ("g".to_owned(), (5.0, 5.0, 0.0, 100.0)),
        ("main".to_owned(), (1.0, 1.0, 0.0, -300.0)),
    ]);
    assert_eq!(changes(&diff), expected);
}

#[test]
fn functions_are_found_again_after_moves() {
    let before = profile(
        &[
            "/v1/lib/a.py 10 pkg.a f",
            "/v1/run.py 3 __main__ main",
            "/v1/x.py 7 - old_python",
            "/v1/a.py 20 pkg.a <lambda>",
            "/v1/a.py 30 pkg.a <lambda>",
        ],
        &[
            (NO_PARENT, 1, 1, 60),
            (0, 0, 1, 10),
            (0, 2, 1, 10),
            (0, 3, 1, 10),
            (0, 4, 2, 20),
        ],
    );
    let after = profile(
        &[
            "/v2/elsewhere/a.py 99 pkg.a f",
            "/v2/start.py 1 __main__ main",
            "/v2/x.py 8 - old_python",
            "/v2/a.py 21 pkg.a <lambda>",
            "/v2/a.py 33 pkg.a <lambda>",
        ],
        &[
            (NO_PARENT, 1, 1, 60),
            (0, 0, 1, 10),
            (0, 2, 1, 10),
            (0, 3, 1, 10),
            (0, 4, 2, 20),
        ],
    );
    let diff = Diff::new(&[before], &[after]);
    assert_eq!(changes(&diff), BTreeMap::new());
    assert_eq!(diff.functions().len(), 5);
}

#[test]
fn renamed_functions_are_suggested_and_not_assumed() {
    let nodes = [(NO_PARENT, 0, 1, 100), (0, 1, 50, 80), (1, 2, 50, 40)];
    let before = profile(&[MAIN, "/a/x.py 3 x load", "/a/x.py 9 x leaf"], &nodes);
    let after = profile(&[MAIN, "/a/y.py 3 y fetch", "/a/x.py 9 x leaf"], &nodes);
    let diff = Diff::new(&[before], &[after]);
    assert_eq!(changes(&diff).len(), 2);
    let renamed = diff.renamed();
    let [pair] = &renamed[..] else {
        panic!("{renamed:?}")
    };
    assert_eq!(&*pair.before.function.label.name, b"load");
    assert_eq!(&*pair.after.function.label.name, b"fetch");
}

#[test]
fn functions_that_are_called_once_and_call_nothing_are_no_suggestion() {
    let of = |calls: u64, name: &str| {
        let nodes = [(NO_PARENT, 0, 1, 100), (0, 1, calls, 80)];
        profile(&[MAIN, name], &nodes)
    };
    let renamed = |calls, before, after| {
        let diff = Diff::new(&[of(calls, before)], &[of(calls, after)]);
        diff.renamed().len()
    };
    let [parser, error] = ["/a/x.py 3 x Parser", "/a/y.py 7 y ParseError"];
    assert_eq!(renamed(1, parser, error), 0);
    assert_eq!(renamed(2, parser, error), 1);
    assert_eq!(renamed(1, parser, "/a/y.py 7 y Parser"), 1);
}

#[test]
fn changes_within_the_noise_come_after_smaller_ones_that_are_certain() {
    let run = |noisy: u64, certain: u64, called: u64| {
        profile(
            &[
                MAIN,
                "/a/x.py 3 x noisy",
                "/a/x.py 9 x certain",
                "/a/x.py 12 x called",
            ],
            &[
                (NO_PARENT, 0, 1, 10_000),
                (0, 1, 1, noisy),
                (0, 2, 1, certain),
                (0, 3, called, called * 10),
            ],
        )
    };
    let before = [run(100, 100, 5), run(9_000, 105, 5), run(120, 100, 5)];
    let after = [run(130, 150, 8), run(140, 155, 8), run(9_999, 160, 8)];
    let diff = Diff::new(&before, &after);
    let changes = diff.changes(Order::Impact);
    let names = changes.iter().map(|change| &*change.function.label.name);
    let names: Vec<_> = names.filter(|name| *name != b"main").collect();
    assert_eq!(names, [&b"certain"[..], b"called", b"noisy"]);
    let single = Diff::new(&before[..1], &after[2..]);
    assert_eq!(
        &*single.changes(Order::Impact)[0].function.label.name,
        b"noisy"
    );
}

#[test]
fn repeats_tell_certain_changes_from_noise_and_find_unsteady_counts() {
    let run = |f: u64, g: u64, calls: u64| {
        profile(
            &[MAIN, "/a/x.py 3 x f", "/a/x.py 9 x g", "/a/x.py 12 x h"],
            &[
                (NO_PARENT, 0, 1, 10_000),
                (0, 1, 1, f),
                (0, 2, 1, g),
                (0, 3, calls, 10),
            ],
        )
    };
    let before = [run(100, 100, 5), run(110, 150, 5), run(120, 120, 6)];
    let after = [run(130, 110, 7), run(140, 140, 7), run(150, 160, 7)];
    let diff = Diff::new(&before, &after);
    let of = |name: &str| {
        let named = |change: &&Change| *change.function.label.name == *name.as_bytes();
        diff.functions().iter().find(named).unwrap()
    };
    assert_eq!(of("f").certainty, Certainty::Certain);
    assert_eq!(of("g").certainty, Certainty::WithinNoise);
    assert!(of("h").is_unsteady && !of("f").is_unsteady);
    let rule: Rule = "calls('h') > +1%".parse().unwrap();
    let checked = check(&rule, &diff);
    assert_eq!((checked.matches, checked.unsteady), (1, 1));
    assert!(checked.broken.is_none());
    let single = Diff::new(&before[..1], &after[..1]);
    assert_eq!(single.functions()[0].certainty, Certainty::NotJudged);
    assert!(check(&rule, &single).broken.is_some());
}

#[test]
fn a_broken_rule_names_the_callers_that_grew() {
    let functions = [MAIN, "/a/x.py 3 x f", "/a/x.py 9 x g", "/a/x.py 12 x query"];
    let run = |by_f, by_g| {
        profile(
            &functions,
            &[
                (NO_PARENT, 0, 1, 1000),
                (0, 1, 1, 300),
                (0, 2, 1, 300),
                (1, 3, by_f, 100),
                (2, 3, by_g, 100),
            ],
        )
    };
    let diff = Diff::new(&[run(10, 10)], &[run(10, 14)]);
    let holds = |rule: &str| check(&rule.parse().unwrap(), &diff).broken.is_some();
    let broken = check(&"calls('query') > +10%".parse().unwrap(), &diff).broken;
    let broken = broken.unwrap();
    assert_eq!((broken.was, broken.is), (Some(20.0), 24.0));
    let by = broken.by.iter();
    let by: Vec<_> = by
        .map(|grown| (&*grown.caller.function.label.name, grown.by))
        .collect();
    assert_eq!(by, [(&b"g"[..], 4.0)]);
    assert!(holds("calls('query') > 23") && !holds("calls('query') > 24"));
    assert!(holds("calls('query') >= +4") && !holds("calls('query') > +20%"));
    assert!(holds("self('query') < 1us") && !holds("total('main') > +0ns"));
    assert!(!holds("calls('nothing') < 1"));
}

/// More callees than are searched one by one, in another order.
#[test]
fn call_paths_are_found_below_callers_of_many_functions() {
    let names: Vec<String> = (0..40).map(|n| format!("/a/x.py {n} x f{n}")).collect();
    let of = |numbers: Vec<usize>, calls: u64| {
        let mut functions = vec![MAIN];
        functions.extend(numbers.iter().map(|&number| &*names[number]));
        let callees = (1..=numbers.len() as u32).map(|kind| (0, kind, calls, 10));
        let nodes: Vec<_> = [(NO_PARENT, 0, 1, 1000)]
            .into_iter()
            .chain(callees)
            .collect();
        [profile(&functions, &nodes)]
    };
    let (before, after) = (of((0..40).collect(), 2), of((10..40).rev().collect(), 3));
    let diff = Diff::new(&before, &after);
    let changes = paths_of(&diff, [&before, &after]);
    let calls = changes
        .paths
        .iter()
        .skip(1)
        .map(|path| (path.before.calls as u8, path.after.calls as u8));
    let mut calls: Vec<_> = calls.collect();
    calls.sort_unstable();
    assert_eq!(calls, [vec![(2, 0); 10], vec![(2, 3); 30]].concat());
}

/// The same call paths on both sides have one node, wherever their functions moved.
#[test]
fn call_paths_are_compared_node_by_node() {
    let functions = [MAIN, "/a/x.py 3 x f", "/a/x.py 9 x g"];
    let before = [profile(
        &functions,
        &[
            (NO_PARENT, 0, 1, 100),
            (0, 1, 2, 50),
            (1, 2, 2, 20),
            (0, 2, 1, 5),
        ],
    )];
    let after = [profile(
        &functions,
        &[(NO_PARENT, 0, 1, 100), (0, 1, 2, 50), (1, 2, 4, 40)],
    )];
    let diff = Diff::new(&before, &after);
    let changes = paths_of(&diff, [&before, &after]);
    let path = |mut at: usize| {
        let mut names = Vec::new();
        loop {
            let path = &changes.paths[at];
            let name = &changes.functions[path.function as usize].label.name;
            names.insert(0, String::from_utf8_lossy(name).into_owned());
            match path.parent {
                NO_PARENT => return names.join(" "),
                parent => at = parent as usize,
            }
        }
    };
    let calls: BTreeMap<_, _> = (0..changes.paths.len())
        .map(|at| {
            let PathChange { before, after, .. } = &changes.paths[at];
            (path(at), (before.calls, after.calls))
        })
        .collect();
    let expected = [
        ("main", (1.0, 1.0)),
        ("main f", (2.0, 2.0)),
        ("main f g", (2.0, 4.0)),
        ("main g", (1.0, 0.0)),
    ];
    let expected = expected.map(|(path, calls)| (path.to_owned(), calls));
    assert_eq!(calls, BTreeMap::from(expected));
}

/// The changes of all functions, to compare two differences whose names may differ.
fn figures(diff: &Diff, sign: f64) -> Vec<[i64; 4]> {
    let rounded = |value: f64| (sign * value * 1e3).round() as i64;
    let figures = diff.changes(Order::Name).into_iter().map(|change| {
        [
            rounded(change.calls()),
            rounded(change.self_ns()),
            rounded(change.by_calls_ns()),
            rounded(change.by_time_ns()),
        ]
    });
    let mut figures: Vec<_> = figures.collect();
    figures.sort();
    figures
}

proptest! {
    #[test]
    fn equal_profiles_do_not_differ(trees in generate::trees()) {
        let side = [merged(trees)];
        let diff = Diff::new(&side, &side);
        prop_assert!(diff.changes(Order::Impact).is_empty());
        prop_assert!(diff.renamed().is_empty());
        let paths = paths_of(&diff, [&side, &side]).paths;
        prop_assert!(paths.iter().all(|path| path.before == path.after));
    }

    #[test]
    fn the_way_back_is_the_opposite(a in generate::trees(), b in generate::trees()) {
        let (a, b) = ([merged(a)], [merged(b)]);
        let (there, back) = (Diff::new(&a, &b), Diff::new(&b, &a));
        prop_assert_eq!(there.functions().len(), back.functions().len());
        prop_assert_eq!(figures(&there, 1.0), figures(&back, -1.0));
        let whole = there.whole.self_ns() + back.whole.self_ns();
        prop_assert!(whole.abs() < 1e-3, "{}", whole);
    }

    #[test]
    fn parts_add_up(a in generate::trees(), b in generate::trees()) {
        let (a, b) = ([merged(a)], [merged(b)]);
        let diff = Diff::new(&a, &b);
        for change in diff.functions() {
            let parts = change.by_calls_ns() + change.by_time_ns();
            prop_assert!((parts - change.self_ns()).abs() < 1e-3);
        }
        let sum: f64 = diff.functions().iter().map(Change::self_ns).sum();
        prop_assert!((sum - diff.whole.self_ns()).abs() < 1.0, "{} {}", sum, diff.whole.self_ns());
        let paths = paths_of(&diff, [&a, &b]).paths;
        let calls: f64 = paths.iter().map(|path| path.after.calls).sum();
        let nodes = display_tree(&b[0]).nodes;
        prop_assert_eq!(calls, nodes.calls().iter().sum::<u64>() as f64);
    }

    #[test]
    fn the_order_of_runs_does_not_matter(a in generate::trees(), b in generate::trees()) {
        let (a, b) = (merged(a), merged(b));
        let after = [b.clone()];
        let one = Diff::new(&[a.clone(), b.clone()], &after);
        let other = Diff::new(&[b, a], &after);
        prop_assert_eq!(figures(&one, 1.0), figures(&other, 1.0));
    }
}
