//! `--compensate`: what is taken out, and every report that says so.

use edbprof::model::{Calibration, CallKind, Cost};

use crate::sandbox::{Run, Sandbox, calibrated, plain, recording};

/// `main` calls `leaf` so often; a call costs the callee 40 ns, the caller 60 ns.
fn sandbox(calls: u64) -> Sandbox {
    let cost = Cost {
        callee: 40_000,
        caller: 60_000,
    };
    let calibration = Calibration::default().with(CallKind::Python, cost);
    Sandbox::new()
        .with("edbprof_1.prof", &calibrated(1, calls, Some(calibration)))
        .with("edbprof_2.prof", &recording(2, calls))
        .with("edbprof_3.prof", &plain(7))
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    let bytes = std::fs::read(sandbox.work(name)).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

const SAYS: &str = "Compensated: 1.00 ms that recording took is left out; \
                    2 of 3 processes as recorded, for lack of calibration";

#[test]
fn every_report_says_so() {
    let sandbox = sandbox(10_000);
    let formats = "--format=prof,pstats,svg,flamegraph";
    let Run { stdout, .. } = sandbox.run(&["--compensate", formats]).expect(0);
    assert!(stdout.replace("\n  ", " ").contains(SAYS), "{stdout}");
    for suffix in ["pstats", "svg", "flamegraph.svg"] {
        let text = read(&sandbox, &format!("profile_analysis.{suffix}"));
        assert!(text.contains(SAYS), "{suffix}");
    }
    // 3 ms each and half a second of the plain one, less 1 ms.
    let table = read(&sandbox, "profile_analysis.pstats");
    assert!(table.contains("in 0.505 seconds"), "{table}");
    assert!(read(&sandbox, "profile_analysis.prof").contains("rows_less_ns"));

    let json = sandbox
        .run(&["--compensate", "--summary-json=-", "--out=json"])
        .expect(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["compensated"]["processes_as_recorded"], 2);
    assert_eq!(json["compensated"]["seconds"], 0.00100004);
}

#[test]
fn without_it_nothing_is_taken_out_or_said() {
    let sandbox = sandbox(10_000);
    let run = sandbox
        .run(&["--format=prof,pstats,svg,flamegraph"])
        .expect(0);
    assert!(!run.stdout.contains("Compensated"));
    for suffix in ["pstats", "svg", "flamegraph.svg"] {
        let text = read(&sandbox, &format!("profile_analysis.{suffix}"));
        assert!(!text.contains("Compensated"), "{suffix}");
    }
    let table = read(&sandbox, "profile_analysis.pstats");
    assert!(table.contains("in 0.506 seconds"), "{table}");
    assert!(!read(&sandbox, "profile_analysis.prof").contains("rows_less_ns"));
    let json = sandbox.run(&["--summary-json=-", "--out=json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json.get("compensated"), None);
}

#[test]
fn merging_the_result_again_subtracts_once() {
    let sandbox = sandbox(10_000);
    sandbox.run(&["--compensate", "--out=once"]).expect(0);
    let once = sandbox.work("once.prof");
    let once = once.to_str().unwrap();
    sandbox
        .run(&["--compensate", "--out=twice", once])
        .expect(0);
    assert_eq!(
        std::fs::read(once).unwrap(),
        std::fs::read(sandbox.work("twice.prof")).unwrap()
    );
    // And without the option it is all there again.
    sandbox.run(&["--out=raw", once]).expect(0);
    let table = read(&sandbox, "raw.pstats");
    assert!(table.contains("in 0.506 seconds"), "{table}");
}
