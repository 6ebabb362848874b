//! The figures of the picture as JSON columns: for each graph one entry a frame, in
//! the order of the rectangles, and the texts of each function once.

use std::collections::HashSet;
use std::fmt::Write;

use super::functions::Functions;
use super::layout::{Layout, Placed};
use crate::format::pstats::{Counts, Rows};
use crate::format::trees::Label;
use crate::profile::frames::Frames;

/// One graph's id in the document, its tree and what is drawn of it.
pub(super) type Drawn<'a> = (&'static str, &'a Frames, &'a Layout);

/// Appends the JSON object. `whole` is the width of both graphs, nanoseconds; `rows`
/// has the figures that a function has over all its places, which say the least for those
/// in `folded`.
pub(super) fn write_columns(
    out: &mut String,
    graphs: &[Drawn<'_>],
    functions: &Functions<'_>,
    rows: &Rows,
    folded: &HashSet<&Label>,
    whole: u64,
) {
    let _ = write!(out, "{{\"whole\":{whole},\n\"names\":[");
    join(out, functions.shown.iter().map(|f| json(&f.name)));
    out.push_str("],\n\"places\":[");
    join(out, functions.shown.iter().map(|f| json(&f.place)));
    out.push_str("],\n\"figures\":[");
    let shown = functions.shown.iter();
    join(
        out,
        shown.map(|f| figures(rows, f.label, folded.contains(f.label))),
    );
    out.push(']');
    for (id, tree, layout) in graphs {
        let _ = write!(out, ",\n\"{id}\":{{\"roots\":{}", layout.roots());
        let mut column = |name: &str, value: &dyn Fn(&Placed) -> u64| {
            let _ = write!(out, ",\n\"{name}\":[");
            join(out, layout.frames.iter().map(value));
            out.push(']');
        };
        let nodes = &tree.nodes;
        column("function", &|frame| {
            functions.index(nodes.function[frame.node as usize]) as u64
        });
        column("children", &|frame| u64::from(frame.children));
        column("total", &|frame| frame.total);
        column("hidden", &|frame| frame.hidden);
        column("calls", &|frame| nodes.calls[frame.node as usize]);
        column("resumes", &|frame| nodes.resumes[frame.node as usize]);
        out.push_str(",\n\"estimated\":[");
        join(
            out,
            runs(
                layout
                    .frames
                    .iter()
                    .map(|frame| tree.estimated[frame.node as usize]),
            ),
        );
        out.push_str("]}");
    }
    out.push('}');
}

/// `[cc, nc, tt, ct]` of a function over the whole profile, times in seconds; and a 1 if
/// that is the least that the last may be.
fn figures(rows: &Rows, label: &Label, is_least: bool) -> String {
    match rows.find(label).and_then(|id| rows.row(id)) {
        Some(row) if row.counts.tt.is_finite() && row.counts.ct.is_finite() => {
            let counts = row.counts;
            let least = if is_least { ",1" } else { "" };
            let Counts { cc, nc, tt, ct } = counts;
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

fn join(out: &mut String, items: impl IntoIterator<Item = impl std::fmt::Display>) {
    for (position, item) in items.into_iter().enumerate() {
        let comma = if position > 0 { "," } else { "" };
        let _ = write!(out, "{comma}{item}");
    }
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
