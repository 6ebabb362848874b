//! Owners of files that are read in a directory that others may write to.

use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use crate::live_file::killed;
use crate::sandbox::{Sandbox, plain, recording};

const STRANGER: u32 = 12345;

/// A directory with a file of ours and one of a stranger, if this user may make it.
fn shared_directory(mode: u32) -> Option<Sandbox> {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_2.prof", &recording(2, 20));
    if chown(sandbox.input("edbprof_2.prof"), Some(STRANGER), None).is_err() {
        eprintln!("SKIPPED: only root can give files away");
        return None;
    }
    std::fs::set_permissions(sandbox.input(""), PermissionsExt::from_mode(mode)).unwrap();
    Some(sandbox)
}

#[test]
fn files_of_strangers_are_skipped_with_a_note() {
    let Some(sandbox) = shared_directory(0o1777) else {
        return;
    };
    let run = sandbox.run(&["--summary-json=counts"]).expect(0);
    assert!(run.stderr.contains("edbprof_2.prof"), "{}", run.stderr);
    assert!(run.stderr.contains("--any-owner"), "{}", run.stderr);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
    let counts = std::fs::read_to_string(sandbox.work("counts")).unwrap();
    assert!(counts.contains("\"skipped\": 1"), "{counts}");
    let run = sandbox.run(&["--any-owner"]).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 21);
}

#[test]
fn so_are_links_of_strangers_and_links_to_their_files() {
    let Some(sandbox) = shared_directory(0o777) else {
        return;
    };
    let sandbox = sandbox.with("elsewhere", &plain(1000));
    symlink(sandbox.input("elsewhere"), sandbox.input("edbprof_a.prof")).unwrap();
    lchown(sandbox.input("edbprof_a.prof"), Some(STRANGER), None).unwrap();
    symlink(
        sandbox.input("edbprof_2.prof"),
        sandbox.input("edbprof_b.prof"),
    )
    .unwrap();
    let run = sandbox.run(&[]).expect(0);
    assert_eq!(run.stderr.lines().count(), 3, "{}", run.stderr);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}

#[test]
fn so_are_their_sidecars_and_live_files() {
    let Some(sandbox) = shared_directory(0o1777) else {
        return;
    };
    let sandbox = sandbox
        .with("edbprof_3.prof", &plain(100))
        .with("edbprof_3.prof.singledispatch", b"no sidecar")
        .with("edbprof_4.prof.live", &killed(4, 1000));
    for name in ["edbprof_3.prof.singledispatch", "edbprof_4.prof.live"] {
        chown(sandbox.input(name), Some(STRANGER), None).unwrap();
    }
    let run = sandbox.run(&[]).expect(0);
    for name in ["edbprof_3.prof.singledispatch", "edbprof_4.prof.live"] {
        let line = run.stderr.lines().find(|line| line.contains(name)).unwrap();
        assert!(
            line.contains("it belongs to user 12345; --any-owner"),
            "{line}"
        );
    }
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 100);
    // Read, it turns out to be none.
    let run = sandbox.run(&["--any-owner"]).expect(1);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 21 + 100 + 1000);
}

#[test]
fn in_a_directory_of_ones_own_owners_do_not_matter() {
    let Some(sandbox) = shared_directory(0o755) else {
        return;
    };
    sandbox.run(&[]).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11 + 21);
}

#[test]
fn a_stranger_writes_to_a_directory_of_his_own() {
    let Some(sandbox) = shared_directory(0o755) else {
        return;
    };
    chown(sandbox.input(""), Some(STRANGER), None).unwrap();
    sandbox.run(&[]).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}

#[test]
fn when_all_files_are_strangers_there_is_nothing_to_read() {
    let Some(sandbox) = shared_directory(0o1777) else {
        return;
    };
    std::fs::remove_file(sandbox.input("edbprof_1.prof")).unwrap();
    let run = sandbox.run(&[]).expect(3);
    assert!(run.stderr.contains("--any-owner"), "{}", run.stderr);
}

#[test]
fn a_file_that_is_named_is_read_whoever_owns_it() {
    let Some(sandbox) = shared_directory(0o1777) else {
        return;
    };
    sandbox
        .run(&[sandbox.input("edbprof_2.prof").to_str().unwrap()])
        .expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 21);
}
