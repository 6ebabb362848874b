//! Replaces dispatch wrappers as callers in pstats rows, which have only pairs of caller and
//! callee.
//!
//! Calls and times of an implementation under the wrapper are split over the wrapper's callers by
//! the dispatch counts. For an implementation without counts, the callers' calls of the wrapper
//! decide. The sum over an implementation's callers does not change, nor do the functions' own
//! figures. The wrapper keeps its own time and the time that it needed to find the implementation.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::generics::is_binding_name;
use crate::model::{Counts, DispatchCounts, Label, LabelId, Row, Rows};

/// Returns `rows` with the callers of implementations in place of dispatch wrappers.
pub fn reattribute_callers<'r>(rows: &'r Rows, counts: &DispatchCounts) -> Cow<'r, Rows> {
    if counts.is_empty() {
        return Cow::Borrowed(rows);
    }
    let mut reattributed = rows.clone();
    let calls = by_caller_and_implementation(rows, counts);
    for wrapper in by_label(rows, |id, _| is_wrapper(rows.label(id))) {
        reattribute_wrapper(&mut reattributed, wrapper, &calls);
    }
    Cow::Owned(reattributed)
}

/// Returns the `wanted` rows in the order of their labels. The order of ids depends on that of the
/// inputs, and sums of times depend on the order of summation.
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
            callers.get_or_default(caller).add(&share);
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

/// Recognises a dispatch wrapper by file and name, because plain profiles have nothing else. It may
/// be that of functools, or that of the tool that wrote the first sidecars.
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
