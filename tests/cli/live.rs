//! Live files: found beside the others, counted once, never touched.

use std::fs;

use crate::sandbox::{Sandbox, recording};

/// A live file's header and directory, and behind it what `segments` are: whether it
/// is a log, and its bytes. Of a process that does not run.
fn live_file(id: u8, segments: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    bytes[..8].copy_from_slice(b"edblive\0");
    bytes[8] = 1;
    bytes[12] = 77;
    bytes[20] = 3;
    bytes[24..40].copy_from_slice(&[id; 16]);
    bytes[112..120].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    for (number, (is_log, segment)) in segments.iter().enumerate() {
        let at = 256 + 16 * number;
        let start = bytes.len() as u64;
        let len = segment.len() as u64 | u64::from(*is_log);
        bytes[at..at + 8].copy_from_slice(&start.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(segment);
    }
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn record(kind: u32, payload: Vec<u8>) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn node(key: u64, parent: u32, calls: u64, total: i64) -> Vec<u8> {
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.extend(parent.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(calls.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(total.to_le_bytes());
    bytes.resize(64, 0);
    bytes
}

/// One function, called so often; open since tick 10 when the last event was at 1000.
fn killed(id: u8, calls: u64) -> Vec<u8> {
    let function = [
        vec![0; 16],
        3_i64.to_le_bytes().to_vec(),
        text("/app/main.py"),
        text("main"),
        text("main"),
        text(""),
    ];
    let thread = [0_u32.to_le_bytes().to_vec(), text("MainThread")];
    let log = [record(2, function.concat()), record(3, thread.concat())];
    let nodes = [node(0, 0, 1000, 0), node(7, 0, calls, -10)];
    live_file(id, &[(true, log.concat()), (false, nodes.concat())])
}

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
        run.stdout.contains("3 processes, 2 killed, 0 lost\n"),
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
fn a_broken_one_is_named_and_the_prof_beside_it_counts() {
    let sandbox = Sandbox::new()
        .with("edbprof_1.prof", &recording(1, 10))
        .with("edbprof_1.prof.live", &killed(1, 500)[..1000]);
    let run = sandbox.run(&[]).expect(1);
    assert!(run.stderr.contains("edbprof_1.prof.live"), "{}", run.stderr);
    assert!(
        run.stdout.contains("1 process, 0 killed, 1 lost\n"),
        "{}",
        run.stdout
    );
    assert_eq!(sandbox.calls("profile_analysis.prof"), 11);
}
