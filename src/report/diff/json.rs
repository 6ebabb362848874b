//! Differences as JSON.

use serde_json::{Value, json};

use super::Names;
use crate::analysis::diff::{Certainty, Change, Diff, Order};
use crate::report::display::{function_name, printable};

/// Returns an object with the changed functions that `is_wanted`, by `order`.
///
/// | key | value |
/// |---|---|
/// | `before`, `after` | `{"files": [...], "runs"}` |
/// | `self_change_ns`, `calls_change`, `waiting_change_ns` | of the whole, means over the runs |
/// | `functions` | `name`, `module`, `file`, `line`, `calls_before`, `calls_after`, `self_before_ns`, `self_after_ns`, `total_before_ns`, `total_after_ns`, `change_by_calls_ns`, `change_by_time_ns`, `waiting_before_ns`, `waiting_after_ns`, `unsteady`, `certain` (`null` if not judged) |
/// | `renamed` | suggestions: `{"before", "after"}`, two names |
///
/// The parts of a change add up to the change of self time, to the nanosecond. Waiting is the part
/// of a self time in which the thread was on no processor; it is `null` unless both sides have it.
pub fn json(
    diff: &Diff,
    files: [&[String]; 2],
    names: &Names,
    order: Order,
    is_wanted: impl Fn(&Change) -> bool,
) -> Value {
    let side = |at: usize| json!({"files": files[at], "runs": diff.runs()[at]});
    let changes = diff.changes(order).into_iter();
    let functions = changes.filter(|change| is_wanted(change));
    let has_waiting = diff.has_waiting() == [true; 2];
    let waiting = |figure: f64| has_waiting.then(|| ns(figure));
    let functions = functions.map(|change| function(change, &waiting));
    let renamed = diff.renamed().into_iter().map(|pair| {
        json!({
            "before": names.name(&pair.before.function),
            "after": names.name(&pair.after.function),
        })
    });
    json!({
        "before": side(0),
        "after": side(1),
        "self_change_ns": ns(diff.whole.is().self_ns) - ns(diff.whole.was().self_ns),
        "calls_change": number(diff.whole.calls()),
        "waiting_change_ns": waiting(diff.whole.waiting_ns()),
        "functions": functions.collect::<Vec<_>>(),
        "renamed": renamed.collect::<Vec<_>>(),
    })
}

fn function(change: &Change, waiting: &impl Fn(f64) -> Option<i64>) -> Value {
    let (was, is) = (change.was(), change.is());
    let by_calls = ns(change.by_calls_ns());
    json!({
        "name": function_name(&change.function),
        "module": printable(&change.function.module),
        "file": printable(&change.function.label.file),
        "line": change.function.label.line,
        "calls_before": number(was.calls),
        "calls_after": number(is.calls),
        "self_before_ns": ns(was.self_ns),
        "self_after_ns": ns(is.self_ns),
        "total_before_ns": ns(was.total_ns),
        "total_after_ns": ns(is.total_ns),
        "change_by_calls_ns": by_calls,
        "change_by_time_ns": ns(is.self_ns) - ns(was.self_ns) - by_calls,
        "waiting_before_ns": waiting(was.waiting_ns),
        "waiting_after_ns": waiting(is.waiting_ns),
        "unsteady": change.is_unsteady,
        "certain": match change.certainty {
            Certainty::NotJudged => Value::Null,
            Certainty::Certain => Value::Bool(true),
            Certainty::WithinNoise => Value::Bool(false),
        },
    })
}

fn ns(value: f64) -> i64 {
    value.round() as i64
}

/// Returns a whole number where a mean is one.
fn number(mean: f64) -> Value {
    match mean.fract() {
        0.0 => json!(mean as i64),
        _ => json!(mean),
    }
}
