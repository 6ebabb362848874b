//! `edbprof view`, and the page among the results.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Run, Sandbox, recording};

fn two_processes() -> Sandbox {
    Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 5))
        .with("edbprof_2.prof", &recording(2, 7))
}

/// Pages in the temporary directory.
fn temporary_pages(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(sandbox.input("")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "html"))
        .collect()
}

#[test]
fn a_page_is_written_for_its_user_alone() {
    let sandbox = two_processes();
    let run = sandbox.run(&["view", "--no-open"]).expect(0);
    let [page] = &temporary_pages(&sandbox)[..] else {
        panic!("one page: {:?}", temporary_pages(&sandbox));
    };
    assert_eq!(run.stdout, format!("wrote {}\n", page.display()));
    assert_eq!(
        fs::metadata(page).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(page).unwrap();
    assert!(text.contains("edbprof: 2 processes, 6.00 ms in 14 calls of 2 functions"));
    assert!(text.contains("<td>leaf <span class=\"place\">main.py:1</span></td>"));
}

#[test]
fn a_named_page_is_written_there() {
    let sandbox = two_processes();
    // `--out` is what `edbprof run` calls it.
    let words = ["view", "--no-open", "--out=run.html"];
    assert_eq!(sandbox.run(&words).expect(0).stdout, "wrote run.html\n");
    assert_eq!(sandbox.written(), ["run.html"]);
    let on_stdout = sandbox.run(&["view", "-o", "-"]).expect(0).stdout;
    assert!(on_stdout.starts_with("<!doctype html>") && on_stdout.ends_with("</html>\n"));
}

#[test]
fn html_is_a_format_like_others() {
    let sandbox = two_processes();
    let exported = sandbox.run(&["export", "--format=html"]).expect(0).stdout;
    assert!(exported.starts_with("<!doctype html>"));
    sandbox.run(&["--quiet", "--format=html"]).expect(0);
    assert_eq!(sandbox.written(), ["profile_analysis.html"]);
}

#[test]
fn a_page_says_what_found_no_room() {
    let sandbox = two_processes();
    let size = |words: &[&str]| {
        let run = sandbox.run(words).expect(0);
        run.stdout.len()
    };
    let whole = size(&["view", "-o", "-"]);
    // Less than the page without data: everything is collapsed, and the page is written.
    assert!(size(&["view", "-o", "-", "--max-size=1kB"]) <= whole + 200);
}

#[test]
fn no_input_is_overwritten() {
    let sandbox = two_processes();
    let input = sandbox.input("edbprof_1.prof");
    let before = fs::read(&input).unwrap();
    let path = input.to_str().unwrap();
    sandbox.run(&["view", "--no-open", "-o", path]).expect(2);
    assert_eq!(fs::read(&input).unwrap(), before);
}

#[test]
fn nothing_to_read_is_no_page() {
    let sandbox = Sandbox::new();
    sandbox.run(&["view", "--no-open"]).expect(3);
    assert!(temporary_pages(&sandbox).is_empty());
}

#[test]
fn two_sides_are_one_page() {
    let sandbox = Sandbox::new()
        .with("before.prof", &recording(1, 5))
        .with("after.prof", &recording(2, 10));
    let page = |arguments: &[&str]| {
        let mut command = sandbox.command();
        command.current_dir(sandbox.input("")).args(arguments);
        command.args(["-o", "out.html"]);
        Run::from(command.output().unwrap()).expect(0);
        fs::read_to_string(sandbox.input("out.html")).unwrap()
    };
    let sides = ["--before", "before.prof", "--after", "after.prof"];
    let viewed = page(&[&["view", "--no-open"][..], &sides].concat());
    assert!(viewed.contains("edbprof: after.prof compared with before.prof"));
    assert!(viewed.contains("leaf: +0 s: 5 calls more"));
    assert_eq!(page(&["diff", "before.prof", "after.prof"]), viewed);
}

#[test]
fn sides_come_in_pairs_and_without_other_profiles() {
    let sandbox = two_processes();
    for more in [
        &["--before=edbprof_1.prof"][..],
        &["--after=edbprof_1.prof"],
        &["--before=a.prof", "--after=b.prof", "--source"],
        &["edbprof_1.prof", "--before=a.prof", "--after=b.prof"],
    ] {
        let words = [&["view", "--no-open"][..], more].concat();
        sandbox.run(&words).expect(2);
    }
}
