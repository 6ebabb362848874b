//! Draws the first view of a graph. All frames of one level and colour are one path, because a
//! browser needs time for each element. Names follow for frames that have room for one.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::functions::Functions;
use super::graph::{CELL, Estimates, FRAME, Graph, PADDING, UNITS, VISIBLE, WITH_EDGE};
use super::layout::{Content, Placed, Rest};
use crate::report::cells::beginning;
use crate::report::display::escape_xml;
use crate::report::numbers::{count, counted, duration};

/// Number of steps to which the edges of wide frames are rounded, so that their widths are exact to
/// a millionth. Edges of narrow frames are whole units, a 500th of a pixel.
const STEPS: u128 = 10_000 * UNITS;
/// Assumed widths of the window, pixels, if the picture takes its width from the window: the first
/// for visible frames, the second for names.
const FLUID_WIDTH: (u32, u32) = (1920, 1200);

/// Appends the frames and names of a graph that is `width` pixels wide, or follows
/// the window. `whole` nanoseconds are as wide as the graph.
pub(super) fn write_bars(
    out: &mut String,
    graph: &Graph<'_>,
    functions: &Functions<'_>,
    whole: u64,
    width: Option<u32>,
) {
    let (pixels, label_pixels) = width.map_or(FLUID_WIDTH, |width| (width, width));
    let share = |frame: &Placed| frame.total as f64 / whole.max(1) as f64;
    let marks_estimates = Estimates::of(graph.tree) == Estimates::Some;
    let height = graph.height();
    let _ = writeln!(
        out,
        "<svg class=\"bars\" viewBox=\"0 0 {UNITS} {height}\" preserveAspectRatio=\"none\" \
         width=\"100%\" height=\"{height}\">",
    );
    let mut labels = String::new();
    for (level, frames) in graph.layout.by_level().enumerate() {
        let y = graph.top(level);
        let mut paths: BTreeMap<(&str, bool, bool), String> = BTreeMap::new();
        let mut waits = String::new();
        for frame in frames {
            let share = share(frame);
            if share * f64::from(pixels) < VISIBLE {
                continue;
            }
            let (class, estimated) = match frame.content {
                Content::Node { node, .. } => {
                    let function = graph.tree.nodes.kinds()[node as usize];
                    // If all is estimated, a sentence says so and the colours stay strong.
                    let estimated = graph.tree.estimated[node as usize] && marks_estimates;
                    (functions.get(function).class, estimated)
                }
                Content::Rest(_) => ("f", false),
            };
            let (x, width) = extent(frame, whole);
            let edge = share > WITH_EDGE;
            let path = paths.entry((class, estimated, edge)).or_default();
            if edge {
                let [x, width] = [x, width].map(|steps| decimal(steps, STEPS / UNITS));
                let _ = write!(path, "M{x} 0v{FRAME}h{width}V0z");
            } else {
                let right = to_units(x + width);
                let _ = write!(path, "M{} 0v{FRAME}H{right}V0", to_units(x));
            }
            if let Some(wait) = wait_in(graph, frame) {
                if wait.total as f64 / whole.max(1) as f64 * f64::from(pixels) >= VISIBLE {
                    let (x, width) = extent(&wait, whole);
                    let [left, right] = [to_units(x), to_units(x + width)];
                    let _ = write!(waits, "M{left} {}H{right}", FRAME as f64 / 2.0);
                }
            }
            let room = (share * f64::from(label_pixels) - PADDING) / CELL;
            if room >= 2.0 {
                write_label(
                    &mut labels,
                    graph,
                    functions,
                    frame,
                    whole,
                    y,
                    room as usize,
                );
            }
        }
        let _ = write!(out, "<g transform=\"translate(0 {y})\">");
        for ((class, estimated, edge), path) in paths {
            let estimated = if estimated { " e" } else { "" };
            let edge = if edge { " w" } else { "" };
            let _ = write!(
                out,
                "<path class=\"{class}{estimated}{edge}\" d=\"{path}\"/>"
            );
        }
        if !waits.is_empty() {
            let _ = write!(out, "<path class=\"waits\" d=\"{waits}\"/>");
        }
        out.push_str("</g>\n");
    }
    let _ = write!(out, "</svg>\n<g class=\"labels\">{labels}</g>\n");
}

/// Returns the part of a frame in which its function has waited. It is at the right end, where no
/// callee is, because waiting is a part of the self time.
fn wait_in(graph: &Graph<'_>, frame: &Placed) -> Option<Placed> {
    let Content::Node { node, .. } = frame.content else {
        return None;
    };
    let waiting = graph.tree.waits.get(node).total().min(frame.total);
    (waiting > 0).then_some(Placed {
        start: frame.start + frame.total - waiting,
        total: waiting,
        ..*frame
    })
}

fn write_label(
    out: &mut String,
    graph: &Graph<'_>,
    functions: &Functions<'_>,
    frame: &Placed,
    whole: u64,
    y: usize,
    room: usize,
) {
    let rest_name;
    let name = match frame.content {
        Content::Node { node, .. } => &functions.get(graph.tree.nodes.kinds()[node as usize]).name,
        Content::Rest(rest) => {
            rest_name = name_of(rest, graph.narrow);
            &rest_name
        }
    };
    let Some(label) = beginning(name, room) else {
        return;
    };
    let (x, width) = extent(frame, whole);
    // Percentages, so that names keep their shape in every window.
    let _ = writeln!(
        out,
        "<svg role=\"img\" x=\"{}%\" y=\"{y}\" width=\"{}%\" height=\"{FRAME}\">\
         <title>{}, {:.2} % of all time, {}</title><text x=\"4\" y=\"12.5\">{}</text></svg>",
        decimal(x, STEPS / 100),
        decimal(width, STEPS / 100),
        escape_xml(name),
        100.0 * frame.total as f64 / whole.max(1) as f64,
        duration(frame.total as f64 / 1e9),
        escape_xml(&label),
    );
}

/// Returns the name of a frame for several nodes.
fn name_of(rest: Rest, narrow: &str) -> String {
    match rest.deeper {
        0 => {
            let functions = counted(rest.functions as usize, "function", "functions");
            format!("({functions} {narrow})")
        }
        deeper => format!("... {} frames deeper", count(i128::from(deeper))),
    }
}

/// Left edge and width in steps. Both edges are rounded, not the width: so
/// neighbours meet, and errors don't add up.
fn extent(frame: &Placed, whole: u64) -> (u128, u128) {
    let steps = |ns: u64| {
        let whole = u128::from(whole.max(1));
        (u128::from(ns) * STEPS + whole / 2) / whole
    };
    let left = steps(frame.start);
    (left, steps(frame.start.saturating_add(frame.total)) - left)
}

/// Returns the nearest whole unit.
fn to_units(steps: u128) -> u128 {
    (steps + STEPS / UNITS / 2) / (STEPS / UNITS)
}

/// Returns `steps` as a number of which the whole width has `STEPS / unit`, without trailing zeros.
/// `unit` is a power of ten.
fn decimal(steps: u128, unit: u128) -> String {
    let decimals = unit.ilog10() as usize;
    let text = format!("{}.{:0decimals$}", steps / unit, steps % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_short() {
        assert_eq!(decimal(STEPS, STEPS / 100), "100");
        assert_eq!(decimal(123_450_000, 10_000), "12345");
        assert_eq!(decimal(123_450_600, 10_000), "12345.06");
    }

    #[test]
    fn what_has_no_frame_has_a_name() {
        let rest = |functions, deeper| Rest {
            total: 1,
            functions,
            deeper,
        };
        let name = |rest| name_of(rest, "below 0.034 %");
        assert_eq!(name(rest(1, 0)), "(1 function below 0.034 %)");
        assert_eq!(name(rest(1200, 0)), "(1,200 functions below 0.034 %)");
        assert_eq!(name(rest(1, 2345)), "... 2,345 frames deeper");
    }
}
