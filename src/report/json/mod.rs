//! The `json` format: all that edbprof shows, for other programs. The output of commands with
//! `--json` is of the same kind.
//!
//! An object; `src/report/edbprof.schema.json` is the JSON Schema of all of them. Functions have an
//! `id`, which is the same in all of them and in all runs. Times are whole nanoseconds. Names are
//! shown as everywhere else, with unprintable characters escaped.
//!
//! | key | value |
//! |---|---|
//! | `edbprof_json` | version of this format: 1. Keys may be added without a new one |
//! | `title`, `remarks` | text, and a list of texts: what other reports say above their tables |
//! | `total_ns` | self time of all functions |
//! | `calls` | calls of all functions |
//! | `processes` | list of what is known of each recorded process: `pid`, `parent_pid`, `argv`, `host`, `hook`, `clock`, `chosen` (options that chose the recorded functions; empty for all), `start_unix_ns`, `duration_ns`, `processor_ns`, `ending` (`running`, `finished` or `killed`), `dropped_calls` |
//! | `plain_files` | how many inputs were files without call trees |
//! | `functions` | list of functions by pstats' rules: `id`, `name`, `file`, `line`, `calls`, `primitive_calls`, `self_ns`, `total_ns`, `total_is_at_least` (some of its calls overflowed, or had not ended when their process was killed), `self_is_at_least` (the same of those calls' self time), `waiting`: parts of `self_ns` in which the thread was on no processor, `blocked_ns`, `gil_ns` (it waited for the interpreter's lock) and `preempted_ns`; of coroutines also `starts`, `resumes`, `awaiting_ns` (how long they were suspended, of outermost calls; no part of `total_ns`) and `longest_run_ns` (the longest that one ran without being suspended); `callers`: list of the same four figures with `function`, the caller's index in this list |
//! | `tree` | the call tree, siblings joined. `functions`: list of `id`, `name`, `module`, `file`, `line`; and columns of equal length: `parent` (index of the caller's node, which is lower, or -1), `function` (index), `calls`, `resumes`, `total_ns`, `estimated`; and `waiting`, an object of three such columns: those of a function, for each node; and `awaiting_ns` and `longest_run_ns`, which are null for what is no coroutine |
//! | `long_runs` | list of the ten longest runs of tasks between two suspensions, the longest first: `path`, the names from the outermost call to the coroutine that took most of it, `start_unix_ns`, `duration_ns` |

mod names;
mod top;
mod tree;

use serde_json::{Value, json};

use super::awaiting::{NamedRun, long_runs};
use super::display::printable;
use super::{Error, Report, View};
use crate::analysis::display_tree::DisplayTree;
use crate::analysis::merge_siblings::merge_siblings;
use crate::model::{Awaiting, Counts, Ending, Label, NO_PARENT, Process, Waiting};

pub use names::{extend, id, named, of_command};
pub use top::{related, top};
pub use tree::tree;

/// Everything as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Report for Json {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let processes = view.profile.trees().processes.iter();
        let own = view.rows.iter().map(|(_, row)| nanoseconds(row.counts.tt));
        let file = json!({
            "edbprof_json": 1,
            "title": view.title(),
            "remarks": view.remarks(),
            "total_ns": own.fold(0_i64, i64::saturating_add),
            "calls": whole(view.figures.calls),
            "processes": processes.map(process).collect::<Vec<_>>(),
            "plain_files": view.profile.plain().inputs(),
            "functions": functions(view),
            "tree": columns(&merge_siblings(view.tree())),
            "long_runs": long_runs(view.profile.shown_trees()).iter().map(long_run).collect::<Vec<_>>(),
        });
        serde_json::to_vec(&file).map(Some).map_err(Error::new)
    }
}

fn process(process: &Process) -> Value {
    json!({
        "pid": process.identity.pid,
        "parent_pid": process.parent_pid,
        "argv": process.argv.iter().map(|word| printable(word)).collect::<Vec<_>>(),
        "host": printable(&process.host),
        "hook": printable(&process.hook),
        "clock": printable(&process.clock),
        "chosen": printable(&process.chosen),
        "start_unix_ns": process.start_unix_ns,
        "duration_ns": process.duration_ns,
        "processor_ns": process.processor_ns,
        "ending": match process.ending {
            Ending::Running if process.identity.is_running() => "running",
            Ending::Running => "saved",
            Ending::Finished => "finished",
            Ending::Killed => "killed",
        },
        "dropped_calls": process.dropped_calls,
    })
}

/// One object a label, so that callers without rows have an index too.
fn functions(view: &View<'_>) -> Vec<Value> {
    let rows = &*view.rows;
    let one = |(id, label): (u32, &Label)| {
        let row = rows.row(id);
        let mut value = figures(row.map(|row| row.counts).unwrap_or_default());
        let callers = row.iter().flat_map(|row| &row.callers);
        let callers = callers.map(|(&caller, &edge)| {
            let mut value = figures(edge);
            value["function"] = caller.into();
            value
        });
        value["callers"] = callers.collect();
        value["id"] = names::id(label).into();
        value["name"] = printable(&label.name).into();
        value["file"] = printable(&label.file).into();
        value["line"] = label.line.into();
        value["total_is_at_least"] = view.lower_bounds.has_total(label).into();
        value["self_is_at_least"] = view.lower_bounds.has_self_time(label).into();
        value["waiting"] = waiting(&view.waits().of_function(label));
        if let Some(coroutines) = view.awaits().of_function(label) {
            value["starts"] = coroutines.starts.into();
            value["resumes"] = coroutines.resumes.into();
            value["awaiting_ns"] = coroutines.awaiting.into();
            value["longest_run_ns"] = coroutines.longest_run.into();
        }
        value
    };
    (0..).zip(rows.labels()).map(one).collect()
}

fn figures(Counts { cc, nc, tt, ct }: Counts) -> Value {
    json!({
        "calls": whole(nc),
        "primitive_calls": whole(cc),
        "self_ns": nanoseconds(tt),
        "total_ns": nanoseconds(ct),
    })
}

fn waiting(waiting: &Waiting) -> Value {
    json!({
        "blocked_ns": waiting.blocked,
        "gil_ns": waiting.gil,
        "preempted_ns": waiting.preempted,
    })
}

fn long_run(named: &NamedRun) -> Value {
    json!({
        "path": named.path,
        "start_unix_ns": named.run.start_unix_ns,
        "duration_ns": named.run.duration,
    })
}

fn columns(frames: &DisplayTree) -> Value {
    let nodes = &frames.nodes;
    let parents = nodes.parents().iter().map(|&parent| match parent {
        NO_PARENT => -1,
        parent => i64::from(parent),
    });
    let waits = |part: fn(&Waiting) -> u64| -> Vec<u64> {
        let nodes = 0..nodes.len() as u32;
        nodes.map(|node| part(&frames.waits.get(node))).collect()
    };
    let awaits = |figure: fn(&Awaiting) -> u64| -> Vec<Option<u64>> {
        let nodes = 0..nodes.len() as u32;
        let awaits = nodes.map(|node| frames.awaits.get(node));
        awaits.map(|of| of.as_ref().map(figure)).collect()
    };
    json!({
        "functions": frames.functions.iter().map(named).collect::<Vec<_>>(),
        "parent": parents.collect::<Vec<_>>(),
        "function": nodes.kinds(),
        "calls": nodes.calls(),
        "resumes": nodes.resumes(),
        "total_ns": nodes.totals(),
        "estimated": frames.estimated,
        "waiting": {
            "blocked_ns": waits(|waiting| waiting.blocked),
            "gil_ns": waits(|waiting| waiting.gil),
            "preempted_ns": waits(|waiting| waiting.preempted),
        },
        "awaiting_ns": awaits(|awaiting| awaiting.awaiting),
        "longest_run_ns": awaits(|awaiting| awaiting.longest_run),
    })
}

/// Converts a time to nanoseconds. Other profilers' files may have negative times; NaN becomes 0.
fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// Limits a number to 64 bits, because readers of JSON may not read larger ones exactly.
fn whole(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(match number < 0 {
        true => i64::MIN,
        false => i64::MAX,
    })
}
