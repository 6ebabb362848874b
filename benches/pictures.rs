//! What the picture costs, and what composing it from two of inferno's would cost:
//!
//!     cargo bench --bench pictures -- [FILE.prof]
//!
//! Without a file it draws a made-up tree of 20,000 nodes.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use edbprof::format::pstats::Rows;
use edbprof::format::trees::{Function, FunctionKind, Label, NO_PARENT};
use edbprof::profile::frames::{Frames, frames};
use edbprof::profile::merge::{Merger, Profile};
use edbprof::report::svg::Svg;
use edbprof::report::{Report, View};

const THRESHOLD: f64 = 0.0001;

fn main() {
    let file = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let profile = file.map_or_else(Profile::default, |path| {
        let bytes = std::fs::read(&path).expect("the file can be read");
        let file = edbprof::format::prof::read(&bytes).expect("the file is a profile");
        let mut merger = Merger::new();
        merger.add(path, file);
        merger.finish().profile
    });
    let mut tree = frames(&profile);
    if tree.nodes.is_empty() {
        tree = made_up(20_000);
    }
    let rows: Rows = profile.rows();
    let view = View {
        profile: &profile,
        rows: &rows,
        frames: &tree,
    };
    println!("{} nodes, threshold {THRESHOLD}", tree.nodes.len());

    let svg = Svg::default();
    measure("both graphs in one file", || vec![draw(&svg, &view)]);
}

fn draw(report: &dyn Report, view: &View<'_>) -> usize {
    black_box(
        report
            .render(view)
            .expect("it renders")
            .expect("there is something"),
    )
    .len()
}

fn measure(what: &str, draw: impl Fn() -> Vec<usize>) {
    let mut best = f64::INFINITY;
    let mut bytes = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        bytes = draw();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{what}: {bytes:?} bytes, {:.1} ms", best * 1e3);
}

/// What a random program leaves behind that calls and returns until its tree has so
/// many nodes. A function always calls the same few others.
fn made_up(nodes: usize) -> Frames {
    let mut tree = Frames::default();
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
            let caller = tree.nodes.function[parent as usize] as usize;
            let function = (caller * 31 + 7 * random(4) + 1) % functions;
            let key = (parent, function as u32);
            let node = *children
                .entry(key)
                .or_insert_with(|| add_node(&mut tree, parent, function as u32));
            tree.nodes.calls[node as usize] += 1;
            stack.push(node);
        }
        let time = random(2_000) as u64;
        for &node in &stack {
            tree.nodes.total[node as usize] += time;
        }
    }
    tree
}

fn add_node(tree: &mut Frames, parent: u32, function: u32) -> u32 {
    tree.nodes.parent.push(parent);
    tree.nodes.function.push(function);
    tree.nodes.calls.push(0);
    tree.nodes.resumes.push(0);
    tree.nodes.total.push(0);
    tree.estimated.push(false);
    tree.nodes.parent.len() as u32 - 1
}
