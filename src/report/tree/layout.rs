//! Lays out the lines of a tree of which some frames are shown. Hidden frames become one line below
//! the nearest shown frame above them.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::frames::Frames;
use crate::model::NO_PARENT;
use crate::report::display::function_name;
use crate::report::numbers::{counted, duration};
use crate::report::paths::PathShortener;
use crate::report::roles::{Role, module};

/// Largest number of frames above each other that are shown, because a recursion may be deeper.
const MAX_LEVELS: usize = 400;

/// Largest numbers of modules and functions of hidden frames that are named.
const NAMED: usize = 3;
const HOT: usize = 2;
/// A hidden frame is named if it takes at least this part of the time of all hidden ones: a tenth.
const WORTH_NAMING: u64 = 10;

/// Times of nodes, nanoseconds.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) own: Vec<u64>,
    /// Without the time that is waited in it.
    pub(super) work: Vec<u64>,
    /// Less than this does not get a line of its own.
    pub(super) least: u64,
    /// Hidden frames of less than this, of which none is shown, get no line.
    pub(super) least_hidden: u64,
}

impl Times {
    pub(super) fn of(frames: &Frames, least: u64, least_hidden: u64) -> Times {
        let nodes = &frames.tree.nodes;
        let own = nodes.self_times();
        let mut work: Vec<_> = own
            .iter()
            .zip(nodes.kinds())
            .map(|(&own, &function)| match frames.roles[function as usize] {
                Role::Waiting => 0,
                _ => own,
            })
            .collect();
        for (node, waiting) in frames.tree.waits.iter() {
            let waited = waiting.blocked.saturating_add(waiting.gil);
            let work = &mut work[node as usize];
            *work = work.saturating_sub(waited);
        }
        for node in (0..nodes.len()).rev() {
            let below = work[node];
            if let Some(above) = work.get_mut(nodes.parents()[node] as usize) {
                *above = above.saturating_add(below);
            }
        }
        Times {
            own,
            work,
            least,
            least_hidden: least_hidden.max(least),
        }
    }
}

/// Subject of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// A node.
    Frame(u32),
    /// The hidden frames below a node that is shown.
    Hidden(u32),
}

/// Frames that are hidden below one node.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    pub(super) total: u64,
    pub(super) own: u64,
    work: u64,
    /// The nodes.
    nodes: Vec<u32>,
    /// Those of them that take long enough for a line.
    pub(super) long: usize,
    /// True if frames below them are shown.
    has_shown: bool,
}

/// The lines, in order.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Each with the marks that connect it to its parent.
    pub(super) lines: Vec<(Item, String)>,
    pub(super) hidden: HashMap<u32, Hidden>,
}

/// Lays out `frames`, of which those in `shown` are shown.
pub(super) fn layout(frames: &Frames, times: &Times, shown: &[bool]) -> Layout {
    let mut shown = shown.to_vec();
    let hidden = hidden(frames, times, &shown);
    // A single frame is named on the line that it would be hidden in.
    for hidden in hidden.values() {
        let single = match hidden.long {
            0 if hidden.nodes.len() == 1 => hidden.nodes.first(),
            1 => hidden.nodes.iter().find(|&&n| is_long(frames, times, n)),
            _ => None,
        };
        let above = |node: &u32| frames.tree.nodes.parents()[*node as usize];
        if let Some(&node) = single.filter(|node| is_shown(&shown, above(node))) {
            shown[node as usize] = hidden.total >= times.least_hidden || hidden.has_shown;
        }
    }
    let hidden = self::hidden(frames, times, &shown);
    Layout {
        lines: lines(frames, times, &shown, &hidden),
        hidden,
    }
}

fn is_long(frames: &Frames, times: &Times, node: u32) -> bool {
    frames.tree.nodes.totals()[node as usize] >= times.least
}

/// Returns true if `node` is shown, or if `node` is above the roots, where nothing can be hidden.
fn is_shown(shown: &[bool], node: u32) -> bool {
    shown.get(node as usize).copied().unwrap_or(true)
}

/// Hidden frames by the node that is shown above them.
fn hidden(frames: &Frames, times: &Times, shown: &[bool]) -> HashMap<u32, Hidden> {
    let nodes = &frames.tree.nodes;
    let mut all: HashMap<u32, Hidden> = HashMap::new();
    // For each node the one shown above it.
    let mut above: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0..).zip(nodes.parents()) {
        let at = node as usize;
        let anchor = match is_shown(shown, parent) {
            true => parent,
            false => above[parent as usize],
        };
        above.push(anchor);
        if !shown[at] {
            let hidden = all.entry(anchor).or_default();
            if is_shown(shown, parent) {
                hidden.total = hidden.total.saturating_add(nodes.totals()[at]);
                hidden.work = hidden.work.saturating_add(times.work[at]);
            }
            hidden.own = hidden.own.saturating_add(times.own[at]);
            hidden.long += usize::from(is_long(frames, times, node));
            hidden.nodes.push(node);
        } else if !is_shown(shown, parent) {
            all.entry(anchor).or_default().has_shown = true;
        }
    }
    all
}

/// Returns the items in order, without hidden frames that take too little time.
fn lines(
    frames: &Frames,
    times: &Times,
    shown: &[bool],
    hidden: &HashMap<u32, Hidden>,
) -> Vec<(Item, String)> {
    let nodes = &frames.tree.nodes;
    let mut below: HashMap<Item, Vec<Item>> = HashMap::new();
    let mut above: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &parent) in (0..).zip(nodes.parents()) {
        let is_direct = is_shown(shown, parent);
        let anchor = if is_direct {
            parent
        } else {
            above[parent as usize]
        };
        above.push(anchor);
        if shown[node as usize] {
            let place = match is_direct {
                true => Item::Frame(anchor),
                false => Item::Hidden(anchor),
            };
            below.entry(place).or_default().push(Item::Frame(node));
        }
    }
    for (&anchor, run) in hidden {
        if run.total >= times.least_hidden.max(1) || run.has_shown {
            let items = below.entry(Item::Frame(anchor)).or_default();
            items.push(Item::Hidden(anchor));
        }
    }
    for items in below.values_mut() {
        items.sort_by_key(|&item| match item {
            Item::Frame(node) => {
                let at = node as usize;
                (Reverse(times.work[at]), Reverse(nodes.totals()[at]), node)
            }
            Item::Hidden(anchor) => {
                let run = &hidden[&anchor];
                (Reverse(run.work), Reverse(run.total), u32::MAX)
            }
        });
    }
    walk(&below)
}

fn walk(below: &HashMap<Item, Vec<Item>>) -> Vec<(Item, String)> {
    let items = |item| below.get(&item).into_iter().flatten().copied().peekable();
    let mut lines = Vec::new();
    let mut open = vec![items(Item::Frame(NO_PARENT))];
    while let Some(siblings) = open.last_mut() {
        let Some(item) = siblings.next() else {
            open.pop();
            continue;
        };
        let branch = branch(open.iter_mut().map(|rest| rest.peek().is_some()));
        lines.push((item, branch));
        if open.len() < MAX_LEVELS {
            open.push(items(item));
        }
    }
    lines
}

/// Returns the lines beside a name. `levels` has true for each level above it on which more
/// siblings follow.
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

impl Hidden {
    /// Returns texts with the number of frames, their modules, and the functions that take their
    /// time: `… 36 frames of gunicorn: select.epoll.poll 1.70 s waiting`. Each text is shorter than
    /// the one before.
    pub(super) fn texts(
        &self,
        frames: &Frames,
        times: &Times,
        paths: &PathShortener,
    ) -> Vec<String> {
        let number = match self.long {
            0 => counted(self.nodes.len(), "small frame", "small frames"),
            long => counted(long, "frame", "frames"),
        };
        let (modules, functions) = self.sums(frames, times, paths);
        let worth = (self.own / WORTH_NAMING).max(times.least).max(1);
        let hot = functions.into_iter().take_while(|&(_, time)| time >= worth);
        let hot: Vec<_> = hot.take(HOT).collect();
        let text = |named: usize, hottest: usize, says_waiting: bool| {
            let more = if named < modules.len() { ", …" } else { "" };
            let of = match named {
                0 => String::new(),
                named => format!(" of {}{more}", modules[..named].join(", ")),
            };
            let colon = if hottest > 0 { ": " } else { "" };
            let hot = hot[..hottest].iter();
            let hot = hot.map(|&(function, time)| hot_text(frames, function, time, says_waiting));
            format!(
                "… {number}{of}{colon}{}",
                hot.collect::<Vec<_>>().join(", ")
            )
        };
        let most = modules.len().min(NAMED);
        let one = hot.len().min(1);
        let choices = [
            (most, hot.len(), true),
            (most, one, true),
            (1, one, true),
            (1, one, false),
            (0, one, true),
            (0, one, false),
            (1, 0, false),
            (0, 0, false),
        ];
        choices
            .map(|(named, hottest, says)| text(named, hottest, says))
            .into()
    }

    /// Names of the modules and the functions, those with most self time first.
    fn sums(
        &self,
        frames: &Frames,
        times: &Times,
        paths: &PathShortener,
    ) -> (Vec<String>, Vec<(u32, u64)>) {
        let mut functions: HashMap<u32, (u64, bool)> = HashMap::new();
        for &node in &self.nodes {
            let function = frames.tree.nodes.kinds()[node as usize];
            let (time, is_long) = functions.entry(function).or_default();
            *time = time.saturating_add(times.own[node as usize]);
            *is_long |= self::is_long(frames, times, node) || self.long == 0;
        }
        let mut modules: HashMap<String, u64> = HashMap::new();
        for (&function, &(time, is_long)) in &functions {
            let module = module(&frames.tree.functions[function as usize], paths);
            let package = module.split('.').next().unwrap_or_default();
            if is_long && !package.is_empty() {
                let sum = modules.entry(package.to_owned()).or_default();
                *sum = sum.saturating_add(time);
            }
        }
        let mut modules: Vec<_> = modules.into_iter().collect();
        modules.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut names: Vec<_> = modules.into_iter().map(|(module, _)| module).collect();
        if names.is_empty() {
            names.push("builtins".to_owned());
        }
        let times = functions
            .into_iter()
            .map(|(function, (time, _))| (function, time));
        let mut functions: Vec<_> = times.collect();
        functions.sort_by_key(|&(function, time)| (Reverse(time), function));
        (names, functions)
    }
}

fn hot_text(frames: &Frames, function: u32, time: u64, says_waiting: bool) -> String {
    let name = function_name(&frames.tree.functions[function as usize]);
    let waiting = match frames.roles[function as usize] {
        Role::Waiting if says_waiting => " waiting",
        _ => "",
    };
    format!("{name} {}{waiting}", duration(time as f64 / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::display_tree::DisplayTree;
    use crate::model::{Function, NodeRow};

    /// A tree of `size` nodes and frames of it to show, different for each `seed`.
    fn random(size: u32, mut seed: u32) -> (Frames, Vec<bool>) {
        let mut next = move |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below.max(1)
        };
        let mut tree = DisplayTree {
            functions: vec![Function::stand_in("f"), Function::stand_in("g")],
            ..DisplayTree::default()
        };
        let mut rooms: Vec<u64> = Vec::new();
        for node in 0..size {
            let parent = match next(8) {
                _ if node == 0 => NO_PARENT,
                0 => NO_PARENT,
                _ => next(node),
            };
            let total = match rooms.get_mut(parent as usize) {
                Some(room) => {
                    let total = u64::from(next(*room as u32 + 1));
                    *room -= total;
                    total
                }
                None => 1_000_000,
            };
            rooms.push(total);
            tree.nodes.push(NodeRow {
                parent,
                kind: next(2),
                calls: 1,
                resumes: 0,
                total,
            });
            tree.estimated.push(false);
        }
        let roles = vec![Role::Library, Role::Waiting];
        let shown = (0..size).map(|_| next(3) == 0).collect();
        (Frames { tree, roles }, shown)
    }

    #[test]
    fn lines_add_up() {
        for seed in 0..300 {
            let (frames, shown) = random(1 + seed % 60, seed);
            let times = Times::of(&frames, u64::from(seed % 3) * 1_000, 2_000);
            let layout = layout(&frames, &times, &shown);
            let total = |item: &Item| match item {
                Item::Frame(node) => frames.tree.nodes.totals()[*node as usize],
                Item::Hidden(anchor) => layout.hidden[anchor].total,
            };
            let own = |item: &Item| match item {
                Item::Frame(node) => times.own[*node as usize],
                Item::Hidden(anchor) => layout.hidden[anchor].own,
            };
            // The lines below each line, by their indentation.
            let depth = |branch: &str| branch.chars().count();
            for (at, (item, branch)) in layout.lines.iter().enumerate() {
                let below = layout.lines[at + 1..].iter();
                let below = below.take_while(|(_, b)| depth(b) > depth(branch));
                let direct = below.filter(|(_, b)| depth(b) == depth(branch) + 3);
                let shown: u64 = direct.map(|(item, _)| total(item)).sum();
                // Hidden frames of too little time for a line.
                let has_line = |node| {
                    let mut lines = layout.lines.iter();
                    lines.any(|(item, _)| *item == Item::Hidden(node))
                };
                let unseen = match item {
                    Item::Frame(node) if !has_line(*node) => layout.hidden.get(node),
                    _ => None,
                };
                let unseen = unseen.map_or(0, |hidden| hidden.total);
                assert_eq!(own(item) + shown + unseen, total(item), "seed {seed}");
            }
        }
    }
}
