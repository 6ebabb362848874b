//! Commands that edbprof prints, names that it shows, and results that it finds by itself.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::sandbox::{Run, Sandbox, plain_calls, pytest_recording, recording};

/// Commands in the summary of `text`.
fn commands(text: &str) -> Vec<String> {
    let (_, next) = text.split_once("\nNext: ").expect(text);
    next.split("\n  or: ")
        .map(|command| command.trim_end().to_owned())
        .collect()
}

/// Runs `command` in the working directory as a shell does that finds edbprof on PATH.
#[track_caller]
fn typed(sandbox: &Sandbox, command: &str) -> Run {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(sandbox.work(""));
    Run::from(sandbox.on_path(&mut shell).output().unwrap()).expect(0)
}

/// Summary of a merge into `out`.
fn summary(sandbox: &Sandbox, out: &str) -> String {
    sandbox.run(&["--out", out]).expect(0).stdout
}

#[test]
fn every_hint_works_as_printed() {
    for (name, content) in [
        ("edbprof_1.prof", recording(1, 5)),
        ("edbprof_2.prof", plain_calls()),
        ("edbprof_3.prof", pytest_recording()),
    ] {
        let sandbox = Sandbox::new().with(name, &content);
        for out in ["profile_analysis", "it's a $HOME*", "-x"] {
            let text = summary(&sandbox, &format!("./{out}"));
            let commands = commands(&text);
            assert!(commands.len() >= 2, "{text}");
            for command in commands {
                let shown = typed(&sandbox, &command);
                assert_eq!(shown.stderr, "", "{command}");
                assert!(!shown.stdout.is_empty(), "{command}");
            }
        }
    }
}

#[test]
fn hints_that_are_broken_within_words_work_as_printed() {
    for out in ["profile_analysis", "it's a $HOME*, with a long name"] {
        for width in 14..60 {
            let sandbox = Sandbox::new().with("edbprof_1.prof", &pytest_recording());
            let mut run = sandbox.command();
            run.args(["--out", &format!("./{out}")]);
            run.envs([("COLUMNS", &*width.to_string()), ("LINES", "200")]);
            let text = Run::from(run.output().unwrap()).expect(0).stdout;
            assert!(
                text.lines().all(|line| line.chars().count() <= width),
                "{text}"
            );
            let commands = commands(&text);
            assert_eq!(commands.len(), 2, "{text}");
            for command in commands {
                let shown = typed(&sandbox, &command);
                assert_eq!(shown.stderr, "", "{command}");
                assert!(shown.stdout.contains("test_one"), "{command}");
            }
        }
    }
}

#[test]
fn hints_are_chosen_for_the_result() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    let [tree, callers] = &commands(&summary(&sandbox, "a"))[..] else {
        panic!("two commands");
    };
    let joined = |command: &str| command.replace(" \\\n      ", " ");
    let (tree, callers) = (joined(tree), joined(callers));
    assert!(tree.ends_with("edbprof tree a.prof"), "{tree}");
    assert!(callers.ends_with(" top --callers=leaf a.prof"), "{callers}");
    let sandbox = Sandbox::new().with("edbprof_1.prof", &pytest_recording());
    let tests = &commands(&summary(&sandbox, "a"))[0];
    let expected = " tree --include='tests_x/*' a.prof";
    assert!(joined(tests).ends_with(expected), "{tests}");
    let shown = typed(&sandbox, tests).stdout;
    assert!(
        shown.contains("test_one") && !shown.contains("plugin"),
        "{shown}"
    );
}

#[test]
fn names_that_are_shown_are_accepted() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &pytest_recording());
    for pattern in [
        "TestIt.test_one",
        "test_one",
        "test_a.TestIt.test_one",
        "tests_x.test_a:TestIt.test_one",
        "tests_x/test_a.py",
        "test_a.py:test_one",
        "tests_x/test_a.py:1",
        "TestIt.*",
        "TestIt.test_on?",
    ] {
        let shown = |arguments: &[&str]| sandbox.run(arguments).expect(0);
        let callers = format!("--callers={pattern}");
        let stdout = shown(&["top", &callers]).stdout;
        assert!(
            stdout.contains("\n\nTestIt.test_one  "),
            "{pattern}: {stdout}"
        );
        let callees = format!("--callees={pattern}");
        assert!(shown(&["top", &callees]).stdout.contains("test_one"));
        for option in ["include", "exclude"] {
            let option = format!("--{option}={pattern}");
            let Run { stderr, .. } = shown(&["tree", &option]);
            assert!(!stderr.contains("no function"), "{pattern}: {stderr}");
        }
    }
    let Run { stderr, .. } = sandbox.run(&["top", "--callers=TestIt.test_oen"]).expect(2);
    assert!(stderr.contains("did you mean TestIt.test_one?"), "{stderr}");
}

#[test]
fn the_result_that_is_here_is_shown() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 5))
        .with("edbprof_2.prof", &recording(2, 7));
    let said = |arguments: &[&str]| {
        let Run { stdout, stderr, .. } = sandbox.run(arguments).expect(0);
        let calls = stdout.contains("14 calls") || stdout.contains("\"calls\": 12");
        (stderr, calls)
    };
    let temporary = format!(
        "edbprof: reading edbprof_*.prof in {}\n",
        sandbox.input("").display()
    );
    assert_eq!(said(&["tree"]), (temporary.clone(), true));
    let first = sandbox.input("edbprof_1.prof");
    let first = first.to_str().unwrap();
    sandbox.run(&["--quiet", first]).expect(0);
    let here = "edbprof: reading profile_analysis.prof\n".to_owned();
    for command in [&["tree"][..], &["top"], &["export", "--format=json"]] {
        assert_eq!(said(command), (here.clone(), false), "{command:?}");
    }
    // Whoever says which recordings are wanted, gets them.
    assert_eq!(said(&["top", "--prefix=edbprof_"]), (here.clone(), false));
    assert!(said(&["top", "--prefix=edb"]).1);
    assert_eq!(
        said(&["top", sandbox.input("").to_str().unwrap()]),
        (String::new(), true)
    );
    // Merging takes all recordings, as ever.
    sandbox.run(&["--quiet"]).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 14);

    std::fs::remove_file(sandbox.work("profile_analysis.prof")).unwrap();
    symlink("/proc/self/nothing", sandbox.work("profile_analysis.prof")).unwrap();
    assert_eq!(said(&["tree"]), (temporary, true));
}

#[test]
fn a_strangers_result_is_not_shown() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 5));
    sandbox.run(&["--quiet"]).expect(0);
    let result = sandbox.work("profile_analysis.prof");
    let permissions = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&result, permissions).unwrap();
    if std::os::unix::fs::chown(&result, Some(12_345), None).is_err() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let Run { stderr, .. } = sandbox.run(&["tree"]).expect(0);
    assert!(stderr.contains("reading edbprof_*.prof in "), "{stderr}");
}
