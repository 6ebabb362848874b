//! The `folded` format: a line for each call path with time of its own, as
//! `flamegraph.pl` and `inferno-flamegraph` read it. The numbers are nanoseconds, and
//! they add up to the whole.
//!
//! The format has no place for anything else, such as calls, or marks for estimated paths.
//! <https://github.com/brendangregg/FlameGraph#2-fold-stacks>

use super::display::function_name;
use super::paths::PathShortener;
use super::{Error, Report, View};
use crate::analysis::display_tree::DisplayTree;
use crate::analysis::merge_siblings::merge_siblings;
use crate::model::{Function, NO_PARENT};

/// Folded stacks.
#[derive(Clone, Copy, Debug)]
pub struct Folded;

impl Report for Folded {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        Ok(Some(
            stacks(&merge_siblings(view.tree()), &view.paths()).into_bytes(),
        ))
    }
}

/// Largest number of frames in one folded stack. Every line names its whole stack, so an endless
/// recursion would take quadratic room. Deeper frames count as time of the frame at the limit.
const MAX_DEPTH: u32 = 400;

/// Returns the tree as folded stacks, a line for each node with self time, in nanoseconds.
pub(super) fn stacks(frames: &DisplayTree, paths: &PathShortener) -> String {
    let nodes = &frames.nodes;
    let functions = frames.functions.iter();
    let labels: Vec<_> = functions.map(|f| folded_label(f, paths)).collect();
    let mut own = nodes.self_times();
    // Each node's depth and the node that is shown for it.
    let mut places: Vec<(u32, u32)> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0..).zip(nodes.parents()) {
        let (depth, above) = places.get(parent as usize).copied().unwrap_or((0, node));
        let place = if depth < MAX_DEPTH {
            (depth + 1, node)
        } else {
            (depth, above)
        };
        if place.1 != node {
            let deeper = std::mem::take(&mut own[node as usize]);
            own[place.1 as usize] = own[place.1 as usize].saturating_add(deeper);
        }
        places.push(place);
    }
    let mut text = String::new();
    let mut path: Vec<&str> = Vec::new();
    for (node, own) in (0_u32..).zip(own).filter(|(_, own)| *own > 0) {
        let mut at = node;
        while at != NO_PARENT {
            path.push(labels[nodes.kinds()[at as usize] as usize].as_str());
            at = nodes.parents()[at as usize];
        }
        let frames = path.drain(..).rev();
        for (position, label) in frames.enumerate() {
            text.push_str(if position > 0 { ";" } else { "" });
            text.push_str(label);
        }
        text.push_str(&format!(" {own}\n"));
    }
    text
}

/// Returns a function's name for a folded stack. There, `;` separates frames. A number behind a
/// space is a count or, before another number, the count of the run to compare with. So similar
/// characters replace both.
fn folded_label(function: &Function, paths: &PathShortener) -> String {
    let name = function_name(function);
    let place = match paths.location(&function.label) {
        location if location.is_empty() => location,
        location => format!(" ({location})"),
    };
    format!("{name}{place}")
        .replace(';', "\u{ff1b}")
        .replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::tests::tree;

    #[test]
    fn names_hold_nothing_that_the_format_needs() {
        let mut frames = tree(&[(NO_PARENT, "a;b 12", 100), (0, "x", 40)]);
        for function in &mut frames.functions {
            function.label.file = b"~".as_slice().into();
        }
        assert_eq!(
            stacks(&frames, &PathShortener::default()),
            "a\u{ff1b}b\u{a0}12 60\na\u{ff1b}b\u{a0}12;x 40\n"
        );
    }

    #[test]
    fn endless_recursion_takes_no_endless_room() {
        let depth = 50_000;
        let chain: Vec<_> = (0..depth)
            .map(|node: u32| {
                (
                    node.checked_sub(1).unwrap_or(NO_PARENT),
                    "f",
                    u64::from(depth - node),
                )
            })
            .collect();
        let text = stacks(&tree(&chain), &PathShortener::default());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), MAX_DEPTH as usize);
        let own: u64 = lines
            .iter()
            .map(|l| l.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
            .sum();
        assert_eq!(own, u64::from(depth));
    }
}
