//! `edbprof calls`.

use edbprof::format::timeline::{Block, encode};
use edbprof::model::timeline::{CallEnd, Happening, WaitKind};
use serde_json::Value;

use crate::live_file::killed;
use crate::sandbox::Sandbox;
use crate::timeline::{Program, bytes};

const MS: u64 = 1_000_000;

/// A server of two processes: eleven requests, of which the eighth of the first process is slow
/// because it waits for a query.
pub(crate) fn server() -> Vec<Program> {
    (0..2_u64)
        .map(|number| {
            let mut program = Program::new(number as u32, 1_700_000_000_000_000_000);
            program.words_in_block = 10;
            let main = program.thread("MainThread");
            let mut now = 10 * MS;
            program.call(main, now, "serve");
            for request in 0..[9, 2][number as usize] {
                now += 5 * MS;
                program.call(main, now, "handle_request");
                program.call(main, now + MS, "parse");
                now += 2 * MS;
                program.returns(main, now);
                program.call(main, now, "query");
                if request == 7 {
                    program.wait(main, WaitKind::Blocked, 100 * MS);
                    now += 110 * MS;
                }
                now += MS;
                program.returns(main, now);
                now += MS;
                let how = if request == 7 {
                    CallEnd::Raised
                } else {
                    CallEnd::Returned
                };
                program.end(main, now, how);
            }
            program.of.end = now + 20 * MS;
            program
        })
        .collect()
}

pub(crate) fn timeline(programs: &[Program]) -> Vec<u8> {
    bytes(&programs.iter().collect::<Vec<_>>())
}

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let run = sandbox
        .run(&[&["calls", "--json"], arguments].concat())
        .expect(0);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn every_call_counts_and_the_slowest_is_beside_the_median() {
    let sandbox = Sandbox::new().with("run.timeline", &timeline(&server()));
    let path = sandbox.input("run.timeline");
    let run = sandbox.run(&[
        "calls",
        "handle_request",
        path.to_str().unwrap(),
        "--slowest=1",
    ]);
    let expected = "\
handle_request  app.py:1
11 calls in 2 processes
total 154 ms, mean 14.0 ms, of which waiting 65 %: 100 ms blocked
min 4.00 ms, p50 4.00 ms, p90 4.00 ms, p99 114 ms, p99.9 114 ms, max 114 ms

  from 2.00 ms  10  ████████████████████████████████████████
  from 5.00 ms   0
  from 10.0 ms   0
  from 20.0 ms   0
  from 50.0 ms   0
  from  100 ms   1  ████

Slowest 1: 114 ms from 0.078000 s on, raised, of which waiting 88 %: 100 ms blocked
  process 1000 (python app.py), thread MainThread
  this call   median  calls  median
     114 ms  4.00 ms      1       1  handle_request  app.py:1
     111 ms  1.00 ms      1       1  ├─ ◦ query  app.py:1
    1.00 ms  1.00 ms      1       1  └─ parse  app.py:1
  ◦ waiting, for half of this call's time there or more
";
    assert_eq!(run.expect(0).stdout, expected);
}

#[test]
fn json_has_all_figures() {
    let sandbox = Sandbox::new().with("run.timeline", &timeline(&server()));
    let path = sandbox.input("run.timeline");
    let value = json(&sandbox, &["handle_request", path.to_str().unwrap()]);
    for (key, expected) in [
        ("calls", 11),
        ("in_history", 11),
        ("total_ns", 154 * MS),
        ("min_ns", 4 * MS),
        ("mean_ns", 14 * MS),
        ("p50_ns", 4 * MS),
        ("p90_ns", 4 * MS),
        ("p99_ns", 114 * MS),
        ("p999_ns", 114 * MS),
        ("max_ns", 114 * MS),
        ("steps", 0),
    ] {
        assert_eq!(value[key].as_u64(), Some(expected), "{key}");
    }
    assert_eq!(value["function"], "handle_request");
    assert_eq!(value["is_complete"], true);
    let slowest = value["slowest"].as_array().unwrap();
    assert_eq!(slowest.len(), 3);
    assert_eq!(slowest[0]["start_ns"].as_u64(), Some(78 * MS));
    assert_eq!(slowest[0]["duration_ns"].as_u64(), Some(114 * MS));
    assert_eq!(
        (&slowest[0]["pid"], &slowest[0]["thread"]),
        (&1000.into(), &"MainThread".into())
    );
    assert_eq!(slowest[0]["ended"], "raised");
    assert_eq!(slowest[1]["ended"], "returned");
}

#[test]
fn timelines_are_found_beside_profiles_and_in_directories() {
    let programs = server();
    let one = |index: usize| bytes(&[&programs[index]]);
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &crate::sandbox::recording(1, 5))
        .with("edbprof_1.prof.timeline", &one(0))
        .with("edbprof_2.prof.timeline", &one(1))
        .with("other.timeline", &one(1))
        .with("result.prof", &crate::sandbox::recording(2, 5))
        .with("result.timeline", &timeline(&programs));
    let calls = |name: &str| {
        let path = sandbox.input(name);
        json(&sandbox, &["handle_request", path.to_str().unwrap()])["calls"].as_u64()
    };
    assert_eq!(calls(""), Some(11));
    assert_eq!(calls("edbprof_1.prof"), Some(9));
    assert_eq!(calls("result.prof"), Some(11));
    assert_eq!(calls("other.timeline"), Some(2));
    let found = sandbox
        .run(&["calls", "handle_request", "--json"])
        .expect(0);
    assert!(
        found.stderr.contains("reading edbprof_*.prof.timeline in"),
        "{}",
        found.stderr
    );
    std::fs::write(sandbox.work("profile_analysis.timeline"), one(1)).unwrap();
    let found = sandbox
        .run(&["calls", "handle_request", "--json"])
        .expect(0);
    assert_eq!(found.stderr, "edbprof: reading profile_analysis.timeline\n");
    // Both together have each recording once.
    let [one, all] = ["edbprof_1.prof", "result.timeline"].map(|name| sandbox.input(name));
    let both = [one.to_str().unwrap(), all.to_str().unwrap()];
    let value = json(&sandbox, &[&["handle_request"], &both[..]].concat());
    assert_eq!(value["calls"].as_u64(), Some(11));
}

#[test]
fn a_directory_has_no_profiles_among_its_timelines() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &crate::sandbox::recording(1, 5))
        .with("edbprof_1.prof.timeline", &timeline(&server()));
    let run = sandbox.run(&["tree"]).expect(0);
    assert!(
        run.stdout.starts_with("edbprof: 1 process"),
        "{}",
        run.stdout
    );
    let path = sandbox.input("edbprof_1.prof.timeline");
    let run = sandbox.run(&["tree", path.to_str().unwrap()]).expect(1);
    assert!(
        run.stderr
            .contains("it is a timeline, which edbprof calls reads"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_function_that_is_not_there_is_asked_for_by_its_right_name() {
    let sandbox = Sandbox::new().with("run.timeline", &timeline(&server()));
    let path = sandbox.input("run.timeline");
    let run = |function: &str| sandbox.run(&["calls", function, path.to_str().unwrap()]);
    let refused = run("handle_requests").expect(2);
    assert!(
        refused.stderr.contains("did you mean handle_request?"),
        "{}",
        refused.stderr
    );
    let prof = sandbox.input("none.prof");
    let run = sandbox
        .run(&["calls", "f", prof.to_str().unwrap()])
        .expect(2);
    assert!(run.stderr.contains("there is no file"), "{}", run.stderr);
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["calls", "f"]).expect(3);
    assert!(
        run.stderr.contains("edbprof run --timeline"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_profile_without_timeline_says_how_to_get_one() {
    let sandbox = Sandbox::new().with("a.prof", &crate::sandbox::recording(1, 5));
    let path = sandbox.input("a.prof");
    let run = sandbox
        .run(&["calls", "f", path.to_str().unwrap()])
        .expect(1);
    let why = "no timeline is beside it; edbprof run --timeline records one";
    assert!(run.stderr.contains(why), "{}", run.stderr);
}

#[test]
fn processes_are_chosen() {
    let sandbox = Sandbox::new().with("run.timeline", &timeline(&server()));
    let path = sandbox.input("run.timeline");
    let path = path.to_str().unwrap();
    let value = json(&sandbox, &["handle_request", path, "--only-process=1001"]);
    assert_eq!(value["calls"].as_u64(), Some(2));
    let value = json(
        &sandbox,
        &["handle_request", path, "--from=50ms", "--to=0.1"],
    );
    assert_eq!(value["calls"].as_u64(), Some(4));
    let none = sandbox
        .run(&["calls", "serve", path, "--only-thread=other"])
        .expect(3);
    assert!(none.stderr.contains("nothing is left"), "{}", none.stderr);
    sandbox
        .run(&["calls", "serve", path, "--include=x"])
        .expect(2);
}

#[test]
fn what_the_history_lacks_is_said() {
    let mut programs = server();
    let first = &mut programs[0];
    first.of.blocks.drain(..2);
    first.of.complete_from = first.of.blocks[0].start;
    let sandbox = Sandbox::new()
        .with("run.timeline", &timeline(&programs))
        .with("run.prof", &crate::sandbox::recording(1, 5));
    let path = sandbox.input("run.timeline");
    let run = sandbox
        .run(&["calls", "handle_request", path.to_str().unwrap()])
        .expect(0);
    let gap = "The oldest calls were given up in 1 of 2 processes: from 0 s to 42.0 ms is missing.";
    assert!(run.stdout.contains(gap), "{}", run.stdout);
    assert!(
        run.stdout.contains("began before the history"),
        "{}",
        run.stdout
    );
}

#[test]
fn damaged_timelines_are_errors() {
    let whole = timeline(&server());
    for (content, code) in [(&whole[..whole.len() - 1], 1), (&b"edbtime\0"[..], 1)] {
        let sandbox = Sandbox::new().with("run.timeline", content);
        let path = sandbox.input("run.timeline");
        let run = sandbox
            .run(&["calls", "f", path.to_str().unwrap()])
            .expect(code);
        assert!(run.stderr.contains("can't read"), "{}", run.stderr);
    }
}

#[test]
fn ascii_and_narrow_terminals_get_what_they_can_show() {
    let sandbox = Sandbox::new().with("run.timeline", &timeline(&server()));
    let mut command = sandbox.command();
    let path = sandbox.input("run.timeline");
    command.args(["calls", "handle_request"]).arg(path);
    command.envs([("LC_ALL", "C"), ("COLUMNS", "60")]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.is_ascii() && text.contains("####"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 60), "{text}");
}

/// The history file of the process of [`killed`], in which `main` was called once before.
fn history(id: u8) -> Vec<u8> {
    const BLOCK: usize = 64 << 10;
    let mut bytes = vec![0; 2 * BLOCK];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, b"edbhist\0");
    put(8, &1_u32.to_le_bytes());
    put(16, &[id; 16]);
    put(32, &1_u64.to_le_bytes());
    put(40, &1_u64.to_le_bytes());
    let header = Block::new(1, 1, 0, 0, 1);
    let mut head = [0; 40];
    head[..8].copy_from_slice(&header.number.to_le_bytes());
    head[8..16].copy_from_slice(&header.start.to_le_bytes());
    head[24..28].copy_from_slice(&header.thread.to_le_bytes());
    put(BLOCK, &head);
    put(BLOCK + 48, &xxhash_rust::xxh3::xxh3_64(&head).to_le_bytes());
    let mut words = Vec::new();
    encode(Happening::Start(1), 2, &mut words);
    encode(Happening::End(CallEnd::Returned), 3, &mut words);
    encode(Happening::Start(1), 4, &mut words);
    let words: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    put(BLOCK + 64, &words);
    bytes
}

#[test]
fn the_history_of_a_killed_process_is_read_with_its_live_file() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof.live", &killed(5, 2))
        .with("edbprof_1.prof.timeline.live", &history(5));
    for name in ["", "edbprof_1.prof.live", "edbprof_1.prof.timeline.live"] {
        let path = sandbox.input(name);
        let value = json(&sandbox, &["main", path.to_str().unwrap()]);
        assert_eq!(
            (&value["calls"], &value["open"]),
            (&2.into(), &1.into()),
            "{name}"
        );
        assert_eq!(value["slowest"][0]["ended"], "open");
        assert_eq!(
            (&value["max_ns"], &value["min_ns"]),
            (&990.into(), &3.into())
        );
    }
    // Results of the run have it, too.
    sandbox.run(&["--out=run"]).expect(0);
    let value = json(&sandbox, &["main", "run.timeline"]);
    assert_eq!(value["calls"], 2);
    // The process's own timeline takes its place once the live file is gone.
    std::fs::remove_file(sandbox.input("edbprof_1.prof.live")).unwrap();
    let path = sandbox.input("edbprof_1.prof.timeline.live");
    let run = sandbox
        .run(&["calls", "main", path.to_str().unwrap()])
        .expect(1);
    assert!(run.stderr.contains("it is gone"), "{}", run.stderr);
    std::fs::write(
        sandbox.input("edbprof_1.prof.timeline"),
        timeline(&server()),
    )
    .unwrap();
    let directory = sandbox.input("");
    let value = json(&sandbox, &["handle_request", directory.to_str().unwrap()]);
    assert_eq!(value["calls"], 11);
}
