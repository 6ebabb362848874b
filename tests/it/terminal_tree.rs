//! The call tree as text for a terminal.

use edbprof::analysis::display_tree::DisplayTree;
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{NO_PARENT, OverflowCalls, Process, Rows, ThreadTree, Trees};
use edbprof::report::View;
use edbprof::report::cells::cells;
use edbprof::report::terminal::Terminal;
use edbprof::report::tree::{TreeOptions, tree};

use crate::build;

fn show_with(frames: &DisplayTree, profile: &Profile, options: TreeOptions) -> String {
    tree(
        &View::with(profile, &Rows::default(), frames.clone()),
        &options,
    )
}

fn show(frames: &DisplayTree, options: TreeOptions) -> String {
    show_with(frames, &Profile::default(), options)
}

const JSON: &str = "/usr/lib/python3.11/json/decoder.py";
const RE: &str = "/usr/lib/python3.11/re.py";

/// Two threads of one program; the parser calls libraries, which call it back.
fn program() -> DisplayTree {
    let decode = &format!("{JSON} decode");
    let scan = &format!("{JSON} scan");
    let matched = &format!("{RE} match");
    build::display_tree(&[
        (NO_PARENT, "/app/main.py main", 2_000_000_000),
        (0, "/app/sub/parse.py parse", 1_750_000_000),
        (1, decode, 1_500_000_000),
        (2, scan, 1_250_000_000),
        (3, matched, 500_000_000),
        (3, "~ <built-in method builtins.len>", 125_000_000),
        (3, "/app/main.py hook", 250_000_000),
        (2, "/app/main.py hook", 125_000_000),
        (0, "/app/main.py little", 1_000),
        (NO_PARENT, "/app/main.py main", 2_000_000_000),
        (9, "~ <built-in method time.sleep>", 1_000_000_000),
    ])
}

#[test]
fn what_cost_most_comes_first() {
    assert_eq!(
        show(&program(), TreeOptions::default()),
        "    total    share    self  calls
   4.00 s  100.0 %  1.25 s      2  main  main.py:3
   1.75 s   43.8 %  250 ms      1  ├─ parse  sub/parse.py:3
   1.50 s   37.5 %  125 ms      1  │  └─ decode  json/decoder.py:3
   1.25 s   31.2 %  375 ms      1  │     ├─ scan  json/decoder.py:3
   500 ms   12.5 %  500 ms      1  │     │  ├─ match  re.py:3
   250 ms    6.2 %  250 ms      1  │     │  ├─ hook  main.py:3
   125 ms    3.1 %  125 ms      1  │     │  └─ builtins.len
   125 ms    3.1 %  125 ms      1  │     └─ hook  main.py:3
  1.00 µs    0.0 %              1  ├─ little  main.py:3
   1.00 s   25.0 %  1.00 s      1  └─ time.sleep  waiting
"
    );
}

#[test]
fn all_frames_on_demand() {
    let text = show(
        &program(),
        TreeOptions {
            all: true,
            threshold: 0.0,
            ..TreeOptions::default()
        },
    );
    for name in [
        "scan  json/decoder.py:3",
        "match  re.py:3",
        "builtins.len",
        "little",
    ] {
        assert!(text.contains(name), "{text}");
    }
    assert!(!text.contains('…'));
    // A line for each of the ten call paths, below the heading.
    assert_eq!(text.lines().count(), 11);
}

#[test]
fn the_share_is_told_as_it_was_given() {
    let options = TreeOptions {
        threshold: 0.07,
        ..TreeOptions::default()
    };
    let text = show(&program(), options);
    assert!(text.ends_with(" frames below 7 % left out\n"), "{text}");
}

#[test]
fn few_lines_name_where_the_time_of_hidden_frames_goes() {
    let options = TreeOptions {
        lines: Some(6),
        ..TreeOptions::default()
    };
    assert_eq!(
        show(&program(), options),
        "   total    share    self  calls
  4.00 s  100.0 %  1.25 s      2  main  main.py:3
  1.75 s   43.8 %  250 ms      1  ├─ parse  sub/parse.py:3
  1.50 s   37.5 %  750 ms         │  └─ … 4 frames of json, main: scan 375 ms, decode 125 ms
  500 ms   12.5 %  500 ms      1  │     ├─ match  re.py:3
  250 ms    6.2 %  250 ms      1  │     └─ hook  main.py:3
  1.00 s   25.0 %  1.00 s      1  └─ time.sleep  waiting
  … 1 frame below 1 % left out
"
    );
}

#[test]
fn libraries_are_shown_where_the_program_only_calls_them() {
    let pylint = "/venv/lib/python3.11/site-packages/pylint/lint.py";
    let frames = build::display_tree(&[
        (NO_PARENT, "/venv/bin/pylint <module>", 2_000_000_000),
        (0, &format!("{pylint} run"), 1_900_000_000),
        (1, &format!("{pylint} check"), 1_750_000_000),
        (2, &format!("{JSON} decode"), 1_500_000_000),
    ]);
    let text = show(&frames, TreeOptions::default());
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains("decode") && !text.contains('…'), "{text}");
}

#[test]
fn a_single_library_frame_is_shown_rather_than_collapsed() {
    let frames = build::display_tree(&[
        (NO_PARENT, &format!("{JSON} decode"), 100),
        (0, &format!("{RE} match"), 60),
    ]);
    let text = show(&frames, TreeOptions::default());
    assert!(text.contains("└─ match  re.py:3"), "{text}");
}

#[test]
fn estimates_and_lower_bounds_are_marked_and_explained() {
    let mut frames = build::display_tree(&[
        (NO_PARENT, "/app/a.py exact", 100),
        (NO_PARENT, "/app/a.py guessed", 50),
        (NO_PARENT, "/app/a.py folded", 25),
    ]);
    frames.estimated[1] = true;
    let mut merger = Merger::new();
    merger.add(
        "a.prof",
        ProfFile::Exact(
            Trees {
                recordings: vec![[1; 16]],
                processes: vec![Process::default()],
                threads: vec![ThreadTree {
                    nodes: frames.nodes.clone(),
                    overflow: vec![OverflowCalls {
                        kind: 2,
                        calls: 1,
                        ..OverflowCalls::default()
                    }],
                    ..ThreadTree::default()
                }],
                ..Trees::of_functions(frames.functions.clone())
            },
            PlainInputs::default(),
        ),
    );
    let text = show_with(&frames, &merger.finish().profile, TreeOptions::default());
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].starts_with("   100 ns"), "{text}");
    assert!(lines[2].starts_with("  ~ 50 ns"), "{text}");
    assert!(lines[3].starts_with("  ≥ 25 ns"), "{text}");
    assert!(lines[4].starts_with("  ~ estimated") && lines[5].starts_with("  ≥ at least"));
}

#[test]
fn lines_are_as_long_as_there_is_room() {
    let long = "x".repeat(500);
    let mut nodes = vec![(NO_PARENT, "/app/main.py main".to_owned(), 1000)];
    for depth in 0..600 {
        nodes.push((depth, format!("/app/{long}.py {long}{depth}"), 1000));
    }
    let nodes: Vec<_> = nodes.iter().map(|(p, f, t)| (*p, f.as_str(), *t)).collect();
    let frames = build::display_tree(&nodes);
    for width in [0, 40, 80, 200] {
        let options = TreeOptions {
            terminal: Terminal {
                width,
                ..Terminal::default()
            },
            ..TreeOptions::default()
        };
        let text = show(&frames, options);
        let mut lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.pop(), Some("  … 201 frames below 1 % left out"));
        assert_eq!(lines.len(), 401);
        for line in lines {
            assert!(line.chars().count() <= width.max(60), "{line}");
        }
    }
}

#[test]
fn names_come_before_figures_on_a_narrow_terminal() {
    let text = |width| {
        let options = TreeOptions {
            terminal: Terminal {
                width,
                ..Terminal::default()
            },
            ..TreeOptions::default()
        };
        show(&program(), options)
    };
    let heads = |width| {
        let text = text(width);
        let heads = text.lines().next().unwrap_or_default().split_whitespace();
        heads.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(heads(80), ["total", "share", "self", "calls"]);
    assert_eq!(heads(55), ["total", "share", "self"]);
    assert_eq!(heads(42), ["total", "share"]);
    for line in text(40).lines().filter(|line| line.contains('%')).take(4) {
        assert!(line.chars().count() <= 40, "{line}");
        assert!(
            line.split(['%', '─'])
                .next_back()
                .is_some_and(|name| name.trim().len() > 3),
            "{line}"
        );
    }
}

#[test]
fn wide_characters_take_two_cells_and_marks_none() {
    let long = "名前🐍e\u{301}".repeat(100);
    let frames = build::display_tree(&[(NO_PARENT, &format!("/app/{long}.py {long}"), 1000)]);
    for width in [60, 61, 62, 63, 64, 100] {
        let options = TreeOptions {
            terminal: Terminal {
                width,
                ..Terminal::default()
            },
            ..TreeOptions::default()
        };
        let text = show(&frames, options);
        let line = text.lines().nth(1).unwrap();
        // A character of two cells may leave one free at each end of a cut.
        assert!((width - 2..=width).contains(&cells(line)), "{line}");
    }
}

#[test]
fn names_can_not_command_the_terminal() {
    let frames =
        build::display_tree(&[(NO_PARENT, "/app/\x1b[2J.py evil\x1b]0;\x07\n\u{202e}", 1)]);
    let text = show(&frames, TreeOptions::default());
    assert!(text.contains("evil\\x1b]0;\\x07\\x0a\\u202e"), "{text}");
    assert!(!text.contains(['\x1b', '\x07', '\u{202e}']));
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let options = TreeOptions {
        terminal: Terminal {
            colours: true,
            ..TreeOptions::default().terminal
        },
        ..TreeOptions::default()
    };
    let coloured = show(&program(), options);
    let mut plain = String::new();
    for part in coloured.split('\x1b') {
        plain.push_str(match part.strip_prefix('[') {
            Some(sequence) => sequence.split_once('m').unwrap().1,
            None => part,
        });
    }
    assert_ne!(coloured, plain);
    assert_eq!(plain, show(&program(), TreeOptions::default()));
}

#[test]
fn nothing_recorded_is_nothing_shown() {
    assert_eq!(show(&DisplayTree::default(), TreeOptions::default()), "");
}

#[test]
fn paths_without_calls_are_explained() {
    let mut frames = build::display_tree(&[
        (NO_PARENT, "~ process 1: python", 3_000_000_000),
        (0, "/app/main.py main", 3_000_000_000),
        (1, "/app/main.py numbers", 1_000_000_000),
    ]);
    let nodes = &mut frames.nodes;
    nodes.update(0, |process| process.calls = 0);
    nodes.update(2, |generator| (generator.calls, generator.resumes) = (0, 7));
    assert_eq!(
        show(
            &frames,
            TreeOptions {
                all: true,
                ..TreeOptions::default()
            }
        ),
        "   total    share    self  calls
  3.00 s  100.0 %                 process 1: python
  3.00 s  100.0 %  2.00 s      1  └─ main  main.py:3
  1.00 s   33.3 %  1.00 s      0     └─ numbers  main.py:3
  0 calls: called on another path, and resumed here
"
    );
}
