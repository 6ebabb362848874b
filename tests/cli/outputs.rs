//! Results: their names, their places, and what they replace.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::{Command, Stdio};

use crate::sandbox::{Run, Sandbox, names, plain, recording};

#[test]
fn three_results_in_the_current_directory() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    let run = sandbox.run(&[]).expect(0);
    let expected = [
        "profile_analysis.prof",
        "profile_analysis.pstats",
        "profile_analysis.svg",
    ];
    assert_eq!(sandbox.written(), expected);
    for name in expected {
        assert!(run.stdout.contains(name), "{}", run.stdout);
    }
    let table = std::fs::read_to_string(sandbox.work("profile_analysis.pstats")).unwrap();
    assert!(
        table.contains("11 function calls in 0.003 seconds"),
        "{table}"
    );
    assert!(table.contains("Ordered by: cumulative time"), "{table}");
}

#[test]
fn the_name_of_one_result_names_them_all() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    sandbox
        .run(&["--out=another_function.pstats", "--sort-by="])
        .expect(0);
    sandbox.run(&["--out=run.a", "--format=prof"]).expect(0);
    sandbox
        .run(&["--out=run.b", "--format=prof,prof"])
        .expect(0);
    sandbox.run(&["--out=made/", "--format=pstats"]).expect(0);
    std::fs::create_dir(sandbox.work("run.c")).unwrap();
    sandbox
        .run(&["--out=run.c", "--format=flamegraph"])
        .expect(0);
    assert_eq!(
        sandbox.written(),
        [
            "another_function.prof",
            "another_function.pstats",
            "another_function.svg",
            "made",
            "run.a.prof",
            "run.b.prof",
            "run.c"
        ]
    );
    assert_eq!(names(&sandbox.work("made")), ["profile_analysis.pstats"]);
    assert_eq!(
        names(&sandbox.work("run.c")),
        ["profile_analysis.flamegraph.svg"]
    );
    let table = std::fs::read_to_string(sandbox.work("another_function.pstats")).unwrap();
    assert!(
        table.contains("   Random listing order was used\n"),
        "{table}"
    );
}

#[test]
fn a_result_of_another_run_does_not_stay_beside_these() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("precious", b"keep");
    let stale = sandbox.work("profile_analysis.singledispatch");
    std::fs::write(&stale, b"of an earlier run").unwrap();
    sandbox.run(&["--format=prof"]).expect(0);
    assert!(stale.exists(), "it was not asked for");
    sandbox.run(&[]).expect(0);
    assert!(!stale.exists());
    symlink(sandbox.input("precious"), &stale).unwrap();
    sandbox.run(&[]).expect(0);
    assert!(std::fs::symlink_metadata(&stale).is_err());
    assert_eq!(std::fs::read(sandbox.input("precious")).unwrap(), b"keep");
    std::fs::create_dir(&stale).unwrap();
    sandbox.run(&[]).expect(0);
    assert!(stale.is_dir());
}

#[test]
fn results_are_never_written_through_a_link() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &plain(1))
        .with("precious", b"keep");
    symlink(
        sandbox.input("precious"),
        sandbox.work("profile_analysis.svg"),
    )
    .unwrap();
    sandbox.run(&[]).expect(0);
    assert_eq!(std::fs::read(sandbox.input("precious")).unwrap(), b"keep");
    let metadata = std::fs::symlink_metadata(sandbox.work("profile_analysis.svg")).unwrap();
    assert!(metadata.is_file());
}

#[test]
fn what_is_no_file_is_written_into_and_stays() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    let input = sandbox.input("edbprof_1.prof");
    let input = input.to_str().unwrap();
    let fifo = sandbox.work("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    symlink("fifo", sandbox.work("link")).unwrap();
    for arguments in [
        ["export", "--format=folded", "-ofifo", input],
        ["export", "--format=folded", "-olink", input],
        ["--quiet", "--format=prof", "--summary-json=fifo", input],
    ] {
        // Both ends, so that nobody waits; what is written fits into a FIFO.
        let mut ends = OpenOptions::new();
        let mut ends = ends.read(true).write(true).open(&fifo).unwrap();
        sandbox.run(&arguments).expect(0);
        let mut text = [0; 65_536];
        let read = ends.read(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text[..read]);
        assert!(
            text.starts_with("main") || text.contains("succeeded"),
            "{text}"
        );
        let metadata = std::fs::symlink_metadata(&fifo).unwrap();
        assert!(metadata.file_type().is_fifo());
    }
    let link = std::fs::symlink_metadata(sandbox.work("link")).unwrap();
    assert!(link.is_symlink());
}

#[test]
#[cfg(target_os = "linux")]
fn open_files_are_written_to_where_they_are_open() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    let input = sandbox.input("edbprof_1.prof");
    symlink("/proc/self/fd/1", sandbox.work("stdout")).unwrap();
    for output in ["/proc/self/fd/1", "/dev/fd/1", "stdout"] {
        let mut command = sandbox.command();
        command
            .args(["export", "--format=folded", "-o", output])
            .arg(&input);
        let log = sandbox.work("log");
        std::fs::write(&log, "before\n").unwrap();
        let log_end = OpenOptions::new().append(true).open(&log).unwrap();
        assert!(command.stdout(log_end).status().unwrap().success());
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.starts_with("before\nmain"), "{output}: {text}");
        // Through a pipe, as a shell's `>(cat)` is.
        let run = Run::from(command.stdout(Stdio::piped()).output().unwrap()).expect(0);
        assert!(run.stdout.starts_with("main"), "{output}: {}", run.stdout);
    }
    let link = std::fs::symlink_metadata(sandbox.work("stdout")).unwrap();
    assert!(link.is_symlink());
}

#[test]
fn results_that_can_not_be_written_are_an_error() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain(1));
    std::fs::create_dir(sandbox.work("profile_analysis.svg")).unwrap();
    let run = sandbox.run(&[]).expect(4);
    assert!(
        run.stderr.contains("profile_analysis.svg"),
        "{}",
        run.stderr
    );
    let run = sandbox.run(&["--out=/nowhere/at/all.prof"]).expect(2);
    assert!(run.stderr.contains("/nowhere/at"), "{}", run.stderr);
}

#[test]
fn the_picture_follows_its_options() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    sandbox.run(&["--width=640", "--threshold=0.9"]).expect(0);
    let svg = std::fs::read_to_string(sandbox.work("profile_analysis.svg")).unwrap();
    assert!(svg.contains("width=\"640\"") && !svg.contains("leaf"));
    sandbox.run(&["--width=0"]).expect(0);
    let svg = std::fs::read_to_string(sandbox.work("profile_analysis.svg")).unwrap();
    assert!(svg.contains("width=\"100%\"") && svg.contains("leaf"));
}
