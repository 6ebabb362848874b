//! `edbprof run`: what starts, by what was named.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Run, Sandbox};

/// A sandbox with a Python that says what it was given, and a directory for PATH.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.work("bin")).unwrap();
    sandbox.write("bin/python3", "#!/bin/sh\necho \"Python: $@\"\n", 0o755);
    sandbox
}

impl Sandbox {
    fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.work(name), text).unwrap();
        fs::set_permissions(self.work(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn run_words(&self, words: &[&str]) -> Run {
        let path = self.work("bin").into_os_string().into_string().unwrap();
        let mut command = self.command();
        command
            .args(["run", "--quiet", "--python=bin/python3"])
            .args(words)
            .env("PATH", format!("{path}:/usr/bin:/bin"));
        Run::from(command.output().unwrap())
    }
}

/// Fails unless `words` make the program say `expected`.
#[track_caller]
fn check(sandbox: &Sandbox, words: &[&str], expected: &str) {
    let run = sandbox.run_words(words).expect(0);
    assert_eq!(run.stdout, format!("{expected}\n"), "{words:?}");
}

#[test]
fn a_program_runs_itself() {
    let sandbox = sandbox();
    sandbox.write("tool.sh", "#!/bin/sh\necho \"$0 $@\"\n", 0o755);
    sandbox.write("plain", "echo \"$0 $@\"\n", 0o755);
    check(&sandbox, &["./tool.sh", "a b"], "./tool.sh a b");
    check(&sandbox, &["tool.sh", "a"], "./tool.sh a");
    // Shells do so with a script that names no interpreter.
    check(&sandbox, &["./plain", "a"], "./plain a");
    check(&sandbox, &["/bin/echo", "1"], "1");
    check(&sandbox, &["env", "X=1", "sh", "-c", "echo $X"], "1");
    // And it has the name that it was called by.
    check(
        &sandbox,
        &["sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline; echo; :"],
        "sh -c tr '\\0' ' ' < /proc/$$/cmdline; echo; : ",
    );
}

#[test]
fn a_name_on_path_is_not_a_directory_of_that_name() {
    let sandbox = sandbox();
    sandbox.write("bin/pytest", "#!/bin/sh\necho on PATH\n", 0o755);
    fs::create_dir(sandbox.work("pytest")).unwrap();
    fs::write(sandbox.work("pytest/__main__.py"), "").unwrap();
    check(&sandbox, &["pytest", "-q"], "on PATH");
    check(&sandbox, &["./pytest", "-q"], "Python: ./pytest -q");
}

#[test]
fn what_is_python_s_goes_to_python() {
    let sandbox = sandbox();
    sandbox.write("plain.py", "print()", 0o644);
    sandbox.write("own.py", "#!/usr/bin/env python3\n", 0o755);
    sandbox.write("text", "print()", 0o644);
    sandbox.write("app", "PK\x03\x04", 0o755);
    fs::create_dir(sandbox.work("package")).unwrap();
    fs::write(sandbox.work("package/__main__.py"), "").unwrap();
    for name in [
        "plain.py",
        "./plain.py",
        "own.py",
        "./own.py",
        "text",
        "./text",
        "./app",
        "package",
    ] {
        check(&sandbox, &[name, "-x"], &format!("Python: {name} -x"));
    }
    check(&sandbox, &["-m", "module", "a"], "Python: -m module a");
    check(&sandbox, &["-c", "code"], "Python: -c code");
    // Its first line has another reader.
    sandbox.write("other.py", "#!/bin/sh\necho other\n", 0o755);
    check(&sandbox, &["./other.py"], "other");
    // Its first line names the environment that it needs.
    sandbox.write("command", "#!bin/python3\n", 0o755);
    check(&sandbox, &["./command", "a"], "Python: ./command a");
}

#[test]
fn what_is_not_there_is_named() {
    let sandbox = sandbox();
    for (words, expected) in [
        (
            &["no-such"][..],
            "there is no file no-such here, and no program of that name on PATH",
        ),
        (&["./no-such"], "there is no file ./no-such\n"),
        (
            &["--python=no/such", "-c", "1"],
            "there is no Python no/such",
        ),
    ] {
        let run = sandbox.run_words(words).expect(127);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    sandbox.write("bad", "#!/no/such/reader\n", 0o755);
    let run = sandbox.run_words(&["./bad"]).expect(127);
    assert!(
        run.stderr.contains("can't start ./bad: No such file"),
        "{}",
        run.stderr
    );
}
