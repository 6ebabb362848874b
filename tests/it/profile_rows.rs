//! The rows that follow from trees, against an oracle that looks up every path.

use crate::{build, generate};
use std::collections::BTreeMap;

use edbprof::model::{Counts, Label, NO_PARENT, NodeRow, Nodes, ThreadTree, Trees, rows_of};
use proptest::prelude::*;

type Figures = (i128, i128, u128, u128);

#[derive(Default)]
struct Oracle {
    functions: BTreeMap<Label, Figures>,
    edges: BTreeMap<(Label, Label), Figures>,
}

fn oracle(trees: &Trees) -> Oracle {
    let mut oracle = Oracle::default();
    for thread in &trees.threads {
        let nodes = &thread.nodes;
        // What stands for overflow calls is nobody's callee or caller.
        let label = |kind: u32| trees.function(kind).map(|function| function.label.clone());
        for overflow in &thread.overflow {
            if let Some(label) = label(overflow.kind) {
                let (cc, nc, tt, _) = oracle.functions.entry(label).or_default();
                *cc += i128::from(overflow.calls);
                *nc += i128::from(overflow.calls);
                *tt += u128::from(overflow.self_time);
            }
        }
        for node in 0..nodes.len() {
            let label = |node: usize| label(nodes.kinds()[node]);
            let mut path = vec![label(node)];
            let mut at = node;
            while nodes.parents()[at] != NO_PARENT {
                at = nodes.parents()[at] as usize;
                path.push(label(at));
            }
            let children =
                (0..nodes.len()).filter(|&child| nodes.parents()[child] as usize == node);
            let inside: u64 = children.map(|child| nodes.totals()[child]).sum();
            let add = |(cc, nc, tt, ct): &mut Figures, outermost: bool| {
                *nc += i128::from(nodes.calls()[node]);
                *tt += u128::from(nodes.totals()[node] - inside);
                if outermost {
                    *cc += i128::from(nodes.calls()[node]);
                    *ct += u128::from(nodes.totals()[node]);
                }
            };
            let Some(function) = path[0].clone() else {
                continue;
            };
            let outermost = !path[1..].contains(&path[0]);
            add(oracle.functions.entry(function).or_default(), outermost);
            if let [Some(callee), Some(caller), ..] = &path[..] {
                let pairs = path[1..].windows(2);
                let outermost = pairs.clone().all(|pair| pair != &path[..2]);
                let edge = (caller.clone(), callee.clone());
                add(oracle.edges.entry(edge).or_default(), outermost);
            }
        }
    }
    // All that is known of how long a function lasted is that it was open while it ran.
    for (_, _, tt, ct) in oracle.functions.values_mut() {
        *ct = (*ct).max(*tt);
    }
    oracle
}

fn figures(counts: &Counts) -> Figures {
    let ns = |seconds: f64| (seconds * 1e9).round() as u128;
    (counts.cc, counts.nc, ns(counts.tt), ns(counts.ct))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn rows_are_what_the_paths_say(trees in generate::trees()) {
        let rows = rows_of(&trees);
        let mut seen = Oracle::default();
        for (id, row) in rows.iter() {
            let label = rows.label(id);
            seen.functions.insert(label.clone(), figures(&row.counts));
            for (&caller, counts) in &row.callers {
                let edge = (rows.label(caller).clone(), label.clone());
                seen.edges.insert(edge, figures(counts));
            }
        }
        let expected = oracle(&trees);
        prop_assert_eq!(seen.functions, expected.functions);
        prop_assert_eq!(seen.edges, expected.edges);
    }

    #[test]
    fn self_times_add_up_to_the_roots(trees in generate::trees()) {
        for thread in &trees.threads {
            let nodes = &thread.nodes;
            let roots = (0..nodes.len()).filter(|&node| nodes.parents()[node] == NO_PARENT);
            let whole: u64 = roots.map(|node| nodes.totals()[node]).sum();
            prop_assert_eq!(nodes.self_times().iter().sum::<u64>(), whole);
        }
    }
}

#[test]
fn depth_and_width_cost_no_stack_and_no_square() {
    let function = build::function(build::label("f.py", 1, "f"));
    let nodes = |parent: fn(u32) -> u32| {
        let count = 300_000;
        let rows = (0..count).map(|node| NodeRow {
            parent: parent(node),
            calls: 1,
            total: u64::from(count - 1 - node),
            ..NodeRow::default()
        });
        Nodes::from_iter(rows)
    };
    let deep = nodes(|node| if node == 0 { NO_PARENT } else { node - 1 });
    let mut wide = nodes(|node| if node == 0 { NO_PARENT } else { 0 });
    wide.set_self_times(vec![0; wide.len()]);
    let thread = |nodes| ThreadTree {
        nodes,
        ..ThreadTree::default()
    };
    let trees = Trees {
        threads: vec![thread(deep), thread(wide)],
        ..Trees::of_functions(vec![function])
    };
    let rows = rows_of(&trees);
    let (_, row) = rows.iter().next().unwrap();
    assert_eq!((row.counts.cc, row.counts.nc), (2, 600_000));
    assert_eq!(figures(&row.counts).3, 299_999);
}
