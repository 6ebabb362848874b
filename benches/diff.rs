//! Measures the time and memory for a comparison of two profiles of a million nodes:
//!
//!     cargo bench --bench diff
//!
//! The program reads two files that are made up and lists what changed, by function and by call
//! path.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use edbprof::format::prof::{PlainInputs, encode};
use edbprof::model::{
    Function, FunctionKind, Label, NO_PARENT, NodeRow, Nodes, Process, ThreadTree, Trees, rows_of,
};

const NODES: u32 = 1_000_000;
const FUNCTIONS: u32 = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let directory = tempfile::tempdir().expect("there is a temporary directory");
    let [before, after] = [0, 1].map(|side| {
        let path = directory.path().join(format!("{side}.prof"));
        let trees = made_up(side);
        let bytes = encode(&rows_of(&trees), &trees, &PlainInputs::default());
        std::fs::write(&path, bytes).expect("it can be written");
        path
    });
    for arguments in [&[][..], &["--tree"], &["--json"]] {
        let mut rounds: Vec<_> = (0..ROUNDS)
            .map(|_| measure(&before, &after, arguments))
            .collect();
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (seconds, kilobytes) = rounds[ROUNDS / 2];
        println!(
            "edbprof diff {:6}  {seconds:5.2} s  {:4} MB",
            arguments.join(" "),
            kilobytes / 1000
        );
    }
}

/// Returns the seconds that the program took, and the most memory that any child had, kB.
fn measure(before: &Path, after: &Path, arguments: &[&str]) -> (f64, i64) {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_edbprof"))
        .arg("diff")
        .args([before, after])
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success());
    let seconds = start.elapsed().as_secs_f64();
    // SAFETY: all zeros are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for writing.
    let error = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    assert_eq!(error, 0);
    (seconds, usage.ru_maxrss)
}

/// Returns a recording whose paths are mostly those of the other side's.
fn made_up(side: u32) -> Trees {
    let functions = (0..FUNCTIONS).map(|number| {
        let name = format!("function_{number}");
        Function {
            kind: FunctionKind::Python,
            flags: 0,
            label: Label {
                file: format!("/app/module_{}.py", number / 50)
                    .into_bytes()
                    .into(),
                line: i64::from(10 * number + side),
                name: name.clone().into_bytes().into(),
            },
            qualified_name: name.into_bytes().into(),
            module: format!("module_{}", number / 50).into_bytes().into(),
            generic: None,
        }
    });
    let mut nodes = Nodes::default();
    let mut state = 1_u64;
    let mut self_times = Vec::new();
    for node in 0..NODES {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let random = (state >> 33) as u32;
        nodes.push(NodeRow {
            parent: match node {
                0 => NO_PARENT,
                // Near the end, so that the tree gets deep.
                _ => node - 1 - random % node.min(300),
            },
            kind: (random ^ node) % FUNCTIONS,
            calls: u64::from(1 + random % 1000 + side * (random % 7)),
            resumes: 0,
            total: 0,
        });
        self_times.push(u64::from(random % 100_000 + side * 500));
    }
    nodes.set_self_times(self_times);
    Trees {
        recordings: vec![[side as u8 + 1; 16]],
        processes: vec![Process::default()],
        threads: vec![ThreadTree {
            nodes,
            ..ThreadTree::default()
        }],
        ..Trees::of_functions(functions.collect())
    }
}
