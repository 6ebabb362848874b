//! Measures the time for making the picture and the page, and their sizes:
//!
//!     cargo bench --bench pictures -- [FILE.prof] [--write=PICTURE.svg] [--millions=N]
//!
//! Without a file it draws a made-up tree of N million nodes, one by default. `make bench-pictures`
//! then opens what was written in a browser.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use edbprof::analysis::display_tree::{DisplayTree, display_tree};
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::model::{Function, FunctionKind, Label, NO_PARENT, NodeRow};
use edbprof::report::page::Page;
use edbprof::report::svg::Svg;
use edbprof::report::{Report, View};

fn main() {
    let (options, files): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with('-'));
    let profile = files.first().map_or_else(Profile::default, |path| {
        let bytes = std::fs::read(path).expect("the file can be read");
        let file = edbprof::format::prof::read(&bytes).expect("the file is a profile");
        let mut merger = Merger::new();
        merger.add(path, file);
        merger.finish().profile
    });
    let mut tree = display_tree(&profile);
    let option = |name| {
        let mut found = options
            .iter()
            .filter_map(|option| option.strip_prefix(name));
        found.next_back()
    };
    let millions: usize = option("--millions=").map_or(1, |text| text.parse().expect("a number"));
    if tree.nodes.is_empty() {
        tree = made_up(millions * 1_000_000);
    }
    let rows = profile.rows();
    println!("{} nodes", tree.nodes.len());
    let view = View::with(&profile, &rows, tree);
    let all = Svg {
        threshold: 0.0,
        ..Svg::default()
    };
    let pictures = [("default", Svg::default()), ("threshold-0", all)];
    let written = option("--write=");
    let rounds = if millions > 1 { 1 } else { 5 };
    for (what, svg) in pictures {
        let picture = measure(what, &svg, &view, rounds);
        if let Some(path) = written {
            let path = path.replace(".svg", &format!("-{what}.svg"));
            std::fs::write(path, &picture).expect("it can be written");
        }
    }
    let page = measure("page", &Page::default(), &view, rounds);
    if let Some(path) = written {
        std::fs::write(path.replace(".svg", ".html"), &page).expect("it can be written");
    }
}

fn measure(what: &str, report: &dyn Report, view: &View<'_>, rounds: u32) -> Vec<u8> {
    let mut best = f64::INFINITY;
    let mut picture = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let rendered = report.render(view).expect("it renders");
        picture = black_box(rendered.expect("there is something"));
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "rendered, {what}: {} bytes, {:.0} ms",
        picture.len(),
        best * 1e3
    );
    picture
}

/// What a random program leaves behind that calls and returns until its tree has so
/// many nodes. A function always calls the same few others.
fn made_up(nodes: usize) -> DisplayTree {
    let mut tree = DisplayTree::default();
    let functions = nodes / 20;
    for number in 0..functions {
        let file = format!("/srv/app/package_{}/module_{number}.py", number % 9);
        let name = format!("function_{number}");
        tree.functions.push(Function {
            kind: FunctionKind::Python,
            flags: 0,
            label: Label {
                file: file.into_bytes().into(),
                line: number as i64,
                name: name.as_bytes().into(),
            },
            qualified_name: format!("SomeClass.{name}").into_bytes().into(),
            module: Box::default(),
            generic: None,
        });
    }
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut children: HashMap<(u32, u32), u32> = HashMap::new();
    let mut stack = vec![add_node(&mut tree, NO_PARENT, 0)];
    while tree.nodes.len() < nodes {
        if stack.len() > 1 && (stack.len() > 60 || random(100) < 49) {
            stack.pop();
        } else {
            let parent = stack[stack.len() - 1];
            let caller = tree.nodes.kinds()[parent as usize] as usize;
            let function = (caller * 31 + 7 * random(4) + 1) % functions;
            let key = (parent, function as u32);
            let node = *children
                .entry(key)
                .or_insert_with(|| add_node(&mut tree, parent, function as u32));
            tree.nodes.update(node as usize, |row| row.calls += 1);
            stack.push(node);
        }
        let time = random(2_000) as u64;
        for &node in &stack {
            tree.nodes.update(node as usize, |row| row.total += time);
        }
    }
    tree
}

fn add_node(tree: &mut DisplayTree, parent: u32, function: u32) -> u32 {
    tree.estimated.push(false);
    tree.nodes.push(NodeRow {
        parent,
        kind: function,
        ..NodeRow::default()
    })
}
