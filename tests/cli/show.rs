//! `edbprof top` and `edbprof tree`.

use crate::sandbox::{Sandbox, folded_recording, plain, plain_calls, recording};

fn two_processes() -> Sandbox {
    Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 5))
        .with("edbprof_2.prof", &recording(2, 7))
}

#[test]
fn top_lists_functions() {
    let run = two_processes().run(&["top"]).expect(0);
    assert_eq!(
        run.stdout,
        "edbprof: 2 processes, 6.00 ms in 14 calls of 2 functions\n\n     \
         self           total  calls  function\n  \
         4.00 ms 66.7 %  4.00 ms     12  leaf  main.py:1\n  \
         2.00 ms 33.3 %  6.00 ms      2  main  main.py:1\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn top_sorts_and_limits() {
    let sandbox = two_processes();
    let run = sandbox
        .run(&["top", "--sort=cumulative", "--limit=1"])
        .expect(0);
    assert!(run.stdout.contains("main  main.py"), "{}", run.stdout);
    assert!(!run.stdout.contains("leaf"), "{}", run.stdout);
    assert!(
        sandbox
            .run(&["top", "--limit=0"])
            .expect(0)
            .stdout
            .contains("leaf")
    );
    let run = sandbox.run(&["top", "--sort=nonsense"]).expect(2);
    assert!(
        run.stderr.contains("no sort key is called"),
        "{}",
        run.stderr
    );
}

#[test]
fn callers_and_callees_of_a_function() {
    let sandbox = Sandbox::new().with("a.prof", &plain_calls());
    let input = sandbox.input("a.prof");
    let input = input.to_str().unwrap();
    let run = sandbox.run(&["top", "--callers=leaf", input]).expect(0);
    let table = run.stdout.split_once("\n\n").unwrap().1;
    assert_eq!(
        table,
        "leaf  main.py:1\n  total 500 ms, self 500 ms, 6 calls\n   \
         total           self  calls  caller\n  \
         250 ms 50.0 %  250 ms      4  main  main.py:1\n  \
         250 ms 50.0 %  250 ms      2  other  main.py:1\n"
    );
    let run = sandbox
        .run(&["top", "--callees=main", "--sort=calls", input])
        .expect(0);
    let table = run.stdout.split_once("\n\n").unwrap().1;
    assert_eq!(
        table,
        "main  main.py:1\n  total 1.00 s, self 250 ms, 1 call\n   \
         total           self  calls  callee\n  \
         250 ms 25.0 %  250 ms      4  leaf  main.py:1\n  \
         500 ms 50.0 %  250 ms      2  other  main.py:1\n"
    );
    let run = sandbox.run(&["top", "--callers=main", input]).expect(0);
    assert!(
        run.stdout.ends_with("no callers were recorded\n"),
        "{}",
        run.stdout
    );
    // A part of pstats' name, where no function is called so.
    let run = sandbox
        .run(&["top", "--callees=main.py:1(oth", input])
        .expect(0);
    assert!(
        run.stdout.contains("other  main.py:1\n  total 500 ms"),
        "{}",
        run.stdout
    );
    let run = sandbox
        .run(&["top", "--callees=\x1bnothing", input])
        .expect(2);
    assert!(
        run.stderr.contains("no function is called '\\x1bnothing'"),
        "{}",
        run.stderr
    );
}

#[test]
fn tree_adds_processes_up() {
    let run = two_processes().run(&["tree"]).expect(0);
    assert_eq!(
        run.stdout,
        "edbprof: 2 processes, 6.00 ms in 14 calls of 2 functions\n\n    \
         total    share     self  calls\n  \
         6.00 ms  100.0 %  2.00 ms      2  main  main.py:1\n  \
         4.00 ms   66.7 %  4.00 ms     12  └─ leaf  main.py:1\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn tree_marks_what_is_no_record() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &folded_recording(1, 5))
        .with("edbprof_2.prof", &plain(3));
    let text = sandbox.run(&["tree", "--threshold=0"]).expect(0).stdout;
    assert!(
        text.contains("~ 500 ms") && text.contains("≥ 2.00 ms"),
        "{text}"
    );
    assert!(
        text.contains("Folded: 1,234 calls") && text.contains("<folded calls>"),
        "{text}"
    );
}

#[test]
fn colours_only_where_they_are_wanted() {
    let sandbox = two_processes();
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = sandbox.command();
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let output = command
            .arg("tree")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn nothing_to_show_is_told_as_ever() {
    let sandbox = Sandbox::new();
    for command in ["top", "tree"] {
        assert!(
            sandbox
                .run(&[command])
                .expect(3)
                .stderr
                .contains("nothing to read")
        );
        let run = sandbox.run(&[command, "/no/such.prof"]).expect(2);
        assert_eq!(run.stdout, "");
    }
}
