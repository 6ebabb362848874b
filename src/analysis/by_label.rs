//! Functions, and figures of nodes, by the labels of pstats rows, which several may share.

use std::collections::HashMap;

use crate::model::{Function, Label, Pattern, Trees, Waiting};

/// The functions of call trees by their labels.
#[derive(Debug)]
pub struct FunctionsByLabel<'a>(HashMap<&'a Label, Vec<&'a Function>>);

impl<'a> FunctionsByLabel<'a> {
    /// Collects the functions of `trees`.
    pub fn of(trees: &'a Trees) -> Self {
        let mut functions: HashMap<&Label, Vec<&Function>> = HashMap::new();
        for function in &trees.functions {
            functions.entry(&function.label).or_default().push(function);
        }
        FunctionsByLabel(functions)
    }

    /// Returns the first function of that label.
    pub fn first(&self, label: &Label) -> Option<&'a Function> {
        self.0.get(label)?.first().copied()
    }

    /// Returns true if `pattern` matches a function of that label, of which perhaps no more than
    /// the label is known.
    pub fn matches(&self, pattern: &Pattern, label: &Label) -> bool {
        match self.0.get(label) {
            Some(functions) => functions.iter().any(|of| pattern.is_function(of)),
            None => pattern.is_function(&Function::of_label(label.clone())),
        }
    }
}

/// Returns the waiting in the self times of functions; those that never waited are left out.
pub fn waiting_by_label(trees: &Trees) -> HashMap<&Label, Waiting> {
    let mut waits: HashMap<&Label, Waiting> = HashMap::new();
    for thread in &trees.threads {
        for (node, waiting) in thread.waits.iter() {
            let kind = thread.nodes.kinds()[node as usize];
            if let Some(function) = trees.function(kind) {
                waits.entry(&function.label).or_default().add(&waiting);
            }
        }
    }
    waits
}
