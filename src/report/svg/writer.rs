//! Puts the picture together: the head, the two graphs, the figures and the script.

use std::fmt::Write;

use super::Svg;
use super::columns::write_columns;
use super::functions::Functions;
use super::layout::{Layout, MAX_LEVELS, Placed};
use crate::profile::frames::Frames;
use crate::report::View;
use crate::report::display::count;

const STYLE: &str = include_str!("flame.css");
const SCRIPT: &str = include_str!("flame.js");

/// Heights and margins, pixels.
const HEAD: usize = 92;
const HEADING: usize = 44;
const LEVEL: usize = 18;
const FRAME: usize = 17;
const FOOT: usize = 44;
const MARGIN: usize = 16;
/// The width of one character of a label, pixels, and of what must stay free
/// beside it. The script measures the real font; this is for viewers without.
const CELL: f64 = 7.3;
const PADDING: f64 = 7.0;
/// Frames wider than this share get an edge; on narrow ones it would be all one sees.
const WITH_EDGE: f64 = 0.002;
/// What is assumed of a window when the picture takes its width from it, pixels.
const FLUID_WIDTH: u32 = 1200;

/// One graph as it will be drawn.
struct Graph<'a> {
    id: &'static str,
    heading: &'static str,
    note: &'static str,
    tree: &'a Frames,
    layout: Layout,
}

impl Graph<'_> {
    fn height(&self) -> usize {
        self.layout.levels.len().max(1) * LEVEL
    }

    fn functions(&self) -> impl Iterator<Item = u32> {
        self.layout.frames.iter().map(|frame| self.function(frame))
    }

    fn function(&self, frame: &Placed) -> u32 {
        self.tree.nodes.function[frame.node as usize]
    }
}

/// The whole file. `reverse` indexes the same functions as the view's frames.
pub(super) fn document(options: &Svg, view: &View<'_>, reverse: &Frames) -> String {
    let stacks = view.frames;
    let whole = stacks.whole();
    let least = (options.threshold * whole as f64).ceil() as u64;
    let estimates = Estimates::of(stacks);
    let graphs = [
        Graph {
            id: "stacks",
            heading: "Call stacks",
            note: match estimates {
                Estimates::All => "Estimated: the files hold pairs of caller and callee only.",
                _ => "Each function stands on its caller; its width is the time until it returned.",
            },
            layout: Layout::new(stacks, least),
            tree: stacks,
        },
        Graph {
            id: "reverse",
            heading: "Reverse: who calls it",
            note: "The bottom row is each function's own time; on top of it stand its callers.",
            layout: Layout::new(reverse, least),
            tree: reverse,
        },
    ];
    let drawn = graphs.iter().flat_map(Graph::functions);
    let functions = Functions::collect(&stacks.functions, drawn);

    let width = if options.width == 0 {
        "100%".to_owned()
    } else {
        options.width.to_string()
    };
    let height = HEAD + graphs.iter().map(|g| HEADING + g.height()).sum::<usize>() + FOOT;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"edbprof\" width=\"{width}\" height=\"{height}\""
    );
    if options.width > 0 {
        let _ = write!(out, " viewBox=\"0 0 {width} {height}\"");
    }
    let title = escape(&view.title());
    let _ = write!(
        out,
        " role=\"graphics-document\" aria-labelledby=\"title\">\n<title id=\"title\">{title}</title>\n\
         <style>\n{STYLE}</style>\n<rect class=\"page\" width=\"100%\" height=\"{height}\"/>\n"
    );
    let mut y = HEAD;
    for graph in &graphs {
        write_graph(&mut out, options, graph, &functions, y, whole);
        y += HEADING + graph.height();
    }
    let _ = writeln!(
        out,
        "<text class=\"note\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
        height - MARGIN,
        omissions(&graphs, options.threshold),
    );
    // After the graphs, since it stays in view above them.
    write_head(&mut out, &title, &view.remarks().join(" "), estimates);
    out.push_str("<metadata id=\"profile\">");
    let drawn = graphs.each_ref().map(|g| (g.id, g.tree, &g.layout));
    let folded = view.folded_functions();
    write_columns(&mut out, &drawn, &functions, view.rows, &folded, whole);
    let _ = write!(
        out,
        "</metadata>\n<script><![CDATA[\n{SCRIPT}]]></script>\n</svg>\n"
    );
    out
}

fn write_head(out: &mut String, title: &str, remarks: &str, estimates: Estimates) {
    let _ = write!(
        out,
        "<g id=\"top\"><rect class=\"page\" width=\"100%\" height=\"{}\"/>\n\
         <rect class=\"rule\" y=\"{}\" width=\"100%\" height=\"1\"/>\n\
         <text class=\"title\" x=\"{MARGIN}\" y=\"24\">{title}</text>\n",
        HEAD - 4,
        HEAD - 4,
    );
    let mut x = MARGIN;
    for (class, text) in [
        ("p0", "the program"),
        ("l0", "libraries"),
        ("s0", "standard library"),
        ("b0", "builtins"),
        ("p0 e", "estimated place"),
    ] {
        if class == "p0 e" && estimates != Estimates::Some {
            continue;
        }
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"35\" width=\"12\" height=\"12\"/>\
             <text class=\"note\" x=\"{}\" y=\"45\">{text}</text>",
            x + 17,
        );
        x += 34 + 7 * text.len();
    }
    if !remarks.is_empty() {
        let remarks = escape(remarks);
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{x}\" y=\"45\">{remarks}</text>"
        );
    }
    out.push_str("</g>\n");
}

/// What is not in the picture.
fn omissions(graphs: &[Graph<'_>], threshold: f64) -> String {
    let mut note = format!(
        "Not drawn: frames below {} % of the time",
        percent_text(threshold)
    );
    let too_deep: usize = graphs.iter().map(|graph| graph.layout.too_deep).sum();
    if too_deep > 0 {
        let too_deep = count(too_deep as i128);
        let _ = write!(note, ", and {too_deep} deeper than {MAX_LEVELS} levels");
    }
    note + "."
}

/// How much of a tree is an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Estimates {
    None,
    Some,
    All,
}

impl Estimates {
    fn of(tree: &Frames) -> Self {
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

/// A share as a percentage without trailing zeros.
fn percent_text(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn write_graph(
    out: &mut String,
    options: &Svg,
    graph: &Graph<'_>,
    functions: &Functions<'_>,
    top: usize,
    whole: u64,
) {
    let Graph {
        id, heading, note, ..
    } = graph;
    let width = match options.width {
        0 => "x=\"1%\" width=\"98%\"".to_owned(),
        width => format!("x=\"{MARGIN}\" width=\"{}\"", graph_width(width)),
    };
    let _ = writeln!(
        out,
        "<svg class=\"graph\" id=\"{id}\" role=\"application\" aria-label=\"{heading}\" \
         y=\"{}\" {width} height=\"{}\">",
        top + HEADING - 6,
        graph.height(),
    );
    let pixels = f64::from(graph_width(if options.width == 0 {
        FLUID_WIDTH
    } else {
        options.width
    }));
    let marks_estimates = Estimates::of(graph.tree) == Estimates::Some;
    for (level, frames) in graph.layout.by_level().enumerate() {
        let y = graph.height() - (level + 1) * LEVEL;
        let _ = write!(out, "<g transform=\"translate(0 {y})\">");
        for frame in frames {
            let estimated = graph.tree.estimated[frame.node as usize];
            let mut class = functions.get(graph.function(frame)).class.to_owned();
            // Where all is estimated, a sentence says so and the colours stay strong.
            if estimated && marks_estimates {
                class.push_str(" e");
            }
            if frame.total as f64 > WITH_EDGE * whole as f64 {
                class.push_str(" w");
            }
            let (x, width) = extent(frame, whole);
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{x}\" width=\"{width}\" height=\"{FRAME}\"/>",
            );
        }
        for frame in frames {
            let room = (frame.total as f64 / whole as f64 * pixels - PADDING) / CELL;
            let Some(label) = fit(&functions.get(graph.function(frame)).name, room) else {
                continue;
            };
            let (x, width) = extent(frame, whole);
            let _ = write!(
                out,
                "<svg x=\"{x}\" width=\"{width}\" height=\"{FRAME}\"><text x=\"4\" y=\"12.5\">{}</text></svg>",
                escape(&label),
            );
        }
        out.push_str("</g>\n");
    }
    // After the frames, since it stays in view above them.
    let _ = write!(
        out,
        "</svg>\n<g id=\"{id}-heading\"><rect class=\"page\" y=\"{}\" width=\"100%\" height=\"{}\"/>\n\
         <text class=\"heading\" x=\"{MARGIN}\" y=\"{}\">{heading}</text>\n\
         <text class=\"note\" x=\"{}\" y=\"{}\">{note}</text></g>\n",
        top - 4,
        HEADING - 4,
        top + 24,
        MARGIN + 16 + 8 * heading.len(),
        top + 24,
    );
}

fn graph_width(width: u32) -> u32 {
    width.saturating_sub(2 * MARGIN as u32).max(1)
}

/// Left edge and width as percentages of the graph's width. Both edges are rounded,
/// not the width: so neighbours meet, and errors don't add up.
fn extent(frame: &Placed, whole: u64) -> (String, String) {
    const UNITS: u128 = 100_000_000;
    let round = |ns: u64| {
        let whole = u128::from(whole.max(1));
        (u128::from(ns) * UNITS + whole / 2) / whole
    };
    let text = |units: u128| {
        let digits = format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
        format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
    };
    let left = round(frame.start);
    (
        text(left),
        text(round(frame.start.saturating_add(frame.total)) - left),
    )
}

/// `name` cut to `room` character cells, if anything of it can be shown. The script
/// has the same rule.
fn fit(name: &str, room: f64) -> Option<String> {
    let room = if room >= 2.0 {
        room as usize
    } else {
        return None;
    };
    let (mut used, mut cut) = (0, 0);
    for (position, c) in name.char_indices() {
        used += if u32::from(c) >= 0x1100 { 2 } else { 1 };
        if used > room {
            return (cut > 0).then(|| format!("{}…", &name[..cut]));
        }
        if used < room {
            cut = position + c.len_utf8();
        }
    }
    Some(name.to_owned())
}

/// `text` for XML content; it must come from `display::printable`, which leaves no
/// character that XML forbids.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
