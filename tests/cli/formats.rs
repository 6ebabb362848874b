//! `edbprof export`: what other tools make of each format.

use std::process::Command;

use edbprof::model::{Label, Rows};
use serde_json::Value;

use crate::sandbox::{Sandbox, plain_calls, recording, recording_of};

/// Names that mean something in one of the formats, or to a terminal.
const HOSTILE: [&[u8]; 2] = [
    b"a;b 12 fn=(1) evil\ncalls=1 1\n* 99 </script>\"\\",
    b"(2)\x1b[2J\r\xed\xb2\x80\xff",
];

/// Each kind of profile, with the nanoseconds that it took in all.
fn profiles() -> Vec<(&'static str, Sandbox, u64)> {
    let file = |content: Vec<u8>| Sandbox::new().with("edbprof_1.prof", &content);
    vec![
        ("exact", file(recording(1, 5)), 3_000_000),
        ("estimated", file(plain_calls()), 1_000_000_000),
        (
            "of several processes",
            file(recording(1, 5)).with("edbprof_2.prof", &recording(2, 7)),
            6_000_000,
        ),
        ("hostile", file(recording_of(HOSTILE)), 3_000_000),
        (
            "of both kinds",
            file(recording(1, 5)).with("edbprof_2.prof", &plain_calls()),
            1_003_000_000,
        ),
    ]
}

fn export(sandbox: &Sandbox, format: &str) -> String {
    let run = sandbox.run(&["export", "--format", format]).expect(0);
    let reading = format!(
        "edbprof: reading edbprof_*.prof in {}\n",
        sandbox.input("").display()
    );
    assert_eq!(run.stderr, reading);
    run.stdout
}

fn whole_numbers<'v>(values: &'v Value) -> impl Iterator<Item = u64> + 'v {
    values
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_u64().unwrap())
}

/// Skips loudly where there is no such program.
fn is_there(program: &str, package: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        let line = format!("formats ({program} is missing; make ci-tools installs {package})");
        assert_eq!(std::env::var_os("EDBPROF_NO_SKIP"), None, "{line}");
        eprintln!("SKIPPED: {line}");
        if let Some(log) = std::env::var_os("EDBPROF_SKIP_LOG") {
            use std::io::Write;
            let mut log = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(log)
                .unwrap();
            writeln!(log, "{line}").unwrap();
        }
    }
    found
}

#[track_caller]
pub(crate) fn check_schema(schema: &str, value: &Value, what: &str) {
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

#[test]
fn inferno_draws_folded_stacks() {
    for (what, sandbox, total) in profiles() {
        let text = export(&sandbox, "folded");
        let own = text.lines().map(|line| line.rsplit_once(' ').unwrap().1);
        assert_eq!(
            own.map(|ns| ns.parse::<u64>().unwrap()).sum::<u64>(),
            total,
            "{what}"
        );
        let mut options = inferno::flamegraph::Options::default();
        options.count_name = "ns".to_owned();
        let mut svg = Vec::new();
        inferno::flamegraph::from_lines(&mut options, text.lines(), &mut svg).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        let options = roxmltree::ParsingOptions {
            allow_dtd: true,
            ..Default::default()
        };
        let document = roxmltree::Document::parse_with_options(&svg, options).unwrap();
        let titles = document
            .descendants()
            .filter(|node| node.has_tag_name("title"));
        let titles: Vec<_> = titles.filter_map(|title| title.text()).collect();
        let all = titles
            .iter()
            .find(|title| title.starts_with("all ("))
            .unwrap();
        let digits: String = all
            .chars()
            .take_while(|&c| c != 'n')
            .filter(char::is_ascii_digit)
            .collect();
        assert_eq!(digits, total.to_string(), "{what}");
        // No name has become two frames, nor two names one. (What is exact and what is
        // estimated can't be told apart in folded stacks.)
        if what != "of both kinds" {
            let file: Value = serde_json::from_str(&export(&sandbox, "json")).unwrap();
            let nodes = whole_numbers(&file["tree"]["total_ns"]).count();
            let frames = titles.iter().filter(|title| title.contains(" ns, "));
            assert_eq!(frames.count(), nodes + 1, "{what}: {titles:?}");
        }
    }
}

#[test]
fn speedscope_files_are_what_its_schema_says() {
    let schema = include_str!("../golden/speedscope-1.25.0.schema.json");
    for (what, sandbox, total) in profiles() {
        let file: Value = serde_json::from_str(&export(&sandbox, "speedscope")).unwrap();
        check_schema(schema, &file, what);
        let frames = file["shared"]["frames"].as_array().unwrap().len() as u64;
        let mut sum = 0;
        for profile in file["profiles"].as_array().unwrap() {
            // Demanded by the importer of speedscope: nothing ends before it began, what was
            // opened last is closed first, all is closed in the end.
            let (mut open, mut now) = (Vec::new(), 0);
            for event in profile["events"].as_array().unwrap() {
                let (frame, at) = (
                    event["frame"].as_u64().unwrap(),
                    event["at"].as_u64().unwrap(),
                );
                assert!(at >= now && frame < frames, "{what}");
                now = at;
                match event["type"].as_str().unwrap() {
                    "O" => open.push(frame),
                    _ => assert_eq!(open.pop(), Some(frame), "{what}"),
                }
            }
            assert!(open.is_empty(), "{what}");
            assert_eq!(profile["endValue"], now, "{what}");
            sum += now;
        }
        assert_eq!(sum, total, "{what}");
    }
}

#[test]
fn callgrind_annotate_counts_the_same() {
    if !is_there("callgrind_annotate", "valgrind") {
        return;
    }
    for (what, sandbox, total) in profiles() {
        let path = sandbox.work("out.callgrind");
        sandbox
            .run(&["export", "-o", path.to_str().unwrap()])
            .expect(0);
        let annotate = |option: &str| {
            let mut command = Command::new("callgrind_annotate");
            let output = command
                .args(["--threshold=100", option])
                .arg(&path)
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success() && stderr.is_empty(),
                "{what}: {stderr}"
            );
            String::from_utf8(output.stdout).unwrap()
        };
        let own = annotate("--inclusive=no");
        let figures = |line: &str| -> Option<u64> {
            let word = line.split_whitespace().next()?;
            word.replace(',', "").parse().ok()
        };
        let (head, list) = own.split_once("file:function").unwrap();
        let totals = head.lines().find(|line| line.contains("PROGRAM TOTALS"));
        assert_eq!(totals.and_then(figures), Some(total), "{what}: {own}");
        assert_eq!(
            list.lines().filter_map(figures).sum::<u64>(),
            total,
            "{what}: {own}"
        );
        // The root has all of it, by its own time and what it called.
        if what != "of both kinds" {
            let inclusive = annotate("--inclusive=yes");
            let list = inclusive.split_once("file:function").unwrap().1;
            let most = list.lines().filter_map(figures).max();
            assert_eq!(most, Some(total), "{what}: {inclusive}");
        }
    }
}

#[test]
fn callgrind_files_have_the_exact_pairs() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain_calls());
    let text = export(&sandbox, "callgrind");
    let main = "\
fl=(1) /app/main.py
fn=(1) main:1
1 250000000
cfi=(1)
cfn=(2) leaf:1
calls=4 1
1 250000000
cfi=(1)
cfn=(3) other:1
calls=2 1
1 500000000

fl=(1)
fn=(2)
1 500000000
";
    assert!(text.contains(main), "{text}");
}

#[test]
fn callgrind_files_give_names_to_what_has_none() {
    let mut rows = Rows::default();
    for (line, name) in [(0, ""), (3, ""), (3, "named")] {
        let id = rows.intern(&Label {
            file: Box::default(),
            line,
            name: name.as_bytes().into(),
        });
        rows.row_mut(id).counts.tt = 0.5;
    }
    let content = edbprof::format::pstats::encode(&rows);
    let sandbox = Sandbox::new().with("edbprof_1.prof", &content);
    let text = export(&sandbox, "callgrind");
    let names: Vec<_> = text.lines().filter(|line| line.starts_with('f')).collect();
    assert_eq!(
        names,
        [
            "fl=(1) ???",
            "fn=(1) ???",
            "fl=(1)",
            "fn=(2) ???:3",
            "fl=(1)",
            "fn=(3) named:3"
        ]
    );
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = include_str!("../../src/report/edbprof.schema.json");
    for (what, sandbox, total) in profiles() {
        let file: Value = serde_json::from_str(&export(&sandbox, "json")).unwrap();
        check_schema(schema, &file, what);
        assert_eq!(file["total_ns"], total, "{what}");
        let functions = file["functions"].as_array().unwrap();
        let own = functions.iter().map(|f| f["self_ns"].as_u64().unwrap());
        assert_eq!(own.sum::<u64>(), total, "{what}");
        let tree = &file["tree"];
        let parents: Vec<_> = tree["parent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p.as_i64().unwrap())
            .collect();
        let roots = parents
            .iter()
            .zip(whole_numbers(&tree["total_ns"]))
            .filter(|(parent, _)| **parent < 0);
        assert_eq!(roots.map(|(_, total)| total).sum::<u64>(), total, "{what}");
        for column in ["function", "calls", "resumes", "estimated"] {
            assert_eq!(
                tree[column].as_array().unwrap().len(),
                parents.len(),
                "{what}"
            );
        }
        for caller in functions
            .iter()
            .flat_map(|f| f["callers"].as_array().unwrap())
        {
            assert!(caller["function"].as_u64().unwrap() < functions.len() as u64);
        }
    }
}

#[test]
fn the_main_command_writes_them_too() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    let formats = "--format=folded,speedscope,callgrind,json";
    let run = sandbox.run(&[formats, "--out=run.folded"]).expect(0);
    for name in [
        "run.callgrind",
        "run.folded",
        "run.json",
        "run.speedscope.json",
    ] {
        assert!(run.stdout.contains(name), "{}", run.stdout);
    }
    assert_eq!(sandbox.written().len(), 4);
    // The name of the output alone adds its format.
    sandbox.run(&["--out=more.speedscope.json"]).expect(0);
    let more: Vec<_> = sandbox
        .written()
        .into_iter()
        .filter(|name| name.starts_with("more"))
        .collect();
    assert_eq!(
        more,
        [
            "more.prof",
            "more.pstats",
            "more.speedscope.json",
            "more.svg"
        ]
    );
}

#[test]
fn export_says_what_it_can_not_do() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    let run = sandbox.run(&["export", "-o", "run.txt"]).expect(2);
    assert!(run.stderr.contains("--format"), "{}", run.stderr);
    assert!(
        sandbox
            .run(&["export"])
            .expect(2)
            .stderr
            .contains("--format")
    );
    let input = sandbox.input("edbprof_1.prof");
    let input = input.to_str().unwrap();
    let run = sandbox.run(&["export", "-o", input, input]).expect(2);
    assert!(run.stderr.contains("overwrite the input"), "{}", run.stderr);
    let run = sandbox
        .run(&["export", "-o", "no/such.folded", input])
        .expect(4);
    assert!(
        run.stderr.contains("can't write no/such.folded"),
        "{}",
        run.stderr
    );
    assert!(sandbox.written().is_empty());
    // Inputs that can't be used are named, and the rest is written.
    let broken = sandbox.with("edbprof_2.prof", b"nonsense");
    let run = broken.run(&["export", "--format=folded"]).expect(1);
    assert!(run.stderr.contains("can't read") && run.stdout.contains("leaf"));
}

#[test]
fn where_there_is_nothing_to_export_no_file_is_made() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    for arguments in [
        ["export", "-o", "x.singledispatch"],
        ["export", "--format", "singledispatch"],
    ] {
        let run = sandbox.run(&arguments).expect(3);
        assert!(
            run.stderr.contains("there is nothing to write"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stdout, "");
    }
    assert!(sandbox.written().is_empty());
}
