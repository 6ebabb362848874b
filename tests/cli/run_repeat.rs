//! `edbprof run --repeat`.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::sandbox::{Run, Sandbox, recording};

/// Leaves a recording where a Python would.
const RECORD: &str = "cp \"$TMPDIR/recorded\" \"${EDBPROF_RUN##*directory=}/edbprof_1.prof\"";

fn sandbox() -> Sandbox {
    Sandbox::new().with("recorded", &recording(1, 10))
}

/// Three runs of a shell.
fn repeated(sandbox: &Sandbox, code: &str) -> Command {
    let mut command = sandbox.command();
    let code = format!("{RECORD}; {code}");
    command.args(["run", "--repeat=3", "--out=before", "sh", "-c", &code]);
    command.stdin(Stdio::null());
    command
}

#[test]
fn each_run_has_results() {
    let sandbox = sandbox();
    let run = Run::from(repeated(&sandbox, "echo out").output().unwrap()).expect(0);
    assert_eq!(run.stdout, "out\nout\nout\n");
    for number in 1..=3 {
        assert_eq!(sandbox.calls(&format!("before.{number}.prof")), 11);
    }
    let titles = run.stderr.matches("edbprof: 1 process").count();
    assert_eq!(titles, 1, "{}", run.stderr);
    let arguments = [
        "diff",
        "--before",
        "before.1.prof",
        "before.2.prof",
        "--after",
    ];
    sandbox
        .run(&[&arguments[..], &["before.3.prof"]].concat())
        .expect(0);
}

#[test]
fn the_first_failure_is_the_exit_status() {
    let code = "test -e two && exit 5; test -e one && touch two && exit 7; touch one";
    let run = Run::from(repeated(&sandbox(), code).output().unwrap());
    run.expect(7);
}

#[test]
fn a_file_is_read_anew_and_a_pipe_is_empty() {
    let sandbox = sandbox();
    std::fs::write(sandbox.work("input"), "line\n").unwrap();
    let mut command = repeated(&sandbox, "cat");
    command.stdin(File::open(sandbox.work("input")).unwrap());
    let run = Run::from(command.output().unwrap()).expect(0);
    assert_eq!(run.stdout, "line\nline\nline\n");
    let mut command = repeated(&sandbox, "cat");
    command.stdin(Stdio::piped());
    let run = Run::from(command.output().unwrap()).expect(0);
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr
            .contains("standard input is empty in repeated runs"),
        "{}",
        run.stderr
    );
}

/// Ctrl-C reaches all of the group. The program ends, and no other run begins.
#[test]
fn an_interrupt_ends_all_runs() {
    use std::os::unix::process::{CommandExt, ExitStatusExt};

    let sandbox = sandbox();
    let mut command = repeated(&sandbox, "echo begun >> begun; kill -INT 0; sleep 600");
    let output = command.process_group(0).output().unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGINT));
    assert_eq!(
        std::fs::read_to_string(sandbox.work("begun")).unwrap(),
        "begun\n"
    );
    assert_eq!(sandbox.calls("before.1.prof"), 11);
}
