//! Dispatch wrappers in pstats rows, which know functions by caller and callee only.
//!
//! Calls and times of an implementation under the wrapper are split over the wrapper's
//! callers: by the dispatch counts or, for an implementation that these don't know, by the
//! callers' calls of the wrapper. The sum over an implementation's callers does not change,
//! nor do the functions' own figures. The wrapper keeps its own time and the time that it
//! needed to find the implementation.

use std::collections::HashMap;

use crate::model::generics::is_binding_name;
use crate::model::{Counts, DispatchCounts, Label, LabelId, Row, Rows};

/// Returns `rows` with the callers of implementations in place of dispatch wrappers.
pub fn reattribute_callers(rows: &Rows, counts: &DispatchCounts) -> Rows {
    let mut reattributed = rows.clone();
    if counts.is_empty() {
        return reattributed;
    }
    let calls = by_caller_and_implementation(rows, counts);
    for wrapper in by_label(rows, |id, _| is_wrapper(rows.label(id))) {
        reattribute_wrapper(&mut reattributed, wrapper, &calls);
    }
    reattributed
}

/// Returns the `wanted` rows in the order of their labels: ids depend on the order of
/// the inputs, and sums of times depend on the order of summation.
fn by_label(rows: &Rows, wanted: impl Fn(LabelId, &Row) -> bool) -> Vec<LabelId> {
    let wanted = rows.iter().filter(|&(id, row)| wanted(id, row));
    let mut ids: Vec<LabelId> = wanted.map(|(id, _)| id).collect();
    ids.sort_by_key(|&id| rows.label(id));
    ids
}

/// Calls by caller and implementation, through whichever generic function.
type Calls = HashMap<(LabelId, LabelId), u64>;

fn by_caller_and_implementation(rows: &Rows, counts: &DispatchCounts) -> Calls {
    let mut sums = Calls::new();
    for (caller, implementations) in counts.values().flatten() {
        for (implementation, &calls) in implementations {
            if let (Some(caller), Some(implementation)) =
                (rows.find(caller), rows.find(implementation))
            {
                let sum = sums.entry((caller, implementation)).or_default();
                *sum = sum.saturating_add(calls);
            }
        }
    }
    sums
}

fn reattribute_wrapper(rows: &mut Rows, wrapper: LabelId, calls: &Calls) {
    let Some(row) = rows.row(wrapper).cloned() else {
        return;
    };
    let callers = row.callers.iter();
    let callers = callers.filter(|&(&caller, _)| !is_wrapper(rows.label(caller)));
    let mut callers: Vec<_> = callers
        .map(|(&id, counts)| (id, counts.nc as f64))
        .collect();
    // For the same reason as in `by_label`.
    callers.sort_by_key(|&(id, _)| rows.label(id));

    let implementations = by_label(rows, |id, row| {
        row.callers.contains_key(&wrapper) && is_implementation(rows.label(id))
    });
    let mut passed_on = 0.0;
    for implementation in implementations {
        let known = callers.iter().filter_map(|&(caller, _)| {
            let &calls = calls.get(&(caller, implementation))?;
            (calls > 0).then_some((caller, calls as f64))
        });
        let known: Vec<_> = known.collect();
        let weights = if known.is_empty() { &callers } else { &known };
        let callers = &mut rows.row_mut(implementation).callers;
        let Some(edge) = callers.remove(&wrapper) else {
            continue;
        };
        let Some(shares) = split(&edge, weights) else {
            callers.insert(wrapper, edge);
            continue;
        };
        passed_on += edge.ct;
        for (caller, share) in shares {
            callers.entry(caller).or_default().add(&share);
        }
    }
    keep(
        rows.row_mut(wrapper),
        (row.counts.ct - passed_on).max(row.counts.tt),
    );
}

/// Leaves a wrapper the inclusive time `kept`, split over its callers by calls.
fn keep(wrapper: &mut Row, kept: f64) {
    let calls = wrapper.callers.values().map(|counts| counts.nc);
    let calls = calls.fold(0, i128::saturating_add) as f64;
    wrapper.counts.ct = kept;
    for counts in wrapper.callers.values_mut().filter(|_| calls != 0.0) {
        counts.ct = kept * (counts.nc as f64 / calls);
    }
}

/// Splits `whole` into parts proportional to the weights; their counts add up to it.
/// Returns `None` if the weights are no proportion.
fn split(whole: &Counts, weights: &[(LabelId, f64)]) -> Option<Vec<(LabelId, Counts)>> {
    let sum: f64 = weights.iter().map(|&(_, weight)| weight).sum();
    if weights.iter().any(|&(_, weight)| weight < 0.0) || sum <= 0.0 {
        return None;
    }
    let mut parts = Vec::with_capacity(weights.len());
    let (mut weight_so_far, mut cc_so_far, mut nc_so_far) = (0.0, 0, 0);
    for (i, &(caller, weight)) in weights.iter().enumerate() {
        weight_so_far += weight;
        let up_to_here = |count: i128| {
            if i + 1 == weights.len() {
                count
            } else {
                (count as f64 * (weight_so_far / sum)).round() as i128
            }
        };
        let (cc, nc) = (up_to_here(whole.cc), up_to_here(whole.nc));
        let part = Counts {
            cc: cc.saturating_sub(cc_so_far),
            nc: nc.saturating_sub(nc_so_far),
            tt: whole.tt * (weight / sum),
            ct: whole.ct * (weight / sum),
        };
        (cc_so_far, nc_so_far) = (cc, nc);
        parts.push((caller, part));
    }
    Some(parts)
}

/// Recognises a dispatch wrapper by file and name, because plain profiles have nothing
/// else: functools' own, and that of the tool that wrote the first sidecars.
fn is_wrapper(label: &Label) -> bool {
    // The last one is singledispatchmethod's from Python 3.14 on.
    matches!(&*label.name, b"wrapper" | b"_method" | b"__call__") && in_functools(label)
}

fn is_implementation(label: &Label) -> bool {
    let dispatches = &*label.name == b"dispatch" && in_functools(label);
    !dispatches && !is_wrapper(label) && !is_binding_name(&label.name)
}

fn in_functools(label: &Label) -> bool {
    let name = label
        .file
        .rsplit(|&byte| byte == b'/' || byte == b'\\')
        .next();
    matches!(name, Some(b"functools.py" | b"tracing_singledispatch.py"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn label(name: &str) -> Label {
        let file = match name {
            "wrapper" | "_method" | "dispatch" => "/usr/lib/python3/functools.py",
            _ => "demo.py",
        };
        Label {
            file: file.as_bytes().into(),
            line: 1,
            name: name.as_bytes().into(),
        }
    }

    /// (caller, callee, calls, self time and inclusive time under that caller)
    fn rows(edges: &[(&str, &str, i128, f64, f64)]) -> Rows {
        let mut rows = Rows::default();
        for &(caller, callee, nc, tt, ct) in edges {
            let counts = Counts { cc: nc, nc, tt, ct };
            let id = rows.intern(&label(callee));
            rows.row_mut(id).counts.add(&counts);
            if !caller.is_empty() {
                let caller = rows.intern(&label(caller));
                rows.row_mut(id).callers.insert(caller, counts);
            }
        }
        rows
    }

    fn edge(rows: &Rows, caller: &str, callee: &str) -> Option<Counts> {
        let row = rows.row(rows.find(&label(callee))?)?;
        row.callers.get(&rows.find(&label(caller))?).copied()
    }

    #[test]
    fn callers_get_their_implementations() {
        let rows = rows(&[
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
            let clear = reattribute_callers(&rows(edges), &sidecar);
            ["wrapper", "_method", "F1", "F2", "F3"]
                .map(|callee| edge(&clear, "A", callee).unwrap().ct)
        };
        let forwards = figures(&edges);
        edges.reverse();
        assert_eq!(figures(&edges), forwards);
    }

    #[test]
    fn an_unknown_implementation_is_split_by_calls_and_loses_none() {
        let rows = rows(&[
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
}
