//! Messages: their text, their stream, and the exit status.

use std::process::Stdio;

use crate::sandbox::{Sandbox, overflow_recording, plain, recording};

#[test]
fn results_go_to_stdout_and_nothing_to_stderr() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    let run = sandbox.run(&[]).expect(0);
    assert_eq!(run.stderr, "");
    for part in [
        "1 process, 3.00 ms in 11 calls of 2 functions",
        "leaf",
        "pstats",
        "browser",
    ] {
        assert!(run.stdout.contains(part), "{}", run.stdout);
    }
}

#[test]
fn quiet_says_nothing_but_errors() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain(1));
    let run = sandbox.run(&["--quiet"]).expect(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let sandbox = sandbox.with("edbprof_2.prof", b"");
    let run = sandbox.run(&["-q"]).expect(1);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("edbprof_2.prof"), "{}", run.stderr);
}

#[test]
fn counts_for_programs() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &plain(100))
        .with("edbprof_\x1b.prof", b"");
    let run = sandbox
        .run(&["--summary-json=-", "--format=prof"])
        .expect(1);
    let counts: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(counts["succeeded"], 2);
    assert_eq!(counts["failed"], 1);
    assert_eq!(counts["skipped"], 0);
    assert_eq!(counts["calls"], 111);
    assert_eq!(
        counts["outputs"],
        serde_json::json!(["profile_analysis.prof"])
    );
    let path = counts["failures"][0]["path"].as_str().unwrap();
    assert!(path.ends_with("edbprof_\x1b.prof"), "{path}");
    assert!(
        counts["failures"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("empty")
    );
    assert!(run.stderr.contains("edbprof_\\x1b.prof"), "{}", run.stderr);

    let run = sandbox
        .run(&["--summary-json=counts.json", "--prefix=none"])
        .expect(3);
    assert_eq!(run.stdout, "");
    let counts = std::fs::read_to_string(sandbox.work("counts.json")).unwrap();
    let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
    assert_eq!(
        (&counts["succeeded"], &counts["failed"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn every_report_says_what_overflowed() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &overflow_recording(1, 10))
        .with("edbprof_2.prof", &overflow_recording(2, 20))
        .with("edbprof_3.prof", &recording(3, 30));
    let said = "Overflow: 2,468 calls of 1 function, whose callers and totals are unknown. \
                Dropped: 2 calls.";
    let formats = "--format=prof,pstats,svg,flamegraph";
    let run = sandbox
        .run(&[formats, "--summary-json=counts.json"])
        .expect(0);
    let title = "edbprof: 3 processes, 10.0 ms in 2,531 calls of 2 functions";
    assert!(
        run.stdout.starts_with(title) && run.stdout.contains(&format!("\n{said}\n\n")),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("≥ 7.00 ms  2,528  leaf"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains(" 10.0 ms      3  main"),
        "{}",
        run.stdout
    );
    let read = |name| std::fs::read_to_string(sandbox.work(name)).unwrap();
    let counts: serde_json::Value = serde_json::from_str(&read("counts.json")).unwrap();
    assert_eq!(counts["overflow_calls"], 2468);
    assert_eq!(counts["overflow_functions"], 1);
    assert_eq!(counts["dropped_calls"], 2);
    let table = read("profile_analysis.pstats");
    assert!(
        table.starts_with(&format!("{title}\n{said}\n\n         2531 ")),
        "{table}"
    );
    assert!(
        table.contains("     2528    0.007    0.000    0.007    0.000 "),
        "{table}"
    );
    assert!(!table.contains("overflow calls"), "{table}");
    for picture in ["profile_analysis.svg", "profile_analysis.flamegraph.svg"] {
        let svg = read(picture);
        assert!(svg.contains(&format!(">{said}<")), "{svg}");
        assert!(svg.contains("&lt;overflow"), "{svg}");
    }
    let figures = "[2528,2528,0.007,0.007,1]";
    assert!(read("profile_analysis.svg").contains(figures));
    // A result is an input as good as what it was made from.
    let again = sandbox
        .run(&["profile_analysis.prof", "--out=again.prof"])
        .expect(0);
    assert!(
        again.stdout.starts_with(title) && again.stdout.contains(&format!("\n{said}\n\n")),
        "{}",
        again.stdout
    );
}

#[test]
fn files_whose_names_look_alike_are_counted_apart() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    for name in [
        b"edbprof_\xfd.prof",
        b"edbprof_\xfe.prof",
        b"edbprof_\xff.prof",
    ] {
        let path = sandbox
            .input("")
            .join(std::ffi::OsStr::from_bytes(name.as_slice()));
        std::fs::write(path, recording(1, 10)).unwrap();
    }
    let run = sandbox
        .run(&["--summary-json=-", "--format=prof"])
        .expect(0);
    let counts: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&counts["succeeded"], &counts["skipped"]),
        (&1.into(), &2.into())
    );
    assert!(run.stderr.contains("edbprof_\\xff.prof"), "{}", run.stderr);
}

#[test]
fn a_profile_of_nothing_took_no_time() {
    let nothing = edbprof::format::pstats::encode(&Default::default());
    let sandbox = Sandbox::new().with("edbprof_1.prof", &nothing);
    let run = sandbox.run(&[]).expect(0);
    assert!(
        run.stdout
            .contains("1 process, 0 s in 0 calls of 0 functions"),
        "{}",
        run.stdout
    );
}

#[test]
fn wrong_usage_is_explained() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain(1));
    for (argument, part) in [
        (
            "--sort-by=speed",
            "calls, ncalls, cumtime, cumulative, filename",
        ),
        ("--sort-by=time,c", "no sort key is called 'c'"),
        ("--threshold=2", "0.001 being 0.1 %"),
        ("--threshold=nan", "a number from 0 to 1"),
        ("--format=png", "flamegraph"),
        ("--width=-1", "--width"),
        ("--nonsense", "--nonsense"),
    ] {
        let run = sandbox.run(&[argument]).expect(2);
        assert!(run.stderr.contains(part), "{argument}: {}", run.stderr);
    }
    let run = sandbox.run(&["run", "--prefix=x", "x.py"]).expect(2);
    assert!(run.stderr.contains("an option --prefix;"), "{}", run.stderr);
    assert_eq!(sandbox.written(), [""; 0]);
}

#[test]
fn help_is_worth_reading() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["--help"]).expect(0);
    for part in [
        "Examples:",
        "Exit status:",
        "--sort-by",
        "/var/tmp",
        "profile_analysis",
    ] {
        assert!(run.stdout.contains(part), "{}", run.stdout);
    }
    assert!(
        run.stdout.lines().all(|line| line.chars().count() <= 100),
        "{}",
        run.stdout
    );
}

#[test]
fn versions_are_for_programs_too() {
    let sandbox = Sandbox::new();
    let program = concat!("edbprof ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(sandbox.run(&["-V"]).expect(0).stdout, program);
    let formats = format!(
        "prof format 2\nlive format 2\nABI {}.{}\n",
        edbprof::capi::EDBPROF_ABI_MAJOR,
        edbprof::capi::EDBPROF_ABI_MINOR
    );
    let all = sandbox.run(&["--version"]).expect(0).stdout;
    assert_eq!(all, [program, &formats].concat());
}

#[test]
fn a_reader_that_has_gone_is_no_crash() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &plain(1))
        .with("edbprof_2.prof", b"");
    for (arguments, code) in [(&[][..], 1), (&["--help"], 0), (&["--summary-json=-"], 1)] {
        let mut command = sandbox.command();
        command.args(arguments);
        let streams = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
    }
}
