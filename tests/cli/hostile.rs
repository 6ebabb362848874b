//! Inputs that are broken or made to do harm: each is named with its reason and counted,
//! the rest is in the results.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;

use edbprof::model::{Label, Rows};

use crate::live_file;
use crate::sandbox::{Run, Sandbox, plain, recording};

/// `pickle.dumps` of an object that calls `os.system('touch executed')` when loaded.
const EXECUTES: &[u8] =
    b"\x80\x03cposix\nsystem\nq\x00X\x0e\0\0\0touch executedq\x01\x85q\x02Rq\x03.";

/// The line on stderr about the file of that name.
fn reason<'r>(run: &'r Run, name: &str) -> &'r str {
    let mut lines = run.stderr.lines().filter(|line| line.contains(name));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("{name}: {}", run.stderr));
    assert_eq!(lines.next(), None, "{name}");
    line
}

#[test]
fn every_kind_is_named_with_its_reason_and_counted() {
    let huge = [&b"{(\x03\0\0\0s"[..], &i32::MAX.to_le_bytes(), b"x"].concat();
    let looping = b"\xfb(\x03\0\0\0s\x01\0\0\0fi\0\0\0\0s\x01\0\0\0n(\x05\0\0\0TTTTr\0\0\0\x000";
    let later = {
        let mut file = live_file::killed(9, 1);
        file[8] = 3;
        file
    };
    let files: [(&str, &[u8], &str); 10] = [
        ("empty", b"", "the file is empty"),
        ("text", b"hello", "it is text, not a profile"),
        ("list", b"[\0\0\0\0", "expected a dict, found a list"),
        ("deep", &b"[\x01\0\0\0".repeat(100_000), "nested too deeply"),
        (
            "lists",
            &[&b"{"[..], &b"(\x01\0\0\0".repeat(100_000)].concat(),
            "nested too deeply",
        ),
        ("huge", &huge, "the file is cut off"),
        ("loop", looping, "expected a caller's tuple"),
        ("pickle", EXECUTES, "it is a pickle, not a profile"),
        ("zeros", &[0; 5000], "it is filled with zeros"),
        ("later.live", &later, "written by a later edbprof"),
    ];
    let mut sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &plain(5));
    for (name, content, _) in files {
        let name = match name.strip_suffix(".live") {
            Some(name) => format!("edbprof_{name}.prof.live"),
            None => format!("edbprof_{name}.prof"),
        };
        sandbox = sandbox.with(&name, content);
    }
    let run = sandbox.run(&["--summary-json=counts"]).expect(1);
    for (name, _, expected) in files {
        let name = name.trim_end_matches(".live");
        let line = reason(&run, &format!("edbprof_{name}.prof"));
        assert!(line.contains(expected), "{line}");
    }
    assert_eq!(run.stderr.lines().count(), files.len(), "{}", run.stderr);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 5);
    let counts = std::fs::read(sandbox.work("counts")).unwrap();
    let counts: serde_json::Value = serde_json::from_slice(&counts).unwrap();
    assert_eq!(
        (&counts["succeeded"], &counts["failed"]),
        (&2.into(), &10.into())
    );
}

#[test]
fn a_bad_sidecar_does_not_take_its_profile_along() {
    let sidecars: [(&str, &[u8], &str); 4] = [
        ("executes", EXECUTES, "code 0x63 (GLOBAL) is not allowed"),
        ("empty", b"", "the file is empty"),
        (
            "shape",
            b"\x80\x04K\x01.",
            "no dict where there should be one",
        ),
        (
            "deep",
            &b"}(".repeat(100_000),
            "its references unfold to far more than the file",
        ),
    ];
    let mut sandbox = Sandbox::new().with("edbprof_fifo.prof", &plain(1));
    for (name, content, _) in sidecars {
        sandbox = sandbox
            .with(&format!("edbprof_{name}.prof"), &plain(1))
            .with(&format!("edbprof_{name}.prof.singledispatch"), content);
    }
    let fifo = sandbox.input("edbprof_fifo.prof.singledispatch");
    let made = std::process::Command::new("mkfifo").arg(fifo).status();
    assert!(made.unwrap().success());
    let run = sandbox.run(&[]).expect(1);
    for (name, _, expected) in sidecars {
        let line = reason(&run, &format!("edbprof_{name}.prof.singledispatch"));
        assert!(line.contains(expected), "{line}");
    }
    assert!(reason(&run, "edbprof_fifo.prof.singledispatch").contains("it is a FIFO"));
    assert_eq!(sandbox.calls("profile_analysis.prof"), 5);
    for place in [sandbox.input("executed"), sandbox.work("executed")] {
        assert!(!place.exists());
    }
}

/// Runs the program with so little memory that it could not hold a large file.
#[cfg(target_os = "linux")]
fn run_in_one_gigabyte(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let program = sandbox.command();
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "ulimit -v 1000000 && exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(arguments)
        .current_dir(sandbox.work(""))
        .env("TMPDIR", sandbox.input(""))
        .env("RAYON_NUM_THREADS", "2");
    Run::from(shell.output().unwrap())
}

/// Makes an input of `content` and a hole to its end at 8 GiB.
#[cfg(target_os = "linux")]
fn add_sparse(sandbox: &Sandbox, name: &str, content: &[u8]) {
    let path = sandbox.input(name);
    std::fs::write(&path, content).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(8 << 30).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_file_costs_no_memory() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_bad.prof", &plain(100));
    add_sparse(&sandbox, "edbprof_zeros.prof", b"");
    add_sparse(&sandbox, "edbprof_live.prof.live", b"");
    add_sparse(&sandbox, "edbprof_text.prof", b"hello");
    add_sparse(&sandbox, "edbprof_bad.prof.singledispatch", b"\x80\x04}");
    // Readers ignore what follows a profile.
    add_sparse(&sandbox, "edbprof_2.prof", &recording(2, 20));
    add_sparse(&sandbox, "edbprof_3.prof", &plain(1000));
    add_sparse(&sandbox, "edbprof_4.prof.live", &live_file::killed(4, 5000));
    let run = run_in_one_gigabyte(&sandbox, &[]).expect(1);
    for name in ["edbprof_zeros.prof", "edbprof_live.prof.live"] {
        assert!(reason(&run, name).contains("it is filled with zeros"));
    }
    assert!(reason(&run, "edbprof_text.prof").contains("no profile"));
    assert!(reason(&run, "edbprof_bad.prof.singledispatch").contains("0x00"));
    assert_eq!(run.stderr.lines().count(), 4, "{}", run.stderr);
    let calls = 11 + 100 + 21 + 1000 + 5000;
    assert_eq!(sandbox.calls("profile_analysis.prof"), calls);
    let clean = ["clean", "--dry-run", "--finished"];
    let run = run_in_one_gigabyte(&sandbox, &clean).expect(0);
    assert!(reason(&run, "edbprof_zeros.prof").contains("no profile"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_no_end_and_what_has_no_size_is_refused() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    let devices = [
        ("/dev/zero", "it is a device, not a file"),
        ("/dev/null", "it is a device, not a file"),
        ("/dev/tty", "it is a device, not a file"),
        ("/proc/self/maps", "it is text, not a profile"),
        ("/proc/kcore", "can't read"),
    ];
    let present = devices
        .iter()
        .filter(|(path, _)| std::path::Path::new(path).exists());
    let _socket = std::os::unix::net::UnixListener::bind(sandbox.input("socket")).unwrap();
    let socket = sandbox.input("socket");
    let others = [(socket.to_str().unwrap(), "it is a socket, not a file")];
    for (path, expected) in present.copied().chain(others) {
        let input = sandbox.input("edbprof_1.prof");
        let run = run_in_one_gigabyte(&sandbox, &[path, input.to_str().unwrap()]).expect(1);
        assert!(reason(&run, path).contains(expected), "{}", run.stderr);
        assert_eq!(sandbox.calls("profile_analysis.prof"), 11, "{path}");
    }
}

#[test]
fn strict_writes_nothing_when_anything_fails() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &recording(1, 10));
    sandbox.run(&["--strict", "--out=all"]).expect(0);
    let written = ["all.prof", "all.pstats", "all.svg"];
    assert_eq!(sandbox.written(), written);
    let sandbox = sandbox.with("edbprof_2.prof", b"");
    let run = sandbox
        .run(&["--strict", "--summary-json=counts"])
        .expect(1);
    assert!(run.stderr.contains("edbprof_2.prof"), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was written"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    let with_counts = [&written[..], &["counts"]].concat();
    assert_eq!(sandbox.written(), with_counts);
    let counts = std::fs::read(sandbox.work("counts")).unwrap();
    let counts: serde_json::Value = serde_json::from_slice(&counts).unwrap();
    assert_eq!(counts["failed"], 1);
    // A sidecar that can't be read is a failure too, and so is an overlap.
    std::fs::write(sandbox.input("edbprof_2.prof"), plain(1)).unwrap();
    std::fs::write(sandbox.input("edbprof_2.prof.singledispatch"), b"").unwrap();
    sandbox.run(&["--strict"]).expect(1);
    assert_eq!(sandbox.written(), with_counts);
}

#[test]
fn an_aggregate_that_overlaps_is_refused_by_name() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(2, 20));
    sandbox.run(&["--out=both"]).expect(0);
    std::fs::remove_file(sandbox.input("edbprof_2.prof")).unwrap();
    let directory = sandbox.input("");
    let arguments = [directory.to_str().unwrap(), "both.prof"];
    let run = sandbox.run(&arguments).expect(1);
    let line = reason(&run, "both.prof");
    assert!(
        line.contains("left out ")
            && line.contains("1 of the 2 inputs merged in it are counted already"),
        "{line}"
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
    sandbox
        .run(&[&arguments[..], &["--strict"]].concat())
        .expect(1);
    // An input without anything new is left out with a note, which is no failure.
    let sandbox = sandbox.with("edbprof_2.prof", &recording(2, 20));
    let run = sandbox
        .run(&[&arguments[..], &["--strict"]].concat())
        .expect(0);
    assert!(
        reason(&run, "both.prof").contains("counted already"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 21);
}

#[test]
fn times_that_are_no_numbers_are_none_in_the_title() {
    let mut rows = Rows::default();
    for (name, seconds) in [("a", f64::NAN), ("b", f64::INFINITY), ("c", 0.5)] {
        let id = rows.intern(&Label {
            file: (*b"/app/main.py").into(),
            line: 1,
            name: name.as_bytes().into(),
        });
        rows.row_mut(id).counts.tt = seconds;
    }
    let content = edbprof::format::pstats::encode(&rows);
    let sandbox = Sandbox::new().with("edbprof_1.prof", &content);
    let run = sandbox.run(&["top"]).expect(0);
    let title = "edbprof: 1 process, 500 ms in 0 calls of 3 functions\n";
    assert!(run.stdout.starts_with(title), "{}", run.stdout);
}

#[test]
fn two_files_of_one_recording_count_once() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(1, 10));
    let run = sandbox.run(&[]).expect(0);
    assert!(
        reason(&run, "edbprof_2.prof").contains("counted already"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}

#[test]
fn a_file_that_may_not_be_opened_is_a_failure() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &plain(7))
        .with("edbprof_2.prof", &plain(1));
    let forbidden = PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(sandbox.input("edbprof_2.prof"), forbidden).unwrap();
    let mut command = sandbox.command();
    if std::fs::metadata(sandbox.input("")).unwrap().uid() == 0 {
        // Root may open anything, so someone else looks.
        for place in [sandbox.input(""), sandbox.work(""), sandbox.input("..")] {
            std::fs::set_permissions(place, PermissionsExt::from_mode(0o777)).unwrap();
        }
        command.uid(12345);
    }
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            eprintln!("SKIPPED: only root can run the program that was built");
        }
        output => {
            let run = Run::from(output.unwrap()).expect(1);
            assert!(reason(&run, "edbprof_2.prof").contains("Permission denied"));
            assert_eq!(sandbox.calls("profile_analysis.prof"), 7);
        }
    }
}

#[test]
fn links_that_loop_and_lead_nowhere_are_failures() {
    let sandbox = Sandbox::new().with("edbprof_1.prof", &plain(7));
    symlink("edbprof_a.prof", sandbox.input("edbprof_b.prof")).unwrap();
    symlink("edbprof_b.prof", sandbox.input("edbprof_a.prof")).unwrap();
    symlink("nowhere", sandbox.input("edbprof_c.prof")).unwrap();
    let run = sandbox.run(&[]).expect(1);
    assert!(reason(&run, "edbprof_a.prof").contains("symbolic links"));
    assert!(reason(&run, "edbprof_c.prof").contains("No such file"));
    assert_eq!(sandbox.calls("profile_analysis.prof"), 7);
}
