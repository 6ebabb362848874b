//! Single calls as JSON.

use serde_json::{Value, json};

use super::CallsReport;
use crate::analysis::timeline::replay::{Beginning, Ending};
use crate::analysis::timeline::single::SingleCall;
use crate::model::Waiting;
use crate::report::json::{extend, named, of_command};

/// Returns an object with the figures of the calls.
///
/// | key | value |
/// |---|---|
/// | `edbprof_json`, `command` | 1, `calls` |
/// | `functions` | the functions that the pattern matches: `id`, `name`, `module`, `file`, `line` |
/// | `function` | its name, or the pattern if several functions match |
/// | `calls` | number of calls that were recorded |
/// | `in_history` | number of those that the history has; all other figures are of these |
/// | `total_ns`, `mean_ns`, `min_ns`, `p50_ns`, `p90_ns`, `p99_ns`, `p999_ns`, `max_ns` | durations |
/// | `is_exact` | false if quantiles may be 0.05 % off, beyond 8,388,608 calls |
/// | `waiting` | `{"blocked_ns", "gil_ns", "preempted_ns"}`, in all calls |
/// | `awaiting_ns` | time in which coroutines were suspended, in all calls |
/// | `coroutines` | number of those that are coroutines |
/// | `steps` | number of those that are steps of generators or greenlets |
/// | `nested` | number of calls within these, which are not counted |
/// | `cut`, `open` | number of calls that began before the history, and that were open at its end |
/// | `is_complete` | true if the history has everything |
/// | `slowest` | `{"start_ns", "duration_ns", "pid", "thread", "ended", "waiting", "awaiting_ns", "steps", "is_cut"}`, the slowest first; `ended` is `returned`, `raised`, `suspended`, `with_caller` or `open` |
/// | `left_out` | `{"slowest"}`: number of these that a bound has left out |
pub fn json(report: &CallsReport<'_>) -> Value {
    let calls = report.calls;
    let durations = &calls.durations;
    let slowest = calls.slowest.iter().map(|call| of_call(report, call));
    let mut value = of_command("calls");
    let functions = calls.functions.iter().map(named);
    let more = json!({
        "functions": functions.collect::<Vec<_>>(),
        "function": report.name(),
        "calls": report.recorded(),
        "in_history": durations.calls(),
        "total_ns": durations.total(),
        "min_ns": durations.least(),
        "mean_ns": durations.mean(),
        "p50_ns": durations.quantile(500),
        "p90_ns": durations.quantile(900),
        "p99_ns": durations.quantile(990),
        "p999_ns": durations.quantile(999),
        "max_ns": durations.longest(),
        "is_exact": durations.is_exact(),
        "waiting": of_waiting(&calls.waiting),
        "awaiting_ns": calls.awaiting_ns,
        "coroutines": calls.coroutines,
        "steps": calls.steps,
        "nested": calls.nested,
        "cut": calls.cut,
        "open": calls.open,
        "is_complete": report.missing.is_nothing(),
        "slowest": slowest.collect::<Vec<_>>(),
        "left_out": {"slowest": report.left_out},
    });
    extend(&mut value, more);
    value
}

fn of_call(report: &CallsReport<'_>, call: &SingleCall) -> Value {
    let (pid, thread) = report.place(call);
    let ended = match call.ending {
        Ending::WithCaller => "with_caller",
        ending => super::ended(ending),
    };
    json!({
        "start_ns": call.start_ns,
        "duration_ns": call.duration_ns,
        "pid": pid,
        "thread": thread,
        "ended": ended,
        "waiting": of_waiting(&call.waiting),
        "awaiting_ns": call.awaiting_ns(),
        "steps": call.steps(),
        "is_cut": matches!(call.beginning, Beginning::Before | Beginning::Cut),
    })
}

fn of_waiting(waiting: &Waiting) -> Value {
    json!({
        "blocked_ns": waiting.blocked,
        "gil_ns": waiting.gil,
        "preempted_ns": waiting.preempted,
    })
}
