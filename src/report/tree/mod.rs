//! The call tree as text for a terminal: the costliest calls, below their callers.
//!
//! ```text
//!    total   share    self  calls
//!   2.00 s 100.0 %  250 ms      1  main  main.py:3
//!   1.75 s  87.5 %  1.50 s  1,200  ├─ parse  sub/parse.py:7
//!   250 ms  12.5 %                 │  └─ … 14 frames of json, re
//! ```

mod choice;
mod frames;
mod imports;
mod layout;
mod tasks;
mod text;

use self::choice::choose;
use self::frames::Frames;
use self::imports::collapse_imports;
use self::layout::{Item, Layout, Times, layout};
pub use self::tasks::task_tree;
use self::text::{Line, Text};
pub(super) use self::text::{NARROWEST, cost};
use super::View;
use super::display::function_name;
use super::numbers::{at_least, count, counted, duration, percent};
use super::paths::PathShortener;
use super::roles::{Role, roles};
use super::terminal::Terminal;
use super::view::LowerBounds;
use crate::analysis::merge_siblings::merge_siblings;
use crate::model::{Function, Label};

/// Heads of the columns of figures.
const HEADS: [&str; 4] = ["total", "share", "self", "calls"];

/// Width where there is no terminal, characters.
pub const WIDE: usize = 160;

/// Part of the whole time for which hidden frames get a line, if lines are few.
const HIDDEN: u64 = 20;

/// Options of the tree: how much of it is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct TreeOptions {
    /// Frames with less than this share of the whole time are left out; 1.0 is all of it.
    pub threshold: f64,
    /// True to show frames of libraries one by one.
    pub all: bool,
    /// The most lines of frames; `None` for as many as there are.
    pub lines: Option<usize>,
    /// The terminal that the tree is for.
    pub terminal: Terminal,
}

impl Default for TreeOptions {
    fn default() -> Self {
        TreeOptions {
            threshold: 0.01,
            all: false,
            lines: None,
            terminal: Terminal {
                width: WIDE,
                ..Terminal::default()
            },
        }
    }
}

/// Returns the tree of `view`, ending in a newline; an empty text if nothing was recorded. Calls on
/// one path are added up for all threads and processes.
pub fn tree(view: &View<'_>, options: &TreeOptions) -> String {
    let tree = merge_siblings(view.tree());
    if tree.nodes.is_empty() {
        return String::new();
    }
    let whole = tree.whole();
    let least = (options.threshold * whole as f64).ceil() as u64;
    let paths = view.paths();
    let roles = roles(&tree, &view.profile.trees().processes, &paths);
    let mut frames = Frames { tree, roles };
    if !options.all {
        frames = collapse_imports(&frames, &paths);
    }
    let least_hidden = options.lines.map_or(0, |_| whole / HIDDEN);
    let times = Times::of(&frames, least, least_hidden);
    let chosen = match options.all {
        true => {
            let totals = frames.tree.nodes.totals().iter();
            totals.map(|&total| total >= least).collect()
        }
        false => choose(&frames, &times, options.lines),
    };
    let mut layout = layout(&frames, &times, &chosen);
    if options.all {
        layout
            .lines
            .retain(|(item, _)| matches!(item, Item::Frame(_)));
    }
    let shown = Shown {
        whole,
        times,
        lower_bounds: &view.lower_bounds,
        frames,
        layout,
        paths,
    };
    shown.text(options)
}

/// The tree that is drawn, with the facts that its lines state.
struct Shown<'v> {
    frames: Frames,
    layout: Layout,
    times: Times,
    lower_bounds: &'v LowerBounds<'v>,
    paths: PathShortener,
    whole: u64,
}

impl<'v> Shown<'v> {
    fn text(&self, options: &TreeOptions) -> String {
        let items = &self.layout.lines;
        let lines: Vec<_> = items
            .iter()
            .map(|(item, branch)| self.line(*item, branch))
            .collect();
        let mut text = Text::new(&options.terminal);
        text.push_lines(HEADS, &lines);
        let left_out = self.left_out();
        if left_out > 0 {
            let left_out = counted(left_out, "frame", "frames");
            let share = percent(options.threshold);
            text.push_remark(&format!("… {left_out} below {share} % left out"));
        }
        let shown = |is: &dyn Fn(u32) -> bool| {
            items.iter().any(|(item, _)| match item {
                Item::Frame(node) => is(*node),
                Item::Hidden(_) => false,
            })
        };
        if shown(&|node| self.frames.tree.estimated[node as usize]) {
            text.push_remark("~ estimated from callers and callees, for lack of a call tree");
        }
        let nodes = &self.frames.tree.nodes;
        let was_resumed = |node: u32| {
            let at = node as usize;
            nodes.calls()[at] == 0 && nodes.resumes()[at] > 0
        };
        if shown(&was_resumed) {
            text.push_remark("0 calls: called on another path, and resumed here");
        }
        if shown(&|node| self.mostly_waits(node)) {
            text.push_remark("◦ waiting, for half of the self time or more");
        }
        if shown(&|node| self.has(node, LowerBounds::has_overflow)) {
            text.push_remark("≥ at least: some calls of this function overflowed");
        }
        if shown(&|node| self.has(node, LowerBounds::is_unfinished)) {
            text.push_remark("≥ at least: some calls of this function had not ended at a kill");
        }
        options.terminal.fit(&text.finish())
    }

    /// Returns the number of frames that are neither shown nor counted in a line of hidden frames.
    fn left_out(&self) -> usize {
        let counted = self.layout.lines.iter().map(|(item, _)| match item {
            Item::Frame(_) => 1,
            Item::Hidden(anchor) => self.layout.hidden[anchor].long,
        });
        self.frames.tree.nodes.len().saturating_sub(counted.sum())
    }

    fn line(&self, item: Item, branch: &str) -> Line {
        let nanoseconds = |time: u64| duration(time as f64 / 1e9);
        let branch = branch.to_owned();
        let share = |total: u64| match self.whole {
            0 => 0.0,
            whole => total as f64 / whole as f64,
        };
        let own = |own: u64, is_least: bool| match own >= self.times.least {
            true => at_least(own as f64 / 1e9, is_least),
            false => String::new(),
        };
        match item {
            Item::Hidden(anchor) => {
                let hidden = &self.layout.hidden[&anchor];
                Line {
                    figures: [
                        nanoseconds(hidden.total),
                        format!("{:.1} %", share(hidden.total) * 100.0),
                        own(hidden.own, false),
                        String::new(),
                    ],
                    share: share(hidden.total),
                    branch,
                    name: String::new(),
                    places: hidden.texts(&self.frames, &self.times, &self.paths),
                }
            }
            Item::Frame(node) => {
                let at = node as usize;
                let nodes = &self.frames.tree.nodes;
                let total = nodes.totals()[at];
                let function = self.function(node);
                let mark = match self.frames.tree.estimated[at] {
                    true => "~ ",
                    false if self.has(node, LowerBounds::has_total) => "≥ ",
                    false => "",
                };
                let mark_of_own = match self.mostly_waits(node) {
                    true => "◦ ",
                    false => "",
                };
                let place = match self.frames.roles[nodes.kinds()[at] as usize] {
                    Role::Waiting => "waiting".to_owned(),
                    _ => self.paths.location(&function.label),
                };
                Line {
                    figures: [
                        format!("{mark}{}", nanoseconds(total)),
                        format!("{:.1} %", share(total) * 100.0),
                        mark_of_own.to_owned()
                            + &own(
                                self.times.own[at],
                                self.has(node, LowerBounds::has_self_time),
                            ),
                        // Processes, threads and the like are not called.
                        match (nodes.calls()[at], nodes.resumes()[at]) {
                            (0, 0) => String::new(),
                            (calls, _) => count(i128::from(calls)),
                        },
                    ],
                    share: share(total),
                    branch,
                    name: function_name(function),
                    places: vec![place],
                }
            }
        }
    }

    /// Returns true if the thread could not run for half of the self time or more. Preemption does
    /// not count, because a busy machine preempts all functions.
    fn mostly_waits(&self, node: u32) -> bool {
        let own = self.times.own[node as usize];
        let waiting = self.frames.tree.waits.get(node);
        let waiting = waiting.blocked.saturating_add(waiting.gil);
        own >= self.times.least && waiting > 0 && waiting >= own / 2
    }

    fn function(&self, node: u32) -> &Function {
        let function = self.frames.tree.nodes.kinds()[node as usize];
        &self.frames.tree.functions[function as usize]
    }

    fn has(&self, node: u32, is_so: fn(&LowerBounds<'v>, &Label) -> bool) -> bool {
        is_so(self.lower_bounds, &self.function(node).label)
    }
}
