//! Tables of functions as JSON.

use serde_json::{Value, json};

use super::names::{extend, named_by_label, of_command};
use super::{figures, nanoseconds, waiting, whole};
use crate::analysis::by_label::FunctionsByLabel;
use crate::model::{Counts, Label, Rows};
use crate::report::View;
use crate::report::named::rows_named;
use crate::report::sort_order::SortOrder;
use crate::report::top::{callees, callers};

/// Returns the first `limit` functions in that order, and how many are left out.
pub fn top(view: &View<'_>, order: &SortOrder, limit: usize) -> Value {
    listed(view, &view.rows, order, limit, |_, _| {})
}

/// Returns the first `limit` functions that `pattern` means, each with as many of its `callers`
/// and `callees`. `None` if it means none.
pub fn related(view: &View<'_>, pattern: &str, order: &SortOrder, limit: usize) -> Option<Value> {
    let meant = rows_named(view, pattern);
    if meant.is_empty() {
        return None;
    }
    let functions = FunctionsByLabel::of(view.profile.trees());
    let edges = |rows: &Rows| -> Vec<Value> {
        let edges = order.sorted(rows).into_iter().take(limit);
        let edges = edges.map(|(label, counts)| {
            let mut edge = named_by_label(label, functions.first(label));
            extend(&mut edge, figures(counts));
            edge
        });
        edges.collect()
    };
    Some(listed(view, &meant, order, limit, |label, value| {
        let [callers, callees] = [callers(&view.rows, label), callees(&view.rows, label)];
        let more = [&callers, &callees].map(|rows| rows.len().saturating_sub(limit));
        extend(
            value,
            json!({
                "callers": edges(&callers),
                "callees": edges(&callees),
                "left_out": {"callers": more[0], "callees": more[1]},
            }),
        );
    }))
}

fn listed(
    view: &View<'_>,
    rows: &Rows,
    order: &SortOrder,
    limit: usize,
    complete: impl Fn(&Label, &mut Value),
) -> Value {
    let functions = FunctionsByLabel::of(view.profile.trees());
    let of_label = |label: &Label| view.waits().of_function(label).total();
    let sorted = order.sorted_with(rows, of_label);
    let own = |lines: &[(&Label, Counts)]| {
        let own = lines.iter().map(|(_, counts)| nanoseconds(counts.tt));
        own.fold(0, i64::saturating_add)
    };
    let (shown, rest) = sorted.split_at(limit.min(sorted.len()));
    let lines = shown.iter().map(|&(label, counts)| {
        let mut value = named_by_label(label, functions.first(label));
        extend(&mut value, figures(counts));
        extend(
            &mut value,
            json!({
                "waiting": waiting(&view.waits().of_function(label)),
                "total_is_at_least": view.lower_bounds.has_total(label),
                "self_is_at_least": view.lower_bounds.has_self_time(label),
            }),
        );
        complete(label, &mut value);
        value
    });
    let mut top = of_command("top");
    extend(
        &mut top,
        json!({
            "title": view.title(),
            "remarks": view.remarks(),
            "total_ns": nanoseconds(view.figures.seconds),
            "calls": whole(view.figures.calls),
            "functions": lines.collect::<Vec<_>>(),
            "left_out": {"functions": rest.len(), "self_ns": own(rest)},
        }),
    );
    top
}
