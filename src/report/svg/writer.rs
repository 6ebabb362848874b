//! Puts the picture together: the head, the two graphs, the figures and the script.

use std::fmt::Write;

use super::about::about;
use super::bars::write_bars;
use super::columns::write_columns;
use super::functions::Functions;
use super::graph::{Drawing, Estimates, Graph, fill};
use crate::analysis::display_tree::DisplayTree;
use crate::report::View;
use crate::report::display::escape_xml;

const PAGE: &str = include_str!("page.svg");
const GRAPH: &str = include_str!("graph.svg");
const STYLE: &str = include_str!("flame.css");
const SCRIPT: &str = concat!(
    include_str!("graph.js"),
    include_str!("own.js"),
    include_str!("flame.js")
);

/// Heights and margins, pixels.
const HEAD: usize = 106;
const HEADING: usize = 44;
const FOOT: usize = 20;
const MARGIN: usize = 16;

/// Returns the whole file. Both trees index one table of functions.
pub(super) fn document(view: &View<'_>, drawing: &Drawing<'_>) -> String {
    let Drawing {
        graphs,
        width,
        whole,
        ..
    } = drawing;
    let shown = graphs.iter().flat_map(|graph| {
        let nodes = graph.layout.nodes();
        nodes.map(|(node, ..)| graph.tree.nodes.kinds()[node])
    });
    let functions = Functions::collect(&graphs[0].tree.functions, &view.paths(), shown);
    let mut y = HEAD;
    let mut parts = String::new();
    for graph in graphs {
        parts.push_str(&self::graph(*width, graph, &functions, y, *whole));
        y += HEADING + graph.height();
    }
    let mut data = String::new();
    write_columns(&mut data, drawing, &functions, view);
    let height = y + FOOT;
    let size = match width {
        0 => format!("width=\"100%\" height=\"{height}\""),
        width => {
            format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"")
        }
    };
    let (legend, legend_end) = legend(graphs[0].tree);
    let about = about(view);
    let (heading, rest) = about
        .split_first()
        .map_or(("", &[][..]), |(first, rest)| (&**first, rest));
    // The head comes after the graphs, because it stays in view above them.
    let values = [
        ("size", size.as_str()),
        ("title", &escape_xml(&about.join(", "))),
        ("heading", &escape_xml(heading)),
        ("about", &escape_xml(&rest.join("; "))),
        ("style", STYLE),
        ("height", &height.to_string()),
        ("graphs", &parts),
        ("head", &(HEAD - 4).to_string()),
        ("margin", &MARGIN.to_string()),
        ("legend", &legend),
        ("legend_end", &legend_end.to_string()),
        ("remarks", &escape_xml(&view.remarks().join(" "))),
        ("omissions", &escape_xml(&drawing.omissions)),
        ("data", &data),
        ("script", SCRIPT),
    ];
    fill(PAGE, &values)
}

/// Returns the legend of colours, and where it ends.
fn legend(stacks: &DisplayTree) -> (String, usize) {
    let estimates = Estimates::of(stacks);
    let mut text = String::new();
    let mut x = MARGIN;
    for (class, name) in [
        ("p0", "the program"),
        ("l0", "libraries"),
        ("s0", "standard library"),
        ("b0", "builtins"),
        ("p0 e", "estimated place"),
        ("f", "collapsed"),
        ("waits", "waiting"),
    ] {
        if class == "p0 e" && estimates != Estimates::Some
            || class == "waits" && stacks.waits.is_empty()
        {
            continue;
        }
        let box_of_class = match class {
            "waits" => format!("<path class=\"waits key\" d=\"M{x} 61h12\"/>"),
            _ => format!("<rect class=\"{class}\" x=\"{x}\" y=\"55\" width=\"12\" height=\"12\"/>"),
        };
        let _ = writeln!(
            text,
            "{box_of_class}<text class=\"note\" x=\"{}\" y=\"65\">{name}</text>",
            x + 17,
        );
        x += 34 + 7 * name.len();
    }
    (text, x)
}

fn graph(
    width: u32,
    graph: &Graph<'_>,
    functions: &Functions<'_>,
    top: usize,
    whole: u64,
) -> String {
    let width = (width > 0).then(|| graph_width(width));
    let mut bars = String::new();
    write_bars(&mut bars, graph, functions, whole, width);
    let width = match width {
        None => "x=\"1%\" width=\"98%\"".to_owned(),
        Some(width) => format!("x=\"{MARGIN}\" width=\"{width}\""),
    };
    // The heading comes after the frames, because it stays in view above them.
    let values = [
        ("id", graph.id),
        ("heading", graph.heading),
        ("note", graph.note),
        ("y", &(top + HEADING - 6).to_string()),
        ("width", &width),
        ("height", &graph.height().to_string()),
        ("bars", &bars),
        ("page_y", &(top - 4).to_string()),
        ("page_height", &(HEADING - 4).to_string()),
        ("margin", &MARGIN.to_string()),
        ("text_y", &(top + 24).to_string()),
        (
            "note_x",
            &(MARGIN + 16 + 8 * graph.heading.len()).to_string(),
        ),
    ];
    fill(GRAPH, &values)
}

fn graph_width(width: u32) -> u32 {
    width.saturating_sub(2 * MARGIN as u32).max(1)
}
