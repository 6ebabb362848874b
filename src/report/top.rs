//! Tables of functions for a terminal: the costliest ones, and the callers or callees of one.

use std::collections::HashMap;

use super::View;
use super::cells::{cells, without_middle};
use super::display::{function_name, short_name};
use super::header::{LEAST_WAITING, waits};
use super::named::rows_named;
use super::numbers::{at_least, count, counted, duration};
use super::paths::PathShortener;
use super::sort_order::SortOrder;
use super::terminal::Terminal;
use super::tree::{NARROWEST, cost};
use super::view::LowerBounds;
use crate::model::{Counts, Function, Label, Rows};

/// Longest name and longest location that are shown whole, characters.
const LONGEST: usize = 60;
/// Fewest characters of a name.
const SHORTEST: usize = 8;
/// Number of waiting functions that are named.
const NAMED: usize = 3;

/// Direction from a function: to its callers or to its callees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// To functions that called it.
    Callers,
    /// To functions that it called.
    Callees,
}

/// Returns the first `limit` functions in that order, with the share of their self time in the
/// whole. The text ends in a newline.
pub fn functions(view: &View<'_>, order: &SortOrder, limit: usize, terminal: &Terminal) -> String {
    table_of(view, &view.rows, order, limit, 0.0, terminal)
}

/// Returns the table of `rows`. Its column of waiting is left out if all waits are shorter than
/// `least_waiting` of the function's self time.
fn table_of(
    view: &View<'_>,
    rows: &Rows,
    order: &SortOrder,
    limit: usize,
    least_waiting: f64,
    terminal: &Terminal,
) -> String {
    let names = Names::new(view);
    let whole = view.figures.seconds;
    let waiting = |label: &Label| view.waits().of_function(label).total();
    let lines = order.sorted_with(rows, waiting);
    let lines: Vec<_> = lines.into_iter().take(limit).collect();
    let is_worth = |(label, counts): &(&Label, Counts)| {
        waiting(label) as f64 / 1e9 >= counts.tt * least_waiting
    };
    let has_waiting = !view.waits().is_empty() && lines.iter().any(is_worth);
    let lines = lines.into_iter();
    let cells = |label: &Label, counts: Counts| {
        [
            names.self_time(label, counts.tt),
            share(counts.tt, whole),
            names.total(label, counts.ct),
            count(counts.nc),
            names.name(label),
        ]
    };
    let header = ["self", "", "total", "calls", "function"];
    if !has_waiting {
        let lines = lines.map(|(label, counts)| cells(label, counts));
        return table(terminal, header, lines);
    }
    let lines = lines.map(|(label, counts)| {
        let [own, of_whole, total, calls, name] = cells(label, counts);
        let waiting = waiting_text(waiting(label));
        [own, of_whole, waiting, total, calls, name]
    });
    let [own, of_whole, total, calls, name] = header;
    let header = [own, of_whole, "waiting", total, calls, name];
    table(terminal, header, lines)
}

/// Returns an empty text for functions that never waited.
fn waiting_text(waiting: u64) -> String {
    match waiting {
        0 => String::new(),
        waiting => duration(waiting as f64 / 1e9),
    }
}

/// Returns true for a builtin that is known to wait, or a function that waited for nearly all of
/// its self time, `seconds`.
pub(super) fn is_wait(view: &View<'_>, label: &Label, seconds: f64) -> bool {
    waits(label) || view.waits().is_blocked(label, (seconds * 1e9) as u64)
}

/// Like [`functions`] by self time, but names functions that wait on a line below the table.
pub(super) fn work(view: &View<'_>, limit: usize, terminal: &Terminal) -> String {
    let order: SortOrder = "tottime".parse().unwrap_or_default();
    let mut rows = Rows::default();
    let mut waiting = Rows::default();
    for (id, row) in view.rows.iter() {
        let label = view.rows.label(id);
        let to = match is_wait(view, label, row.counts.tt) {
            true => &mut waiting,
            false => &mut rows,
        };
        add(to, label, row.counts);
    }
    let mut text = table_of(view, &rows, &order, limit, LEAST_WAITING, terminal);
    let waiting = order.sorted(&waiting).into_iter();
    let worth = waiting.filter(|(_, counts)| counts.tt > view.figures.seconds * LEAST_WAITING);
    let names = Names::new(view);
    let named = worth
        .take(NAMED)
        .map(|(label, counts)| format!("{} {}", names.short(label), duration(counts.tt)));
    let named: Vec<_> = named.collect();
    let line = |number: usize| format!("  waiting: {}", named[..number].join(", "));
    // Names as many as there is room for.
    let mut lines = (1..=named.len()).rev().map(line);
    let fitting = lines.find(|line| cells(line) <= terminal.width);
    if let Some(line) = fitting {
        text.push_str(&terminal.fit(&format!("{line}\n")));
    }
    text
}

/// Returns the callers or callees of each of the first `limit` functions that `function` names.
/// Each has the share of the calls between the two in the function's total. Returns `None` if no
/// function is named.
///
/// `function` is a pattern. If no function matches it, it names those of which a part matches.
pub fn related(
    view: &View<'_>,
    function: &str,
    relation: Relation,
    order: &SortOrder,
    limit: usize,
    terminal: &Terminal,
) -> Option<String> {
    let names = Names::new(view);
    let mut blocks = Vec::new();
    let meant = rows_named(view, function);
    for (label, counts) in order.sorted(&meant).into_iter().take(limit) {
        let related = match relation {
            Relation::Callers => callers(&view.rows, label),
            Relation::Callees => callees(&view.rows, label),
        };
        let mut block = terminal.wrap(&format!(
            "{}\n  total {}, self {}, {}\n",
            names.name(label),
            names.total(label, counts.ct),
            names.self_time(label, counts.tt),
            counted(
                usize::try_from(counts.nc).unwrap_or(usize::MAX),
                "call",
                "calls"
            ),
        ));
        let (one, many) = match relation {
            Relation::Callers => ("caller", "callers"),
            Relation::Callees => ("callee", "callees"),
        };
        if related.is_empty() {
            block.push_str(&format!("  no {many} were recorded\n"));
        } else {
            let lines = order.sorted(&related).into_iter().take(limit);
            block.push_str(&table(
                terminal,
                ["total", "", "self", "calls", one],
                lines.map(|(label, edge)| {
                    [
                        duration(edge.ct),
                        share(edge.ct, counts.ct),
                        duration(edge.tt),
                        count(edge.nc),
                        names.name(label),
                    ]
                }),
            ));
        }
        let more = related.len().saturating_sub(limit);
        if more > 0 {
            let more = counted(more, &format!("more {one}"), &format!("more {many}"));
            block.push_str(&format!("  … {more}\n"));
        }
        blocks.push(block);
    }
    let more = meant.len().saturating_sub(limit);
    if more > 0 {
        let more = counted(more, "more function matches", "more functions match");
        blocks.push(format!("… {more}\n"));
    }
    (!blocks.is_empty()).then(|| blocks.join("\n"))
}

pub(super) fn callers(rows: &Rows, function: &Label) -> Rows {
    let mut callers = Rows::default();
    let row = rows.find(function).and_then(|id| rows.row(id));
    for (&caller, &edge) in row.iter().flat_map(|row| &row.callers) {
        add(&mut callers, rows.label(caller), edge);
    }
    callers
}

pub(super) fn callees(rows: &Rows, function: &Label) -> Rows {
    let mut callees = Rows::default();
    let caller = rows.find(function);
    for (id, row) in rows.iter() {
        if let Some(&edge) = caller.and_then(|caller| row.callers.get(&caller)) {
            add(&mut callees, rows.label(id), edge);
        }
    }
    callees
}

fn add(rows: &mut Rows, label: &Label, counts: Counts) {
    let id = rows.intern(label);
    rows.row_mut(id).counts = counts;
}

/// Names and locations of functions as the table shows them.
struct Names<'v> {
    paths: PathShortener,
    lower_bounds: &'v LowerBounds<'v>,
    /// Functions, whose names are those of the tree.
    qualified: HashMap<&'v Label, &'v Function>,
}

impl<'v> Names<'v> {
    fn new(view: &'v View<'_>) -> Self {
        let functions = view.profile.trees().functions.iter();
        Names {
            paths: PathShortener::new(view.rows.iter().map(|(id, _)| view.rows.label(id))),
            lower_bounds: &view.lower_bounds,
            qualified: functions.map(|of| (&of.label, of)).collect(),
        }
    }

    /// Without the location.
    fn short(&self, label: &Label) -> String {
        let qualified = self.qualified.get(label);
        let name = qualified.map_or_else(|| short_name(&label.name), |of| function_name(of));
        without_middle(&name, LONGEST)
    }

    fn name(&self, label: &Label) -> String {
        let name = self.short(label);
        match self.paths.location(label) {
            location if location.is_empty() => name,
            location => format!("{name}  {}", without_middle(&location, LONGEST)),
        }
    }

    fn total(&self, label: &Label, seconds: f64) -> String {
        at_least(seconds, self.lower_bounds.has_total(label))
    }

    fn self_time(&self, label: &Label, seconds: f64) -> String {
        at_least(seconds, self.lower_bounds.has_self_time(label))
    }
}

fn share(part: f64, whole: f64) -> String {
    let share = if whole > 0.0 {
        100.0 * part / whole
    } else {
        0.0
    };
    format!("{share:.1} %")
}

/// Columns that are left out on a narrow terminal to make room for names, in this order.
const DISPENSABLE: [&str; 2] = ["waiting", ""];

/// Columns of figures, of which the second belongs to the first, and names.
fn table<const N: usize>(
    terminal: &Terminal,
    header: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
) -> String {
    let table: Vec<_> = [header.map(str::to_owned)]
        .into_iter()
        .chain(lines)
        .collect();
    let width = |column: usize| {
        let cells = table.iter().map(|line| cells(&line[column]));
        cells.max().unwrap_or_default()
    };
    let mut widths: Vec<Option<usize>> = (0..N - 1).map(width).map(Some).collect();
    // Two spaces before each column and before the names, but one before the second.
    let gap = |column: usize| if column == 1 { 1 } else { 2 };
    let room = |widths: &[Option<usize>]| {
        let columns = widths.iter().enumerate();
        let columns = columns.filter_map(|(column, width)| Some(gap(column) + (*width)?));
        terminal.width.saturating_sub(columns.sum::<usize>() + 2)
    };
    for name in DISPENSABLE {
        if let Some(column) = header[..N - 1].iter().position(|head| *head == name) {
            if terminal.width > 0 && room(&widths) < NARROWEST {
                widths[column] = None;
            }
        }
    }
    for column in (1..N - 1).rev() {
        if terminal.width > 0 && room(&widths) < NARROWEST / 2 {
            widths[column] = None;
        }
    }
    let room = room(&widths);
    let mut text = String::new();
    for line in &table {
        let mut figures = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            if let Some(width) = width {
                figures.push_str(&format!("{}{cell:>width$}", &"  "[..gap(column)]));
            }
        }
        figures.push_str("  ");
        let style = line[1]
            .strip_suffix(" %")
            .and_then(|share| share.parse().ok());
        match style
            .filter(|_| terminal.colours)
            .map(|share: f64| cost(share / 100.0))
        {
            Some(style) => text.push_str(&format!("{style}{figures}{style:#}")),
            None => text.push_str(&figures),
        }
        // If there is hardly room for a name, its place is left out.
        let name = match &line[N - 1] {
            name if room >= NARROWEST || terminal.width == 0 => {
                without_middle(name, room.max(NARROWEST))
            }
            name => {
                let name = name.split_once("  ").map_or(&**name, |(name, _)| name);
                without_middle(name, room.max(SHORTEST))
            }
        };
        text.push_str(&format!("{name}\n"));
    }
    terminal.fit(&text)
}
