//! Chooses the frames that are shown. The heaviest path and the program's own functions come first,
//! the costliest before others, until the lines are used up.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::mem;

use super::frames::Frames;
use super::layout::{Times, layout};
use crate::model::walk::Children;
use crate::model::{FunctionKind, NO_PARENT};
use crate::report::roles::{Role, is_module_body, is_start};

/// Number of the program's own functions that come before other functions.
const OWN: usize = 8;
/// If lines are few, all of these but the first must take this part of the time without waiting: a
/// thousandth.
const WORTH_SHOWING: u64 = 1_000;
/// A function is between two others if all but this part of its time, a twentieth, is that of an
/// own function below it.
const PASSED: u64 = 20;
/// Number of further frames that are tried after as many as fit were chosen.
const TRIED: usize = 40;

/// Returns true for each node that is shown in at most `lines` lines.
pub(super) fn choose(frames: &Frames, times: &Times, lines: Option<usize>) -> Vec<bool> {
    let mut shown = vec![false; frames.tree.nodes.len()];
    let ranked = ranked(frames, times, lines);
    let Some(lines) = lines else {
        ranked.iter().for_each(|&node| shown[node as usize] = true);
        return shown;
    };
    let first = |number: usize| {
        let mut shown = vec![false; frames.tree.nodes.len()];
        let chosen = ranked.iter().take(number);
        chosen.for_each(|&node| shown[node as usize] = true);
        shown
    };
    let fits = |shown: &[bool]| layout(frames, times, shown).lines.len() <= lines;
    // Each frame takes a line, and most take no more.
    let (mut fitting, mut too_many) = (0, ranked.len().min(lines) + 1);
    while too_many - fitting > 1 {
        let middle = fitting.midpoint(too_many);
        match fits(&first(middle)) {
            true => fitting = middle,
            false => too_many = middle,
        }
    }
    shown = first(fitting);
    for &node in ranked.iter().skip(fitting).take(TRIED) {
        shown[node as usize] = true;
        shown[node as usize] = fits(&shown);
    }
    shown
}

/// Returns the frames that are worth a line, the most important first.
fn ranked(frames: &Frames, times: &Times, lines: Option<usize>) -> Vec<u32> {
    let nodes = &frames.tree.nodes;
    let prominent = prominent(frames, times);
    // Waiting counts, but less than work.
    let score = |node: u32| {
        let at = node as usize;
        let time = match prominent[at] {
            true => nodes.totals()[at],
            false => times.own[at],
        };
        time.min(times.work[at]) + time.saturating_sub(times.work[at]) / 4
    };
    let mut by_score: Vec<_> = (0..nodes.len() as u32).collect();
    by_score.sort_by_key(|&node| Reverse(score(node)));
    let half = lines.map_or(usize::MAX, |lines| lines / 2);
    let Way { mut ranked, rest } = heaviest_way(frames, times, &prominent);
    ranked.truncate(half);
    let work = || {
        let roots = (0..)
            .zip(nodes.parents())
            .filter(|(_, parent)| **parent == NO_PARENT);
        roots
            .map(|(node, _): (usize, _)| times.work[node])
            .sum::<u64>()
    };
    let least = lines.map_or(0, |_| work() / WORTH_SHOWING);
    ranked.extend(own_functions(frames, &prominent, &by_score, least));
    ranked.extend(rest.into_iter().take(half));
    let long = |&&node: &&u32| {
        let time = match prominent[node as usize] {
            true => nodes.totals()[node as usize],
            false => times.own[node as usize],
        };
        time >= times.least.max(1)
    };
    ranked.extend(by_score.iter().filter(long));
    let mut known = HashSet::new();
    ranked.retain(|&node| known.insert(node));
    ranked
}

/// Frames that name the hidden ones below them: roots, the program's own and those that they call.
/// A library's thread that mostly waits is no such root.
fn prominent(frames: &Frames, times: &Times) -> Vec<bool> {
    let nodes = &frames.tree.nodes;
    let role = |node: u32| {
        let function = nodes.kinds().get(node as usize);
        function.map(|&function| frames.roles[function as usize])
    };
    let repeated = repeated(frames);
    let waits = |node: u32| {
        let library = matches!(role(node), Some(Role::Library | Role::Machinery));
        library && times.work[node as usize] < nodes.totals()[node as usize] / 4
    };
    let node_and_parent = (0..).zip(nodes.parents());
    node_and_parent
        .map(|(node, &parent)| match role(parent) {
            _ if repeated[node as usize] => false,
            None => !waits(node) && role(node) != Some(Role::Machinery) && !starts(frames, node),
            Some(above) => above.is_own() || role(node).is_some_and(Role::is_own),
        })
        .collect()
}

/// Returns true for a frame of the interpreter's start, which is no part of the program.
fn starts(frames: &Frames, node: u32) -> bool {
    let function = &frames.tree.functions[frames.tree.nodes.kinds()[node as usize] as usize];
    is_start(function)
}

/// Frames of functions that have called themselves.
fn repeated(frames: &Frames) -> Vec<bool> {
    use crate::model::walk::{Step, walk};
    let nodes = &frames.tree.nodes;
    let mut open = vec![0_u32; frames.tree.functions.len()];
    let mut repeated = vec![false; nodes.len()];
    walk(nodes, |step| match step {
        Step::Enter(node) => {
            let function = nodes.kinds()[node as usize] as usize;
            repeated[node as usize] = open[function] > 0;
            open[function] += 1;
        }
        Step::Leave(node) => open[nodes.kinds()[node as usize] as usize] -= 1,
    });
    repeated
}

/// Frames of the path on which most work is done.
struct Way {
    /// Its ends, then own functions in which time leaves the path.
    ranked: Vec<u32>,
    /// Frames in between that name the hidden ones below them.
    rest: Vec<u32>,
}

/// Returns the path on which most work is done, without the interpreter's start, on which a waiting
/// program may have done most work.
fn heaviest_way(frames: &Frames, times: &Times, prominent: &[bool]) -> Way {
    let nodes = &frames.tree.nodes;
    let children = Children::of(nodes);
    let weight = |node: u32| (times.work[node as usize], nodes.totals()[node as usize]);
    let heaviest = |nodes: &[u32]| nodes.iter().copied().max_by_key(|&node| weight(node));
    let mut way = Vec::new();
    let roots = children.roots().iter().copied();
    let is_long = |root: u32| nodes.totals()[root as usize] >= times.least;
    let mut next = roots.max_by_key(|&root| (is_long(root), !starts(frames, root), weight(root)));
    while let Some(node) = next {
        way.push(node);
        let own = times.own[node as usize];
        let worth = own.max(times.least_hidden);
        next = heaviest(children.under(node)).filter(|&child| weight(child).1 > worth);
    }
    // Functions that start modules are no beginning of the program.
    let mut named = way.iter().filter(|&&node| prominent[node as usize]);
    let role = |node: u32| frames.roles[nodes.kinds()[node as usize] as usize];
    let begins = |node: &&u32| role(**node) != Role::Machinery;
    let ends = [way.last(), named.next().or_else(|| way.iter().find(begins))];
    let mut ranked: Vec<_> = ends.into_iter().flatten().copied().collect();
    // Own functions in which much of the time leaves the path tell more than those that pass all of
    // it on. They also tell more than library functions in between.
    let totals = nodes.totals();
    let leaving = way.windows(2).map(|pair| {
        let left = totals[pair[0] as usize].saturating_sub(totals[pair[1] as usize]);
        (pair[0], left)
    });
    let mut own: Vec<_> = leaving
        .filter(|&(node, _)| prominent[node as usize] && is_own(frames, node))
        .collect();
    own.sort_by_key(|&(_, left)| Reverse(left));
    ranked.extend(own.into_iter().map(|(node, _)| node));
    way.retain(|&node| prominent[node as usize]);
    Way { ranked, rest: way }
}

/// Returns the costliest frame of each of the costliest own functions, and at least one frame,
/// however little time it takes. Functions between two others come last, because there may be too
/// few lines. Functions of a package that was started come after those that are in no package.
fn own_functions(frames: &Frames, prominent: &[bool], by_score: &[u32], least: u64) -> Vec<u32> {
    let nodes = &frames.tree.nodes;
    let mut known = HashSet::new();
    let mut is_first = true;
    let groups = groups(frames);
    let own = by_score.iter().copied().filter(|&node| {
        is_own(frames, node)
            && !groups[node as usize]
            && prominent[node as usize]
            && nodes.totals()[node as usize] > 0
            && (mem::take(&mut is_first) || nodes.totals()[node as usize] >= least)
            && known.insert(nodes.kinds()[node as usize])
    });
    let between = between(frames, &groups);
    let mut own: Vec<_> = own.collect();
    own.sort_by_key(|&node| {
        let function = nodes.kinds()[node as usize];
        let is_started = frames.roles[function as usize] == Role::Started;
        (between[node as usize], is_started)
    });
    own.truncate(OWN);
    own
}

/// Returns true for a function of the program, though not for the body of a module.
fn is_own(frames: &Frames, node: u32) -> bool {
    let function = frames.tree.nodes.kinds()[node as usize] as usize;
    frames.roles[function].is_own() && !is_module_body(&frames.tree.functions[function])
}

/// Frames of processes, threads and forks, which are native but no functions of the program.
fn groups(frames: &Frames) -> Vec<bool> {
    let nodes = &frames.tree.nodes;
    let mut groups: Vec<bool> = Vec::with_capacity(nodes.len());
    for (&function, &parent) in nodes.kinds().iter().zip(nodes.parents()) {
        let is_native = frames.tree.functions[function as usize].kind == FunctionKind::Native;
        groups.push(is_native && groups.get(parent as usize).copied().unwrap_or(true));
    }
    groups
}

/// Returns true for own functions below another one and above one that takes nearly all of their
/// time. The program's first function below a package that was started is not one of them.
fn between(frames: &Frames, groups: &[bool]) -> Vec<bool> {
    let nodes = &frames.tree.nodes;
    let own: Vec<_> = (0..nodes.len() as u32)
        .map(|node| is_own(frames, node) && !groups[node as usize])
        .collect();
    let role = |node: usize| frames.roles[nodes.kinds()[node] as usize];
    // Own functions above: of a package that was started, and others.
    let mut above = vec![(false, false); nodes.len()];
    for (node, &parent) in nodes.parents().iter().enumerate() {
        let parent = parent as usize;
        if let Some(&(started, others)) = above.get(parent) {
            let is_started = role(parent) == Role::Started;
            above[node] = (
                started || own[parent] && is_started,
                others || own[parent] && !is_started,
            );
        }
    }
    let is_below = |node: usize| above[node].1 || above[node].0 && role(node) == Role::Started;
    // The longest total of an own function below.
    let mut below = vec![0_u64; nodes.len()];
    for (node, &parent) in nodes.parents().iter().enumerate().rev() {
        let longest = match own[node] {
            true => nodes.totals()[node].max(below[node]),
            false => below[node],
        };
        if let Some(above) = below.get_mut(parent as usize) {
            *above = longest.max(*above);
        }
    }
    let passes = |node: usize| below[node] >= nodes.totals()[node] - nodes.totals()[node] / PASSED;
    (0..nodes.len())
        .map(|node| own[node] && is_below(node) && passes(node))
        .collect()
}
