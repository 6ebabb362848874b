//! `edbprof run`: what becomes of the recordings. The program is a shell that leaves a
//! recording where a Python would; `tests/python/test_run.py` runs the real thing.

use std::path::Path;

use crate::sandbox::{Run, Sandbox, names, recording};

/// Leaves the file `recorded`, and then does what is added.
const RECORD: &str = "cp \"$TMPDIR/recorded\" \"${EDBPROF_RUN##*directory=}/edbprof_1.prof\"";

fn sandbox() -> Sandbox {
    Sandbox::new().with("recorded", &recording(1, 10))
}

impl Sandbox {
    /// `edbprof run` of the shell's `code`.
    fn run_shell(&self, options: &[&str], code: &str) -> Run {
        let arguments = [&["run"], options, &["sh", "-c", code]].concat();
        self.run(&arguments)
    }

    /// The directories that runs have left.
    fn left(&self) -> Vec<String> {
        let mut names = names(&self.input(""));
        names.retain(|name| name != "recorded");
        names
    }
}

#[test]
fn the_results_are_there_and_the_recordings_are_not() {
    let sandbox = sandbox();
    sandbox
        .run_shell(&[], &format!("{RECORD}; exit 7"))
        .expect(7);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
    assert!(sandbox.left().is_empty());
}

#[test]
fn recordings_stay_where_the_results_lack_some() {
    for (spoil, options) in [
        ("mkdir profile_analysis.svg", &["--quiet"][..]),
        ("true", &["--include=none"]),
        ("rm -r results", &["--out=results/name"]),
        (
            "echo junk > \"${EDBPROF_RUN##*directory=}/edbprof_2.prof\"",
            &["--strict"],
        ),
    ] {
        let sandbox = sandbox();
        std::fs::create_dir(sandbox.work("results")).unwrap();
        let code = format!("{RECORD}; {spoil}");
        let Run { stderr, .. } = sandbox.run_shell(options, &code).expect(0);
        let left = sandbox.left();
        let [directory] = &left[..] else {
            panic!("{spoil}: {left:?}");
        };
        let directory = sandbox.input(directory);
        let directory = directory.to_str().unwrap();
        assert!(
            stderr.contains(&format!("the recordings are in {directory};")),
            "{spoil}: {stderr}"
        );
        assert!(Path::new(directory).join("edbprof_1.prof").exists());
        let merged = sandbox.run(&["--out=again", directory]);
        assert!(merged.code <= 1, "{}", merged.stderr);
        assert_eq!(sandbox.calls("again.prof"), 11);
    }
}

#[test]
fn a_part_is_chosen_at_once() {
    let sandbox = sandbox();
    let options = ["--exclude=leaf", "--by=process", "--format=prof"];
    let Run { stderr, .. } = sandbox.run_shell(&options, RECORD).expect(0);
    assert!(stderr.contains("Only a part: --exclude=leaf."), "{stderr}");
    assert_eq!(sandbox.calls("profile_analysis.prof"), 1);
    assert!(sandbox.left().is_empty());
}

#[test]
fn nothing_recorded_is_nothing_to_keep() {
    let sandbox = sandbox();
    let Run { stderr, .. } = sandbox.run_shell(&["--include=none"], "exit 3").expect(3);
    assert!(stderr.contains("nothing was recorded"), "{stderr}");
    assert!(sandbox.left().is_empty());
}

#[test]
fn runs_are_not_mixed() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.work("kept")).unwrap();
    std::fs::write(sandbox.work("kept/notes"), "").unwrap();
    sandbox.run_shell(&["--keep=kept"], RECORD).expect(0);
    assert_eq!(names(&sandbox.work("kept")), ["edbprof_1.prof", "notes"]);
    let Run { stderr, .. } = sandbox.run_shell(&["--keep=kept"], "exit 7").expect(2);
    assert!(
        stderr.contains("kept has the recordings of another run"),
        "{stderr}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_run_where_the_results_can_not_be_written() {
    let sandbox = sandbox();
    let mark = sandbox.work("mark");
    let mut command = sandbox.command();
    command
        .args(["run", "touch"])
        .arg(&mark)
        .current_dir("/proc");
    let run = Run::from(command.output().unwrap()).expect(2);
    assert!(
        run.stderr.contains("can't write to the directory ."),
        "{}",
        run.stderr
    );
    assert!(!mark.exists());
    assert!(sandbox.left().is_empty());
}
