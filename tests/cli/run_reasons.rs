//! `edbprof run`: why nothing, or not everything, was recorded.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Run, Sandbox};

/// `edbprof run --python=...` of a Python that answers this when it is asked what is installed.
fn run_python(answer: &str, words: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    let python = sandbox.work("python3");
    fs::write(&python, format!("#!/bin/sh\necho {answer}\n")).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(sandbox.work("a.py"), "").unwrap();
    sandbox.run(&[&["run", "--python=./python3"], words].concat())
}

#[track_caller]
fn check(run: &Run, reason: &str) {
    let stderr = run.stderr.strip_prefix("edbprof: nothing was recorded: ");
    assert!(
        stderr.is_some_and(|text| text.contains(reason)),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn a_python_says_what_is_missing() {
    for (answer, words, reason) in [
        (
            "3.11.7 0 0",
            &["-c", "1"][..],
            "edbprof is not installed for ",
        ),
        (
            "3.11.7 1 0",
            &["-c", "1"],
            "but edbprof_native.pth is not where Python reads .pth files",
        ),
        (
            "3.11.7 1 1",
            &["-c", "1"],
            "but the process ended before it recorded anything",
        ),
        (
            "",
            &["-c", "1"],
            "does not say whether edbprof is installed there",
        ),
        ("3.11.7 1 1", &["-sS", "-c", "1"], "was started with -S"),
        (
            "3.11.7 0 0",
            &["-W", "S", "-c", "-S"],
            "edbprof is not installed for ",
        ),
        (
            "3.11.7 0 0",
            &["a.py", "-S"],
            "edbprof is not installed for ",
        ),
    ] {
        check(&run_python(answer, words).expect(0), reason);
    }
}

#[test]
fn a_script_names_its_python() {
    let sandbox = Sandbox::new();
    let tool = sandbox.work("tool");
    let python = sandbox.work("python3");
    fs::write(&python, "#!/bin/sh\necho 3.9.1 0 0\n").unwrap();
    fs::write(&tool, format!("#!{}\n", python.display())).unwrap();
    for file in [&tool, &python] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let run = sandbox.run(&["run", "./tool"]).expect(0);
    let python = python.display();
    check(
        &run,
        &format!("edbprof is not installed for {python} (Python 3.9.1), which ./tool is run by"),
    );
}

#[test]
fn what_is_no_python() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["run", "true"]).expect(0);
    check(
        &run,
        "/true is neither a Python nor a script that names one, and no process that it",
    );
    let run = sandbox
        .run(&["run", "env", "-u", "A", "-i", "true"])
        .expect(0);
    check(
        &run,
        "/env is neither a Python nor a script that names one, and no process that it",
    );
}

#[test]
fn processes_tell_why_they_are_not_recorded() {
    let note =
        |name: &str| format!("echo 'python x.py' > \"${{EDBPROF_RUN##*directory=}}/{name}\"");
    let sandbox = Sandbox::new();
    let run = sandbox
        .run(&["run", "sh", "-c", &note("unrecorded_12_of-tomorrow")])
        .expect(0);
    check(
        &run,
        "1 process was not recorded (of-tomorrow): 12 (python x.py)\n",
    );
    // A failure changes the exit status.
    let run = sandbox
        .run(&["run", "sh", "-c", &note("unrecorded_12_failed")])
        .expect(4);
    check(
        &run,
        "1 process was not recorded (recording failed): 12 (python x.py)\n",
    );
}

#[test]
fn no_room_is_not_taken_for_no_package() {
    let sandbox = Sandbox::new();
    let python = sandbox.work("python3");
    fs::write(&python, "#!/bin/sh\necho 3.11.7 1 1\n").unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let edbprof = env!("CARGO_BIN_EXE_edbprof");
    let code = format!("ulimit -f 1; exec {edbprof} run --python=./python3 -c 1");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &code]).current_dir(sandbox.work(""));
    let run = Run::from(command.env("TMPDIR", sandbox.input("")).output().unwrap()).expect(4);
    check(&run, "there is no room for recordings in ");
    assert!(run.stderr.contains("File too large"), "{}", run.stderr);
}
