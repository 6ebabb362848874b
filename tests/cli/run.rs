//! `edbprof run`: what becomes of the recordings. The program is a shell that leaves a
//! recording where a Python would; `tests/python/test_run.py` runs the real thing.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use edbprof::model::ProcessIdentity;

use crate::live_file::killed;
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
    for (spoil, options, expected) in [
        ("mkdir profile_analysis.svg", &["--quiet"][..], 4),
        ("true", &["--include=none"], 0),
        ("rm -r results", &["--out=results/name"], 4),
        (
            "echo junk > \"${EDBPROF_RUN##*directory=}/edbprof_2.prof\"",
            &["--strict"],
            4,
        ),
        ("mkdir profile_analysis.svg; exit 7", &[], 7),
    ] {
        let sandbox = sandbox();
        std::fs::create_dir(sandbox.work("results")).unwrap();
        let code = format!("{RECORD}; {spoil}");
        let Run { stderr, .. } = sandbox.run_shell(options, &code).expect(expected);
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

#[test]
fn a_temporary_directory_that_can_not_be_used_is_no_reason_not_to_run() {
    let sandbox = sandbox();
    let recorded = sandbox.input("recorded").display().to_string();
    let record = RECORD.replace("$TMPDIR/recorded", &recorded);
    for place in ["/no/such/place", "/proc", "/dev/null", ""] {
        let mut command = sandbox.command();
        command
            .args(["run", "sh", "-c", &record])
            .env("TMPDIR", place);
        Run::from(command.output().unwrap()).expect(0);
        assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
        std::fs::remove_file(sandbox.work("profile_analysis.prof")).unwrap();
    }
    assert!(sandbox.left().is_empty());
}

/// A live file of this process, which goes on.
fn of_this_process() -> Vec<u8> {
    let mut live = killed(3, 7);
    let own = ProcessIdentity::own();
    live[12..16].copy_from_slice(&own.pid.to_le_bytes());
    live[40..56].copy_from_slice(&own.boot_id);
    live[56..64].copy_from_slice(&own.pid_namespace.to_le_bytes());
    live[64..72].copy_from_slice(&own.start.to_le_bytes());
    live
}

/// Maps a file as long as this process runs, as it does with its live files.
fn map(file: &File) {
    let (read, shared) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: a new mapping, which nobody reads.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), 1, read, shared, file.as_raw_fd(), 0) };
    assert_ne!(at, libc::MAP_FAILED);
}

#[test]
fn a_process_that_goes_on_is_named_and_nothing_stays() {
    let sandbox = sandbox().with("edbprof_3.prof.live", &of_this_process());
    let file = File::open(sandbox.input("edbprof_3.prof.live")).unwrap();
    map(&file);
    let record = "mv \"$TMPDIR/edbprof_3.prof.live\" \"${EDBPROF_RUN##*directory=}\"";
    let Run { stderr, .. } = sandbox.run_shell(&["--quiet"], record).expect(0);
    let pid = std::process::id();
    let expected = format!("edbprof: process {pid} is still running; what it records from now on");
    assert!(stderr.starts_with(&expected), "{stderr}");
    assert_eq!(sandbox.calls("profile_analysis.prof"), 7);
    assert!(sandbox.left().is_empty());
}

#[test]
fn an_exit_without_a_word_is_no_kill() {
    let leave_live_file = r#"
import os, struct
live = bytearray(open(os.environ["TMPDIR"] + "/live", "rb").read())
struct.pack_into("<I", live, 12, os.getpid())
start = open("/proc/self/stat").read().rpartition(")")[2].split()[19]
struct.pack_into("<Q", live, 64, int(start))
directory = os.environ["EDBPROF_RUN"].rpartition("directory=")[2]
open(directory + "/edbprof_3.prof.live", "wb").write(live)
"#;
    for (end, killed) in [("os._exit(3)", 0), ("os.kill(os.getpid(), 9)", 1)] {
        let sandbox = Sandbox::new().with("live", &of_this_process());
        let mut command = sandbox.command();
        let code = format!("{leave_live_file}{end}");
        command.args(["run", "--summary-json=summary", "python3", "-c", &code]);
        command.output().unwrap();
        let summary = std::fs::read(sandbox.work("summary")).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!(
            (&summary["processes"], &summary["killed"]),
            (&1.into(), &killed.into()),
            "{end}"
        );
    }
}
