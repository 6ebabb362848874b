//! Call trees without what was not chosen.
//!
//! All of it is done with self times: this module decides what becomes of a node's own
//! time, and totals follow.

use std::collections::BTreeMap;

use super::costed_tree::CostedTree;
use super::function_table::FunctionTable;
use super::select::{Selection, is_real};
use crate::model::{FoldedFunction, Function, NO_PARENT, NodeRow, Nodes, ThreadTree, Trees};

/// Returns the part of `trees` that `chosen` chooses. The table has the functions that
/// still occur.
///
/// A stack stays if an included function occurs in it; the callers' calls stay with it,
/// but not their time. Callees and time of an excluded function go to its caller or, if it
/// has none, to a node called `<excluded>`.
///
/// Nodes of processes, threads and overflow calls are neither included nor excluded by
/// themselves. Overflow calls go by their function alone. If stacks are chosen, their rows
/// and their nodes may differ in time: a row, or a node, of overflow calls has the rest,
/// so that both add up to the same.
pub(super) fn apply_selection(trees: &Trees, chosen: &Selection) -> Trees {
    let functions = trees.functions.iter();
    let rules: Vec<Rule> = functions.map(|f| Rule::of(f, chosen)).collect();
    let mut table = FunctionTable::default();
    let threads = trees.threads.iter();
    let threads = threads.filter(|thread| chosen.has_thread(&thread.name));
    let threads = threads.map(|thread| {
        let filter = Filter {
            trees,
            rules: &rules,
            table: &mut table,
            tree: CostedTree::default(),
        };
        filter.apply(thread)
    });
    let threads = threads.collect();
    table.into_trees(trees, threads)
}

/// What happens to the nodes of one function.
#[derive(Clone, Copy)]
struct Rule {
    included: bool,
    excluded: bool,
    is_call: bool,
}

impl Rule {
    fn of(function: &Function, chosen: &Selection) -> Self {
        let is_real = is_real(function);
        Rule {
            included: chosen.include.is_empty() || is_real && chosen.includes(function),
            excluded: is_real && chosen.excludes(function),
            is_call: !function.is_group(),
        }
    }
}

/// Makes the chosen part of one thread's tree.
struct Filter<'a> {
    trees: &'a Trees,
    rules: &'a [Rule],
    table: &'a mut FunctionTable,
    tree: CostedTree,
}

/// The new node that callees of an old one are called by.
#[derive(Clone, Copy)]
struct Place {
    node: u32,
    /// False for a process or thread, and outside of all nodes.
    is_call: bool,
}

impl Filter<'_> {
    fn apply(mut self, thread: &ThreadTree) -> ThreadTree {
        let own = thread.nodes.self_times();
        let overhead_ps = self.trees.overhead_ps(thread);
        let (is_within, stays) = self.stacks(&thread.nodes);
        let mut places: Vec<Place> = Vec::with_capacity(own.len());
        for (node, mut row) in thread.nodes.rows().enumerate() {
            let above = places.get(row.parent as usize);
            let above = above.copied().unwrap_or(Place {
                node: NO_PARENT,
                is_call: false,
            });
            let overhead_ps = overhead_ps.get(node).copied().unwrap_or(0);
            let (own, overhead_ps) = match is_within[node] {
                true => (own[node], overhead_ps),
                false => (0, 0),
            };
            let rule = self.rules[row.kind as usize];
            places.push(if !stays[node] {
                above
            } else if rule.excluded {
                self.give_to_caller(above, own, overhead_ps);
                above
            } else {
                let function = &self.trees.functions[row.kind as usize];
                let node = self.tree.child(above.node, self.table.id(function));
                row.total = own;
                self.tree.add(node, &row, overhead_ps);
                let is_call = rule.is_call;
                Place { node, is_call }
            });
        }
        let folded = self.overflow_calls(thread, &own, &is_within);
        let (mut nodes, overhead_ps) = self.tree.finish();
        nodes.add_up();
        ThreadTree {
            process: thread.process,
            name: thread.name.clone(),
            nodes,
            overhead_ps,
            class_calls: Vec::new(),
            folded,
        }
    }

    /// Returns for each node, first, if it is an included function or is called from one,
    /// and second, if it stays for its own or its callees' sake.
    fn stacks(&self, nodes: &Nodes) -> (Vec<bool>, Vec<bool>) {
        let mut is_within: Vec<bool> = Vec::with_capacity(nodes.len());
        for (&parent, &function) in nodes.parents().iter().zip(nodes.kinds()) {
            let above = is_within.get(parent as usize).copied().unwrap_or(false);
            is_within.push(above || self.rules[function as usize].included);
        }
        let mut stays = is_within.clone();
        for node in (0..nodes.len()).rev() {
            if let (true, Some(above)) =
                (stays[node], stays.get_mut(nodes.parents()[node] as usize))
            {
                *above = true;
            }
        }
        (is_within, stays)
    }

    /// Gives the time of an excluded node to the caller, or to a node of its own if `above`
    /// is not a call.
    fn give_to_caller(&mut self, above: Place, own: u64, overhead_ps: u64) {
        if own == 0 {
            return;
        }
        let node = match above.is_call {
            true => above.node,
            false => {
                let function = self.table.id(&Function::stand_in(b"<excluded>"));
                self.tree.child(above.node, function)
            }
        };
        self.add_time(node, own, overhead_ps);
    }

    fn add_time(&mut self, node: u32, total: u64, overhead_ps: u64) {
        let row = NodeRow {
            total,
            ..NodeRow::default()
        };
        self.tree.add(node, &row, overhead_ps);
    }

    /// Returns the overflow calls that stay; `own` and `is_within` are of the nodes.
    fn overflow_calls(
        &mut self,
        thread: &ThreadTree,
        own: &[u64],
        is_within: &[bool],
    ) -> Vec<FoldedFunction> {
        let (mut is_whole, in_tree) = self.overflow_in_tree(thread, own, is_within);
        let mut kept: BTreeMap<u32, FoldedFunction> = BTreeMap::new();
        for figures in &thread.folded {
            let rule = self.rules[figures.function as usize];
            if !rule.included {
                is_whole = false;
                continue;
            }
            let mut figures = *figures;
            figures.function = if rule.excluded {
                (figures.calls, figures.resumes) = (0, 0);
                self.table.id(&Function::stand_in(b"<excluded>"))
            } else {
                let function = &self.trees.functions[figures.function as usize];
                self.table.id(function)
            };
            let sum = kept.entry(figures.function).or_default();
            sum.function = figures.function;
            sum.add(&figures);
        }
        // Of all overflow calls, rows and nodes have the same time but for rounding.
        if !is_whole {
            let times = kept.values().map(|figures| figures.self_time);
            let in_rows = times.fold(0, u64::saturating_add);
            if in_rows < in_tree {
                let function = self.table.id(&overflow_of_others());
                let sum = kept.entry(function).or_default();
                sum.function = function;
                sum.self_time = sum.self_time.saturating_add(in_tree - in_rows);
            } else if in_rows > in_tree {
                let function = self.table.id(&Function::folded_calls());
                let node = self.tree.child(NO_PARENT, function);
                self.add_time(node, in_rows - in_tree, 0);
            }
        }
        kept.into_values().collect()
    }

    /// Returns if all nodes of overflow calls stay, and the time of those that do.
    fn overflow_in_tree(
        &self,
        thread: &ThreadTree,
        own: &[u64],
        is_within: &[bool],
    ) -> (bool, u64) {
        let function = |node: usize| &self.trees.functions[thread.nodes.kinds()[node] as usize];
        let nodes = (0..own.len()).filter(|&node| function(node).is_folded_calls());
        let stay = nodes.clone().filter(|&node| is_within[node]);
        let time = stay.fold(0_u64, |sum, node| sum.saturating_add(own[node]));
        (nodes.into_iter().all(|node| is_within[node]), time)
    }
}

/// Has the time of overflow calls in chosen stacks of functions that are unknown.
fn overflow_of_others() -> Function {
    Function {
        flags: 0,
        ..Function::folded_calls()
    }
}
