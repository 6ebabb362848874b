//! Plain profiles with sidecars: what went into a generic function comes out of it,
//! whatever the rows and the sidecar say.

use crate::{build, generate};
use std::collections::BTreeSet;
use std::sync::Arc;

use edbprof::analysis::singledispatch::rows::reattribute_callers;
use edbprof::model::{Counts, DispatchCounts, Label, LabelId, Rows};
use proptest::collection::vec;
use proptest::prelude::*;

fn label(name: &str) -> Label {
    let file = match name {
        "wrapper" | "_method" | "dispatch" => "/usr/lib/python3.11/functools.py",
        _ => "program.py",
    };
    build::label(file, 1, name)
}

fn edges(edges: &[(&str, &str, i128, f64, f64)]) -> Rows {
    build::rows(edges, label)
}

const WRAPPERS: [&str; 2] = ["wrapper", "_method"];

/// Callers, wrappers, implementations; some are more than one of these.
fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "A", "B", "C", "F1", "F2", "F3", "wrapper", "wrapper", "_method", "dispatch",
    ])
}

fn figures() -> impl Strategy<Value = Counts> {
    (0..20_i128, 0..20_i128, 0..64_u32, 0..64_u32).prop_map(|(cc, more, tt, ct)| Counts {
        cc,
        nc: cc + more,
        tt: f64::from(tt) / 64.0,
        ct: f64::from(tt + ct) / 64.0,
    })
}

/// Calls between those functions. Each has a row.
fn rows() -> impl Strategy<Value = Rows> {
    vec((name(), name(), figures()), 1..40).prop_map(|edges| {
        let mut rows = Rows::default();
        for (caller, callee, counts) in edges {
            let caller = rows.intern(&label(caller));
            let callee = rows.intern(&label(callee));
            rows.row_mut(caller);
            rows.row_mut(callee).add_caller(caller, &counts, false);
            rows.add(callee, &counts);
        }
        rows
    })
}

fn sidecar() -> impl Strategy<Value = DispatchCounts> {
    vec((name(), name(), name(), 0..9_u64), 0..20).prop_map(|entries| {
        let shared = |name| Arc::new(label(name));
        let mut sidecar = DispatchCounts::new();
        for (generic, caller, implementation, calls) in entries {
            let callers = sidecar.entry(shared(generic)).or_default();
            let implementations = callers.entry(shared(caller)).or_default();
            implementations.insert(shared(implementation), calls);
        }
        sidecar
    })
}

fn callers_sum(rows: &Rows, id: LabelId) -> Counts {
    let mut sum = Counts::default();
    for counts in rows.row(id).unwrap().callers.values() {
        sum.add(counts);
    }
    sum
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

proptest! {
    #[test]
    fn nothing_is_lost_or_invented(rows in rows(), sidecar in sidecar()) {
        let wrappers: BTreeSet<_> = WRAPPERS.iter().filter_map(|name| rows.find(&label(name))).collect();
        let clear = reattribute_callers(&rows, &sidecar);
        prop_assert_eq!(clear.labels(), rows.labels());
        prop_assert_eq!(clear.len(), rows.len());
        for (id, row) in rows.iter() {
            let now = clear.row(id).unwrap();
            if wrappers.contains(&id) {
                // It keeps its calls and its own time; inclusive is what it did not pass on.
                prop_assert_eq!((now.counts.cc, now.counts.nc), (row.counts.cc, row.counts.nc));
                prop_assert_eq!(now.counts.tt, row.counts.tt);
                prop_assert!(now.counts.ct >= now.counts.tt);
                let calls: Vec<_> = row.callers.iter().map(|(&id, counts)| (id, counts.nc)).collect();
                let calls_now = now.callers.iter().map(|(&id, counts)| (id, counts.nc));
                prop_assert_eq!(calls_now.collect::<Vec<_>>(), calls);
                prop_assert!(now.callers.values().all(|counts| counts.ct.is_finite()));
                continue;
            }
            prop_assert_eq!(now.counts, row.counts);
            let (before, after) = (callers_sum(&rows, id), callers_sum(&clear, id));
            prop_assert_eq!((after.cc, after.nc), (before.cc, before.nc));
            prop_assert!(close(after.tt, before.tt) && close(after.ct, before.ct));
            prop_assert!(now.callers.values().all(|counts| counts.nc >= 0 && counts.ct >= 0.0));
            // Callers are those of before, and those who called a wrapper that called it.
            let reached_by = wrappers.iter().filter(|wrapper| row.callers.contains_key(wrapper));
            let through = reached_by.flat_map(|&wrapper| rows.row(wrapper).unwrap().callers.keys());
            let mut possible: BTreeSet<_> = through.collect();
            possible.extend(row.callers.keys());
            prop_assert!(now.callers.keys().all(|caller| possible.contains(caller)));
        }
    }

    #[test]
    fn without_sidecars_rows_are_as_they_were(rows in rows()) {
        let clear = reattribute_callers(&rows, &DispatchCounts::new());
        prop_assert_eq!(generate::rows_text(&clear), generate::rows_text(&rows));
    }
}

#[test]
fn generics_that_share_an_implementation_add_up() {
    let mut rows = Rows::default();
    let ids = ["A", "B", "wrapper", "F"].map(|name| rows.intern(&label(name)));
    let [a, b, wrapper, implementation] = ids;
    let counts = |nc: i128| Counts {
        cc: nc,
        nc,
        tt: nc as f64,
        ct: nc as f64,
    };
    for (caller, callee, calls) in [
        (a, wrapper, 6),
        (b, wrapper, 4),
        (wrapper, implementation, 10),
    ] {
        rows.row_mut(caller);
        rows.row_mut(callee)
            .add_caller(caller, &counts(calls), false);
        rows.add(callee, &counts(calls));
    }
    let shared = |name| Arc::new(label(name));
    let reached = |calls| [(shared("F"), calls)].into();
    let sidecar = DispatchCounts::from([
        (shared("S"), [(shared("A"), reached(2))].into()),
        (
            shared("T"),
            [(shared("A"), reached(4)), (shared("B"), reached(4))].into(),
        ),
    ]);
    let clear = reattribute_callers(&rows, &sidecar);
    let callers = &clear.row(implementation).unwrap().callers;
    assert_eq!(callers[&a], counts(6));
    assert_eq!(callers[&b], counts(4));
    assert_eq!(callers.len(), 2);
}

fn edge(rows: &Rows, caller: &str, callee: &str) -> Option<Counts> {
    let row = rows.row(rows.find(&label(callee))?)?;
    row.callers.get(&rows.find(&label(caller))?).copied()
}

#[test]
fn callers_get_their_implementations() {
    let rows = edges(&[
        ("", "A", 1, 1.0, 11.0),
        ("", "B", 1, 1.0, 22.0),
        ("A", "wrapper", 10, 0.5, 10.0),
        ("B", "wrapper", 10, 0.5, 21.0),
        ("wrapper", "dispatch", 20, 2.0, 2.0),
        ("wrapper", "F1", 13, 13.0, 13.0),
        ("wrapper", "F2", 7, 14.0, 15.0),
    ]);
    let shared = |name| Arc::new(label(name));
    let sidecar = DispatchCounts::from([(
        shared("S"),
        [
            (shared("A"), [(shared("F1"), 10)].into()),
            (shared("B"), [(shared("F1"), 3), (shared("F2"), 7)].into()),
        ]
        .into(),
    )]);
    let clear = reattribute_callers(&rows, &sidecar);
    let counts = |nc, tt, ct| Some(Counts { cc: nc, nc, tt, ct });
    assert_eq!(edge(&clear, "A", "F1"), counts(10, 10.0, 10.0));
    assert_eq!(edge(&clear, "B", "F1"), counts(3, 3.0, 3.0));
    assert_eq!(edge(&clear, "A", "F2"), None);
    assert_eq!(edge(&clear, "B", "F2"), counts(7, 14.0, 15.0));
    assert_eq!(edge(&clear, "wrapper", "F1"), None);
    // What is left to the wrapper: a second of its own, two of dispatch.
    assert_eq!(edge(&clear, "A", "wrapper"), counts(10, 0.5, 1.5));
    assert_eq!(edge(&clear, "B", "wrapper"), counts(10, 0.5, 1.5));
    assert!(edge(&clear, "wrapper", "dispatch").is_some());
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let mut edges = [
        ("A", "wrapper", 3, 0.0, 1.0),
        ("wrapper", "F1", 1, 0.1, 0.1),
        ("wrapper", "F2", 1, 0.3, 0.3),
        ("wrapper", "F3", 1, 0.2, 0.2),
        ("A", "_method", 1, 0.0, 1.0),
        ("_method", "F3", 1, 0.7, 0.7),
        ("A", "F3", 1, 0.1, 0.1),
    ];
    let other = Arc::new(label("other"));
    let sidecar = DispatchCounts::from([(other, Default::default())]);
    let figures = |edges: &[_]| {
        let rows = self::edges(edges);
        let clear = reattribute_callers(&rows, &sidecar);
        ["wrapper", "_method", "F1", "F2", "F3"].map(|callee| edge(&clear, "A", callee).unwrap().ct)
    };
    let forwards = figures(&edges);
    edges.reverse();
    assert_eq!(figures(&edges), forwards);
}

#[test]
fn an_unknown_implementation_is_split_by_calls_and_loses_none() {
    let rows = edges(&[
        ("A", "wrapper", 1, 0.0, 3.0),
        ("B", "wrapper", 2, 0.0, 6.0),
        ("wrapper", "F1", 10, 9.0, 9.0),
    ]);
    let other = Arc::new(label("other"));
    let sidecar = DispatchCounts::from([(other, Default::default())]);
    let clear = reattribute_callers(&rows, &sidecar);
    let (a, b) = (
        edge(&clear, "A", "F1").unwrap(),
        edge(&clear, "B", "F1").unwrap(),
    );
    assert_eq!((a.nc, b.nc), (3, 7));
    assert_eq!((a.ct, b.ct), (3.0, 6.0));
}
