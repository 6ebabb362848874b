//! The differential flame graph: a self-contained SVG.
//!
//! The upper graph has the call paths after, as wide as they are then; the lower one has the
//! paths that are gone, on the same scale. Colour and pattern say how much more or less self
//! time a path takes.

mod layout;

use std::fmt::Write;

use super::Names;
use super::sentence::{mean, sentence, signed_duration};
use crate::analysis::diff::{Change, Figures, PathChanges};
use crate::report::cells::beginning;
use crate::report::display::{escape_xml, function_name, printable};
use crate::report::numbers::duration;
use layout::{Graph, Placed};

const STYLE: &str = include_str!("diff.css");
const SCRIPT: &str = include_str!("diff.js");

/// Height of a level, and of a frame in it, pixels.
const LEVEL: usize = 18;
const FRAME: usize = 17;
/// Width of the graphs in units of the drawing. They fill the window.
const UNITS: f64 = 1200.0;
/// Width of a character of a name, units.
const CELL: f64 = 7.3;
/// Least number of characters that a name is shown by. `diff.js` has the same.
const LEAST_NAME: usize = 4;
/// Heights of the space above the upper graph, and above the lower one, pixels.
const HEAD: usize = 96;
const HEADING: usize = 40;
/// Changes of self time, as shares of the whole, from which on colours get stronger.
const STEPS: [f64; 3] = [0.001, 0.01, 0.05];

/// Returns the picture; `before` and `after` say which side is which.
pub fn picture(changes: &PathChanges, names: &Names, before: &str, after: &str) -> String {
    let [upper, lower] = Graph::both(changes);
    let whole = upper.total.max(lower.total).max(1.0);
    let mut body = String::new();
    let mut y = HEAD;
    for (graph, heading) in [
        (
            &upper,
            "After: each function hangs from its caller, as wide as it is after.",
        ),
        (
            &lower,
            "Gone: paths of before that nothing takes after, on the same scale.",
        ),
    ] {
        if graph.levels == 0 {
            continue;
        }
        let _ = writeln!(body, "<text x=\"8\" y=\"{}\">{heading}</text>", y + 22);
        y += HEADING;
        // Frames of one graph are zoomed together.
        let _ = writeln!(body, "<g class=\"graph\">");
        for frame in &graph.frames {
            let top = y + frame.level * LEVEL;
            write_frame(&mut body, changes, names, frame, whole, top);
        }
        let _ = writeln!(body, "</g>");
        y += graph.levels * LEVEL;
    }
    let (was, is) = (changes.whole_before(), changes.whole_after());
    let title = format!("Change of time: {}", signed_duration(is - was));
    let sides = format!(
        "before: {} ({}), after: {} ({})",
        printable(before.as_bytes()),
        duration(was / 1e9),
        printable(after.as_bytes()),
        duration(is / 1e9),
    );
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {UNITS} {height}\" \
         width=\"{UNITS}\" height=\"{height}\" role=\"group\">\n\
         <title>{title}; {sides}</title>\n<style>{STYLE}</style>\n<defs>{PATTERNS}</defs>\n\
         <rect class=\"page\" width=\"{UNITS}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"8\" y=\"26\">{title}</text>\n\
         <text x=\"8\" y=\"48\">{sides}</text>\n{legend}\
         <text id=\"back\" x=\"8\" y=\"90\" tabindex=\"0\" role=\"button\">Click a frame to zoom; \
         click here or press Escape to get back.</text>\n\
         {body}<script><![CDATA[\n{SCRIPT}]]></script>\n</svg>\n",
        height = y + 20,
        title = escape_xml(&title),
        sides = escape_xml(&sides),
        legend = legend(),
    )
}

/// Fills of frames: a colour, and lines that rise for more and dots for less, so that they differ
/// without colours, too.
const PATTERNS: &str = "\
<pattern id=\"more\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
<path class=\"mark\" d=\"M0 6L6 0\"/></pattern>\
<pattern id=\"less\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
<circle class=\"dot\" cx=\"3\" cy=\"3\" r=\"1\"/></pattern>";

fn legend() -> String {
    let mut text = String::new();
    for (number, (class, name)) in [
        ("more3", "much more self time"),
        ("more1", "more"),
        ("same", "as before"),
        ("less1", "less"),
        ("less3", "much less self time"),
    ]
    .into_iter()
    .enumerate()
    {
        let x = 8 + 190 * number;
        write_fill(&mut text, class, x as f64, 60, 12.0, 12);
        let _ = writeln!(text, "<text x=\"{}\" y=\"70\">{name}</text>", x + 18);
    }
    text
}

fn write_frame(
    out: &mut String,
    changes: &PathChanges,
    names: &Names,
    frame: &Placed,
    whole: f64,
    top: usize,
) {
    let path = &changes.paths[frame.path];
    let function = &changes.functions[path.function as usize];
    let change = path.as_change(function);
    let [x, width] = [frame.start, frame.total].map(|ns| UNITS * ns / whole);
    let _ = write!(
        out,
        "<g class=\"frame\" data-x=\"{x:.2}\" data-w=\"{width:.2}\"><title>{}</title>",
        escape_xml(&hover(&change, &names.name(function))),
    );
    write_fill(out, &class(&change, whole), x, top, width, FRAME);
    let room = ((width - 6.0) / CELL).max(0.0) as usize;
    let name = function_name(function);
    let label = match room >= LEAST_NAME {
        true => beginning(&name, room).unwrap_or_default(),
        false => String::new(),
    };
    let _ = writeln!(
        out,
        "<text x=\"{:.2}\" y=\"{}\" data-name=\"{}\">{}</text></g>",
        x + 3.0,
        top + 13,
        escape_xml(&name),
        escape_xml(&label),
    );
}

fn write_fill(out: &mut String, class: &str, x: f64, y: usize, width: f64, height: usize) {
    let place = format!("x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" height=\"{height}\"");
    let _ = write!(out, "<rect class=\"{class}\" {place}/>");
    for pattern in ["more", "less"] {
        if class.starts_with(pattern) {
            let _ = write!(out, "<rect fill=\"url(#{pattern})\" {place}/>");
        }
    }
}

/// Returns both figures and both parts of the change.
fn hover(change: &Change, name: &str) -> String {
    let (was, is) = (change.was(), change.is());
    let both = |what: &str, of: fn(&Figures) -> f64| {
        let [was, is] = [&was, &is].map(|figures| duration(of(figures) / 1e9));
        format!("\n{what} {was} before, {is} after")
    };
    let waiting = match was.waiting_ns + is.waiting_ns > 0.0 {
        true => both("of which waiting", |figures| figures.waiting_ns),
        false => String::new(),
    };
    format!(
        "{name}\nself {}{}{waiting}{}\ncalls {} before, {} after",
        sentence(change),
        both("self", |figures| figures.self_ns),
        both("total", |figures| figures.total_ns),
        mean(was.calls),
        mean(is.calls),
    )
}

fn class(change: &Change, whole: f64) -> String {
    let share = change.self_ns() / whole;
    let strength = STEPS.iter().filter(|step| share.abs() >= **step).count();
    match strength {
        0 => "same".to_owned(),
        strength if share > 0.0 => format!("more{strength}"),
        strength => format!("less{strength}"),
    }
}
