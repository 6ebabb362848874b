//! The call tree as text for a terminal: what cost most, and on whose behalf.
//!
//! ```text
//!    total   share    self  calls
//!   2.00 s 100.0 %  250 ms      1  main  main.py:3
//!   1.75 s  87.5 %  1.50 s  1,200  ├─ parse  sub/parse.py:7
//!   250 ms  12.5 %                 │  └─ … 14 frames of json, re
//! ```

mod library_runs;
mod text;

use std::cmp::Reverse;

use self::library_runs::{Runs, collapse};
use self::text::{Line, Text};
use super::View;
use super::display::function_name;
use super::numbers::{at_least, count, counted, duration, percent};
use super::paths::{CodeOrigin, PathShortener, origin};
use super::view::LowerBounds;
use crate::analysis::display_tree::DisplayTree;
use crate::analysis::merge_siblings::merge_siblings;
use crate::model::walk::Children;
use crate::model::{Function, Label};

/// Frames above each other that are shown; a recursion can be any deeper.
const MAX_LEVELS: usize = 400;

/// How much of the tree is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct TreeOptions {
    /// Frames with less than this share of the whole time are left out; 1.0 is all of it.
    pub threshold: f64,
    /// Whether frames of libraries are shown one by one.
    pub all: bool,
    /// The longest line, characters; `None` for one that suits files.
    pub width: Option<usize>,
    /// Whether the text has ANSI escape sequences for colours.
    pub colours: bool,
}

impl Default for TreeOptions {
    fn default() -> Self {
        TreeOptions {
            threshold: 0.01,
            all: false,
            width: None,
            colours: false,
        }
    }
}

/// The tree of `view`, ending in a newline; nothing where nothing was recorded. What
/// several threads and processes did on one call path is added up.
pub fn tree(view: &View<'_>, options: &TreeOptions) -> String {
    let frames = merge_siblings(view.tree());
    if frames.nodes.is_empty() {
        return String::new();
    }
    let least = (options.threshold * frames.whole() as f64).ceil() as u64;
    let paths = PathShortener::new(frames.functions.iter().map(|function| &function.label));
    // A tree of libraries alone would be one line, that of a script that only calls them
    // hardly more.
    let of_program = |function: &Function| {
        let label = &function.label;
        origin(label) == CodeOrigin::Program
            && !label.file.starts_with(b"<")
            && &*label.name != b"<module>"
    };
    let all = options.all || !frames.functions.iter().any(of_program);
    let (frames, runs) = match all {
        true => (frames, Runs::new()),
        false => collapse(&frames, &paths, least),
    };
    let shown = Shown {
        whole: frames.whole(),
        least,
        self_times: frames.nodes.self_times(),
        lower_bounds: &view.lower_bounds,
        frames,
        runs,
        paths,
    };
    let drawn = shown.draw();
    let in_run = |drawn: &Drawn| shown.runs.get(&drawn.node).map_or(0, |run| run.left_out);
    let left_out = shown.frames.nodes.len() - drawn.len() + drawn.iter().map(in_run).sum::<usize>();
    let is_estimated = |node: &Drawn| shown.frames.estimated[node.node as usize];
    let some_estimated = drawn.iter().any(is_estimated);
    let some_resumed = drawn.iter().any(|drawn| {
        let (at, nodes) = (drawn.node as usize, &shown.frames.nodes);
        shown.function(drawn.node).is_some() && nodes.calls()[at] == 0 && nodes.resumes()[at] > 0
    });
    let mut nodes = drawn.iter().map(|drawn| drawn.node);
    let some_overflowed = nodes
        .clone()
        .any(|node| shown.has(node, LowerBounds::has_overflow));
    let some_unfinished = nodes.any(|node| shown.has(node, LowerBounds::is_unfinished));
    let lines: Vec<_> = drawn.into_iter().map(|drawn| shown.line(drawn)).collect();

    let mut text = Text::new(options.width, options.colours);
    text.push_lines(&lines);
    if left_out > 0 {
        let left_out = counted(left_out, "frame", "frames");
        let share = percent(options.threshold);
        text.push_remark(&format!("… {left_out} below {share} % left out"));
    }
    if some_estimated {
        text.push_remark("~ estimated from callers and callees, for lack of a call tree");
    }
    if some_resumed {
        text.push_remark("0 calls: called on another path, and resumed here");
    }
    if some_overflowed {
        text.push_remark("≥ at least: some calls of this function overflowed");
    }
    if some_unfinished {
        text.push_remark("≥ at least: some calls of this function had not ended at a kill");
    }
    text.finish()
}

/// What is drawn, and what is known of it.
struct Shown<'v> {
    frames: DisplayTree,
    runs: Runs,
    self_times: Vec<u64>,
    lower_bounds: &'v LowerBounds<'v>,
    paths: PathShortener,
    whole: u64,
    least: u64,
}

/// A node with the lines that connect it to its parent.
struct Drawn {
    node: u32,
    branch: String,
}

impl<'v> Shown<'v> {
    /// The nodes with enough time in the order of their lines: the costliest
    /// first among siblings.
    fn draw(&self) -> Vec<Drawn> {
        let (nodes, least) = (&self.frames.nodes, self.least);
        let children = Children::of(nodes);
        let costliest_first = |siblings: &[u32]| {
            let total = |node: &u32| nodes.totals()[*node as usize];
            let mut siblings: Vec<_> = siblings
                .iter()
                .copied()
                .filter(|n| total(n) >= least)
                .collect();
            siblings.sort_by_key(|node| Reverse(total(node)));
            siblings.into_iter().peekable()
        };
        let mut drawn = Vec::new();
        let mut open = vec![costliest_first(children.roots())];
        while let Some(siblings) = open.last_mut() {
            let Some(node) = siblings.next() else {
                open.pop();
                continue;
            };
            drawn.push(Drawn {
                node,
                branch: branch(open.iter_mut().map(|rest| rest.peek().is_some())),
            });
            if open.len() < MAX_LEVELS {
                open.push(costliest_first(children.under(node)));
            }
        }
        drawn
    }

    fn line(&self, Drawn { node, branch }: Drawn) -> Line {
        let at = node as usize;
        let nodes = &self.frames.nodes;
        let nanoseconds = |time: u64| duration(time as f64 / 1e9);
        let share = match self.whole {
            0 => 0.0,
            whole => nodes.totals()[at] as f64 / whole as f64,
        };
        let mark = match self.frames.estimated[at] {
            true => "~ ",
            false if self.has(node, LowerBounds::has_total) => "≥ ",
            false => "",
        };
        let own = self.self_times[at];
        let is_least = self.has(node, LowerBounds::has_self_time);
        let own = (own >= self.least).then(|| at_least(own as f64 / 1e9, is_least));
        let (calls, name, place) = match (self.runs.get(&node), self.function(node)) {
            (Some(run), _) => {
                let frames = counted(run.frames, "frame", "frames");
                let place = format!("… {frames} of {}", run.modules());
                (String::new(), String::new(), place)
            }
            (None, Some(function)) => (
                // Processes, threads and the like are not called.
                match (nodes.calls()[at], nodes.resumes()[at]) {
                    (0, 0) => String::new(),
                    (calls, _) => count(i128::from(calls)),
                },
                function_name(function),
                self.paths.location(&function.label),
            ),
            (None, None) => Default::default(),
        };
        Line {
            figures: [
                format!("{mark}{}", nanoseconds(nodes.totals()[at])),
                format!("{:.1} %", share * 100.0),
                own.unwrap_or_default(),
                calls,
            ],
            share,
            branch,
            name,
            place,
        }
    }

    /// Nothing for a run.
    fn function(&self, node: u32) -> Option<&Function> {
        let function = self.frames.nodes.kinds()[node as usize];
        self.frames.functions.get(function as usize)
    }

    fn has(&self, node: u32, is_so: fn(&LowerBounds<'v>, &Label) -> bool) -> bool {
        let function = self.function(node);
        function.is_some_and(|function| is_so(self.lower_bounds, &function.label))
    }
}

/// The lines beside a name; for each level above it, whether more siblings follow there.
fn branch(levels: impl DoubleEndedIterator<Item = bool> + ExactSizeIterator) -> String {
    let last = levels.len() - 1;
    let mut text = String::new();
    for (level, more) in levels.enumerate().skip(1) {
        text.push_str(match (level == last, more) {
            (true, true) => "├─ ",
            (true, false) => "└─ ",
            (false, true) => "│  ",
            (false, false) => "   ",
        });
    }
    text
}
