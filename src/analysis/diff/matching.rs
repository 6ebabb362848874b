//! Matches the functions of two sides.
//!
//! Functions that have one name in their module are matched first. Then follow those that have one
//! name in a file, and those whose files have the same base name. Lines don't count, except for the
//! order of functions of one name: lambdas, or definitions under conditions.

use std::collections::HashMap;

use crate::model::Function;
use crate::model::native_name::short_name;

/// Functions that are taken for the same, as indices into the functions of either side. A side has
/// several of them if names don't distinguish them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
}

/// A name that functions of both sides may have in common.
type Name = (Vec<u8>, Vec<u8>);

/// Matches the functions of two sides. Each function is in one result, alone if the other side
/// has nothing like it.
pub(super) fn matched(before: &[Function], after: &[Function]) -> Vec<Matched> {
    let names: [fn(&Function) -> Option<Name>; 5] =
        [builtin, in_module, qualified_in_file, in_file, in_base_name];
    let mut sides = [Unmatched::new(before), Unmatched::new(after)];
    let mut all = Vec::new();
    for (stage, name) in names.into_iter().enumerate() {
        let [before, after] = &mut sides;
        let (old, mut new) = (before.by_name(name), after.by_name(name));
        let mut common: Vec<_> = old
            .into_iter()
            .filter_map(|(name, old)| Some((old, new.remove(&name)?)))
            .collect();
        common.sort();
        for (old, new) in common {
            let is_guess = stage == names.len() - 1;
            if is_guess && (old.len(), new.len()) != (1, 1) {
                continue;
            }
            before.take(&old);
            after.take(&new);
            all.extend(pairs(old, new));
        }
    }
    let [before, after] = sides;
    all.extend(before.rest().map(|function| Matched {
        before: vec![function],
        after: Vec::new(),
    }));
    all.extend(after.rest().map(|function| Matched {
        before: Vec::new(),
        after: vec![function],
    }));
    all
}

/// Pairs functions of one name in the order of their lines. If one side has more of them, the pairs
/// are unknown, so all are treated as one.
fn pairs(before: Vec<u32>, after: Vec<u32>) -> Vec<Matched> {
    if before.len() != after.len() {
        return vec![Matched { before, after }];
    }
    let pairs = before.into_iter().zip(after);
    pairs
        .map(|(before, after)| Matched {
            before: vec![before],
            after: vec![after],
        })
        .collect()
}

/// The functions of one side that have no match yet.
struct Unmatched<'f> {
    functions: &'f [Function],
    is_matched: Vec<bool>,
}

impl<'f> Unmatched<'f> {
    fn new(functions: &'f [Function]) -> Self {
        Unmatched {
            functions,
            is_matched: vec![false; functions.len()],
        }
    }

    fn rest(&self) -> impl Iterator<Item = u32> {
        let rest = (0..).zip(&self.is_matched);
        rest.filter(|(_, is_matched)| !**is_matched)
            .map(|(function, _)| function)
    }

    /// Returns those without a match by their names, in the order of files and lines.
    fn by_name(&self, name: fn(&Function) -> Option<Name>) -> HashMap<Name, Vec<u32>> {
        let function = |id: u32| &self.functions[id as usize];
        let mut groups: HashMap<Name, Vec<u32>> = HashMap::new();
        for id in self.rest() {
            if let Some(name) = name(function(id)) {
                groups.entry(name).or_default().push(id);
            }
        }
        for group in groups.values_mut() {
            group.sort_by_key(|&id| {
                let label = &function(id).label;
                (&label.file, label.line)
            });
        }
        groups
    }

    fn take(&mut self, functions: &[u32]) {
        for &function in functions {
            self.is_matched[function as usize] = true;
        }
    }
}

fn is_builtin(function: &Function) -> bool {
    *function.label.file == *b"~"
}

fn builtin(function: &Function) -> Option<Name> {
    let name = short_name(&function.label.name).into_owned();
    is_builtin(function).then_some((Vec::new(), name))
}

fn in_module(function: &Function) -> Option<Name> {
    let (module, name) = (&function.module, &function.qualified_name);
    let is_known = !module.is_empty() && !name.is_empty() && !is_builtin(function);
    is_known.then(|| (module.to_vec(), name.to_vec()))
}

fn qualified_in_file(function: &Function) -> Option<Name> {
    let name = &function.qualified_name;
    let is_known = !name.is_empty() && !is_builtin(function);
    is_known.then(|| (function.label.file.to_vec(), name.to_vec()))
}

fn in_file(function: &Function) -> Option<Name> {
    let name = function.label.name.to_vec();
    (!is_builtin(function)).then(|| (function.label.file.to_vec(), name))
}

fn in_base_name(function: &Function) -> Option<Name> {
    let base_name = function.label.file.rsplit(|byte| *byte == b'/').next();
    let base_name = base_name.unwrap_or_default().to_vec();
    let name = function.label.name.to_vec();
    (!is_builtin(function)).then_some((base_name, name))
}
