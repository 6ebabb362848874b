//! A directory of inputs, an empty one to work in, and runs of the program there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use edbprof::format::prof::{PlainInputs, ProfFile, encode, read};
use edbprof::model::{
    Calibration, Counts, Ending, Function, FunctionKind, Label, NO_PARENT, NodeKind, NodeRow,
    Nodes, OverflowCalls, Process, ProcessIdentity, Rows, ThreadTree, Trees, Waiting,
};

/// Lives as long as one test.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
}

/// Output and exit status of a run.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["in", "work"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        Sandbox { directory }
    }

    /// Path among the inputs.
    pub(crate) fn input(&self, name: &str) -> PathBuf {
        self.directory.path().join("in").join(name)
    }

    /// Path in the directory where the program is started.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.directory.path().join("work").join(name)
    }

    /// Makes an input of that name and content.
    pub(crate) fn with(self, name: &str, content: &[u8]) -> Self {
        std::fs::write(self.input(name), content).unwrap();
        self
    }

    /// The program, to be run on the inputs' directory by default.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edbprof"));
        command
            .current_dir(self.work(""))
            .env("TMPDIR", self.input(""));
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.command();
        command.envs([("COLUMNS", "100"), ("LINES", "60")]);
        Run::from(self.on_path(command.args(arguments)).output().unwrap())
    }

    /// Has `command` find edbprof on PATH, and no desktop.
    pub(crate) fn on_path<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let program = Path::new(env!("CARGO_BIN_EXE_edbprof")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", program.display()))
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
    }

    /// Runs the program on all `.prof` files among the inputs, with the results there.
    pub(crate) fn run_among_inputs(&self, more: &[&str]) -> Run {
        let directory = self.input("");
        let mut command = self.command();
        command.arg(&directory).arg("--out").arg(&directory);
        Run::from(command.arg("--prefix=").args(more).output().unwrap())
    }

    /// The names of all files in the working directory.
    pub(crate) fn written(&self) -> Vec<String> {
        names(&self.work(""))
    }

    /// Calls of all functions in a result, which has to lie in the working directory.
    pub(crate) fn calls(&self, name: &str) -> i128 {
        match read(&std::fs::read(self.work(name)).unwrap()).unwrap() {
            ProfFile::Plain(_) => panic!("no trees in {name}"),
            ProfFile::Exact(trees, plain) => {
                let threads = trees.threads.iter();
                let recorded: u64 = threads.flat_map(|thread| thread.nodes.calls()).sum();
                let counted: i128 = plain.rows.iter().map(|(_, row)| row.counts.nc).sum();
                i128::from(recorded) + counted
            }
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code().expect("ended by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// Fails with all that was said unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let Run {
            code: actual,
            stdout,
            stderr,
        } = &self;
        assert_eq!(*actual, code, "stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A recorder's file: `main` called once and `leaf` `calls` times below it.
pub(crate) fn recording(id: u8, calls: u64) -> Vec<u8> {
    calibrated(id, calls, None)
}

/// Like [`recording`], saved by this process, which may have recorded more since.
pub(crate) fn saved_by(id: u8, identity: ProcessIdentity) -> Vec<u8> {
    let mut trees = trees(id, 10);
    trees.processes[0].identity = identity;
    trees.processes[0].ending = Ending::Running;
    encoded(&trees)
}

/// Like [`recording`], of this process and parent, begun so many seconds later.
pub(crate) fn begun(id: u8, identity: ProcessIdentity, parent: u32, seconds: u64) -> Vec<u8> {
    let mut trees = trees(id, 10);
    let process = &mut trees.processes[0];
    process.identity = identity;
    process.parent_pid = parent;
    process.start_unix_ns += seconds * 1_000_000_000;
    encoded(&trees)
}

/// Like [`recording`], of a process that has measured the costs of recording.
pub(crate) fn calibrated(id: u8, calls: u64, calibration: Option<Calibration>) -> Vec<u8> {
    let mut trees = trees(id, calls);
    trees.processes[0].calibration = calibration;
    encoded(&trees)
}

/// The same, and 1,234 calls of `leaf` that found no room below `main`, where one call
/// was dropped besides.
pub(crate) fn overflow_recording(id: u8, calls: u64) -> Vec<u8> {
    let mut trees = trees(id, calls);
    trees.kinds.push(NodeKind::Overflow);
    trees.processes[0].dropped_calls = 1;
    let thread = &mut trees.threads[0];
    thread.nodes.update(0, |root| root.total += 500_000);
    thread.nodes.push(NodeRow {
        parent: 0,
        kind: 2,
        total: 500_000,
        ..NodeRow::default()
    });
    thread.overflow.push(OverflowCalls {
        kind: 1,
        calls: 1234,
        resumes: 0,
        self_time: 500_000,
    });
    encoded(&trees)
}

/// The same tree, of functions whose names are these.
pub(crate) fn recording_of(names: [&[u8]; 2]) -> Vec<u8> {
    let mut trees = trees(1, 5);
    for (function, name) in trees.functions.iter_mut().zip(names) {
        function.label.name = name.into();
        function.label.file = [b"/app/", name].concat().into();
        function.qualified_name = Box::default();
    }
    encoded(&trees)
}

/// Like [`recording`], in which `leaf` was blocked for so long, milliseconds.
pub(crate) fn waiting_recording(id: u8, blocked_ms: u64) -> Vec<u8> {
    let mut trees = trees(id, 5);
    let waiting = Waiting {
        blocked: blocked_ms * 1_000_000,
        ..Waiting::default()
    };
    trees.threads[0].waits.add(1, &waiting);
    trees.processes[0].has_waiting = true;
    encoded(&trees)
}

/// Recording of a run of pytest: `collect` of pytest called the test `TestIt.test_one` and
/// `other`.
pub(crate) fn pytest_recording() -> Vec<u8> {
    let mut trees = trees(1, 5);
    trees.processes[0].argv = ["python", "-m", "pytest"]
        .map(|word| word.as_bytes().into())
        .into();
    trees.functions.push(trees.functions[1].clone());
    for (function, (file, name)) in trees.functions.iter_mut().zip([
        ("/v/site-packages/_pytest/main.py", "collect"),
        ("/p/tests_x/test_a.py", "TestIt.test_one"),
        ("/p/src/app.py", "other"),
    ]) {
        let short = name.rsplit('.').next().unwrap_or_default();
        function.label.file = file.as_bytes().into();
        function.label.name = short.as_bytes().into();
        function.qualified_name = name.as_bytes().into();
    }
    trees.kinds.push(NodeKind::Function(2));
    let nodes = &mut trees.threads[0].nodes;
    nodes.push(NodeRow {
        parent: 1,
        kind: 2,
        calls: 1,
        resumes: 0,
        total: 10_000,
    });
    encoded(&trees)
}

fn trees(id: u8, calls: u64) -> Trees {
    let function = |name: &str| Function {
        kind: FunctionKind::Python,
        flags: 0,
        label: label(name),
        qualified_name: name.as_bytes().into(),
        module: Box::default(),
        generic: None,
    };
    Trees {
        recordings: vec![[id; 16]],
        processes: vec![process(id)],
        threads: vec![ThreadTree {
            process: 0,
            name: b"MainThread".as_slice().into(),
            nodes: Nodes::from_columns(
                [vec![NO_PARENT, 0], vec![0, 1]],
                [vec![1, calls], vec![0, 0], vec![3_000_000, 2_000_000]],
            )
            .unwrap(),
            ..ThreadTree::default()
        }],
        ..Trees::of_functions(vec![function("main"), function("leaf")])
    }
}

fn encoded(trees: &Trees) -> Vec<u8> {
    let rows = edbprof::model::rows_of(trees);
    encode(&rows, trees, &PlainInputs::default())
}

fn process(pid: u8) -> Process {
    Process {
        identity: ProcessIdentity {
            pid: u32::from(pid),
            ..ProcessIdentity::default()
        },
        parent_pid: 1,
        argv: [b"python".as_slice().into()].into(),
        host: b"CPython 3.11.7".as_slice().into(),
        hook: b"setprofile".as_slice().into(),
        chosen: Box::default(),
        clock: b"tsc".as_slice().into(),
        clock_resolution_ns: 1.0,
        start_unix_ns: 1_700_000_000_000_000_000,
        duration_ns: 5_000_000,
        processor_ns: 4_000_000,
        ending: Ending::Finished,
        dropped_calls: 0,
        unsaved_children: 0,
        unnoticed_entries: 0,
        lost_spans: 0,
        has_waiting: false,
        estimated_waits: 0,
        calibration: None,
        recording_ns: 0,
    }
}

/// File of cProfile with one function and `calls` calls.
pub(crate) fn plain(calls: i128) -> Vec<u8> {
    let mut rows = Rows::default();
    let id = rows.intern(&label("plain"));
    rows.row_mut(id).counts = Counts {
        cc: calls,
        nc: calls,
        tt: 0.5,
        ct: 0.5,
    };
    edbprof::format::pstats::encode(&rows)
}

/// File of cProfile: `main` called `leaf` and `other`, which called `leaf`; one second in all.
pub(crate) fn plain_calls() -> Vec<u8> {
    let mut rows = Rows::default();
    let [main, leaf, other] = ["main", "leaf", "other"].map(|name| rows.intern(&label(name)));
    let counts = |calls: i128, tt, ct| Counts {
        cc: calls,
        nc: calls,
        tt,
        ct,
    };
    rows.row_mut(main).counts = counts(1, 0.25, 1.0);
    rows.row_mut(leaf).counts = counts(6, 0.5, 0.5);
    rows.row_mut(other).counts = counts(2, 0.25, 0.5);
    rows.row_mut(leaf).callers = [
        (main, counts(4, 0.25, 0.25)),
        (other, counts(2, 0.25, 0.25)),
    ]
    .into_iter()
    .collect();
    rows.row_mut(other).callers = [(main, counts(2, 0.25, 0.5))].into_iter().collect();
    edbprof::format::pstats::encode(&rows)
}

fn label(name: &str) -> Label {
    Label {
        file: b"/app/main.py".as_slice().into(),
        line: 1,
        name: name.as_bytes().into(),
    }
}
