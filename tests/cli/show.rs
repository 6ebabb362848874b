//! `edbprof top` and `edbprof tree`.

use crate::sandbox::{Sandbox, overflow_recording, plain, plain_calls, recording};

/// Output of the program, which must print nothing to stderr but which files it reads.
#[track_caller]
fn shown(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(arguments).expect(0);
    let reading = format!(
        "edbprof: reading edbprof_*.prof in {}\n",
        sandbox.input("").display()
    );
    assert_eq!(run.stderr, reading);
    run.stdout
}

/// The same without the title.
#[track_caller]
fn table(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let text = shown(sandbox, arguments);
    let (title, table) = text.split_once("\n\n").unwrap();
    assert!(title.starts_with("edbprof: "), "{title}");
    table.to_owned()
}

/// Message of the program about wrong usage.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(arguments).expect(2);
    assert_eq!(run.stdout, "");
    run.stderr
}

fn two_processes() -> Sandbox {
    Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 5))
        .with("edbprof_2.prof", &recording(2, 7))
}

#[test]
fn top_lists_functions() {
    assert_eq!(
        shown(&two_processes(), &["top"]),
        "edbprof: 2 processes, 6.00 ms in 14 calls of 2 functions\n\
         python\n2023-11-14 22:13:20 UTC, wall time 5.00 ms, processor time 8.00 ms\n\n     \
         self           total  calls  function\n  \
         4.00 ms 66.7 %  4.00 ms     12  leaf  main.py:1\n  \
         2.00 ms 33.3 %  6.00 ms      2  main  main.py:1\n"
    );
}

#[test]
fn top_sorts_and_limits() {
    let sandbox = two_processes();
    let text = shown(&sandbox, &["top", "--sort=cumulative", "--limit=1"]);
    assert!(text.contains("main  main.py"), "{text}");
    assert!(!text.contains("leaf"), "{text}");
    assert!(
        text.ends_with("… 1 more function; --limit=0 lists all\n"),
        "{text}"
    );
    assert!(shown(&sandbox, &["top", "--limit=0"]).contains("leaf"));
    let why = refused(&sandbox, &["top", "--sort=nonsense"]);
    assert!(why.contains("no sort key is called"), "{why}");
}

#[test]
fn callers_and_callees_of_a_function() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain_calls());
    assert_eq!(
        table(&sandbox, &["top", "--callers=leaf"]),
        "leaf  main.py:1\n  total 500 ms, self 500 ms, 6 calls\n   \
         total           self  calls  caller\n  \
         250 ms 50.0 %  250 ms      4  main  main.py:1\n  \
         250 ms 50.0 %  250 ms      2  other  main.py:1\n"
    );
    assert_eq!(
        table(&sandbox, &["top", "--callees=main", "--sort=calls"]),
        "main  main.py:1\n  total 1.00 s, self 250 ms, 1 call\n   \
         total           self  calls  callee\n  \
         250 ms 25.0 %  250 ms      4  leaf  main.py:1\n  \
         500 ms 50.0 %  250 ms      2  other  main.py:1\n"
    );
    let text = table(&sandbox, &["top", "--callers=main"]);
    assert!(text.ends_with("no callers were recorded\n"), "{text}");
    // A part of pstats' name, where no function is called so.
    let text = table(&sandbox, &["top", "--callees=main.py:1(oth"]);
    assert!(
        text.starts_with("other  main.py:1\n  total 500 ms"),
        "{text}"
    );
    let why = refused(&sandbox, &["top", "--callees=\x1bnothing"]);
    assert!(why.contains("no function matches '\\x1bnothing'"), "{why}");
}

#[test]
fn tree_adds_processes_up() {
    assert_eq!(
        shown(&two_processes(), &["tree"]),
        "edbprof: 2 processes, 6.00 ms in 14 calls of 2 functions\n\
         python\n2023-11-14 22:13:20 UTC, wall time 5.00 ms, processor time 8.00 ms\n\n    \
         total    share     self  calls\n  \
         6.00 ms  100.0 %  2.00 ms      2  main  main.py:1\n  \
         4.00 ms   66.7 %  4.00 ms     12  └─ leaf  main.py:1\n"
    );
}

#[test]
fn tree_marks_what_is_no_record() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &overflow_recording(1, 5))
        .with("edbprof_2.prof", &plain(3));
    let text = shown(&sandbox, &["tree", "--threshold=0"]);
    for mark in [
        "~ 500 ms",
        "≥ 2.00 ms",
        "Overflow: 1,234 calls",
        "<overflow>",
    ] {
        assert!(text.contains(mark), "{mark}\n{text}");
    }
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
        let run = sandbox.run(&[command]).expect(3);
        assert!(run.stderr.contains("nothing to read"), "{}", run.stderr);
        refused(&sandbox, &[command, "/no/such.prof"]);
    }
}

#[test]
fn long_lists_are_cut_with_a_count() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain_calls());
    let text = table(&sandbox, &["top", "--callers=leaf", "--limit=1"]);
    assert!(text.ends_with("  … 1 more caller\n"), "{text}");
    let text = table(&sandbox, &["top", "--callees=*", "--limit=1"]);
    assert!(text.ends_with("… 2 more functions match\n"), "{text}");
    let mut sandbox = sandbox;
    for number in 0..110 {
        sandbox = sandbox.with(&format!("edbprof_bad_{number}.prof"), b"damaged");
    }
    let run = sandbox.run(&["--quiet"]).expect(1);
    assert_eq!(run.stderr.lines().count(), 101, "{}", run.stderr);
    let last = "edbprof: can't read 10 more files; --summary-json=- lists all of them\n";
    assert!(run.stderr.ends_with(last), "{}", run.stderr);
}

#[test]
fn summaries_follow_the_size_and_the_encoding_that_the_environment_names() {
    let sandbox = two_processes();
    for (width, height) in [
        (24, 12),
        (30, 15),
        (40, 14),
        (40, 20),
        (60, 24),
        (80, 24),
        (200, 50),
    ] {
        for locale in ["C", "en_GB.UTF-8", "de_DE.ISO-8859-1"] {
            for command in [
                &["--out=r/"][..],
                &["--out=results_of_a_run_with_a_name_that_is_long/"],
                &["tree"],
                &["top"],
            ] {
                let mut run = sandbox.command();
                run.envs([
                    ("COLUMNS", &*width.to_string()),
                    ("LINES", &*height.to_string()),
                    ("LC_ALL", locale),
                ]);
                let output = run.args(command).output().unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                assert!(text.is_ascii() || locale.ends_with("UTF-8"), "{text}");
                assert!(text.lines().count() <= height * 3 / 2, "{text}");
                for line in text.lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
                assert!(text.contains("main"), "{text}");
            }
        }
    }
}

#[test]
fn top_lists_as_many_functions_as_a_terminal_of_few_lines_shows() {
    let sandbox = Sandbox::new();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/edbprof-2/all.prof"
    );
    for height in [15, 20, 60] {
        let mut top = sandbox.command();
        top.envs([("COLUMNS", "80"), ("LINES", &*height.to_string())]);
        let output = top.args(["top", file]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().count();
        assert!(lines <= height * 3 / 2, "{height}: {text}");
        assert_eq!(lines > 25, height >= 20, "{height}: {text}");
        assert!(text.ends_with("--limit=0 lists all\n"), "{text}");
    }
}
