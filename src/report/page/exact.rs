//! Figures of functions by pstats' rules, where the shown tree has others.
//!
//! The tree is an estimate if files have no call trees. It lacks wrappers of generic functions and
//! overflow calls, and its lightest calls may be collapsed. The page takes figures from the tree,
//! except for the functions here.

use std::collections::HashMap;

use serde_json::Value;

use super::functions::Functions;
use crate::model::walk::{Step, walk};
use crate::model::{Counts, Label};
use crate::report::View;

/// Figures of one function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ExactRow {
    function: u32,
    calls: u64,
    self_time: u64,
    total: u64,
}

impl ExactRow {
    /// Returns function, calls, self time and total.
    pub(super) fn json(&self) -> [Value; 4] {
        let function = self.function.into();
        [
            function,
            self.calls.into(),
            self.self_time.into(),
            self.total.into(),
        ]
    }

    fn of(function: u32, counts: &Counts) -> ExactRow {
        // Other profilers' files may have negative values; casts make them, and NaN, 0.
        let nanoseconds = |seconds: f64| (seconds * 1e9).round() as u64;
        ExactRow {
            function,
            calls: u64::try_from(counts.nc.max(0)).unwrap_or(u64::MAX),
            self_time: nanoseconds(counts.tt),
            total: nanoseconds(counts.ct),
        }
    }

    /// Returns true if `other` differs by more than conversion from seconds does.
    fn differs_from(&self, other: &ExactRow) -> bool {
        let differ = |a: u64, b: u64| a.abs_diff(b) as f64 > 1.0 + 1e-9 * a as f64;
        self.calls != other.calls
            || differ(self.self_time, other.self_time)
            || differ(self.total, other.total)
    }
}

/// Figures that the tree does not give.
#[derive(Default)]
pub(super) struct Exact {
    pub(super) rows: Vec<ExactRow>,
    /// Functions that the tree has no node of: the page's functions after all others.
    pub(super) without_node: Vec<Label>,
}

/// Returns the rows of `view` that differ from those of its tree. The page has the nodes of the
/// tree whose total is `least` or more.
pub(super) fn exact_rows(view: &View<'_>, functions: &Functions, least: u64) -> Exact {
    let of_tree = rows_of_tree(view, functions, least);
    let first = functions.len() as u32;
    let mut exact = Vec::new();
    let mut without_node = Vec::new();
    for (id, row) in view.rows.iter() {
        let label = view.rows.label(id);
        match of_tree.get(label).map(Vec::as_slice) {
            Some([shown]) => {
                let row = ExactRow::of(shown.function, &row.counts);
                if row.differs_from(shown) {
                    exact.push(row);
                }
            }
            // Lambdas of one line, for example, are one row but several functions.
            Some(_) => {}
            None => {
                let row = ExactRow::of(first + without_node.len() as u32, &row.counts);
                if row.calls > 0 || row.self_time > 0 {
                    exact.push(row);
                    without_node.push(label.clone());
                }
            }
        }
    }
    Exact {
        rows: exact,
        without_node,
    }
}

/// Returns the figures that the page computes from the tree: zeros for functions that it has
/// among collapsed calls only.
fn rows_of_tree<'a>(
    view: &'a View<'_>,
    functions: &Functions,
    least: u64,
) -> HashMap<&'a Label, Vec<ExactRow>> {
    let tree = view.tree();
    let nodes = &tree.nodes;
    let self_times = nodes.self_times();
    let mut rows: Vec<Option<ExactRow>> = vec![None; tree.functions.len()];
    let mut open = vec![0_u32; tree.functions.len()];
    walk(nodes, |step| match step {
        Step::Enter(node) => {
            let function = functions.index(nodes.kinds()[node as usize]);
            let row = rows[function as usize].get_or_insert(ExactRow {
                function,
                calls: 0,
                self_time: 0,
                total: 0,
            });
            let node = node as usize;
            // A callee of a collapsed call has no larger total, so that it is collapsed, too.
            if nodes.totals()[node] < least {
                return;
            }
            row.calls = row.calls.saturating_add(nodes.calls()[node]);
            row.self_time = row.self_time.saturating_add(self_times[node]);
            if open[function as usize] == 0 {
                row.total = row.total.saturating_add(nodes.totals()[node]);
            }
            open[function as usize] += 1;
        }
        Step::Leave(node) if nodes.totals()[node as usize] < least => {}
        Step::Leave(node) => open[functions.index(nodes.kinds()[node as usize]) as usize] -= 1,
    });
    let mut by_label: HashMap<&Label, Vec<ExactRow>> = HashMap::new();
    for row in rows.into_iter().flatten() {
        let label = &tree.functions[row.function as usize].label;
        by_label.entry(label).or_default().push(row);
    }
    by_label
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::merge::Profile;
    use crate::model::NO_PARENT;
    use crate::report::svg::tests::tree;

    #[test]
    fn collapsed_calls_are_missing_in_the_rows_of_the_tree() {
        let frames = tree(&[
            (NO_PARENT, "a", 100),
            (0, "b", 60),
            (1, "c", 9),
            (0, "c", 4),
            (3, "b", 2),
        ]);
        let profile = Profile::default();
        let rows = profile.rows();
        let view = View::with(&profile, &rows, frames);
        let functions = Functions::plain(3);
        let of = |name: &str, least| {
            let rows = rows_of_tree(&view, &functions, least);
            let found = rows
                .iter()
                .find(|(label, _)| *label.name == *name.as_bytes());
            let row = &found.unwrap().1[0];
            [row.calls, row.self_time, row.total]
        };
        assert_eq!([of("b", 0), of("c", 0)], [[2, 53, 62], [2, 11, 13]]);
        assert_eq!([of("b", 5), of("c", 5)], [[1, 51, 60], [1, 9, 9]]);
        assert_eq!(of("c", 10), [0, 0, 0]);
    }
}
