//! Other forms of the displayed tree: pruned, inverted, with siblings merged.

use edbprof::analysis::display_tree::DisplayTree;
use edbprof::analysis::invert::{Inverted, Limits, invert};
use edbprof::analysis::merge_siblings::merge_siblings;
use edbprof::analysis::prune::prune;
use edbprof::model::{NO_PARENT, Nodes};

use crate::build;

/// main 100 ─┬─ a 60 ── h 50        f 7
///           └─ b 30 ── h 20 ── h 5
fn tree() -> DisplayTree {
    DisplayTree {
        functions: Vec::new(),
        nodes: build::nodes(&[
            (NO_PARENT, 0, 1, 100),
            (0, 1, 2, 60),
            (0, 2, 3, 30),
            (1, 3, 4, 50),
            (2, 3, 5, 20),
            (4, 3, 6, 5),
            (NO_PARENT, 4, 7, 7),
        ]),
        estimated: vec![false, false, false, false, false, false, true],
        ..DisplayTree::default()
    }
}

#[test]
fn siblings_of_one_function_become_one_and_their_children_too() {
    // 0 ─┬─ 1 ─── 2      0 ─── 1 ─── 2
    //    └─ 0
    let tree = DisplayTree {
        functions: Vec::new(),
        nodes: Nodes::from_columns(
            [
                vec![NO_PARENT, 0, 0, NO_PARENT, 1, 3, 5],
                vec![0, 1, 0, 0, 2, 1, 2],
            ],
            [
                vec![1, 2, 3, 4, 5, 6, 7],
                vec![0, 0, 0, 0, 1, 0, 1],
                vec![100, 50, 10, 30, 20, 20, u64::MAX],
            ],
        )
        .unwrap(),
        estimated: vec![false, false, false, false, false, false, true],
        ..DisplayTree::default()
    };
    let merged = merge_siblings(&tree);
    assert_eq!(merged.nodes.parents(), [NO_PARENT, 0, 0, 1]);
    assert_eq!(merged.nodes.kinds(), [0, 1, 0, 2]);
    assert_eq!(merged.nodes.calls(), [5, 8, 3, 12]);
    assert_eq!(merged.nodes.resumes(), [0, 0, 0, 2]);
    assert_eq!(merged.nodes.totals(), [130, 70, 10, u64::MAX]);
    assert_eq!(merged.estimated, [false, false, false, true]);
    assert_eq!(merge_siblings(&merged).nodes, merged.nodes);
}

#[test]
fn narrow_nodes_go_and_the_others_keep_their_width() {
    let pruned = prune(&tree(), 25.0 / 107.0);
    assert_eq!(pruned.nodes.kinds(), [0, 1, 2, 3]);
    assert_eq!(pruned.nodes.parents(), [NO_PARENT, 0, 0, 1]);
    assert_eq!(pruned.nodes.totals(), [100, 60, 30, 50]);
    assert_eq!(prune(&tree(), 0.0).nodes, tree().nodes);
}

#[test]
fn heights_count_the_callees() {
    assert_eq!(tree().heights(), [3, 1, 2, 0, 1, 0, 0]);
}

const ALL: Limits = Limits {
    least: 0,
    nodes: usize::MAX,
    levels: u32::MAX,
};

#[test]
fn inverted_roots_are_the_self_times() {
    let Inverted {
        tree: inverted,
        heights,
        least,
    } = invert(&tree(), ALL);
    let nodes = &inverted.nodes;
    let path = |mut node: usize| {
        let mut path = vec![nodes.kinds()[node]];
        while nodes.parents()[node] != NO_PARENT {
            node = nodes.parents()[node] as usize;
            path.push(nodes.kinds()[node]);
        }
        path.reverse();
        path
    };
    let mut all: Vec<_> = (0..nodes.len())
        .map(|node| (path(node), nodes.totals()[node], nodes.calls()[node]))
        .collect();
    all.sort();
    assert_eq!(
        all,
        [
            (vec![0], 10, 1),
            (vec![1], 10, 2),
            (vec![1, 0], 10, 2),
            (vec![2], 10, 3),
            (vec![2, 0], 10, 3),
            (vec![3], 70, 15),
            (vec![3, 1], 50, 4),
            (vec![3, 1, 0], 50, 4),
            (vec![3, 2], 15, 5),
            (vec![3, 2, 0], 15, 5),
            (vec![3, 3], 5, 6),
            (vec![3, 3, 2], 5, 6),
            (vec![3, 3, 2, 0], 5, 6),
            (vec![4], 7, 7),
        ]
    );
    assert_eq!(inverted.whole(), tree().whole());
    assert_eq!(inverted.estimated.iter().filter(|&&is| is).count(), 1);
    assert_eq!(heights[..5], [0, 1, 1, 3, 0]);
    assert_eq!(least, 0);
}

/// How many nodes are a caller of another.
fn callers(inverted: &Inverted) -> usize {
    let parents = inverted.tree.nodes.parents().iter();
    parents.filter(|&&parent| parent != NO_PARENT).count()
}

#[test]
fn callers_of_the_narrow_are_left_out() {
    let inverted = invert(&tree(), Limits { least: 33, ..ALL });
    // Of h, 70 wide, both callers and itself; of a's 50, main.
    assert_eq!(callers(&inverted), 4);
    assert_eq!(inverted.tree.whole(), tree().whole());
    assert_eq!(inverted.least, 33);
}

#[test]
fn the_widest_get_their_callers_first() {
    let inverted = invert(&tree(), Limits { nodes: 2, ..ALL });
    // Those of h and of a's 50 again; the next would be main's 50.
    assert_eq!(callers(&inverted), 4);
    assert_eq!(inverted.least, 51);
    assert_eq!(callers(&invert(&tree(), Limits { nodes: 0, ..ALL })), 0);
}

#[test]
fn deep_recursion_ends() {
    let depth = 10_000;
    let rows = (0..depth).map(|node: u32| {
        let parent = node.checked_sub(1).unwrap_or(NO_PARENT);
        (parent, 0, 1, u64::from(depth - node))
    });
    let rows: Vec<_> = rows.collect();
    let deep = DisplayTree {
        functions: Vec::new(),
        nodes: build::nodes(&rows),
        estimated: vec![false; rows.len()],
        ..DisplayTree::default()
    };
    let inverted = invert(&deep, Limits { levels: 100, ..ALL });
    assert_eq!(inverted.tree.nodes.totals()[0], u64::from(depth));
    assert_eq!(inverted.tree.nodes.len(), 101);
    assert_eq!(inverted.heights[100], depth - 1 - 100);
}
