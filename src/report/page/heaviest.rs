//! The heaviest functions as a table in the document: for screen readers, copying, the browser's
//! own search, and browsers without scripts.

use crate::report::View;
use crate::report::display::{escape_xml, short_name};
use crate::report::numbers::{at_least, count};
use crate::report::paths::PathShortener;

/// Functions in the table.
const NUMBER: usize = 30;

/// Returns the table of the functions with the most time of their own.
pub(super) fn table(view: &View<'_>) -> String {
    let rows = &view.rows;
    let paths = PathShortener::new(rows.labels());
    let mut ids: Vec<u32> = rows.iter().map(|(id, _)| id).collect();
    let own = |id: u32| rows.row(id).map_or(0.0, |row| row.counts.tt);
    ids.sort_by(|&a, &b| {
        let by_name = || rows.label(a).cmp(rows.label(b));
        own(b).total_cmp(&own(a)).then_with(by_name)
    });
    ids.truncate(NUMBER);
    let mut text = String::from(
        "<h2 id=\"heaviest-title\">Functions with the most time of their own</h2>\n<table>\n\
         <thead><tr><th scope=\"col\">Self</th><th scope=\"col\">Share</th>\
         <th scope=\"col\">Total</th><th scope=\"col\">Calls</th>\
         <th scope=\"col\">Function</th></tr></thead>\n<tbody>\n",
    );
    for id in ids {
        let Some(row) = rows.row(id) else { continue };
        let label = rows.label(id);
        let share = match view.figures.seconds {
            whole if whole > 0.0 => 100.0 * row.counts.tt / whole,
            _ => 0.0,
        };
        let cell = |text: &str| format!("<td class=\"number\">{}</td>", escape_xml(text));
        let has_least = view.lower_bounds.has_self_time(label);
        text.push_str("<tr>");
        text.push_str(&cell(&at_least(row.counts.tt, has_least)));
        text.push_str(&cell(&format!("{share:.2} %")));
        let has_least = view.lower_bounds.has_total(label);
        text.push_str(&cell(&at_least(row.counts.ct, has_least)));
        text.push_str(&cell(&count(row.counts.nc)));
        text.push_str(&format!(
            "<td>{} <span class=\"place\">{}</span></td></tr>\n",
            escape_xml(&short_name(&label.name)),
            escape_xml(&paths.location(label)),
        ));
    }
    text.push_str("</tbody>\n</table>");
    text
}
