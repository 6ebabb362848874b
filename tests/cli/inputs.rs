//! Inputs: each file is read once, whatever else is in the directory.

use std::os::unix::fs::symlink;

use crate::sandbox::{Sandbox, plain, recording};

#[test]
fn everything_that_matches_is_added_up() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(2, 20))
        .with("edbprof_plain.prof", &plain(100))
        .with("other.prof", &recording(3, 1000))
        .with("edbprof_1.txt", b"no profile");
    let run = sandbox.run(&[]).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 21 + 100);
    sandbox.run(&["--prefix=oth", "--suffix=prof"]).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 1001);
}

#[test]
fn directories_and_files_can_be_mixed_and_count_once() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("named", &recording(2, 20));
    symlink(sandbox.input("named"), sandbox.input("edbprof_link.prof")).unwrap();
    let (directory, named) = (sandbox.input(""), sandbox.input("named"));
    let arguments = [
        directory.to_str().unwrap(),
        named.to_str().unwrap(),
        named.to_str().unwrap(),
    ];
    sandbox.run(&arguments).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 21);
    sandbox.run(&[named.to_str().unwrap()]).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 21);
}

#[test]
fn an_input_of_two_names_counts_once() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_plain.prof", &plain(100));
    for name in ["edbprof_1.prof", "edbprof_plain.prof"] {
        let linked = format!("edbprof_hard_{name}");
        std::fs::hard_link(sandbox.input(name), sandbox.input(&linked)).unwrap();
    }
    let run = sandbox.run(&[]).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 100);
    // A copy of a recording is known by its id, and said to be left out.
    let copy = sandbox.input("edbprof_copy.prof");
    std::fs::copy(sandbox.input("edbprof_1.prof"), copy).unwrap();
    let run = sandbox.run(&[]).expect(0);
    assert!(run.stderr.contains("counted already"), "{}", run.stderr);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 100);
}

#[test]
fn what_was_written_is_no_input_of_the_next_run() {
    let sandbox = Sandbox::new()
        .with("1.prof", &recording(1, 10))
        .with("2.prof", &recording(2, 20))
        .with("plain.prof", &plain(100));
    let first = sandbox.run_among_inputs(&[]).expect(0);
    assert_eq!(first.stderr, "");
    let result = std::fs::read(sandbox.input("profile_analysis.prof")).unwrap();
    sandbox.run_among_inputs(&[]).expect(0);
    assert_eq!(
        std::fs::read(sandbox.input("profile_analysis.prof")).unwrap(),
        result
    );
    // The table and the picture match as well now.
    sandbox.run_among_inputs(&["--suffix="]).expect(0);
    assert_eq!(
        std::fs::read(sandbox.input("profile_analysis.prof")).unwrap(),
        result
    );
}

#[test]
fn an_aggregate_of_one_recording_is_known_as_an_aggregate() {
    let sandbox = Sandbox::new().with("1.prof", &recording(1, 10));
    for _ in 0..3 {
        sandbox.run_among_inputs(&[]).expect(0);
        let result = sandbox.input("profile_analysis.prof");
        std::fs::copy(result, sandbox.work("copy.prof")).unwrap();
        assert_eq!(sandbox.calls("copy.prof"), 11);
    }
}

#[test]
fn aggregates_can_be_aggregated() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(2, 20))
        .with("edbprof_3.prof", &plain(100));
    for number in ["1", "2", "3"] {
        sandbox
            .run(&[
                &format!("--prefix=edbprof_{number}"),
                &format!("--out=host{number}"),
            ])
            .expect(0);
    }
    sandbox
        .run(&["host1.prof", "host2.prof", "host3.prof", "--out=all"])
        .expect(0);
    sandbox.run(&["--out=direct"]).expect(0);
    assert_eq!(sandbox.calls("all.prof"), sandbox.calls("direct.prof"));
}

#[test]
fn bad_files_are_named_and_do_not_stop_the_rest() {
    let good = recording(1, 10);
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &good)
        .with("edbprof_cut.prof", &good[..good.len() / 2])
        .with("edbprof_empty.prof", b"")
        .with("edbprof_text.prof", b"hello");
    std::fs::create_dir(sandbox.input("edbprof_directory.prof")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(sandbox.input("edbprof_fifo.prof"))
        .status();
    assert!(fifo.unwrap().success());
    symlink("edbprof_loop.prof", sandbox.input("edbprof_loop.prof")).unwrap();
    symlink("nowhere", sandbox.input("edbprof_dangling.prof")).unwrap();
    let run = sandbox.run(&[]).expect(1);
    for name in [
        "cut",
        "empty",
        "text",
        "directory",
        "fifo",
        "loop",
        "dangling",
    ] {
        let lines = run
            .stderr
            .lines()
            .filter(|line| line.contains(&format!("edbprof_{name}.prof")));
        assert_eq!(lines.count(), 1, "{name}: {}", run.stderr);
    }
    assert!(run.stderr.contains("it is a FIFO, not a file"));
    assert!(run.stderr.contains("it is a directory, not a file"));
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}

#[test]
fn when_all_files_fail_nothing_is_written() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", b"");
    let run = sandbox.run(&[]).expect(1);
    assert!(run.stderr.contains("edbprof_1.prof"));
    assert_eq!(sandbox.written(), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_while_it_is_read_is_a_failure() {
    // Opening it works, even for root; at its beginning no memory is mapped.
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 1));
    symlink("/proc/self/mem", sandbox.input("edbprof_2.prof")).unwrap();
    let run = sandbox.run(&[]).expect(1);
    assert!(
        run.stderr.contains("edbprof_2.prof: Input/output error"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 2);
}

#[test]
fn nothing_to_read_is_said_with_what_was_looked_for() {
    let sandbox = Sandbox::new().with("other.prof", &plain(1));
    let run = sandbox.run(&["--prefix=a\x1b", "--suffix=.b"]).expect(3);
    for part in ["in", "a\\x1b", ".b"] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    assert_eq!(run.stdout, "");
    assert_eq!(sandbox.written(), [""; 0]);
}

#[test]
fn the_default_directory_is_that_of_tempfile() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    let run = |variables: &[(&str, &str)]| {
        let mut command = sandbox.command();
        command
            .env_remove("TMPDIR")
            .env_remove("TEMP")
            .env_remove("TMP");
        let output = command
            .envs(variables.iter().copied())
            .arg("--summary-json=-")
            .output();
        output.unwrap().status.code()
    };
    let input = sandbox.input("");
    let input = input.to_str().unwrap();
    assert_eq!(run(&[("TMP", input)]), Some(0));
    assert_eq!(
        run(&[("TMPDIR", "/nowhere"), ("TEMP", input), ("TMP", "/")]),
        Some(0)
    );
    assert_eq!(
        run(&[("TMPDIR", ""), ("TEMP", ""), ("TMP", input)]),
        Some(0)
    );
}

#[test]
fn paths_that_do_not_exist_are_wrong_usage() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain(1));
    let run = sandbox
        .run(&[sandbox.input("").to_str().unwrap(), "missing"])
        .expect(2);
    assert!(run.stderr.contains("missing"));
    assert_eq!(sandbox.written(), [""; 0]);
}
