//! Functions that a name or pattern means, and names that it may have been meant to be.

use std::collections::{BTreeSet, HashMap};

use super::View;
use super::display::{function_name, short_name};
use super::similar::similar;
use crate::model::Pattern;
use crate::model::{Function, FunctionKind, Label, Rows};

/// Returns the rows of all functions that match `pattern` or, if there are none, of those that
/// contain what matches it.
pub(super) fn rows_named(view: &View<'_>, pattern: &str) -> Rows {
    let functions = functions(view);
    let matching = |pattern: &Pattern| {
        let mut found = Rows::default();
        for (id, row) in view.rows.iter() {
            let label = view.rows.label(id);
            let is_match = match functions.get(label) {
                Some(functions) => functions.iter().any(|of| pattern.is_function(of)),
                None => pattern.is_function(&of_label(label)),
            };
            if is_match {
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

/// Returns the functions of the call trees by their labels, which several may share.
fn functions<'v>(view: &'v View<'_>) -> HashMap<&'v Label, Vec<&'v Function>> {
    let mut functions: HashMap<&Label, Vec<&Function>> = HashMap::new();
    for function in &view.profile.trees().functions {
        functions.entry(&function.label).or_default().push(function);
    }
    functions
}

/// Returns a function of which only a row is known.
fn of_label(label: &Label) -> Function {
    Function {
        kind: FunctionKind::Python,
        flags: 0,
        label: label.clone(),
        qualified_name: Box::default(),
        module: Box::default(),
        generic: None,
    }
}
