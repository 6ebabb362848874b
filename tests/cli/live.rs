//! Live files: found beside the others, counted once, never touched.

use std::fs;

use crate::live_file::killed;
use crate::sandbox::{Sandbox, recording};

#[test]
fn a_live_file_counts_instead_of_its_prof() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_1.prof.live", &killed(1, 500))
        .with("edbprof_2.prof", &recording(2, 20))
        .with("edbprof_3.prof.live", &killed(3, 7000))
        .with("other_3.prof.live", &killed(4, 100_000))
        .with(".edbprof-5.live.tmp", b"");
    let run = sandbox.run(&[]).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(sandbox.calls("profile_analysis.prof"), 500 + 21 + 7000);
    assert!(
        run.stdout
            .contains("2 of 3 processes ended without exit handlers"),
        "{}",
        run.stdout
    );
    for name in ["edbprof_1.prof.live", "edbprof_3.prof.live"] {
        assert!(sandbox.input(name).exists());
    }
    // Named, it is read whatever it is called.
    fs::rename(sandbox.input("edbprof_3.prof.live"), sandbox.input("x")).unwrap();
    let named = sandbox.input("x");
    sandbox.run(&[named.to_str().unwrap()]).expect(0);
    assert_eq!(sandbox.calls("profile_analysis.prof"), 7000);
}

#[test]
fn they_can_be_looked_at_like_any_other() {
    let sandbox = Sandbox::new().with("edbprof_1.prof.live", &killed(1, 500));
    let live = sandbox.input("edbprof_1.prof.live");
    for arguments in [&["top"][..], &["tree"], &["export", "--format=folded"]] {
        let run = sandbox
            .run(&[arguments, &[live.to_str().unwrap()]].concat())
            .expect(0);
        assert_eq!(run.stdout, sandbox.run(arguments).expect(0).stdout);
        assert!(run.stdout.lines().count() > 0 && run.stderr.is_empty());
    }
}

#[test]
fn a_broken_one_is_named_and_the_prof_beside_it_counts() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_1.prof.live", &killed(1, 500)[..1000]);
    let run = sandbox.run(&[]).expect(1);
    assert!(run.stderr.contains("edbprof_1.prof.live"), "{}", run.stderr);
    assert!(
        run.stdout.contains("1 file could not be read\n"),
        "{}",
        run.stdout
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}
