//! Reads the picture back and compares it with the tree that it was drawn from.

use crate::generate;
use edbprof::analysis::merge::Merger;
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{NO_PARENT, NodeKind, NodeRow, Nodes, ThreadTree, Trees};
use edbprof::report::svg::Svg;
use edbprof::report::{Report, View};
use proptest::prelude::*;
use serde_json::Value;

/// A frame as the picture's numbers have it.
#[derive(Debug)]
struct Frame {
    /// Its function's index, or none where it stands for several.
    function: Option<usize>,
    level: usize,
    start: u64,
    total: u64,
    self_time: u64,
}

struct Picture {
    bytes: usize,
    svg: String,
    data: Value,
}

impl Picture {
    fn draw(view: &View<'_>, options: Svg) -> Self {
        let svg = options.render(view).unwrap().unwrap();
        let svg = String::from_utf8(svg).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let data = document
            .descendants()
            .find(|node| node.has_tag_name("metadata"));
        let data = serde_json::from_str(data.unwrap().text().unwrap()).unwrap();
        Picture {
            bytes: svg.len(),
            data,
            svg,
        }
    }

    fn number(&self, name: &str) -> u64 {
        self.data[name].as_u64().unwrap()
    }

    /// The frames of one graph, read as the script does.
    fn frames(&self, graph: &str) -> Vec<Frame> {
        let columns = &self.data[graph];
        let at = |name: &str, entry: usize| columns[name][entry].as_u64().unwrap();
        let hidden = |rest: &Value| rest.get(0).and_then(Value::as_u64).unwrap_or(0);
        let mut entries = 0..columns["total"].as_array().unwrap().len();
        let mut frames: Vec<Frame> = Vec::new();
        let mut place = |frames: &mut Vec<Frame>, level, mut start, count: u64, rest: u64| {
            for _ in 0..count {
                let entry = entries.next().unwrap();
                let total = at("total", entry);
                frames.push(Frame {
                    function: Some(entry),
                    level,
                    start,
                    total,
                    self_time: total,
                });
                start += total;
            }
            if rest > 0 {
                frames.push(Frame {
                    function: None,
                    level,
                    start,
                    total: rest,
                    self_time: 0,
                });
            }
            start + rest
        };
        let roots = &columns["roots"];
        place(
            &mut frames,
            0,
            0,
            roots[0].as_u64().unwrap(),
            hidden(&roots[1]),
        );
        let mut next = 0;
        while next < frames.len() {
            let Frame { level, start, .. } = frames[next];
            if let Some(entry) = frames[next].function {
                let rest = hidden(&columns["hidden"][entry]);
                let end = place(&mut frames, level + 1, start, at("children", entry), rest);
                let below = end - start;
                assert!(
                    below <= frames[next].total,
                    "children are wider than their parent"
                );
                frames[next].self_time -= below;
                frames[next].function = Some(at("function", entry) as usize);
            }
            next += 1;
        }
        assert_eq!(entries.next(), None, "every entry has its place");
        frames
    }

    /// The drawn frames of one graph as (level, left edge, width), shares of one.
    fn drawn(&self, graph: &str) -> Vec<(usize, f64, f64)> {
        let document = roxmltree::Document::parse(&self.svg).unwrap();
        let graph = document
            .descendants()
            .find(|node| node.attribute("id") == Some(graph));
        let bars = graph
            .unwrap()
            .children()
            .find(|node| node.attribute("class") == Some("bars"));
        let levels = bars
            .unwrap()
            .children()
            .filter(|node| node.has_tag_name("g"));
        let mut drawn = Vec::new();
        for (level, group) in levels.enumerate() {
            let first = drawn.len();
            let frames = group.children();
            let frames = frames.filter(|path| path.attribute("class") != Some("waits"));
            let paths = frames.filter_map(|path| path.attribute("d"));
            for bar in paths.flat_map(|path| path.split('M').skip(1)) {
                let number = |text: &str| text.parse::<f64>().unwrap() / 1e6;
                let (x, bar) = bar.split_once(" 0v17").unwrap();
                let bar = bar.strip_suffix("V0z").or(bar.strip_suffix("V0")).unwrap();
                let width = match bar.split_at(1) {
                    ("h", width) => number(width),
                    ("H", right) => number(right) - number(x),
                    _ => panic!("{bar}"),
                };
                drawn.push((level, number(x), width));
            }
            drawn[first..].sort_by(|a, b| a.1.total_cmp(&b.1));
        }
        drawn
    }
}

fn check(trees: Trees, options: Svg) {
    let mut merger = Merger::new();
    merger.add("one", ProfFile::Exact(trees, PlainInputs::default()));
    let profile = merger.finish().profile;
    let view = View::new(&profile);
    let tree = view.tree();
    let picture = Picture::draw(&view, options);
    let (whole, least) = (picture.number("whole"), picture.number("least"));
    assert_eq!(whole, tree.whole());

    // The frames are the nodes, but for the narrow ones, which one frame stands for.
    let stacks = picture.frames("stacks");
    let mut totals: Vec<u64> = stacks
        .iter()
        .filter_map(|frame| frame.function.map(|_| frame.total))
        .collect();
    let wide = tree.nodes.totals().iter().filter(|&&total| total >= least);
    let mut expected: Vec<u64> = wide.copied().collect();
    totals.sort_unstable();
    expected.sort_unstable();
    assert_eq!(totals, expected);
    let folded = stacks.iter().filter(|frame| frame.function.is_none());
    let folded: u64 = folded.map(|frame| frame.total).sum();
    let own: u64 = stacks.iter().map(|frame| frame.self_time).sum();
    assert_eq!(own + folded, whole);

    // The top row of the reverse graph has the self times of pstats.
    let reverse = picture.frames("reverse");
    let roots = reverse.iter().filter(|frame| frame.level == 0);
    assert_eq!(roots.clone().map(|frame| frame.total).sum::<u64>(), whole);
    if least <= 1 {
        let seconds = view.figures.seconds;
        for (function, figures) in picture.data["figures"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let own = roots
                .clone()
                .filter(|frame| frame.function == Some(function));
            let own = own.map(|frame| frame.total).sum::<u64>() as f64 / whole as f64;
            // A forked child is no function, and has no self time.
            let tottime = figures[2].as_f64().unwrap_or(0.0) / seconds;
            assert!((own - tottime).abs() <= 1e-6, "{own} {tottime}");
        }
    }
    // Both show the same time.
    let own: u64 = reverse.iter().map(|frame| frame.self_time).sum();
    let folded: u64 = reverse
        .iter()
        .filter(|f| f.function.is_none())
        .map(|f| f.total)
        .sum();
    assert_eq!(own + folded, whole);

    for (graph, frames) in [("stacks", stacks), ("reverse", reverse)] {
        let share = |ns: u64| ns as f64 / whole as f64;
        let seen = frames
            .iter()
            .filter(|frame| share(frame.total) * 1920.0 >= 0.3);
        let drawn = picture.drawn(graph);
        assert_eq!(drawn.len(), seen.clone().count());
        for (frame, (level, x, width)) in seen.zip(drawn) {
            assert_eq!(frame.level, level);
            assert!((x - share(frame.start)).abs() <= 1e-6);
            assert!((width - share(frame.total)).abs() <= 1e-6);
            if share(frame.total) > 0.002 {
                assert!((width / share(frame.total) - 1.0).abs() <= 1e-6);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn the_picture_is_the_tree(
        mut trees in generate::trees(),
        threshold in prop_oneof![Just(0.0), Just(0.003), Just(0.1)],
    ) {
        // What singledispatch's wrappers pass on, and overflow calls, have other labels.
        let overflow = trees.functions.len();
            trees.kinds[overflow] = NodeKind::Function(0);
        for function in &mut trees.functions {
            function.flags = 0;
        }
        for thread in &mut trees.threads {
            thread.overflow.clear();
        }
        check(trees, Svg { threshold, ..Svg::default() });
    }
}

/// `main` calls many functions, each a little longer than the one before.
fn fan(functions: u32) -> Trees {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut function = || {
        let tree = generate::function().new_tree(&mut runner);
        proptest::strategy::ValueTree::current(&tree.unwrap())
    };
    let mut nodes = Nodes::default();
    let mut table = Vec::new();
    for number in 0..functions {
        let mut function = function();
        function.flags = 0;
        function.label.name = format!("function_{number}").into_bytes().into();
        table.push(function);
        nodes.push(NodeRow {
            parent: if number == 0 { NO_PARENT } else { 0 },
            kind: number,
            calls: 1,
            resumes: 0,
            total: 1_000_000 + u64::from(number),
        });
    }
    let whole = nodes.totals().iter().sum();
    nodes.update(0, |root| root.total = whole);
    Trees {
        recordings: vec![[7; 16]],
        processes: vec![Default::default()],
        threads: vec![ThreadTree {
            nodes,
            ..ThreadTree::default()
        }],
        ..Trees::of_functions(table)
    }
}

#[test]
fn the_largest_size_is_kept_and_told() {
    let mut merger = Merger::new();
    merger.add("one", ProfFile::Exact(fan(5_000), PlainInputs::default()));
    let profile = merger.finish().profile;
    let view = View::new(&profile);
    let draw = |max_size| {
        let options = Svg {
            threshold: 0.0,
            max_size,
            ..Svg::default()
        };
        Picture::draw(&view, options)
    };
    let free = draw(u64::MAX);
    assert!(free.bytes > 400_000 && free.number("least") == 1);
    assert!(free.svg.contains("All functions have a frame."));
    for max_size in [300_000, 100_000] {
        let picture = draw(max_size);
        let used = picture.bytes as f64 / max_size as f64;
        assert!((0.5..=1.0).contains(&used), "{used}");
        assert!(
            picture
                .svg
                .contains(&format!("larger than {} kB", max_size / 1000))
        );
        assert!(picture.svg.contains(" functions below 0.0"));
    }
    assert_eq!(draw(0).frames("stacks").len(), 1);
    check(
        fan(5_000),
        Svg {
            threshold: 0.0,
            max_size: 100_000,
            ..Svg::default()
        },
    );
}
