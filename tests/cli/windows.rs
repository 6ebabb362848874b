//! Windows of time: `--from`, `--to` and `--during`.

use serde_json::Value;

use crate::calls::{server, timeline};
use crate::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new().with("run.timeline", &timeline(&server()))
}

/// Figures of a function in the window: calls and milliseconds.
fn function(sandbox: &Sandbox, name: &str, window: &[&str]) -> Option<(u64, u64)> {
    let path = sandbox.input("run.timeline");
    let arguments = ["export", "--format=json", path.to_str().unwrap()];
    let run = sandbox.run(&[&arguments, window].concat()).expect(0);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    let functions = value["functions"].as_array().unwrap();
    let found = functions.iter().find(|function| function["name"] == name)?;
    let total = found["total_ns"].as_u64().unwrap();
    Some((found["calls"].as_u64().unwrap(), total / 1_000_000))
}

#[test]
fn a_window_has_the_calls_that_begin_in_it() {
    let sandbox = sandbox();
    let handled = |window: &[&str]| function(&sandbox, "handle_request", window);
    assert_eq!(handled(&["--from=0"]), Some((11, 154)));
    assert_eq!(handled(&["--from=10ms", "--to=20ms"]), Some((2, 8)));
    // The slow one lasts from 78 to 192 ms.
    assert_eq!(handled(&["--from=100ms", "--to=150ms"]), Some((0, 50)));
    assert_eq!(handled(&["--from=-5ms"]), None);
    assert_eq!(function(&sandbox, "serve", &["--from=-5ms"]), Some((0, 5)));
}

#[test]
fn a_call_is_a_window() {
    let sandbox = sandbox();
    let during = |call: &str| {
        let window = format!("--during={call}");
        let calls = |name| function(&sandbox, name, &[&window]).map(|found| found.0);
        (calls("handle_request"), calls("query"))
    };
    // By time the two processes take turns, until the second one has ended.
    assert_eq!(during("handle_request#10"), (Some(1), Some(1)));
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    let run = sandbox
        .run(&["tree", path, "--during=handle_request#10", "--all"])
        .expect(0);
    assert!(
        run.stdout
            .contains("Only a part: --during=handle_request#10."),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("114 ms"), "{}", run.stdout);
    let refused = sandbox
        .run(&["tree", path, "--during=handle_request"])
        .expect(2);
    assert!(
        refused.stderr.contains("has 11 calls in the history"),
        "{}",
        refused.stderr
    );
    let refused = sandbox.run(&["tree", path, "--during=query#12"]).expect(2);
    assert!(
        refused.stderr.contains("has 11 calls of 'query', not more"),
        "{}",
        refused.stderr
    );
}

#[test]
fn every_report_takes_a_window() {
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    let window = ["--from=78ms", "--to=192ms", path];
    let top = sandbox.run(&[&["top"], &window[..]].concat()).expect(0);
    assert!(
        top.stdout.contains("Only a part: --from=78ms --to=192ms."),
        "{}",
        top.stdout
    );
    assert!(top.stdout.contains("wall time 114 ms"), "{}", top.stdout);
    let svg = sandbox.work("window.svg");
    sandbox
        .run(&[&["export", "-o", svg.to_str().unwrap()], &window[..]].concat())
        .expect(0);
    let picture = std::fs::read_to_string(svg).unwrap();
    assert!(picture.contains("--from=78ms"));
    let prof = sandbox.work("window.prof");
    sandbox
        .run(&[&["export", "-o", prof.to_str().unwrap()], &window[..]].concat())
        .expect(0);
    let tree = sandbox.run(&["tree", prof.to_str().unwrap()]).expect(0);
    assert!(
        tree.stdout.contains("Only a part: --from=78ms --to=192ms."),
        "{}",
        tree.stdout
    );
    // By thread and process, and a part of the functions.
    let by = ["tree", "--by=process", "--include=query", "--all"];
    let tree = sandbox.run(&[&by, &window[..]].concat()).expect(0);
    assert!(tree.stdout.contains("process 1000"), "{}", tree.stdout);
    assert!(!tree.stdout.contains("parse"), "{}", tree.stdout);
}

#[test]
fn windows_without_anything_are_refused() {
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    let refused = |window: &[&str], code| {
        sandbox
            .run(&[&["tree", path], window].concat())
            .expect(code)
            .stderr
    };
    assert!(refused(&["--from=2", "--to=1"], 2).contains("the window is empty"));
    assert!(refused(&["--from=99s"], 2).contains("the run lasts 0.2"));
    assert!(refused(&["--to=5ms"], 3).contains("nothing is left"));
    assert!(refused(&["--from=1h"], 2).contains("a time is a number"));
    refused(&["--from=1", "--during=f#1"], 2);
    let plain = Sandbox::new().with("a.prof", &crate::sandbox::recording(1, 5));
    let prof = plain.input("a.prof");
    let run = plain
        .run(&["top", "--from=0", prof.to_str().unwrap()])
        .expect(1);
    assert!(
        run.stderr.contains("edbprof run --timeline"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_window_does_not_replace_what_it_is_made_from() {
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    let run = sandbox
        .run(&["export", "--format=json", "-o", path, "--from=0", path])
        .expect(2);
    assert!(
        run.stderr.contains("would overwrite the input"),
        "{}",
        run.stderr
    );
}
