//! Recordings without a place when their process ends: the live file stays unless the
//! host has said that it ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use edbprof::capi::*;

use super::recorder::{Recorder, files, only_live, read};

/// The child's part; told what to do by its environment.
#[test]
#[ignore = "run by the other tests"]
fn child() {
    let directory = PathBuf::from(std::env::var_os("LIVE_DIRECTORY").unwrap());
    let recorder = Recorder::without_place(&directory);
    recorder.enter(1, 10);
    let path = only_live(&directory);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&format!("edbprof_{}_", std::process::id())));
    match std::env::var("LIVE_END").unwrap().as_str() {
        "unsaid" => {}
        "said" => {
            assert_eq!(edbprof_process_ends(0), edbprof_status::EDBPROF_OK);
            assert_eq!(only_live(&directory), path);
        }
        last => {
            assert_eq!(last, "last");
            let status = edbprof_process_ends(EDBPROF_SAVE_REMOVE_LIVE_FILE);
            assert_eq!(status, edbprof_status::EDBPROF_OK);
            recorder.leave(1, 20);
            // SAFETY: ends the process.
            unsafe { libc::_exit(0) };
        }
    }
    recorder.leave(1, 20);
    // SAFETY: ends the process, after its exit handlers.
    unsafe { libc::exit(0) };
}

fn run(directory: &Path, end: &str) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--test-threads=1", "exits::child"])
        .env("LIVE_DIRECTORY", directory)
        .env("LIVE_END", end)
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn it_stays_after_an_exit_that_the_host_knows_nothing_of() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), "unsaid");
    let trees = read(&only_live(directory.path()));
    assert_eq!(trees.threads[0].nodes.totals(), [10]);
}

#[test]
fn it_goes_when_the_host_has_said_so() {
    for end in ["said", "last"] {
        let directory = tempfile::tempdir().unwrap();
        run(directory.path(), end);
        assert!(files(directory.path(), "").is_empty());
    }
}

#[test]
fn a_flag_that_means_nothing_is_refused() {
    let status = edbprof_process_ends(EDBPROF_SAVE_AT_EXIT);
    assert_eq!(status, edbprof_status::EDBPROF_BAD_ARGUMENT);
}
