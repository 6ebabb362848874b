//! The `callgrind` format, for kcachegrind, qcachegrind and `callgrind_annotate`. It has every
//! function with its own time, and every pair of caller and callee with its calls and time, as
//! recorded.
//!
//! Times are nanoseconds at a function's first line. Readers take functions of one name in one file
//! for the same, so names carry their line. They add inclusive time up from pairs. In a recursion,
//! that counts some time twice, as with callgrind's own files.
//! <https://valgrind.org/docs/manual/cl-format.html>

use std::collections::HashMap;
use std::fmt::Write;

use super::display::{printable, short_name};
use super::waiting::rows_of_part;
use super::{Error, Report, View};
use crate::model::{Counts, Label, LabelId, Rows, Waiting};

/// One file for kcachegrind.
#[derive(Clone, Copy, Debug)]
pub struct Callgrind;

impl Report for Callgrind {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let text = render(view).map_err(Error::new)?;
        Ok(Some(text.into_bytes()))
    }
}

fn render(view: &View<'_>) -> Result<String, std::fmt::Error> {
    let rows = &view.rows;
    let total = rows.iter().fold(0_u64, |sum, (_, row)| {
        sum.saturating_add(nanoseconds(row.counts.tt))
    });
    let mut text = String::from("# callgrind format\nversion: 1\n");
    writeln!(text, "creator: edbprof {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(text, "cmd: {}", view.title())?;
    for remark in view.remarks() {
        writeln!(text, "desc: edbprof: {remark}")?;
    }
    let waits = Waits::of(view);
    let event = match waits.is_some() {
        true => EVENTS_OF_WAITING,
        false => "",
    };
    writeln!(
        text,
        "positions: line\nevent: ns : Time in nanoseconds{event}"
    )?;
    let names = match waits.is_some() {
        true => " blocked gil preempted",
        false => "",
    };
    writeln!(text, "events: ns{names}")?;
    let sums = waits.as_ref().map_or_else(String::new, Waits::sums);
    writeln!(text, "summary: {total}{sums}\n")?;
    let callees = callees(rows);
    let mut names = Names::default();
    // Visits labels and not rows, because a caller may have no row.
    for (caller, label) in (0..).zip(rows.labels()) {
        let row = rows.row(caller);
        let callees = callees.get(&caller).map_or(&[][..], Vec::as_slice);
        if row.is_none() && callees.is_empty() {
            continue;
        }
        let line = line(label);
        writeln!(
            text,
            "fl={}\nfn={}",
            names.file(label),
            names.function(label)
        )?;
        let own = row.map_or(0, |row| nanoseconds(row.counts.tt));
        let own_waits = waits.as_ref().map_or_else(String::new, |of| of.own(label));
        writeln!(text, "{line} {own}{own_waits}")?;
        for &(callee, edge) in callees {
            let callee = rows.label(callee);
            writeln!(text, "cfi={}", names.file(callee))?;
            writeln!(text, "cfn={}", names.function(callee))?;
            writeln!(text, "calls={} {}", edge.nc.max(0), self::line(callee))?;
            let edge_waits = waits.as_ref();
            let edge_waits = edge_waits.map_or_else(String::new, |of| of.edge(label, callee));
            writeln!(text, "{line} {}{edge_waits}", nanoseconds(edge.ct))?;
        }
        text.push('\n');
    }
    writeln!(text, "totals: {total}{sums}")?;
    Ok(text)
}

const EVENTS_OF_WAITING: &str = "
event: blocked : Blocked, ns
event: gil : Without the GIL, ns
event: preempted : Preempted, ns";

/// Numbers of further events: the parts of times in which threads were on no processor.
struct Waits([Rows; 3]);

impl Waits {
    /// `None` if there is no waiting.
    fn of(view: &View<'_>) -> Option<Waits> {
        if view.waits().is_empty() {
            return None;
        }
        let parts: [fn(&Waiting) -> u64; 3] = [|of| of.blocked, |of| of.gil, |of| of.preempted];
        let trees = view.profile.shown_trees();
        Some(Waits(parts.map(|part| rows_of_part(trees, part))))
    }

    fn text(&self, time: impl Fn(&Rows) -> f64) -> String {
        let times = self.0.iter().map(|rows| nanoseconds(time(rows)));
        times.map(|time| format!(" {time}")).collect()
    }

    fn sums(&self) -> String {
        self.text(|rows| rows.iter().fold(0.0, |sum, (_, row)| sum + row.counts.tt))
    }

    fn own(&self, label: &Label) -> String {
        let row = |rows: &Rows| Some(rows.row(rows.find(label)?)?.counts.tt);
        self.text(|rows| row(rows).unwrap_or(0.0))
    }

    fn edge(&self, caller: &Label, callee: &Label) -> String {
        let edge = |rows: &Rows| {
            let callers = &rows.row(rows.find(callee)?)?.callers;
            Some(callers.get(&rows.find(caller)?)?.ct)
        };
        self.text(|rows| edge(rows).unwrap_or(0.0))
    }
}

/// For each caller its callees, in their order of appearance.
fn callees(rows: &Rows) -> HashMap<LabelId, Vec<(LabelId, Counts)>> {
    let mut callees: HashMap<LabelId, Vec<_>> = HashMap::new();
    for (callee, row) in rows.iter() {
        for (&caller, &edge) in &row.callers {
            callees.entry(caller).or_default().push((callee, edge));
        }
    }
    callees
}

/// Converts to nanoseconds. Negative times and NaN, which files of other profilers may have, become
/// 0.
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn line(label: &Label) -> i64 {
    label.line.max(0)
}

/// Names by their numbers. Each name is written once, and then referred to by its number.
#[derive(Default)]
struct Names {
    files: HashMap<String, usize>,
    functions: HashMap<String, usize>,
}

impl Names {
    fn file(&mut self, label: &Label) -> String {
        numbered(&mut self.files, or_unknown(printable(&label.file)))
    }

    fn function(&mut self, label: &Label) -> String {
        let name = or_unknown(short_name(&label.name));
        let name = match label.line {
            0 => name,
            line => format!("{name}:{line}"),
        };
        numbered(&mut self.functions, name)
    }
}

/// A number with nothing behind it is a name that was given before; valgrind writes this.
fn or_unknown(name: String) -> String {
    match name.as_str() {
        "" => "???".to_owned(),
        _ => name,
    }
}

fn numbered(known: &mut HashMap<String, usize>, name: String) -> String {
    if let Some(number) = known.get(&name) {
        return format!("({number})");
    }
    let number = known.len() + 1;
    let text = format!("({number}) {name}");
    known.insert(name, number);
    text
}
