//! The page of two sides: the call paths of both in one tree, and how each function has changed.

use std::io;

use serde_json::{Value, json};

use super::columns::Columns;
use super::functions::Functions;
use super::header::texts;
use super::{Page, SIZE, SOURCES, TIMELINE, Texts, fitting, put};
use crate::analysis::diff::{Certainty, Change, Diff, Order, PathChanges};
use crate::analysis::display_tree::DisplayTree;
use crate::model::{NodeRow, Nodes, Process};
use crate::report::diff::{Limits, Names, functions as changes_text, head};
use crate::report::display::escape_xml;
use crate::report::json::extend;
use crate::report::paths::PathShortener;

/// Lines of the text in the document.
const LINES: usize = 30;

impl Page {
    /// Returns the page that compares two sides, whose `names` say which is which. `processes` are
    /// those of both.
    ///
    /// # Errors
    ///
    /// Those of compressing.
    pub fn compare(
        &self,
        diff: &Diff,
        paths: &PathChanges,
        names: [&str; 2],
        processes: &[Process],
    ) -> io::Result<Vec<u8>> {
        let tree = united(paths);
        let functions = Functions::compared(&tree, diff.functions().len(), processes);
        let labels = tree.functions.iter().map(|function| &function.label);
        let shortener = PathShortener::new(labels);
        let title = format!("edbprof: {} compared with {}", names[1], names[0]);
        let texts = Texts {
            heaviest: changed_text(diff, names),
            title,
        };
        let size = self.max_size.unwrap_or(SIZE);
        let page = fitting(&tree, functions.len(), &texts, size, |least, omission| {
            let columns = Columns::with(&tree, &functions, least, |node| {
                let path = &paths.paths[node];
                let [after, before] = [&path.after, &path.before].map(|side| {
                    let figures = [side.calls, side.self_ns, side.waiting_ns];
                    figures.map(whole)
                });
                [
                    after[0], after[1], after[2], before[0], before[1], before[2],
                ]
            });
            let mut header = self::texts(
                tree.functions.iter().zip(functions.roles()),
                &[],
                exact(diff),
                &shortener,
                &columns,
            );
            let more = json!({
                "title": texts.title,
                "remarks": omission.as_slice(),
                "changes": changes(diff, names),
            });
            extend(&mut header.json, more);
            (header, columns)
        });
        page.map(|(page, _)| put(&put(&page, SOURCES, ""), TIMELINE, "").into_bytes())
    }
}

fn whole(mean: f64) -> u64 {
    mean.round() as u64
}

/// Returns the tree of all paths, each as wide as on the side on which it takes more time.
fn united(paths: &PathChanges) -> DisplayTree {
    let mut nodes = Nodes::default();
    for path in &paths.paths {
        nodes.push(NodeRow {
            parent: path.parent,
            kind: path.function,
            calls: whole(path.after.calls),
            total: whole(path.after.total_ns.max(path.before.total_ns)),
            ..NodeRow::default()
        });
    }
    DisplayTree {
        functions: paths.functions.clone(),
        estimated: vec![false; nodes.len()],
        nodes,
        ..DisplayTree::default()
    }
}

/// Returns the figures after of functions by pstats' rules, which may differ from the tree's.
fn exact(diff: &Diff) -> Vec<[Value; 4]> {
    let functions = diff.functions().iter().enumerate();
    let rows = functions.filter_map(|(function, change)| {
        let after = change.after?;
        let figures = [after.calls, after.self_ns, after.total_ns].map(|figure| json!(figure));
        let [calls, self_time, total] = figures;
        Some([json!(function), calls, self_time, total])
    });
    rows.collect()
}

fn changes(diff: &Diff, [before, after]: [&str; 2]) -> Value {
    let functions = diff.functions().iter().enumerate();
    let rows = functions.filter(|(_, change)| !change.is_none());
    json!({
        "before": before,
        "after": after,
        "runs": diff.runs(),
        "rows": rows.map(|(function, change)| row(function, change)).collect::<Vec<_>>(),
    })
}

fn row(function: usize, change: &Change) -> Value {
    let side = |figures: crate::analysis::diff::Figures| {
        json!({
            "calls": figures.calls,
            "self": figures.self_ns,
            "total": figures.total_ns,
            "waiting": figures.waiting_ns,
        })
    };
    // The parts add up to the change, to the nanosecond.
    let growth = change.is().self_ns.round() - change.was().self_ns.round();
    let by_calls = change.by_calls_ns().round();
    json!({
        "function": function,
        "before": change.before.map(side),
        "after": change.after.map(side),
        "byCalls": by_calls,
        "byTime": growth - by_calls,
        "isUnsteady": change.is_unsteady,
        "isCertain": match change.certainty {
            Certainty::NotJudged => Value::Null,
            Certainty::Certain => Value::Bool(true),
            Certainty::WithinNoise => Value::Bool(false),
        },
    })
}

/// Returns the text of `edbprof diff`, for screen readers and browsers without scripts.
fn changed_text(diff: &Diff, [before, after]: [&str; 2]) -> String {
    let names = Names::of(diff.functions());
    let limits = Limits {
        order: Order::Impact,
        lines: LINES,
    };
    format!(
        "<h2 id=\"heaviest-title\">Functions that changed most</h2>\n<pre>{}\n{}</pre>",
        escape_xml(&head(diff, before, after)),
        escape_xml(&changes_text(diff, &names, limits, |_| true)),
    )
}
