//! The summary that the program prints at its end.

use std::path::{Path, PathBuf};

use edbprof::analysis::display_tree::DisplayTree;
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{Calibration, CallKind, Cost, NO_PARENT, Process, ThreadTree, Trees, Waiting};
use edbprof::report::View;
use edbprof::report::header::Ended;
use edbprof::report::hints::hints;
use edbprof::report::summary::summary;
use edbprof::report::terminal::Terminal;

use crate::build;

/// Earlier files say of their processes what calls cost only.
#[test]
fn the_cost_of_recording_is_that_of_all_processes() {
    let profile = |recording_ns: [u64; 2]| {
        let mut merger = Merger::new();
        for (id, recording_ns) in (1..).zip(recording_ns) {
            let cost = Cost {
                callee: 1_000_000,
                caller: 0,
            };
            let trees = Trees {
                recordings: vec![[id; 16]],
                processes: vec![Process {
                    calibration: Some(Calibration::default().with(CallKind::Python, cost)),
                    recording_ns,
                    ..Process::default()
                }],
                threads: vec![ThreadTree {
                    nodes: build::nodes(&[(NO_PARENT, 0, 2000, 9_000_000)]),
                    ..ThreadTree::default()
                }],
                ..Trees::of_functions(vec![build::function(build::label("m.py", 1, "f"))])
            };
            let file = ProfFile::Exact(trees, PlainInputs::default());
            merger.add(id.to_string(), file);
        }
        merger.finish().profile
    };
    let text = |profile: &Profile| {
        summary(
            &View::new(profile),
            0,
            &[],
            &Ended::default(),
            &Terminal {
                width: 0,
                ..Terminal::default()
            },
            &[],
        )
    };
    let stated = "Recording took about 74.0 ms of processor time; --compensate takes out what \
                  calls cost.\n";
    let of_calls = "Recording took about 4.00 ms of processor time;";
    let known = profile([30_000_000, 44_000_000]);
    assert!(text(&known).contains(stated), "{}", text(&known));
    let partly = profile([30_000_000, 0]);
    assert!(text(&partly).contains(of_calls), "{}", text(&partly));
    let mut compensated = known;
    compensated.compensate();
    assert!(!text(&compensated).contains("Recording took"));
}

/// Processor time of a function that waits is no waiting.
#[test]
fn recordings_by_processor_time_have_no_waiting() {
    let header = |clock: &[u8]| {
        let sleep = build::label("~", 0, "<built-in method time.sleep>");
        let trees = Trees {
            recordings: vec![[1; 16]],
            processes: vec![Process {
                clock: clock.into(),
                ..Process::default()
            }],
            threads: vec![ThreadTree {
                nodes: build::nodes(&[(NO_PARENT, 0, 1, 9_000_000)]),
                ..ThreadTree::default()
            }],
            ..Trees::of_functions(vec![build::function(sleep)])
        };
        let mut merger = Merger::new();
        let file = ProfFile::Exact(trees, PlainInputs::default());
        merger.add("1".to_owned(), file);
        let profile = merger.finish().profile;
        View::new(&profile).header(&Ended::default()).join("\n")
    };
    assert!(header(b"tsc").contains("waiting 9.00 ms"));
    assert!(!header(b"cpu").contains("waiting"));
}

#[test]
fn builtins_that_only_wait_are_no_work() {
    let shown_with = |waiting: Waiting| {
        let mut thread = ThreadTree {
            nodes: build::nodes(&[
                (NO_PARENT, 0, 1, 1_000_000_000),
                (0, 1, 1, 900_000_000),
                (0, 2, 1, 50_000_000),
            ]),
            ..ThreadTree::default()
        };
        thread.waits.add(1, &waiting);
        let read = "<method 'read' of '_io.BufferedReader' objects>";
        let labels = [("m.py", "f"), ("~", read), ("m.py", "g")];
        let functions = labels.map(|(file, name)| build::function(build::label(file, 1, name)));
        let trees = Trees {
            recordings: vec![[1; 16]],
            processes: vec![Process::default()],
            threads: vec![thread],
            ..Trees::of_functions(functions.into())
        };
        let mut merger = Merger::new();
        let file = ProfFile::Exact(trees, PlainInputs::default());
        merger.add("a.prof".to_owned(), file);
        let profile = merger.finish().profile;
        let view = View::new(&profile);
        let hints = hints(&view, "edbprof", Path::new("a.prof"), false).join("\n");
        summary(&view, 0, &[], &Ended::default(), &Terminal::default(), &[]) + &hints
    };
    let shown = |blocked: u64| {
        shown_with(Waiting {
            blocked,
            ..Waiting::default()
        })
    };
    let reads = "  waiting: _io.BufferedReader.read 900 ms";
    let works = shown(700_000_000);
    assert!(!works.contains(reads), "{works}");
    assert!(
        works.contains("--callers=_io.BufferedReader.read"),
        "{works}"
    );
    // On a busy machine it is preempted when it continues.
    let waits = shown_with(Waiting {
        blocked: 500_000_000,
        preempted: 390_000_000,
        ..Waiting::default()
    });
    assert!(waits.contains(reads), "{waits}");
    let waits = shown(850_000_000);
    assert!(waits.contains(reads), "{waits}");
    assert!(waits.contains("--callers=g"), "{waits}");
}

#[test]
fn short_and_to_the_point() {
    let functions = [
        ("", "main", 1, 0.25, 2.0),
        ("", "parse\x1b[2J", 1200, 1.5, 1.75),
        ("", "<built-in method builtins.len>", 5, 0.25, 0.25),
    ];
    let rows = build::rows(&functions, |name| {
        let file = match name {
            "main" => "/app/main.py",
            "<built-in method builtins.len>" => "~",
            _ => "/app/sub/parse.py",
        };
        build::label(file, 3, name)
    });
    let profile = Profile::default();
    let view = View::with(&profile, &rows, DisplayTree::default());
    let outputs = ["out.prof", "out.pstats", "out.svg"].map(PathBuf::from);
    assert_eq!(
        summary(
            &view,
            0,
            &outputs,
            &Ended::default(),
            &Terminal::default(),
            &[]
        ),
        "\
edbprof: 0 processes, 2.00 s in 1,206 calls of 3 functions

    self          total  calls  function
  1.50 s 75.0 %  1.75 s  1,200  parse\\x1b[2J  sub/parse.py:3
  250 ms 12.5 %  2.00 s      1  main  main.py:3
  250 ms 12.5 %  250 ms      5  builtins.len

Wrote out.prof, out.pstats, out.svg
"
    );
}
