//! The figures of the picture as JSON columns: for each graph one entry a node, in
//! the order of the frames, and the texts of each function once.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};

use super::functions::Functions;
use super::layout::{Layout, Rest};
use crate::analysis::frames::{Frames, shown};
use crate::model::{ANY_THREAD, Counts, Label, Rows, Trees};
use crate::report::View;
use crate::report::display::printable;

/// One graph's id in the document, its tree and what is drawn of it.
pub(super) type Drawn<'a> = (&'static str, &'a Frames, &'a Layout);

/// Appends the JSON object. `whole` is the width of both graphs, `least` that of the
/// narrowest node which has a frame, nanoseconds.
pub(super) fn write_columns(
    out: &mut String,
    graphs: &[Drawn<'_>],
    functions: &Functions<'_>,
    view: &View<'_>,
    whole: u64,
    least: u64,
) {
    let _ = write!(out, "{{\"whole\":{whole},\n\"least\":{least}");
    let shown = || functions.shown.iter();
    column(out, "names", shown().map(|f| json(&f.name)));
    column(out, "places", shown().map(|f| json(&f.place)));
    column(out, "classes", shown().map(|f| json(f.class)));
    let overflow = view.overflow_functions();
    let figures = shown().map(|f| figures(view.rows, f.label, overflow.contains(f.label)));
    column(out, "figures", figures);
    write_ran_in(out, functions, view.profile.trees());
    for (id, tree, layout) in graphs {
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
        let estimated = placed().map(|(node, ..)| tree.estimated[node]);
        column(out, "estimated", runs(estimated));
        out.push('}');
    }
    out.push('}');
}

/// In how many processes each function ran, and in threads of which names: `null` where
/// that is not known, else `[processes, name, ...]`.
fn write_ran_in(out: &mut String, functions: &Functions<'_>, trees: &Trees) {
    let mut places = vec![(0, BTreeSet::new()); functions.shown.len()];
    for ran in &trees.occurrences {
        let Some((processes, threads)) = functions
            .index_of(&shown(trees, &trees.kinds[ran.kind as usize]).label)
            .and_then(|index| places.get_mut(index))
        else {
            continue;
        };
        if ran.thread == ANY_THREAD {
            // Several functions may have one label.
            *processes = ran.processes.max(*processes);
        } else {
            threads.insert(ran.thread);
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

/// 0 for nothing, else `[nanoseconds, functions]`, and how many frames deeper it is.
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

/// `[cc, nc, tt, ct]` of a function over the whole profile, times in seconds; and a 1 if
/// that is the least that the last may be.
fn figures(rows: &Rows, label: &Label, is_least: bool) -> String {
    match rows.find(label).and_then(|id| rows.row(id)) {
        Some(row) if row.counts.tt.is_finite() && row.counts.ct.is_finite() => {
            let least = if is_least { ",1" } else { "" };
            let Counts { cc, nc, tt, ct } = row.counts;
            format!("[{cc},{nc},{tt},{ct}{least}]")
        }
        _ => "null".to_owned(),
    }
}

/// How many values in a row are false, then how many true, and so on.
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

/// A JSON string that needs no further escaping inside XML or HTML.
fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '<' | '>' | '&' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
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
