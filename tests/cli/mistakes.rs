//! Command lines that were meant to be others, and inputs that are not what they should be.

use edbprof::model::ProcessIdentity;

use crate::sandbox::{Sandbox, begun, plain, recording};

/// What the program says of a wrong command line.
#[track_caller]
fn told(sandbox: &Sandbox, arguments: &[&str], code: i32) -> String {
    let run = sandbox.run(arguments).expect(code);
    assert_eq!(run.stdout, "");
    run.stderr
}

#[test]
fn a_command_that_was_meant_is_named() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.work("x.py"), "print(1)\n").unwrap();
    std::fs::write(sandbox.work("run.log"), "").unwrap();
    for (words, meant) in [
        (&["x.py"][..], "edbprof run x.py"),
        (
            &["x.py", "--size=3", "a b"],
            "edbprof run x.py --size=3 'a b'",
        ),
        (&["-m", "http.server"], "edbprof run -m http.server"),
        (&["-c", "import os"], "edbprof run -c 'import os'"),
        (&["rnu", "x.py"], "edbprof run x.py"),
        (&["show", "x.py", "a"], "edbprof run x.py a"),
        (&["tpo"], "edbprof top"),
        (&["exprot", "--format=json"], "edbprof export --format=json"),
        (&["record", "x.py"], "edbprof run x.py"),
        (&["stats", "a.prof"], "edbprof top a.prof"),
        (&["profile", "x.py"], "edbprof run x.py"),
        (&["measure", "x.py", "-v"], "edbprof run x.py -v"),
        (
            &["compare", "a.prof", "b.prof"],
            "edbprof diff a.prof b.prof",
        ),
        (&["Tree"], "edbprof tree"),
    ] {
        let told = told(&sandbox, words, 2);
        let expected = format!("did you mean {meant}\n");
        assert!(told.ends_with(&expected), "{words:?}: {told}");
    }
    for words in [
        &["data"][..],
        &["/no/such/place"],
        &["no-such.prof", "x.py"],
        &["run.log"],
        &["--no-such-option"],
    ] {
        let run = sandbox.run(words);
        assert!(!run.stderr.contains("did you mean"), "{}", run.stderr);
        assert_ne!(run.code, 0);
    }
    // Files of that name are read.
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.work("rnu"), recording(1, 5)).unwrap();
    sandbox.run(&["rnu"]).expect(0);
}

#[test]
fn run_with_another_argument_missing_wants_that() {
    let told = told(
        &Sandbox::new(),
        &["run", "--timeline-keep=first", "x.py"],
        2,
    );
    assert!(
        told.contains("--timeline") && !told.contains("wants a program"),
        "{told}"
    );
}

#[test]
fn run_wants_a_program() {
    for words in [&["run"][..], &["run", "--"], &["run", "-q"]] {
        let told = told(&Sandbox::new(), words, 2);
        assert!(
            told.starts_with("edbprof: edbprof run wants a program"),
            "{told}"
        );
    }
}

#[test]
fn values_of_options_are_suggested() {
    let sandbox = Sandbox::new();
    for (words, meant) in [
        (&["--sort-by=cumulatve"][..], "did you mean cumulative?"),
        (&["top", "--sort=tottiem"], "did you mean tottime?"),
        (&["--by=proces"], "process"),
        (&["--format=svgg"], "svg"),
        (&["--inclde=a"], "--include"),
        (&["--since=yesterday"], "last-run"),
    ] {
        let told = told(&sandbox, words, 2);
        assert!(told.contains(meant), "{words:?}: {told}");
    }
}

#[test]
fn results_are_not_called_like_those_of_other_tools() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    let told_of = |words: &[&str]| told(&sandbox, words, 2);
    let told = told_of(&["--out=x.png"]);
    assert!(told.contains("x.svg would be the picture"), "{told}");
    let told = told_of(&["export", "-o", "x.htm"]);
    assert!(told.contains("x.html would be the page"), "{told}");
    assert!(sandbox.written().is_empty());
    sandbox.run(&["--out=x.1"]).expect(0);
}

#[test]
fn files_that_are_no_profiles_are_named_as_what_they_are() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    std::fs::write(sandbox.work("x.py"), "print(1)\n").unwrap();
    sandbox.run(&["--quiet"]).expect(0);
    for (name, kind) in [
        ("profile_analysis.svg", "it is an SVG picture"),
        ("profile_analysis.pstats", "it is a printed table of pstats"),
        ("x.py", "it is a Python program; edbprof run"),
    ] {
        let told = told(&sandbox, &["tree", name], 1);
        assert!(told.contains(kind), "{name}: {told}");
    }
}

#[test]
fn a_directory_without_recordings_may_have_other_profiles() {
    let sandbox = Sandbox::new().with("job.prof", &plain(1));
    for command in ["tree", "top"] {
        let told = told(&sandbox, &[command], 3);
        let path = sandbox.input("job.prof");
        let expected = format!("edbprof tree {} shows one\n", path.display());
        assert!(told.ends_with(&expected), "{told}");
    }
}

#[test]
fn a_result_among_the_inputs_is_replaced() {
    let sandbox = Sandbox::new();
    for (name, content) in [("a.prof", recording(1, 5)), ("b.prof", recording(2, 5))] {
        std::fs::write(sandbox.work(name), content).unwrap();
    }
    sandbox.run(&["a.prof"]).expect(0);
    sandbox
        .run(&["a.prof", "b.prof", "profile_analysis.prof"])
        .expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 12);
}

/// Recordings of two runs: three processes in the year 2023, and later a parent with its child.
fn two_runs() -> Sandbox {
    let identity = |pid| ProcessIdentity {
        pid,
        boot_id: [1; 16],
        pid_namespace: 1,
        start: 1,
        program: 0,
    };
    let mut sandbox = Sandbox::new();
    for (id, parent, seconds) in [(1, 9, 0), (2, 9, 0), (3, 2, 50), (4, 9, 500), (5, 4, 600)] {
        let content = begun(id, identity(u32::from(id)), parent, seconds);
        sandbox = sandbox.with(&format!("edbprof_{id}.prof"), &content);
    }
    sandbox
}

#[test]
fn runs_that_are_merged_by_accident_are_told_apart() {
    let sandbox = two_runs();
    let run = sandbox.run(&[]).expect(0);
    assert_eq!(
        run.stderr,
        "edbprof: 5 files of 2 runs are merged; --since=last-run takes the last alone: python, \
         begun 2023-11-14 22:21:40 UTC\n"
    );
    let directory = sandbox.input("");
    let stderr = sandbox
        .run(&["tree", directory.to_str().unwrap()])
        .expect(0)
        .stderr;
    assert!(stderr.contains("5 files of 2 runs"), "{stderr}");
    let last = sandbox.run(&["--since=last-run"]).expect(0);
    assert_eq!(last.stderr, "");
    assert!(
        last.stdout.starts_with("edbprof: 2 processes"),
        "{}",
        last.stdout
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 22);
    let told = told(&sandbox, &["--since=1h"], 3);
    assert!(told.contains("of the time that --since chooses"), "{told}");
    let all = sandbox.run(&["--since=999999d"]).expect(0);
    assert!(
        all.stdout.starts_with("edbprof: 5 processes"),
        "{}",
        all.stdout
    );
    // Whoever names files wants them all; others are dated by their files.
    let names: Vec<_> = (1..6)
        .map(|id| sandbox.input(&format!("edbprof_{id}.prof")))
        .collect();
    let names: Vec<_> = names.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(sandbox.run(&names).expect(0).stderr, "");
    let sandbox = sandbox
        .with("edbprof_6.prof", &plain(7))
        .with("edbprof_7.prof", b"damaged");
    let recent = sandbox.run(&["--since=1h"]).expect(1);
    assert!(
        recent.stdout.starts_with("edbprof: 1 process,"),
        "{}",
        recent.stdout
    );
    assert!(
        recent.stderr.contains("edbprof_7.prof"),
        "{}",
        recent.stderr
    );
}
