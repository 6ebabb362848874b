//! `edbprof export` of timelines: formats by name, windows, and what is left out.

use std::fs;

use serde_json::Value;

use crate::calls::{server, timeline};
use crate::formats::check_schema;
use crate::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new().with("run.timeline", &timeline(&server()))
}

/// Names of the slices that a file of trace events has.
fn slices(text: &str) -> Vec<String> {
    let file: Value = serde_json::from_str(text).unwrap();
    let events = file["traceEvents"].as_array().unwrap().iter();
    let begun = events.filter(|event| event["ph"] == "B");
    begun
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_name_of_the_output_chooses_the_format() {
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let input = path.to_str().unwrap();
    for (name, start) in [
        ("a.perfetto-trace", &b"\x0a"[..]),
        ("a.pftrace", b"\x0a"),
        ("a.firefox.json.gz", b"\x1f\x8b"),
        ("a.trace.json", b"{\"displayTimeUnit\":\"ns\","),
        ("a.json.gz", b"\x1f\x8b"),
        (
            "a.speedscope.json",
            b"{\"$schema\":\"https://www.speedscope",
        ),
    ] {
        let run = sandbox.run(&["export", "-o", name, input]).expect(0);
        assert_eq!((run.stdout, run.stderr), Default::default(), "{name}");
        let bytes = fs::read(sandbox.work(name)).unwrap();
        assert!(bytes.starts_with(start), "{name}");
    }
    let stdout = sandbox.run(&["export", "--format=chrome", input]).expect(0);
    let file = fs::read_to_string(sandbox.work("a.trace.json")).unwrap();
    assert_eq!(stdout.stdout, file);
}

#[test]
fn a_timeline_for_speedscope_is_what_its_schema_says() {
    let schema = include_str!("../golden/speedscope-1.25.0.schema.json");
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let arguments = ["export", "--format=speedscope", path.to_str().unwrap()];
    let file = sandbox.run(&arguments).expect(0).stdout;
    check_schema(schema, &serde_json::from_str(&file).unwrap(), "timeline");
}

#[test]
fn a_window_and_the_shortest_calls_are_chosen() {
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let export = |options: &[&str]| {
        let mut arguments = vec!["export", "--format=chrome"];
        arguments.extend(options);
        arguments.push(path.to_str().unwrap());
        sandbox.run(&arguments).expect(0)
    };
    let all = slices(&export(&[]).stdout).len();
    let window = slices(&export(&["--from=0", "--to=1us"]).stdout).len();
    assert!(window < all, "{window} {all}");
    let long = export(&["--min-duration=1m"]);
    assert_eq!(slices(&long.stdout).len(), 0);
    let said = format!("edbprof: {all} of {all} calls and waits are left out: all shorter than");
    assert!(long.stderr.starts_with(&said), "{}", long.stderr);
    let small = export(&["--max-size=1kB"]);
    assert!(slices(&small.stdout).len() < all);
    let end = "so that the file has at most 1 kB\n";
    assert!(small.stderr.ends_with(end), "{}", small.stderr);
    let file: Value = serde_json::from_str(&small.stdout).unwrap();
    let remark = file["otherData"]["remarks"][0].as_str().unwrap();
    assert_eq!(small.stderr, format!("edbprof: {remark}\n"));
    let empty = [
        "export",
        "--format=chrome",
        "--from=2m",
        path.to_str().unwrap(),
    ];
    sandbox.run(&empty).expect(2);
}

#[test]
fn a_timeline_is_not_replaced_by_its_export() {
    let sandbox = sandbox();
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    let refused = sandbox.run(&["export", "--format=perfetto", "-o", path, path]);
    let refused = refused.expect(2);
    assert!(refused.stderr.contains("would overwrite the recording"));
    assert_eq!(fs::read(path).unwrap(), timeline(&server()));
}

#[test]
fn a_profile_without_a_timeline_is_no_timeline() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &crate::sandbox::recording(1, 5));
    let path = sandbox.input("edbprof_1.prof");
    let run = sandbox.run(&["export", "-o", "a.perfetto-trace", path.to_str().unwrap()]);
    let run = run.expect(1);
    assert!(run.stderr.contains("timeline"), "{}", run.stderr);
    assert!(!sandbox.work("a.perfetto-trace").exists());
}

/// A timeline, and where its first block's words are.
fn damaged(change: impl Fn(&mut Vec<u8>)) -> Sandbox {
    let mut bytes = timeline(&server());
    change(&mut bytes);
    Sandbox::new().with("run.timeline", &bytes)
}

#[test]
fn bytes_behind_a_timeline_are_named() {
    let sandbox = damaged(|bytes| bytes.extend(b"rubbish"));
    let len = fs::metadata(sandbox.input("run.timeline")).unwrap().len() - 7;
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    for arguments in [
        &["calls", "parse", path][..],
        &["export", "--format=chrome", path],
        &["tree", "--from=0", path],
        &["top", "--to=1s", path],
    ] {
        let run = sandbox.run(arguments).expect(0);
        let named = format!("7 bytes are from byte {} on behind", with_commas(len));
        assert!(run.stderr.contains(&named), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains("run.timeline: "), "{}", run.stderr);
    }
}

fn with_commas(number: u64) -> String {
    match number < 1000 {
        true => number.to_string(),
        false => format!("{},{:03}", number / 1000, number % 1000),
    }
}

#[test]
fn damage_is_named_and_the_rest_is_used() {
    // Behind the headers of the file and of the first block.
    let sandbox = damaged(|bytes| bytes[64 + 64 + 9] ^= 0x40);
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    for arguments in [
        &["calls", "parse", path][..],
        &["export", "--format=firefox", "-o", "out", path],
        &["tree", "--from=0", path],
    ] {
        let run = sandbox.run(arguments).expect(1);
        let named = "run.timeline: the timeline is damaged at byte 128: 1 of ";
        assert!(run.stderr.contains(named), "{arguments:?}: {}", run.stderr);
    }
    let calls = sandbox.run(&["calls", "handle_request", path]).expect(1);
    assert!(
        calls.stdout.contains(" calls in 2 processes"),
        "{}",
        calls.stdout
    );
    let cut = damaged(|bytes| bytes.truncate(bytes.len() - 1));
    let path = cut.input("run.timeline");
    let run = cut
        .run(&["calls", "parse", path.to_str().unwrap()])
        .expect(1);
    assert!(
        run.stderr.contains("the file is cut off (at byte "),
        "{}",
        run.stderr
    );
}
