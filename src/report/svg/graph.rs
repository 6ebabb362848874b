//! One graph of the picture, and the rules for drawing it. The script has no rules of its own: it
//! gets [`RULES`] with the figures.

use super::layout::Layout;
use crate::analysis::display_tree::DisplayTree;

/// Height of a level, and of a frame in it, pixels.
pub(super) const LEVEL: usize = 18;
pub(super) const FRAME: usize = 17;
/// The width of a graph in the units of its paths.
pub(super) const UNITS: u128 = 1_000_000;
/// Frames wider than this share get an edge; on narrow ones nothing else would be visible.
pub(super) const WITH_EDGE: f64 = 0.002;
/// Narrower frames can't be seen, pixels.
pub(super) const VISIBLE: f64 = 0.3;
/// The width of one character of a label, and of what must stay free beside it, pixels. The
/// script measures the real font; this is for viewers without scripts.
pub(super) const CELL: f64 = 7.3;
pub(super) const PADDING: f64 = 7.0;

/// Rules of the layout for the script, by the names that it has for them.
pub(super) const RULES: [(&str, f64); 7] = [
    ("LEVEL", LEVEL as f64),
    ("FRAME", FRAME as f64),
    ("UNITS", UNITS as f64),
    ("WITH_EDGE", WITH_EDGE),
    ("VISIBLE", VISIBLE),
    ("CELL", CELL),
    ("PADDING", PADDING),
];

/// The picture as it will be drawn.
pub(super) struct Drawing<'a> {
    pub(super) graphs: [Graph<'a>; 2],
    /// Width of the picture, pixels; 0 for the window's.
    pub(super) width: u32,
    /// The width of both graphs, nanoseconds.
    pub(super) whole: u64,
    /// The width from which on nodes have a frame, nanoseconds.
    pub(super) least: u64,
    /// Narrower nodes have none, as text: `below 0.034 %`.
    pub(super) narrow: &'a str,
    /// Sentence about the parts that the picture lacks, with the reason.
    pub(super) omissions: String,
}

/// One graph as it will be drawn.
pub(super) struct Graph<'a> {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    pub(super) note: &'static str,
    /// True if it grows downwards.
    pub(super) hangs: bool,
    pub(super) tree: &'a DisplayTree,
    pub(super) layout: Layout,
    /// Narrower nodes have no frame of their own, as text: `below 0.034 %`.
    pub(super) narrow: &'a str,
}

impl Graph<'_> {
    pub(super) fn height(&self) -> usize {
        self.layout.levels.len().max(1) * LEVEL
    }

    /// Top of a level, pixels from the graph's.
    pub(super) fn top(&self, level: usize) -> usize {
        match self.hangs {
            true => level * LEVEL,
            false => self.height() - (level + 1) * LEVEL,
        }
    }
}

/// Extent of the estimates in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Estimates {
    None,
    Some,
    All,
}

impl Estimates {
    pub(super) fn of(tree: &DisplayTree) -> Self {
        match (
            tree.estimated.contains(&true),
            tree.estimated.contains(&false),
        ) {
            (false, _) => Estimates::None,
            (true, true) => Estimates::Some,
            (true, false) => Estimates::All,
        }
    }
}

/// Fills the places of `template`, which look like `{{name}}`.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| value));
        text.push_str(rest);
    }
    text
}
