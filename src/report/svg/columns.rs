//! The figures of the picture as JSON columns. Each graph has an entry for each node, in the order
//! of the frames. The texts of each function are there once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

use serde_json::Value;

use super::functions::Functions;
use super::graph::{Drawing, Graph, RULES};
use super::layout::Rest;
use crate::analysis::display_tree::shown;
use crate::model::{ANY_THREAD, Counts, Label, Trees};
use crate::report::View;
use crate::report::cells::of_char;
use crate::report::display::printable;

/// Appends the JSON object.
pub(super) fn write_columns(
    out: &mut String,
    drawing: &Drawing<'_>,
    functions: &Functions<'_>,
    view: &View<'_>,
) {
    let Drawing {
        whole,
        least,
        narrow,
        ..
    } = drawing;
    let rules = RULES
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .join(",");
    let _ = write!(
        out,
        "{{\"rules\":{{{rules}}},\n\"whole\":{whole},\n\"least\":{least},\n\"narrow\":{}",
        json(narrow)
    );
    let shown = || functions.shown.iter();
    column(out, "names", shown().map(|f| json(&f.name)));
    let _ = write!(out, ",\n\"cells\":{{{}}}", cells(functions));
    column(out, "places", shown().map(|f| json(&f.place)));
    column(out, "classes", shown().map(|f| json(f.class)));
    let figures = shown().map(|f| figures(view, f.label));
    column(out, "figures", figures);
    write_occurrences(out, functions, view.profile.trees());
    for Graph {
        id, tree, layout, ..
    } in &drawing.graphs
    {
        let (roots, rest) = layout.roots;
        let _ = write!(out, ",\n\"{id}\":{{\"roots\":[{roots},{}]", hidden(rest));
        let nodes = &tree.nodes;
        let placed = || layout.nodes();
        let function = |node: usize| functions.index(nodes.kinds()[node]);
        column(out, "function", placed().map(|(node, ..)| function(node)));
        column(out, "children", placed().map(|(_, children, _)| children));
        column(out, "hidden", placed().map(|(.., rest)| hidden(rest)));
        column(
            out,
            "total",
            placed().map(|(node, ..)| nodes.totals()[node]),
        );
        column(out, "calls", placed().map(|(node, ..)| nodes.calls()[node]));
        column(
            out,
            "resumes",
            placed().map(|(node, ..)| nodes.resumes()[node]),
        );
        let waits = placed().enumerate().filter_map(|(entry, (node, ..))| {
            let waiting = tree.waits.get(node as u32).total();
            (waiting > 0).then(|| format!("{entry},{waiting}"))
        });
        column(out, "waits", waits);
        let estimated = placed().map(|(node, ..)| tree.estimated[node]);
        column(out, "estimated", runs(estimated));
        out.push('}');
    }
    out.push('}');
}

/// Returns the characters of all names that don't take one cell, and the number of cells that each
/// takes.
fn cells(functions: &Functions<'_>) -> String {
    let characters = functions.shown.iter().flat_map(|f| f.name.chars());
    let characters = characters.map(|c| (c, of_char(c)));
    let others = BTreeMap::from_iter(characters.filter(|&(_, cells)| cells != 1));
    let entries = others.iter();
    let entries =
        entries.map(|(&c, cells)| format!("{}:{cells}", json(c.encode_utf8(&mut [0; 4]))));
    Vec::from_iter(entries).join(",")
}

/// Writes the number of processes in which each function ran, and the names of its threads: `null`
/// if that is unknown, else `[processes, name, ...]`.
fn write_occurrences(out: &mut String, functions: &Functions<'_>, trees: &Trees) {
    let mut places = vec![(0, BTreeSet::new()); functions.shown.len()];
    for occurrence in &trees.occurrences {
        let Some((processes, threads)) = functions
            .index_of(&shown(trees, &trees.kinds[occurrence.kind as usize]).label)
            .and_then(|index| places.get_mut(index))
        else {
            continue;
        };
        if occurrence.thread == ANY_THREAD {
            // Several functions may have one label.
            *processes = occurrence.processes.max(*processes);
        } else {
            threads.insert(occurrence.thread);
        }
    }
    let _ = write!(out, ",\n\"processes\":{}", trees.processes.len());
    let names = trees.thread_names.iter();
    column(out, "threads", names.map(|name| json(&printable(name))));
    let places = places.into_iter().map(|(processes, threads)| {
        let threads: String = threads.iter().map(|thread| format!(",{thread}")).collect();
        match processes {
            0 => "null".to_owned(),
            _ => format!("[{processes}{threads}]"),
        }
    });
    column(out, "ran", places);
}

fn column(out: &mut String, name: &str, items: impl IntoIterator<Item = impl Display>) {
    let _ = write!(out, ",\n\"{name}\":[");
    for (position, item) in items.into_iter().enumerate() {
        let comma = if position > 0 { "," } else { "" };
        let _ = write!(out, "{comma}{item}");
    }
    out.push(']');
}

/// Returns 0 for nothing, else `[nanoseconds, functions]` and the number of deeper frames.
fn hidden(rest: Rest) -> String {
    match rest {
        Rest { total: 0, .. } => "0".to_owned(),
        Rest {
            total,
            functions,
            deeper: 0,
        } => format!("[{total},{functions}]"),
        Rest {
            total,
            functions,
            deeper,
        } => format!("[{total},{functions},{deeper}]"),
    }
}

/// Returns `[cc, nc, tt, ct]` of a function over the whole profile, times in seconds. A 1 follows
/// if the last is a lower bound, or a 2 if the last two are.
fn figures(view: &View<'_>, label: &Label) -> String {
    let (rows, bounds) = (&view.rows, &view.lower_bounds);
    match rows.find(label).and_then(|id| rows.row(id)) {
        Some(row) if row.counts.tt.is_finite() && row.counts.ct.is_finite() => {
            let least = match (bounds.has_total(label), bounds.has_self_time(label)) {
                (_, true) => ",2",
                (true, false) => ",1",
                (false, false) => "",
            };
            let Counts { cc, nc, tt, ct } = row.counts;
            format!("[{cc},{nc},{tt},{ct}{least}]")
        }
        _ => "null".to_owned(),
    }
}

/// Returns lengths of runs: of values that are false, then of values that are true, and so on.
fn runs(flags: impl Iterator<Item = bool>) -> Vec<usize> {
    let mut runs = vec![0];
    let mut current = false;
    for flag in flags {
        if flag != current {
            runs.push(0);
            current = flag;
        }
        if let Some(run) = runs.last_mut() {
            *run += 1;
        }
    }
    runs
}

/// Returns a JSON string that needs no further escaping inside XML or HTML.
fn json(text: &str) -> String {
    let text = Value::from(text).to_string();
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e");
    text.replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_needs_no_further_escaping() {
        let text = "</script>]]>&\"\\é";
        let json = json(text);
        assert!(!json.contains(['<', '>', '&']));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn runs_begin_with_false() {
        assert_eq!(runs([true, true, false].into_iter()), [0, 2, 1]);
        assert_eq!(runs([].into_iter()), [0]);
    }
}
