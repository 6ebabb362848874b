//! `edbprof clean`: files that it removes, files that it keeps, and its messages.

use std::fs::{self, File};
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use edbprof::model::ProcessIdentity;

use crate::live_file::{killed, of_process};
use crate::sandbox::{Sandbox, names, plain, recording, saved_by};

const LIVE: &str = "edbprof_1.prof.live";
/// Names of a file while it is written, and of a live file while it is made.
const WRITING: &str = ".edbprof-0123456789abcdef.tmp";
const MAKING: &str = ".edbprof-0123456789abcdef0123456789abcdef.live.tmp";

/// A process of this boot that has ended.
fn gone() -> ProcessIdentity {
    let own = ProcessIdentity::own();
    ProcessIdentity {
        start: own.start + 1,
        ..own
    }
}

/// One of another container, perhaps.
fn elsewhere() -> ProcessIdentity {
    let own = ProcessIdentity::own();
    ProcessIdentity {
        pid_namespace: own.pid_namespace + 1,
        ..own
    }
}

fn dead(id: u8, calls: u64) -> Vec<u8> {
    of_process(killed(id, calls), &gone())
}

/// Makes `path` look as if nothing had been done to it for a day.
fn grow_old(path: &Path) {
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    File::open(path).unwrap().set_modified(yesterday).unwrap();
}

#[test]
fn nothing_is_removed_unless_it_is_wanted() {
    let sandbox = Sandbox::new().with(LIVE, &dead(1, 500));
    for (arguments, code, said) in [
        (&["clean", "-n"][..], 0, "lost"),
        (&["clean", "--dry-run"], 0, "lost"),
        (
            &["clean"],
            2,
            "nothing was removed, since there is no terminal",
        ),
    ] {
        let mut command = sandbox.command();
        command.args(arguments).stdin(Stdio::null());
        let run = crate::sandbox::Run::from(command.output().unwrap()).expect(code);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert!(run.stdout.contains(LIVE), "{}", run.stdout);
        assert!(sandbox.input(LIVE).exists());
    }
    sandbox.run(&["clean", "-n", "-y"]).expect(2);
    let run = sandbox.run(&["clean", "--yes"]).expect(0);
    assert!(
        run.stdout.ends_with("removed 1 file, 4.33 kB\n"),
        "{}",
        run.stdout
    );
    assert!(names(&sandbox.input("")).is_empty());
    let run = sandbox.run(&["clean"]).expect(0);
    assert!(
        run.stdout.starts_with("nothing to remove in "),
        "{}",
        run.stdout
    );
}

#[test]
fn the_list_names_processes_and_the_way_to_keep_their_recordings() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof.live", &dead(1, 500))
        .with("edbprof_2.prof", &recording(2, 500))
        .with("edbprof_2.prof.live", &dead(2, 500));
    let run = sandbox.run(&["clean", "-n"]).expect(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{}", run.stdout);
    assert_eq!(lines[4], "2 files, 8.66 kB");
    let process = format!("    process {}: ", std::process::id());
    for lines in lines[..4].chunks_exact(2) {
        assert!(lines[0].ends_with(".prof.live  4.33 kB"), "{}", lines[0]);
        assert!(lines[1].starts_with(&process), "{}", lines[1]);
    }
    let place = sandbox.input("");
    let directory = place.to_str().unwrap().trim_end_matches('/');
    let next = format!("that is done by: edbprof {directory}\n");
    assert!(run.stderr.ends_with(&next), "{}", run.stderr);
    // Finished recordings are not what a kill has left.
    sandbox.run(&["clean", "-y"]).expect(0);
    assert_eq!(names(&place), ["edbprof_2.prof"]);
    // They are saved, so nothing is lost that the user has not asked for.
    let run = sandbox.run(&["clean", "-n", "--finished"]).expect(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn files_of_processes_that_run_stay() {
    let own = ProcessIdentity::own();
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof.live", &of_process(killed(1, 5), &own))
        .with("edbprof_1.prof", &saved_by(1, own))
        .with(MAKING, &of_process(killed(1, 5), &own))
        .with(
            "edbprof_2.prof.live",
            &of_process(killed(2, 5), &elsewhere()),
        )
        .with("edbprof_3.prof.live", &killed(3, 5))
        .with("edbprof_4.prof.live", &dead(4, 5));
    grow_old(&sandbox.input(MAKING));
    let run = sandbox.run(&["clean", "-y", "--finished"]).expect(0);
    assert!(
        run.stderr.contains("left 3 files: in use\n"),
        "{}",
        run.stderr
    );
    for name in ["edbprof_2.prof.live", "edbprof_3.prof.live"] {
        let line = run.stderr.lines().find(|line| line.contains(name)).unwrap();
        assert!(
            line.contains("can't be told from here whether process"),
            "{line}"
        );
    }
    assert_eq!(names(&sandbox.input("")).len(), 5);
    assert!(!sandbox.input("edbprof_4.prof.live").exists());
}

#[test]
fn a_killed_process_can_be_cleaned_up_after() {
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let identity = ProcessIdentity::of(child.id()).unwrap();
    let sandbox = Sandbox::new().with(LIVE, &of_process(killed(1, 5), &identity));
    sandbox.run(&["clean", "-y"]).expect(0);
    assert!(sandbox.input(LIVE).exists());
    child.kill().unwrap();
    // Not waited for: a zombie writes nothing any more.
    let ended = || ProcessIdentity::of(child.id()).is_none();
    while !ended() {
        std::thread::yield_now();
    }
    sandbox.run(&["clean", "-y"]).expect(0);
    assert!(!sandbox.input(LIVE).exists());
    child.wait().unwrap();
}

#[test]
fn what_is_not_verifiably_ours_stays() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof.live", b"no live file")
        .with("edbprof_2.prof.live", &dead(2, 5)[..2000])
        .with("edbprof_3.prof.live", &[])
        .with("edbprof_4.prof", b"no profile")
        .with("edbprof_5.prof", &plain(5))
        .with("other_6.prof.live", &dead(6, 5))
        .with(".edbprof-0123456789abcdeg.tmp", b"")
        .with(".edbprof-0123.tmp", b"")
        .with("precious", &dead(7, 5));
    symlink("precious", sandbox.input("edbprof_7.prof.live")).unwrap();
    symlink("nowhere", sandbox.input("edbprof_8.prof.live")).unwrap();
    symlink("precious", sandbox.input(WRITING)).unwrap();
    fs::create_dir(sandbox.input("edbprof_9.prof.live")).unwrap();
    fs::create_dir(sandbox.input("run")).unwrap();
    fs::write(sandbox.input("run").join(LIVE), dead(1, 5)).unwrap();
    symlink("run", sandbox.input("edbprof-run-a1b2c3")).unwrap();
    let fifo = sandbox.input("edbprof_a.prof.live");
    assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    // The profile of several processes is a result.
    sandbox
        .run(&["--out=edbprof_b", "--format=prof", "--prefix=other"])
        .expect(0);
    fs::rename(
        sandbox.work("edbprof_b.prof"),
        sandbox.input("edbprof_b.prof"),
    )
    .unwrap();
    let before = names(&sandbox.input(""));
    for name in &before {
        let path = sandbox.input(name);
        if path.is_file() {
            grow_old(&path);
        }
    }
    let run = sandbox.run(&["clean", "-y", "--finished"]).expect(0);
    assert_eq!(names(&sandbox.input("")), before);
    assert!(sandbox.input("run").join(LIVE).exists());
    // All but those of other names were named, each with its reason.
    assert_eq!(run.stderr.lines().count(), 12, "{}", run.stderr);
    for said in [
        "edbprof_1.prof.live: the file is cut off",
        "edbprof_4.prof: no profile",
        "edbprof_5.prof: it is another profiler's",
        "edbprof_7.prof.live: it is a link",
        "edbprof_9.prof.live: it is no regular file",
        "edbprof_a.prof.live: it is no regular file",
        "edbprof_b.prof: it is a merged profile",
    ] {
        assert!(run.stderr.contains(said), "{said}\n{}", run.stderr);
    }
}

#[test]
fn files_of_strangers_stay() {
    let sandbox = Sandbox::new().with(LIVE, &dead(1, 5)).with(WRITING, b"");
    grow_old(&sandbox.input(WRITING));
    for name in [LIVE, WRITING] {
        if chown(sandbox.input(name), Some(12345), None).is_err() {
            eprintln!("SKIPPED: only root can give files away");
            return;
        }
    }
    let run = sandbox.run(&["clean", "-y"]).expect(0);
    assert_eq!(run.stderr.matches("it belongs to user 12345").count(), 2);
    assert_eq!(names(&sandbox.input("")).len(), 2);
}

#[test]
fn what_was_being_written_goes_when_nobody_writes_it() {
    let sandbox = Sandbox::new()
        .with(WRITING, b"half a prof")
        .with(MAKING, &[0; 5000]);
    let run = sandbox.run(&["clean", "-y"]).expect(0);
    assert!(
        run.stderr.contains("left 2 files: changed too lately"),
        "{}",
        run.stderr
    );
    for name in [WRITING, MAKING] {
        grow_old(&sandbox.input(name));
    }
    sandbox.run(&["clean", "-y", "--older-than=2d"]).expect(0);
    assert_eq!(names(&sandbox.input("")).len(), 2);
    sandbox.run(&["clean", "-y", "--older-than=23h"]).expect(0);
    assert!(names(&sandbox.input("")).is_empty());
    sandbox.run(&["clean", "--older-than=soon"]).expect(2);
}

#[test]
fn finished_recordings_go_when_they_are_meant() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &saved_by(2, gone()))
        .with("edbprof_3.prof", &saved_by(3, elsewhere()))
        .with("parse_4.prof", &recording(4, 10));
    let sidecar = edbprof::format::sidecar::encode(&Default::default());
    fs::write(sandbox.input("edbprof_1.prof.singledispatch"), sidecar).unwrap();
    let run = sandbox.run(&["clean", "-y", "--finished"]).expect(0);
    assert!(run.stdout.ends_with("\n") && run.stdout.contains("removed 3 files"));
    assert_eq!(
        names(&sandbox.input("")),
        ["edbprof_3.prof", "parse_4.prof"]
    );
    sandbox
        .run(&["clean", "-y", "--finished", "--prefix=parse_"])
        .expect(0);
    assert_eq!(names(&sandbox.input("")), ["edbprof_3.prof"]);
}

#[test]
fn directories_of_killed_runs() {
    let sandbox = Sandbox::new();
    for name in [
        "run-locked",
        "run-mixed",
        "run-dead",
        "run-empty",
        "run-young",
    ] {
        fs::create_dir(sandbox.input(&format!("edbprof-{name}"))).unwrap();
    }
    let within = |run: &str, name: &str| sandbox.input(&format!("edbprof-run-{run}")).join(name);
    for run in ["locked", "mixed", "dead"] {
        fs::write(within(run, "edbprof_1.prof.live"), dead(1, 5)).unwrap();
        fs::write(within(run, "edbprof_2.prof"), recording(2, 5)).unwrap();
        fs::write(within(run, "unrecorded_3_failed"), "").unwrap();
    }
    // Elsewhere it is somebody's own.
    fs::write(sandbox.input("unrecorded_3_failed"), "").unwrap();
    fs::write(within("mixed", "mine.txt"), "precious").unwrap();
    grow_old(&within("empty", ""));
    let locked = File::open(within("locked", "")).unwrap();
    rustix::fs::flock(&locked, rustix::fs::FlockOperation::LockShared).unwrap();
    let run = sandbox.run(&["clean", "-y"]).expect(0);
    let removed = "removed 6 files and 2 directories, ";
    assert!(run.stdout.contains(removed), "{}", run.stdout);
    let place = within("dead", "");
    let place = place.to_str().unwrap().trim_end_matches('/');
    assert!(
        run.stderr.contains(&format!("edbprof {place}")),
        "{}",
        run.stderr
    );
    assert_eq!(
        names(&sandbox.input("")),
        [
            "edbprof-run-locked",
            "edbprof-run-mixed",
            "edbprof-run-young",
            "unrecorded_3_failed"
        ]
    );
    assert_eq!(names(&within("mixed", "")), ["mine.txt"]);
    assert_eq!(names(&within("locked", "")).len(), 3);
}

/// A run of root's has one inside for the users that its program becomes.
#[test]
fn a_directory_inside_that_of_a_run_goes_too() {
    let sandbox = Sandbox::new();
    let inner = sandbox.input("edbprof-run-a/edbprof-run-0123456789abcdef");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("edbprof_1.prof.live"), dead(1, 5)).unwrap();
    fs::write(inner.join("edbprof_2.prof"), recording(2, 5)).unwrap();
    fs::write(inner.join("mine.txt"), "precious").unwrap();
    let run = sandbox.run(&["clean", "-y"]).expect(0);
    assert!(run.stdout.contains("removed 2 files, "), "{}", run.stdout);
    assert_eq!(names(&inner), ["mine.txt"]);
    fs::remove_file(inner.join("mine.txt")).unwrap();
    fs::write(inner.join("edbprof_1.prof.live"), dead(1, 5)).unwrap();
    let run = sandbox.run(&["clean", "-y"]).expect(0);
    let removed = "removed 1 file and 2 directories, ";
    assert!(run.stdout.contains(removed), "{}", run.stdout);
    assert!(names(&sandbox.input("")).is_empty());
}

#[test]
fn a_place_that_can_not_be_listed_is_wrong_usage() {
    let sandbox = Sandbox::new().with(LIVE, &dead(1, 5));
    let file = sandbox.input(LIVE);
    let place = sandbox.input("");
    for path in ["/no/such/place", file.to_str().unwrap()] {
        let run = sandbox
            .run(&["clean", "-y", place.to_str().unwrap(), path])
            .expect(2);
        assert!(run.stderr.contains(path), "{}", run.stderr);
    }
    assert!(file.exists());
}
