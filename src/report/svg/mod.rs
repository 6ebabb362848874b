//! The `.svg` report: one self-contained file with two graphs. In the call-stack graph above, each
//! function is on top of its caller. In the reverse graph below, the top row is each function's
//! self time, with its callers below it.
//!
//! Frames that are wide enough to be seen at first are drawn, so that the picture is there without
//! scripts. All other frames are numbers only, from which the script draws the view after a zoom.
//! The script also adds search, tooltips and keys. It receives numbers as JSON columns, and each
//! function's texts once. The picture is drawn here and not composed from two `inferno` pictures,
//! because those were several times larger (docs/measurements/pictures.md).

mod about;
mod bars;
mod columns;
mod functions;
mod graph;
mod layout;
mod writer;

use super::{Error, Report, View};
use crate::analysis::invert::{Limits, invert};
use crate::analysis::prune::narrowest;
use crate::report::numbers::{count, percent, size};
use graph::{Drawing, Estimates, Graph};
use layout::{Content, Layout, MAX_LEVELS};

/// Smallest size of a frame in the file, bytes.
const FRAME_BYTES: usize = 20;

const STACKS: &str = "Each function stands on its caller; its width is the time until it returned.";
const ALL_ESTIMATED: &str = "Estimated: the files hold pairs of caller and callee only.";
const REVERSE: &str = "The top row is each function's own time; below it hang its callers.";

/// The zoomable picture of both graphs.
#[derive(Clone, Copy, Debug)]
pub struct Svg {
    /// Width in pixels; 0 takes the width of the window.
    pub width: u32,
    /// Frames with less than this share of the whole time are collapsed into one; 0.01 is one
    /// per cent.
    pub threshold: f64,
    /// The most bytes that the picture may have: the threshold is raised until it
    /// fits. The smallest picture, with no frame at all, has some 30,000.
    pub max_size: u64,
}

impl Default for Svg {
    fn default() -> Self {
        Svg {
            width: 0,
            threshold: 0.0001,
            max_size: 8_000_000,
        }
    }
}

impl Report for Svg {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let stacks = view.tree();
        let max_size = usize::try_from(self.max_size).unwrap_or(usize::MAX);
        let wanted = (self.threshold * stacks.whole() as f64).ceil() as u64;
        let mut most = max_size / FRAME_BYTES;
        let stack_heights = stacks.heights();
        let limits = Limits {
            least: wanted.max(1),
            nodes: most,
            levels: MAX_LEVELS as u32,
        };
        let inverted = invert(stacks, limits);
        loop {
            let (least, frames) = narrowest(&[stacks, &inverted.tree], inverted.least, most);
            let narrow = format!("below {} %", percent_above(least, stacks.whole()));
            let graphs = [
                Graph {
                    id: "stacks",
                    heading: "Call stacks",
                    note: match Estimates::of(stacks) {
                        Estimates::All => ALL_ESTIMATED,
                        _ => STACKS,
                    },
                    hangs: false,
                    tree: stacks,
                    layout: Layout::new(stacks, &stack_heights, least),
                    narrow: &narrow,
                },
                Graph {
                    id: "reverse",
                    heading: "Reverse: who calls it",
                    note: REVERSE,
                    hangs: true,
                    tree: &inverted.tree,
                    layout: Layout::new(&inverted.tree, &inverted.heights, least),
                    narrow: &narrow,
                },
            ];
            let drawing = Drawing {
                omissions: omissions(self, &graphs, least > limits.least),
                graphs,
                width: self.width,
                whole: stacks.whole(),
                least,
                narrow: &narrow,
            };
            let text = writer::document(view, &drawing);
            if text.len() <= max_size || frames == 0 {
                return Ok(Some(text.into_bytes()));
            }
            // A tenth less than should fit, so that one more round is enough.
            let fit = frames as f64 * max_size as f64 / text.len() as f64;
            most = (0.9 * fit) as usize;
        }
    }
}

/// Names the parts that the picture lacks, with the reason.
fn omissions(options: &Svg, graphs: &[Graph<'_>], raised: bool) -> String {
    let wanted = percent(options.threshold);
    let mut text = if raised {
        format!(
            "Functions {} of the time are collapsed into one frame: with the {wanted} % \
             that was asked for, the picture would be larger than {}",
            graphs[0].narrow,
            size(options.max_size),
        )
    } else if options.threshold > 0.0 {
        format!("Functions below {wanted} % of the time are collapsed into one frame")
    } else {
        "All functions have a frame".to_owned()
    };
    let frames = graphs.iter().flat_map(|graph| &graph.layout.frames);
    let deeper = frames.filter_map(|frame| match frame.content {
        Content::Rest(rest) => Some(rest.deeper),
        Content::Node { .. } => None,
    });
    match deeper.max() {
        Some(0) | None => text.push('.'),
        Some(deeper) => {
            let deeper = count(i128::from(deeper) + MAX_LEVELS as i128);
            text.push_str(&format!(
                "; stacks of up to {deeper} are cut at {MAX_LEVELS}."
            ));
        }
    }
    text
}

/// Returns `least` as a percentage of `whole` to two significant digits, rounded up.
fn percent_above(least: u64, whole: u64) -> String {
    let percent = 100.0 * least as f64 / whole.max(1) as f64;
    let digits = (1.0 - percent.log10().floor()).clamp(0.0, 9.0) as i32;
    let unit = 10_f64.powi(digits);
    let text = format!(
        "{:.*}",
        digits as usize,
        (percent * unit - 1e-6).ceil() / unit
    );
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::analysis::display_tree::DisplayTree;
    use crate::analysis::merge::Profile;
    use crate::model::{Function, FunctionKind, Label, NO_PARENT, NodeRow, Rows, Waiting};

    /// A tree of (parent, name, total), every node called once.
    pub(crate) fn tree(nodes: &[(u32, &str, u64)]) -> DisplayTree {
        let mut frames = DisplayTree::default();
        for &(parent, name, total) in nodes {
            let function = Function {
                kind: FunctionKind::Python,
                flags: 0,
                label: Label {
                    file: b"/app/main.py".as_slice().into(),
                    line: 1,
                    name: name.as_bytes().into(),
                },
                qualified_name: Box::default(),
                module: Box::default(),
                generic: None,
            };
            let known = frames.functions.iter().position(|known| *known == function);
            let index = known.unwrap_or_else(|| {
                frames.functions.push(function);
                frames.functions.len() - 1
            });
            frames.nodes.push(NodeRow {
                parent,
                kind: index as u32,
                calls: 1,
                resumes: 0,
                total,
            });
            frames.estimated.push(false);
        }
        frames
    }

    fn picture(frames: &DisplayTree, options: Svg) -> String {
        let (profile, rows) = (Profile::default(), Rows::default());
        let view = View::with(&profile, &rows, frames.clone());
        String::from_utf8(options.render(&view).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn hostile_names_stay_text() {
        let names = [
            "</script><script>alert(1)</script>",
            "]]>",
            "&amp;\"'<x a='b'>",
            "nul\0 newline\n escape\x1b \u{fffe}\u{202e}",
            "\\u003c",
            "\u{5d0}\u{5d1}\u{5d2}",
            &"long".repeat(2_500),
        ];
        let nodes: Vec<_> = names.iter().map(|&name| (NO_PARENT, name, 1000)).collect();
        let svg = picture(&tree(&nodes), Svg::default());
        let document = roxmltree::Document::parse(&svg).unwrap();
        let tags = |name: &str| {
            document
                .descendants()
                .filter(|n| n.has_tag_name(name))
                .count()
        };
        assert_eq!((tags("script"), tags("style"), tags("metadata")), (1, 1, 1));
        let data = document
            .descendants()
            .find(|n| n.has_tag_name("metadata"))
            .unwrap();
        let data: serde_json::Value = serde_json::from_str(data.text().unwrap()).unwrap();
        let mut shown: Vec<_> = data["names"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        shown.sort_unstable();
        let mut expected = names.map(|name| crate::report::display::printable(name.as_bytes()));
        expected.sort_unstable();
        assert_eq!(shown, expected);
        assert_eq!(svg.matches("]]>").count(), 1);
        assert!(!svg.contains("<script>alert"));
    }

    #[test]
    fn estimates_are_said_to_be_estimates() {
        let mut frames = tree(&[(NO_PARENT, "exact", 70), (NO_PARENT, "guess", 30)]);
        frames.estimated[1] = true;
        let mixed = picture(&frames, Svg::default());
        assert!(mixed.contains("estimated place") && mixed.contains("\"estimated\":[1,1]"));
        frames.estimated[0] = true;
        let guess = picture(&frames, Svg::default());
        assert!(
            guess.contains("Estimated: the files hold")
                && !guess.contains(" e\"")
                && !guess.contains(" e w\"")
        );
    }

    #[test]
    fn waits_are_hatched_at_the_right_end_of_their_frames() {
        let mut frames = tree(&[(NO_PARENT, "main", 100), (0, "read", 40), (0, "spin", 20)]);
        assert!(!picture(&frames, Svg::default()).contains("<path class=\"waits"));
        let waiting = |blocked| Waiting {
            blocked,
            ..Waiting::default()
        };
        frames.waits.add(0, &waiting(10));
        frames.waits.add(1, &waiting(30));
        let svg = picture(&frames, Svg::default());
        for hatched in ["M900000 8.5H1000000", "M100000 8.5H400000"] {
            let path = format!("<path class=\"waits\" d=\"{hatched}\"/>");
            assert!(svg.contains(&path), "{hatched}");
        }
        assert!(svg.contains("\"waits\":[0,10,1,30]"));
        assert!(svg.contains(">waiting</text>"));
    }

    #[test]
    fn nothing_leads_out_of_the_file() {
        let svg = picture(
            &tree(&[(NO_PARENT, "main", 5)]),
            Svg {
                width: 0,
                ..Svg::default()
            },
        );
        assert!(!svg.contains("<!DOCTYPE") && !svg.contains("href") && !svg.contains("@import"));
        assert!(!svg.contains("url(") && !svg.contains("eval("));
        let addresses: Vec<_> = svg
            .match_indices("http")
            .map(|(at, _)| &svg[at..at + 18])
            .collect();
        assert!(
            addresses.iter().all(|a| *a == "http://www.w3.org/"),
            "{addresses:?}"
        );
        assert!(svg.starts_with(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"edbprof\" width=\"100%\""
        ));
    }

    #[test]
    fn an_empty_profile_gives_an_empty_picture() {
        let svg = picture(&DisplayTree::default(), Svg::default());
        assert!(svg.contains("\"stacks\":{\"roots\":[0,0]") && !svg.contains("<path"));
    }

    #[test]
    fn the_same_profile_gives_the_same_picture() {
        let nodes = [
            (NO_PARENT, "x", 7),
            (NO_PARENT, "y", 7),
            (0, "b", 3),
            (0, "a", 3),
        ];
        let svg = picture(&tree(&nodes), Svg::default());
        let swapped = [
            (NO_PARENT, "y", 7),
            (NO_PARENT, "x", 7),
            (1, "a", 3),
            (1, "b", 3),
        ];
        assert_eq!(svg, picture(&tree(&swapped), Svg::default()));
    }
}
