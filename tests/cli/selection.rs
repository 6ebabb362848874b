//! `--by`, `--only-process`, `--only-thread`, `--include`, `--exclude`, `--strip-dirs`.

use edbprof::format::prof::{ProfFile, read};

use crate::sandbox::{Run, Sandbox, overflow_recording, plain, recording, recording_of};

/// Two processes, in each of which `main` calls `leaf`.
fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(2, 20))
}

fn text(sandbox: &Sandbox, name: &str) -> String {
    let bytes = std::fs::read(sandbox.work(name)).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text of the drawing, without its figures.
fn table(sandbox: &Sandbox, name: &str) -> String {
    let text = text(sandbox, name);
    let start = text.find("function calls").unwrap();
    text[start..].to_owned()
}

const FORMATS: &str = "--format=prof,pstats,svg,flamegraph";

#[test]
fn processes_and_threads_stand_at_the_root() {
    let sandbox = sandbox();
    sandbox.run(&[FORMATS, "--out=without"]).expect(0);
    sandbox
        .run(&[FORMATS, "--by=process", "--out=by"])
        .expect(0);
    for suffix in ["svg", "flamegraph.svg"] {
        let picture = text(&sandbox, &format!("by.{suffix}"));
        for pid in [1, 2] {
            let name = format!(
                "process {pid}: python (CPython 3.11.7, started 2023-11-14 22:13:20 UTC, \
                 0.005 s, finished)"
            );
            let inferno = name.replace(' ', "\u{a0}");
            assert!(
                picture.contains(&name) || picture.contains(&inferno),
                "{name} is not in .{suffix}"
            );
        }
        assert!(!picture.contains("thread MainThread"));
    }
    assert_eq!(
        table(&sandbox, "by.pstats"),
        table(&sandbox, "without.pstats")
    );
    sandbox
        .run(&["--format=svg", "--by=thread", "--out=threads"])
        .expect(0);
    assert!(text(&sandbox, "threads.svg").contains("thread MainThread"));

    // The merged profile knows them, and forgets them when nobody asks.
    let by = sandbox.work("by.prof");
    let by = by.to_str().unwrap();
    sandbox
        .run(&[FORMATS, "--by=process", "--out=again", by])
        .expect(0);
    for suffix in ["prof", "pstats", "svg", "flamegraph.svg"] {
        let [once, again] = ["by", "again"].map(|stem| text(&sandbox, &format!("{stem}.{suffix}")));
        assert!(once == again, ".{suffix}");
    }
    sandbox.run(&[FORMATS, "--out=joined", by]).expect(0);
    for suffix in ["prof", "pstats", "svg", "flamegraph.svg"] {
        let [never, joined] =
            ["without", "joined"].map(|stem| text(&sandbox, &format!("{stem}.{suffix}")));
        assert!(never == joined, ".{suffix}");
    }
}

#[test]
fn what_has_no_processes_stands_aside() {
    let sandbox = sandbox().with("edbprof_3.prof", &plain(7));
    sandbox.run(&["--by=process", FORMATS]).expect(0);
    let picture = text(&sandbox, "profile_analysis.svg");
    assert!(picture.contains("processes recorded without call trees"));
}

#[test]
fn every_report_says_that_it_is_a_part() {
    let sandbox = sandbox();
    let says = "Only a part: --exclude=leaf --only-process=2.";
    let options = ["--exclude=leaf", "--only-process=2", FORMATS];
    let Run { stdout, .. } = sandbox.run(&options).expect(0);
    assert!(
        stdout.contains("edbprof: 1 process, 3.00 ms in 1 call of 1 function"),
        "{stdout}"
    );
    assert!(stdout.contains(says), "{stdout}");
    for suffix in ["pstats", "svg", "flamegraph.svg"] {
        assert!(
            text(&sandbox, &format!("profile_analysis.{suffix}")).contains(says),
            "{suffix}"
        );
    }
    let prof = std::fs::read(sandbox.work("profile_analysis.prof")).unwrap();
    let ProfFile::Exact(trees, _) = read(&prof).unwrap() else {
        panic!("not one of ours");
    };
    assert_eq!(&*trees.selection, "--exclude=leaf --only-process=2");
    assert_eq!(trees.recordings, [[2; 16]]);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 1);

    // So does what is made of it, and nothing else may be added.
    let part = sandbox.work("profile_analysis.prof");
    let part = part.to_str().unwrap();
    let Run { stdout, .. } = sandbox.run(&["--out=again", part]).expect(0);
    assert!(stdout.contains(says), "{stdout}");
    let whole = sandbox.input("edbprof_1.prof");
    let whole = whole.to_str().unwrap();
    let Run { stdout, stderr, .. } = sandbox.run(&["--out=mixed", part, whole]).expect(1);
    assert!(
        stderr.contains("it holds only what --exclude=leaf --only-process=2 has chosen"),
        "{stderr}"
    );
    assert!(!stdout.contains("Only a part"), "{stdout}");
    assert_eq!(sandbox.calls("mixed.prof"), 11);

    // Of a part no other one can be chosen.
    let Run { stderr, .. } = sandbox.run(&["top", "--exclude=main", part]).expect(1);
    assert!(
        stderr.contains("has chosen, of which no other part can be chosen")
            && stderr.contains("none of the files could be used"),
        "{stderr}"
    );
    let same = ["top", "--only-process=2", "--exclude=leaf", part];
    sandbox.run(&same).expect(0);
}

#[test]
fn the_summary_for_programs_says_so_too() {
    let sandbox = sandbox();
    let json = |options: &[&str]| -> serde_json::Value {
        let options = [options, &["--summary-json=-"]].concat();
        serde_json::from_str(&sandbox.run(&options).expect(0).stdout).unwrap()
    };
    let part = json(&["--only-process=1"]);
    assert_eq!(part["selection"], "--only-process=1");
    assert_eq!(
        (&part["succeeded"], &part["other_processes"]),
        (&2.into(), &1.into())
    );
    assert_eq!(json(&[]).get("selection"), None);
}

#[test]
fn included_stacks_keep_their_callers() {
    let sandbox = sandbox();
    sandbox
        .run(&["--include=main.py:leaf", "--sort-by=name"])
        .expect(0);
    let table = text(&sandbox, "profile_analysis.pstats");
    let lines: Vec<_> = table
        .lines()
        .rev()
        .filter(|line| line.contains("main.py"))
        .collect();
    let words: Vec<Vec<_>> = lines
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        words[0],
        [
            "2",
            "0.000",
            "0.000",
            "0.004",
            "0.002",
            "/app/main.py:1(main)"
        ]
    );
    assert_eq!(
        words[1],
        [
            "30",
            "0.004",
            "0.000",
            "0.004",
            "0.000",
            "/app/main.py:1(leaf)"
        ]
    );
}

#[test]
fn every_report_of_chosen_stacks_says_what_overflowed() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &overflow_recording(1, 10));
    for (include, says) in [
        ("leaf", "Overflow: 1,234 calls of 1 function, whose callers"),
        (
            "main",
            "Overflow: 500 µs in calls of functions that were not",
        ),
    ] {
        let include = format!("--include={include}");
        let Run { stdout, .. } = sandbox.run(&["top", &include]).expect(0);
        assert!(stdout.contains(says), "{stdout}");
    }
    // `main` took a millisecond of 3.5; what it called and did not overflow took two.
    let Run { stdout, .. } = sandbox.run(&["tree", "--include=main"]).expect(0);
    let title = "edbprof: 1 process, 3.50 ms in 11 calls of 3 functions\n";
    assert!(stdout.starts_with(title), "{stdout}");
    assert!(
        stdout.contains("500 µs") && stdout.contains("<overflow>"),
        "{stdout}"
    );
}

#[test]
fn options_that_match_no_function_are_named() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(2, 10))
        .with(
            "edbprof_2.prof",
            &recording_of([b"main", b"<method 'pop' of 'list' objects>"]),
        );
    let stderr = |options: &[&str]| sandbox.run(options).expect(0).stderr;
    assert_eq!(
        stderr(&["--exclude=leaf", "--exclude=laef", "--include=main"]),
        "edbprof: no function matches --exclude=laef; did you mean leaf?\n"
    );
    assert_eq!(
        stderr(&["--exclude=list.pop", "--exclude=laef", "--quiet"]),
        ""
    );
    // Of a part that the same options have chosen nobody knows it.
    let part = sandbox.work("profile_analysis.prof");
    let part = part.to_str().unwrap();
    let again = ["top", "--exclude=laef", "--exclude=list.pop", part];
    assert_eq!(stderr(&again), "");
}

#[test]
fn where_nothing_matches_nothing_is_written() {
    let sandbox = sandbox();
    let all = sandbox.input("");
    let all = all.to_str().unwrap();
    for (options, what, command) in [
        (
            &["--only-process=3"][..],
            "no process matches --only-process=3",
            "tree --by=process",
        ),
        (
            &["--only-thread=Thread-*"],
            "no thread matches --only-thread=Thread-*",
            "tree --by=thread",
        ),
        (
            &["--include=none"],
            "no function matches --include=none",
            "top --limit=0",
        ),
        (
            &["--include=maim", "--only-thread=Main*"],
            "no function matches --include=maim; did you mean main?",
            "top --limit=0",
        ),
        (
            &["--include=main", "--only-thread=none"],
            "nothing matches --include=main --only-thread=none",
            "tree --by=thread",
        ),
    ] {
        let merge = [&[all, "--prefix=edbprof"], options].concat();
        let Run { stderr, .. } = sandbox.run(&merge).expect(3);
        assert!(stderr.contains(what), "{stderr}");
        assert!(stderr.ends_with("; nothing was written\n"), "{stderr}");
        let shown = [&["tree"], &*merge].concat();
        let Run { stderr, .. } = sandbox.run(&shown).expect(3);
        assert!(stderr.contains(what), "{stderr}");
        assert!(!stderr.contains("written"), "{stderr}");
        let way_out = format!(" {command} --prefix=edbprof {all}");
        assert!(stderr.contains(&way_out), "{stderr}");
    }
    assert!(sandbox.written().is_empty());
    sandbox.run(&["--include="]).expect(2);
    let damaged = Sandbox::new().with("edbprof_1.prof", b"damaged");
    let Run { stderr, .. } = damaged.run(&["top"]).expect(1);
    assert!(
        stderr.contains("none of the files could be read"),
        "{stderr}"
    );
    assert!(!stderr.contains("written"), "{stderr}");
}

#[test]
fn what_can_not_be_chosen_from_is_named_with_what_to_do() {
    let sandbox = sandbox().with("edbprof_3.prof", &plain(7));
    sandbox.run(&["--out=all"]).expect(0);
    let Run { stderr, .. } = sandbox.run(&["--only-thread=Main*"]).expect(1);
    assert!(
        stderr.contains("edbprof_3.prof: it has figures without call trees"),
        "{stderr}"
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 32);

    let files = ["edbprof_1.prof", "edbprof_2.prof"].map(|name| sandbox.input(name));
    let files = files.each_ref().map(|path| path.to_str().unwrap());
    sandbox.run(&["--out=trees", files[0], files[1]]).expect(0);
    let trees = sandbox.work("trees.prof");
    let trees = trees.to_str().unwrap();
    let Run { stderr, .. } = sandbox.run(&["--only-process=1", trees]).expect(1);
    assert!(
        stderr.contains("give the files that it was made from"),
        "{stderr}"
    );
    sandbox.run(&["--include=main", trees]).expect(0);
}

#[test]
fn the_table_names_files_without_directories() {
    let sandbox = sandbox();
    sandbox.run(&["--strip-dirs"]).expect(0);
    let table = text(&sandbox, "profile_analysis.pstats");
    assert!(
        table.contains(" main.py:1(leaf)") && !table.contains("/app"),
        "{table}"
    );
    assert!(text(&sandbox, "profile_analysis.prof").contains("/app/main.py"));
}
