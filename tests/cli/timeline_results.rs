//! The timeline of a whole run, which is written beside the other results.

use std::fs;
use std::path::Path;

use edbprof::format::timeline::{Source, TimelineProcess, read};
use serde_json::Value;

use crate::calls::{server, timeline};
use crate::sandbox::{Sandbox, recording};
use crate::timeline::bytes;

/// Two recordings with their timelines.
fn recordings() -> Sandbox {
    let programs = server();
    Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 5))
        .with("edbprof_2.prof", &recording(2, 5))
        .with("edbprof_1.prof.timeline", &bytes(&[&programs[0]]))
        .with("edbprof_2.prof.timeline", &bytes(&[&programs[1]]))
}

fn processes(path: &Path) -> Vec<TimelineProcess> {
    read(Source::Bytes(fs::read(path).unwrap())).unwrap()
}

fn pids(path: &Path) -> Vec<u32> {
    let processes = processes(path);
    processes.iter().map(|of| of.process.identity.pid).collect()
}

#[test]
fn all_processes_are_in_one_file() {
    let sandbox = recordings();
    let run = sandbox
        .run(&["--out=run", "--summary-json=summary.json"])
        .expect(0);
    assert!(run.stdout.contains("run.timeline"), "{}", run.stdout);
    let hint = " calls leaf run.timeline\n";
    assert!(run.stdout.contains(hint), "{}", run.stdout);
    let path = sandbox.work("run.timeline");
    assert_eq!(pids(&path), [1000, 1001]);
    // Each block is as it was recorded.
    assert_eq!(fs::read(&path).unwrap(), timeline(&server()));
    let summary = fs::read_to_string(sandbox.work("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["timeline"]["processes"], 2);
    assert_eq!(summary["timeline"]["is_complete"], true);
    // The result can be merged again, with and without what it is made from.
    let again = sandbox.input("again");
    let input = sandbox.input("");
    let arguments = [
        "run.prof",
        input.to_str().unwrap(),
        "--out",
        again.to_str().unwrap(),
    ];
    sandbox.run(&arguments).expect(0);
    assert_eq!(pids(&sandbox.input("again.timeline")), [1000, 1001]);
    let shown = sandbox
        .run(&["calls", "handle_request", "run.prof", "--json"])
        .expect(0);
    assert!(shown.stdout.contains("\"calls\": 11"), "{}", shown.stdout);
}

#[test]
fn without_timelines_none_is_written_and_an_older_one_goes() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    fs::write(sandbox.work("run.timeline"), timeline(&server())).unwrap();
    let run = sandbox.run(&["--out=run"]).expect(0);
    assert!(!run.stdout.contains("timeline"), "{}", run.stdout);
    assert!(!sandbox.work("run.timeline").exists());
    // A file that only has its name stays.
    fs::write(sandbox.work("run.timeline"), "mine").unwrap();
    sandbox.run(&["--out=run"]).expect(0);
    assert_eq!(fs::read(sandbox.work("run.timeline")).unwrap(), b"mine");
}

#[test]
fn a_timeline_that_nothing_else_has_is_not_replaced() {
    let sandbox = recordings();
    sandbox.run(&["--out=run"]).expect(0);
    let path = sandbox.work("run.timeline");
    let before = fs::read(&path).unwrap();
    for name in ["edbprof_1.prof.timeline", "edbprof_2.prof.timeline"] {
        fs::remove_file(sandbox.input(name)).unwrap();
    }
    let input = sandbox.input("");
    let refused = sandbox
        .run(&["--out=run", input.to_str().unwrap(), "run.prof"])
        .expect(2);
    assert!(
        refused.stderr.contains("overwrite the input run.timeline"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn processes_that_are_selected_are_in_the_timeline() {
    let sandbox = recordings();
    let all = ["--out=run.timeline", "--only-thread=MainThread"];
    sandbox.run(&all).expect(0);
    assert_eq!(pids(&sandbox.work("run.timeline")), [1000, 1001]);
    sandbox
        .run(&["--out=one", "--only-process=1", "--only-process=1001"])
        .expect(0);
    assert_eq!(pids(&sandbox.work("one.timeline")), [1001]);
}

#[test]
fn a_timeline_of_all_functions_says_so() {
    let run = recordings().run(&["--out=run", "--include=leaf"]).expect(0);
    assert!(
        run.stderr.contains("the timeline has all functions"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_summary_says_what_the_timeline_lacks() {
    let mut programs = server();
    programs[0].of.complete_to = 100_000_000;
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 5))
        .with("edbprof_1.prof.timeline", &timeline(&programs));
    let run = sandbox.run(&["--out=run"]).expect(0);
    let gap = "Of the timeline: There was no room for later calls in 1 of 2 processes: from 100 ms \
               to ";
    let shown = run.stdout.replace("\n  ", " ");
    assert!(shown.contains(gap), "{shown}");
}

#[test]
fn a_damaged_timeline_is_a_failure_and_the_rest_is_written() {
    let sandbox = recordings().with("edbprof_2.prof.timeline", b"edbtime\0");
    let run = sandbox.run(&["--out=run"]).expect(1);
    assert!(run.stderr.contains("can't read "), "{}", run.stderr);
    assert_eq!(pids(&sandbox.work("run.timeline")), [1000]);
}
