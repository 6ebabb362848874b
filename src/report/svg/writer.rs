//! Puts the picture together: the head, the two graphs, the figures and the script.

use std::fmt::Write;

use super::Svg;
use super::bars::write_bars;
use super::columns::write_columns;
use super::functions::Functions;
use super::layout::{Content, Layout, MAX_LEVELS};
use crate::analysis::display_tree::DisplayTree;
use crate::report::View;
use crate::report::display::count;

const STYLE: &str = include_str!("flame.css");
const SCRIPT: &str = concat!(include_str!("graph.js"), include_str!("flame.js"));

/// Heights and margins, pixels.
const HEAD: usize = 112;
const HEADING: usize = 44;
pub(super) const LEVEL: usize = 18;
const FOOT: usize = 20;
const MARGIN: usize = 16;

/// Both graphs as they will be drawn.
pub(super) struct Graphs<'a> {
    pub(super) stacks: (&'a DisplayTree, Layout),
    pub(super) reverse: (&'a DisplayTree, Layout),
    /// The width from which on nodes have a frame, nanoseconds.
    pub(super) least: u64,
    /// Whether that is more than was asked for.
    pub(super) raised: bool,
}

/// One graph as it will be drawn.
pub(super) struct Graph<'a> {
    pub(super) id: &'static str,
    heading: &'static str,
    note: &'static str,
    pub(super) tree: &'a DisplayTree,
    pub(super) layout: &'a Layout,
    /// The width from which on nodes have a frame, nanoseconds.
    pub(super) least: u64,
}

impl Graph<'_> {
    pub(super) fn height(&self) -> usize {
        self.layout.levels.len().max(1) * LEVEL
    }
}

/// The whole file. Both trees index the functions of the view's.
pub(super) fn document(options: &Svg, view: &View<'_>, drawn: &Graphs<'_>) -> String {
    let (stacks, reverse) = (&drawn.stacks, &drawn.reverse);
    let whole = stacks.0.whole();
    let estimates = Estimates::of(stacks.0);
    let graphs = [
        Graph {
            id: "stacks",
            heading: "Call stacks",
            note: match estimates {
                Estimates::All => "Estimated: the files hold pairs of caller and callee only.",
                _ => "Each function stands on its caller; its width is the time until it returned.",
            },
            tree: stacks.0,
            layout: &stacks.1,
            least: drawn.least,
        },
        Graph {
            id: "reverse",
            heading: "Reverse: who calls it",
            note: "The bottom row is each function's own time; on top of it stand its callers.",
            tree: reverse.0,
            layout: &reverse.1,
            least: drawn.least,
        },
    ];
    let shown = graphs.iter().flat_map(|graph| {
        let nodes = graph.layout.nodes();
        nodes.map(|(node, ..)| graph.tree.nodes.kinds()[node])
    });
    let functions = Functions::collect(&stacks.0.functions, shown);

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
    // After the graphs, since it stays in view above them.
    let remarks = [
        view.remarks().join(" "),
        omissions(options, &graphs, drawn, whole),
    ];
    write_head(&mut out, &title, estimates, &remarks);
    out.push_str("<metadata id=\"profile\">");
    let columns = graphs.each_ref().map(|g| (g.id, g.tree, g.layout));
    write_columns(&mut out, &columns, &functions, view, whole, drawn.least);
    let _ = write!(
        out,
        "</metadata>\n<script><![CDATA[\n'use strict';\n{{\n{SCRIPT}}}\n]]></script>\n</svg>\n"
    );
    out
}

fn write_head(out: &mut String, title: &str, estimates: Estimates, remarks: &[String; 2]) {
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
        ("f", "folded"),
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
    for (x, y, remark) in [(x, 45, &remarks[0]), (MARGIN, 65, &remarks[1])] {
        let remark = escape(remark);
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{x}\" y=\"{y}\">{remark}</text>"
        );
    }
    out.push_str(
        "</g>
",
    );
}

/// What is not in the picture, and why.
fn omissions(options: &Svg, graphs: &[Graph<'_>], drawn: &Graphs<'_>, whole: u64) -> String {
    let wanted = percent_text(options.threshold);
    let mut text = if drawn.raised {
        format!(
            "Functions below {} % of the time are folded into one frame: with the {wanted} % \
             that was asked for, the picture would be larger than {}",
            percent_above(drawn.least, whole),
            size_text(options.max_size),
        )
    } else if options.threshold > 0.0 {
        format!("Functions below {wanted} % of the time are folded into one frame")
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
            let _ = write!(text, "; stacks of up to {deeper} are cut at {MAX_LEVELS}.");
        }
    }
    text
}

/// A size in the unit that suits it.
fn size_text(bytes: u64) -> String {
    match bytes {
        0..=999_999 => format!("{} kB", bytes as f64 / 1e3),
        _ => format!("{} MB", bytes as f64 / 1e6),
    }
}

/// How much of a tree is an estimate.
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

/// A share as a percentage without trailing zeros.
fn percent_text(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `least` as a percentage of `whole` to two significant digits, rounded up. The
/// script has the same rule.
pub(super) fn percent_above(least: u64, whole: u64) -> String {
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
    write_bars(
        out,
        graph,
        functions,
        whole,
        (options.width > 0).then(|| graph_width(options.width)),
    );
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

/// `text` for XML content; it must come from `display::printable`, which leaves no
/// character that XML forbids.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
