//! Names the functions of two profiles, so that each name means one of them.

use std::collections::HashMap;

use crate::analysis::diff::Change;
use crate::model::Function;
use crate::report::display::{function_name, printable};
use crate::report::paths::PathShortener;

/// Names of functions.
pub struct Names {
    paths: PathShortener,
    /// Number of functions that have a name.
    uses: HashMap<String, u32>,
}

impl Names {
    /// Collects the names of `changes`.
    pub fn of(changes: &[Change]) -> Names {
        let labels = changes.iter().map(|change| &change.function.label);
        let mut uses = HashMap::new();
        for change in changes {
            *uses.entry(qualified(&change.function)).or_default() += 1;
        }
        Names {
            paths: PathShortener::new(labels),
            uses,
        }
    }

    /// Returns the name with the module, and the place of its code if others have the same name.
    pub fn name(&self, function: &Function) -> String {
        let name = qualified(function);
        let is_enough = self.uses.get(&name).is_none_or(|uses| *uses < 2);
        match self.paths.location(&function.label) {
            place if place.is_empty() || is_enough => name,
            place => format!("{name} ({place})"),
        }
    }

    /// Returns the place of the function's code if its name says neither place nor module.
    pub(super) fn place(&self, function: &Function) -> Option<String> {
        let is_unique = self.uses.get(&qualified(function)) == Some(&1);
        let place = self.paths.location(&function.label);
        (is_unique && !has_module(function) && !place.is_empty()).then_some(place)
    }
}

fn has_module(function: &Function) -> bool {
    !matches!(&*function.module, b"" | b"__main__")
}

fn qualified(function: &Function) -> String {
    let name = function_name(function);
    match has_module(function) && *function.label.file != *b"~" {
        true => format!("{}.{name}", printable(&function.module)),
        false => name,
    }
}
