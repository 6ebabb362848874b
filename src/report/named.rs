//! Finds the functions that a name or pattern means, and suggests names for mistyped ones.

use std::collections::BTreeSet;

use super::View;
use super::display::{function_name, short_name};
use super::similar::similar;
use crate::analysis::by_label::FunctionsByLabel;
use crate::model::{Pattern, Rows};

/// Returns the rows of all functions that match `pattern` or, if there are none, of those that
/// contain what matches it.
pub(super) fn rows_named(view: &View<'_>, pattern: &str) -> Rows {
    let functions = FunctionsByLabel::of(view.profile.trees());
    let matching = |pattern: &Pattern| {
        let mut found = Rows::default();
        for (id, row) in view.rows.iter() {
            let label = view.rows.label(id);
            if functions.matches(pattern, label) {
                let id = found.intern(label);
                found.row_mut(id).counts = row.counts;
            }
        }
        found
    };
    let found = matching(&Pattern::new(pattern));
    match found.is_empty() {
        true => matching(&Pattern::new(&format!("*{pattern}*"))),
        false => found,
    }
}

/// Returns the name of a function of `view` that resembles `word`.
pub fn similar_name(view: &View<'_>, word: &str) -> Option<String> {
    let recorded = view.profile.trees().functions.iter();
    let mut names: BTreeSet<String> = recorded.map(function_name).collect();
    names.extend(
        view.rows
            .iter()
            .map(|(id, _)| short_name(&view.rows.label(id).name)),
    );
    similar(word, names.iter().map(String::as_str)).map(str::to_owned)
}
