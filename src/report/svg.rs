//! The `.svg` report: one self-contained file with the call-stack graph above
//! (each function stands on its caller) and the reverse graph below (each
//! function's self time at the bottom, its callers on top of it).
//!
//! The frames are plain rectangles, so the picture is whole where scripts don't
//! run; `svg/flame.js` adds zoom, search, tooltips and keys. Figures reach the
//! script as JSON columns, one entry a frame in the order of the rectangles, and
//! each function's texts once. This is drawn here and not composed from two
//! `inferno` pictures because that measured several times larger; ARCHITECTURE.md
//! has the figures.

mod columns;
mod functions;
mod layout;
mod writer;

use super::{Error, Report, View};
use crate::profile::threshold;

/// The zoomable picture of both graphs.
#[derive(Clone, Copy, Debug)]
pub struct Svg {
    /// Width in pixels; 0 takes whatever width the window has.
    pub width: u32,
    /// Frames with less than this share of the whole time are not drawn; 0.01 is
    /// one per cent.
    pub threshold: f64,
}

impl Default for Svg {
    fn default() -> Self {
        Svg {
            width: 1920,
            threshold: 0.0001,
        }
    }
}

impl Report for Svg {
    fn suffix(&self) -> &'static str {
        ".svg"
    }

    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let reverse = threshold::reverse(view.frames, self.threshold);
        let text = writer::document(self, view, &reverse);
        Ok(Some(text.into_bytes()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::format::pstats::Rows;
    use crate::format::trees::{Function, FunctionKind, Label, NO_PARENT, Nodes};
    use crate::profile::frames::Frames;
    use crate::profile::merge::Profile;

    /// A tree of (parent, name, total), every node called once.
    pub(crate) fn tree(nodes: &[(u32, &str, u64)]) -> Frames {
        let mut frames = Frames::default();
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
            let Nodes {
                parent: parents,
                function,
                calls,
                resumes,
                total: totals,
            } = &mut frames.nodes;
            parents.push(parent);
            function.push(index as u32);
            calls.push(1);
            resumes.push(0);
            totals.push(total);
            frames.estimated.push(false);
        }
        frames
    }

    fn picture(frames: &Frames, options: Svg) -> String {
        let view = View {
            rows: &Rows::default(),
            frames,
            profile: &Profile::default(),
        };
        String::from_utf8(options.render(&view).unwrap().unwrap()).unwrap()
    }

    /// The rectangles of one graph as (row, x, width), shares of one.
    fn rectangles(svg: &str, graph: &str) -> Vec<(usize, f64, f64)> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let graph = document
            .descendants()
            .find(|node| node.attribute("id") == Some(graph));
        let share = |node: roxmltree::Node<'_, '_>, name: &str| {
            let text = node.attribute(name).unwrap().strip_suffix('%').unwrap();
            text.parse::<f64>().unwrap() / 100.0
        };
        let rows = graph
            .unwrap()
            .children()
            .filter(|node| node.has_tag_name("g"));
        rows.enumerate()
            .flat_map(|(row, group)| {
                group
                    .children()
                    .filter(|node| node.has_tag_name("rect"))
                    .map(move |rect| (row, share(rect, "x"), share(rect, "width")))
            })
            .collect()
    }

    #[test]
    fn widths_are_those_of_the_tree() {
        let nodes = [
            (NO_PARENT, "main", 3_000_000_007),
            (0, "a", 1_000_000_001),
            (0, "b", 1_999_999_999),
            (2, "c", 777_777_777),
            (2, "a", 333_333_333),
        ];
        let svg = picture(&tree(&nodes), Svg::default());
        let drawn = rectangles(&svg, "stacks");
        let expected = [
            (0, 0, 0),
            (1, 0, 2),
            (1, 1_999_999_999, 1),
            (2, 0, 3),
            (2, 777_777_777, 4),
        ];
        assert_eq!(drawn.len(), expected.len());
        for ((row, x, width), (level, start, node)) in drawn.into_iter().zip(expected) {
            assert_eq!(row, level);
            assert!((x - start as f64 / 3_000_000_007.0).abs() < 1e-7);
            assert!((width - nodes[node].2 as f64 / 3_000_000_007.0).abs() < 1e-7);
        }
        let own: f64 = rectangles(&svg, "reverse")
            .iter()
            .filter(|r| r.0 == 0)
            .map(|r| r.2)
            .sum();
        assert!((own - 1.0).abs() < 1e-6);
    }

    #[test]
    fn hostile_names_stay_text() {
        let names = [
            "</script><script>alert(1)</script>",
            "]]>",
            "&amp;\"'<x a='b'>",
            "nul\0 newline\n escape\x1b \u{fffe}\u{202e}",
            "\\u003c",
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
        assert!(guess.contains("Estimated: the files hold") && !guess.contains(" e\""));
    }

    #[test]
    fn nothing_leads_out_of_the_file() {
        let svg = picture(
            &tree(&[(NO_PARENT, "main", 5)]),
            Svg {
                width: 0,
                threshold: 0.0,
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
        let svg = picture(&Frames::default(), Svg::default());
        assert_eq!(rectangles(&svg, "stacks"), []);
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
