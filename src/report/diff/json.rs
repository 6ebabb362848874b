//! Differences as JSON.

use serde_json::{Value, json};

use super::{Limits, Names};
use crate::analysis::diff::{Certainty, Change, Diff};
use crate::analysis::limits::budget::CheckedLimit;
use crate::report::display::printable;
use crate::report::json::{extend, named, of_command};

/// Returns an object with the changed functions that `is_wanted`, by `order`.
///
/// | key | value |
/// |---|---|
/// | `edbprof_json`, `command` | 1, `diff` |
/// | `before`, `after` | `{"files": [...], "runs"}` |
/// | `self_change_ns`, `calls_change`, `waiting_change_ns` | of the whole, means over the runs |
/// | `functions` | at most `limit`: `id`, `name`, `module`, `file`, `line`, `calls_before`, `calls_after`, `self_before_ns`, `self_after_ns`, `total_before_ns`, `total_after_ns`, `change_by_calls_ns`, `change_by_time_ns`, `waiting_before_ns`, `waiting_after_ns`, `unsteady`, `certain` (`null` if not judged) |
/// | `left_out` | `{"functions"}`: number of changed functions beyond the limit |
/// | `renamed` | suggestions: `{"before", "after"}`, two names |
///
/// The parts of a change add up to the change of self time, to the nanosecond. Waiting is the part
/// of a self time in which the thread was on no processor; it is `null` unless both sides have it.
pub fn json(
    diff: &Diff,
    files: [&[String]; 2],
    names: &Names,
    limits: Limits,
    is_wanted: impl Fn(&Change) -> bool,
) -> Value {
    let side = |at: usize| json!({"files": files[at], "runs": diff.runs()[at]});
    let changes = diff.changes(limits.order).into_iter();
    let functions = changes.filter(|change| is_wanted(change));
    let has_waiting = diff.has_waiting() == [true; 2];
    let waiting = |figure: f64| has_waiting.then(|| ns(figure));
    let mut functions: Vec<_> = functions.collect();
    let left_out = functions.len().saturating_sub(limits.lines);
    functions.truncate(limits.lines);
    let functions = functions
        .into_iter()
        .map(|change| function(change, &waiting));
    let renamed = diff.renamed().into_iter().map(|pair| {
        json!({
            "before": names.name(&pair.before.function),
            "after": names.name(&pair.after.function),
        })
    });
    let mut value = of_command("diff");
    let more = json!({
        "before": side(0),
        "after": side(1),
        "self_change_ns": ns(diff.whole.is().self_ns) - ns(diff.whole.was().self_ns),
        "calls_change": number(diff.whole.calls()),
        "waiting_change_ns": waiting(diff.whole.waiting_ns()),
        "functions": functions.collect::<Vec<_>>(),
        "renamed": renamed.collect::<Vec<_>>(),
        "left_out": {"functions": left_out},
    });
    extend(&mut value, more);
    value
}

fn function(change: &Change, waiting: &impl Fn(f64) -> Option<i64>) -> Value {
    let (was, is) = (change.was(), change.is());
    let by_calls = ns(change.by_calls_ns());
    let mut value = named(&change.function);
    let more = json!({
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
    });
    extend(&mut value, more);
    value
}

/// Returns an object with the result of `edbprof check`, at most `most` limits of it: broken ones
/// before others.
///
/// | key | value |
/// |---|---|
/// | `edbprof_json`, `command` | 1, `check` |
/// | `budget` | name of the file |
/// | `is_kept` | true if no limit is broken |
/// | `limits` | `metric`, `pattern`, `limit`, `is`, `is_kept`, `matches` (number of functions), `unsteady` (those left out), and `by`, the callers that contribute most to a broken one: a function and `growth`. Figures are calls or nanoseconds |
/// | `left_out` | `{"limits"}` |
pub fn limits(budget: &str, checked: &[CheckedLimit], most: usize) -> Value {
    let mut ordered: Vec<_> = checked.iter().collect();
    ordered.sort_by_key(|limit| limit.checked.broken.is_none());
    let limits = ordered.iter().take(most).map(|limit| {
        let by = limit.checked.broken.iter().flat_map(|broken| &broken.by);
        let by = by.map(|grown| {
            let mut caller = named(&grown.caller.function);
            extend(&mut caller, json!({"growth": number(grown.by)}));
            caller
        });
        json!({
            "metric": limit.metric.name(),
            "pattern": printable(limit.pattern.as_bytes()),
            "limit": number(limit.limit),
            "is": number(limit.is),
            "is_kept": limit.checked.broken.is_none(),
            "matches": limit.checked.matches,
            "unsteady": limit.checked.unsteady,
            "by": by.collect::<Vec<_>>(),
        })
    });
    let mut value = of_command("check");
    let more = json!({
        "budget": budget,
        "is_kept": checked.iter().all(|limit| limit.checked.broken.is_none()),
        "limits": limits.collect::<Vec<_>>(),
        "left_out": {"limits": checked.len().saturating_sub(most)},
    });
    extend(&mut value, more);
    value
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
