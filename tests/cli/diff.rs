//! `edbprof diff` and `edbprof check`.

use crate::sandbox::{Run, Sandbox, plain_calls, recording, recording_of, waiting_recording};

fn two_sides() -> Sandbox {
    Sandbox::new()
        .with("before.prof", &recording(1, 5))
        .with("after.prof", &recording(2, 10))
}

/// Runs the program among the inputs.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let mut command = sandbox.command();
    command.current_dir(sandbox.input("")).args(arguments);
    Run::from(command.output().unwrap())
}

#[test]
fn functions_that_changed_are_listed_with_both_parts() {
    let text = run(&two_sides(), &["diff", "before.prof", "after.prof"]).expect(0);
    assert_eq!(
        text.stdout,
        "before: before.prof (3.00 ms in 6 calls)\n\
         after:  after.prof (3.00 ms in 11 calls)\n\
         change: +0 s, +5 calls\n\
         \n\
         leaf: +0 s: 5 calls more (+1.50 ms), each takes 50 % less time (-1.50 ms)  main.py:1\n"
    );
}

#[test]
fn equal_profiles_differ_in_nothing() {
    let text = run(&two_sides(), &["diff", "before.prof", "before.prof"]).expect(0);
    assert!(
        text.stdout
            .ends_with("\nNo function's calls or times differ.\n")
    );
    let text = run(
        &two_sides(),
        &["diff", "--tree", "after.prof", "after.prof"],
    )
    .expect(0);
    assert!(
        text.stdout
            .ends_with("\nNo call path's calls or times differ.\n")
    );
}

#[test]
fn call_paths_and_callers_are_compared() {
    let sides = two_sides();
    let tree = run(&sides, &["diff", "before.prof", "after.prof", "--tree"]).expect(0);
    let line = "main > leaf: total +0 s; self +0 s: 5 calls more";
    assert!(tree.stdout.contains(line), "{}", tree.stdout);
    let arguments = ["diff", "before.prof", "after.prof", "--callers=leaf"];
    let callers = run(&sides, &arguments).expect(0).stdout;
    assert!(
        callers.contains("  by its callers:\n  main: +0 s: 5 calls more"),
        "{callers}"
    );
    let arguments = ["diff", "before.prof", "after.prof", "--callers=nobody"];
    let why = run(&sides, &arguments).expect(2).stderr;
    assert!(
        why.contains("no function of either profile matches 'nobody'"),
        "{why}"
    );
}

#[test]
fn json_has_the_figures_of_both_sides() {
    let text = run(
        &two_sides(),
        &["diff", "--json", "before.prof", "after.prof"],
    )
    .expect(0);
    let json: serde_json::Value = serde_json::from_str(&text.stdout).unwrap();
    let [leaf] = &json["functions"].as_array().unwrap()[..] else {
        panic!("{json:#}")
    };
    assert_eq!(
        *leaf,
        serde_json::json!({
            "id": "56fabbcf67c40ec8",
            "name": "leaf", "module": "", "file": "/app/main.py", "line": 1,
            "calls_before": 5, "calls_after": 10,
            "self_before_ns": 2_000_000, "self_after_ns": 2_000_000,
            "total_before_ns": 2_000_000, "total_after_ns": 2_000_000,
            "change_by_calls_ns": 1_500_000, "change_by_time_ns": -1_500_000,
            "waiting_before_ns": null, "waiting_after_ns": null,
            "unsteady": false, "certain": null,
        })
    );
}

/// Names are text in the picture, whatever they are.
#[test]
fn a_picture_shows_both_sides_and_what_is_gone() {
    let sandbox = two_sides().with("odd.prof", &recording_of([b"main", b"</script><b>\x1b&\""]));
    let arguments = ["diff", "before.prof", "odd.prof", "--out=diff.svg"];
    run(&sandbox, &arguments).expect(0);
    let svg = std::fs::read_to_string(sandbox.input("diff.svg")).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let titles = document
        .descendants()
        .filter(|node| node.has_tag_name("title"));
    let titles: Vec<_> = titles.filter_map(|title| title.text()).collect();
    assert!(titles[0].contains("before: before.prof"), "{}", titles[0]);
    let is_there = |name: &str| titles.iter().any(|title| title.starts_with(name));
    assert!(is_there("</script><b>\\x1b&\""), "{titles:?}");
    assert!(is_there("leaf"), "{titles:?}");
    assert_eq!(
        document
            .descendants()
            .filter(|node| node.has_tag_name("script"))
            .count(),
        1
    );
    let arguments = ["diff", "before.prof", "odd.prof", "-o", "none/diff.svg"];
    run(&sandbox, &arguments).expect(4);
}

#[test]
fn broken_rules_have_an_exit_status_and_name_callers() {
    let sides = two_sides();
    let rule = "--fail-if=calls(\"leaf\") > +5%";
    let failed = run(&sides, &["diff", "before.prof", "after.prof", rule]).expect(5);
    assert_eq!(
        failed.stderr,
        "edbprof: calls(\"leaf\") > +5%: was 5 calls, is 10 calls; by main (+5)\n"
    );
    run(&sides, &["diff", "after.prof", "before.prof", rule]).expect(0);
    let wrong = "--fail-if=calls(\"leaf\") > lots";
    let why = run(&sides, &["diff", "before.prof", "after.prof", wrong]).expect(2);
    assert!(
        why.stderr.contains("column 17: expected a number"),
        "{}",
        why.stderr
    );
}

#[test]
fn waiting_is_compared_where_both_sides_have_it() {
    let sandbox = two_sides()
        .with("short.prof", &waiting_recording(3, 1))
        .with("long.prof", &waiting_recording(4, 2));
    let of = |arguments: &[&str]| run(&sandbox, &[&["diff"], arguments].concat());
    let text = of(&["short.prof", "long.prof", "--sort=waiting"]).expect(0);
    let line = "leaf: +0 s (waiting +1.00 ms, running -1.00 ms): 5 calls as before";
    assert!(text.stdout.contains(line), "{}", text.stdout);
    let json = of(&["short.prof", "long.prof", "--json"]).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let leaf = &json["functions"][0];
    let waiting = (&leaf["waiting_before_ns"], &leaf["waiting_after_ns"]);
    assert_eq!(waiting, (&1_000_000.into(), &2_000_000.into()));
    let rule = "--fail-if=waiting(\"leaf\") > +10%";
    assert_eq!(
        of(&["short.prof", "long.prof", rule]).expect(5).stderr,
        "edbprof: waiting(\"leaf\") > +10%: was 1.00 ms, is 2.00 ms; by main (+1.00 ms)\n"
    );
    of(&["long.prof", "short.prof", rule]).expect(0);
    let half = of(&["before.prof", "long.prof", rule]).expect(0);
    let head = "waiting: recorded only after, so it is not compared\n";
    assert!(half.stdout.contains(head), "{}", half.stdout);
    assert!(
        !half.stdout.contains("leaf: +0 s (waiting"),
        "{}",
        half.stdout
    );
    assert_eq!(
        half.stderr,
        "edbprof: waiting(\"leaf\") > +10%: not checked, because before was recorded without \
         waiting\n"
    );
}

#[test]
fn a_program_that_has_not_waited_is_compared_with_one_that_has() {
    let sandbox = Sandbox::new()
        .with("calm.prof", &waiting_recording(3, 0))
        .with("long.prof", &waiting_recording(4, 2));
    let rule = "--fail-if=waiting(\"leaf\") > +1ms";
    let broken = run(&sandbox, &["diff", "calm.prof", "long.prof", rule]).expect(5);
    assert_eq!(
        broken.stderr,
        "edbprof: waiting(\"leaf\") > +1ms: was 0 s, is 2.00 ms; by main (+2.00 ms)\n"
    );
    assert!(!broken.stdout.contains("not compared"), "{}", broken.stdout);
}

#[test]
fn several_runs_are_named_by_side() {
    let sandbox = two_sides().with("third.prof", &recording(3, 6));
    let arguments = [
        "diff",
        "--before",
        "before.prof",
        "third.prof",
        "--after",
        "after.prof",
        "after.prof",
    ];
    let text = run(&sandbox, &arguments).expect(0).stdout;
    assert!(
        text.contains("mean of 2 runs, 3.00 ms in 6.5 calls"),
        "{text}"
    );
    assert!(
        text.contains("the number of calls differs between runs"),
        "{text}"
    );
    run(&sandbox, &["diff", "before.prof"]).expect(2);
    run(&sandbox, &["diff", "--before", "before.prof"]).expect(2);
    run(&sandbox, &["diff", "before.prof", "missing.prof"]).expect(2);
}

#[test]
fn files_without_call_trees_are_compared() {
    let sandbox = two_sides().with("plain.prof", &plain_calls());
    let text = run(&sandbox, &["diff", "before.prof", "plain.prof"])
        .expect(0)
        .stdout;
    assert!(text.contains("other: +250 ms: new, 2 calls"), "{text}");
}

#[test]
fn budgets_are_written_and_kept_or_broken() {
    let sandbox = two_sides();
    let update = ["check", "--update", "--budget=b.toml", "before.prof"];
    let written = run(&sandbox, &update).expect(0);
    assert!(
        written.stderr.contains("one profile can't tell"),
        "{}",
        written.stderr
    );
    let text = std::fs::read_to_string(sandbox.input("b.toml")).unwrap();
    assert!(
        text.ends_with("\n[calls]\n\"leaf\" = 5\n\"main\" = 1\n"),
        "{text}"
    );
    run(&sandbox, &["check", "--budget=b.toml", "before.prof"]).expect(0);
    let broken = run(&sandbox, &["check", "--budget=b.toml", "after.prof"]).expect(5);
    assert_eq!(
        broken.stdout,
        "calls(\"leaf\"): was 5 calls, is 10 calls; by main (10 calls)\n"
    );
    let why = run(&sandbox, &["check", "--budget=none.toml", "after.prof"]).expect(2);
    assert!(why.stderr.contains("--update writes one"), "{}", why.stderr);
    std::fs::write(sandbox.input("bad.toml"), "[cals]\n").unwrap();
    let why = run(&sandbox, &["check", "--budget=bad.toml", "after.prof"]).expect(2);
    assert!(
        why.stderr.contains("no figure is called 'cals'"),
        "{}",
        why.stderr
    );
}

/// Functions with other numbers of calls in each run are not in a budget.
#[test]
fn unsteady_functions_are_left_out_of_a_budget() {
    let sandbox = two_sides();
    let update = [
        "check",
        "--update",
        "--budget=b.toml",
        "before.prof",
        "after.prof",
    ];
    let written = run(&sandbox, &update).expect(0);
    assert!(
        written.stderr.contains("1 function is left out"),
        "{}",
        written.stderr
    );
    let text = std::fs::read_to_string(sandbox.input("b.toml")).unwrap();
    assert!(text.ends_with("\n[calls]\n\"main\" = 1\n"), "{text}");
}

/// A pattern that is in a budget stays there; limits of one Python are apart.
#[test]
fn patterns_and_versions_stay_in_a_budget() {
    let sandbox = two_sides();
    let old = "[calls]\n\"l*\" = 1\n\n[total]\n\"main\" = \"9 ms\"\n";
    std::fs::write(sandbox.input("b.toml"), old).unwrap();
    let update = [
        "check",
        "--update",
        "--budget=b.toml",
        "--include=main",
        "after.prof",
    ];
    run(&sandbox, &update).expect(0);
    let own = [&update[..], &["--this-python"]].concat();
    run(&sandbox, &own).expect(0);
    let text = std::fs::read_to_string(sandbox.input("b.toml")).unwrap();
    let expected = "\n[calls]\n\"l*\" = 10\n\"main\" = 1\n\n[total]\n\"main\" = \"9 ms\"\n\
                    \n[python.\"3.11\".calls]\n\"l*\" = 10\n\"main\" = 1\n";
    assert!(text.ends_with(expected), "{text}");
}
